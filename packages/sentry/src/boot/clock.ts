// The sandbox's clock. Real time is the host's CLOCK_MONOTONIC with wall time as an offset to it; system calls read the same line as the
// vDSO does in programs, so that readings of both kinds never go backwards against each other. Virtual time starts where its owner
// says and either runs at a speed of its own, or takes steps: docs/time.md.
import type { Clock } from '@sandbox-kernel/contracts';
import type { TimeKeeper } from '@sandbox-kernel/host';
import type { TimeSpec } from '../control/messages.js';

const NANOS = 1_000_000_000;
/** What the monotonic clock of virtual time starts at: programs take 0 for "never". */
const VIRTUAL_BASE = NANOS;
/** A reading of the stepped clock takes this long. */
const STEP = 1000;
/** How much longer than that a timer of the stepped clock waits for a program that computes: a busy host must not show. */
const PATIENCE = 1_000_000_000;

/** What the sentry's loop asks beside the role. */
export interface SandboxClock extends Clock {
  /** `deadline`, which no program has set (the network has), as far as it counts now. */
  unasked(deadline: number): number;
  /** Until when the platform may sleep (ns on the host's CLOCK_MONOTONIC) if the next timer is due at `deadline`. */
  sleepUntil(deadline: number): number;
  /** The platform has returned from a sleep for `deadline`. */
  slept(deadline: number): void;
}

export function createClock(keeper: TimeKeeper, spec: TimeSpec | null): SandboxClock {
  if (spec === null) return new HostClock(keeper);
  // Wall time is the monotonic clock plus this.
  const seconds = spec.seconds - VIRTUAL_BASE / NANOS;
  const started = keeper.virtualize(spec.scale, seconds, spec.nanos, VIRTUAL_BASE);
  return spec.scale === 0
    ? new StepClock(keeper, seconds, spec.nanos, started)
    : new ScaledClock(keeper, spec.scale, started);
}

export class HostClock implements SandboxClock {
  readonly #keeper: TimeKeeper;

  constructor(keeper: TimeKeeper) {
    this.#keeper = keeper;
  }

  monotonic(): number {
    return this.#keeper.monotonic();
  }

  get realtimeSeconds(): number {
    return this.#keeper.realtimeSeconds;
  }

  get realtimeNanos(): number {
    return this.#keeper.realtimeNanos;
  }

  unasked(deadline: number): number {
    return deadline;
  }

  sleepUntil(deadline: number): number {
    return deadline;
  }

  slept(_deadline: number): void {}
}

/** Runs from a fixed start at a multiple of the host's speed. */
export class ScaledClock extends HostClock {
  readonly #scale: number;
  readonly #started: number;

  constructor(keeper: TimeKeeper, scale: number, started: number) {
    super(keeper);
    this.#scale = scale;
    this.#started = started;
  }

  override sleepUntil(deadline: number): number {
    if (deadline === 0 || deadline === Number.POSITIVE_INFINITY) return deadline;
    return Math.max(this.#started + Math.ceil((deadline - VIRTUAL_BASE) / this.#scale), 1);
  }
}

/**
 * Moves on when a program reads it, and to the next timer when no program can run: waiting takes no time, and what programs are
 * told depends on nothing but what they do. While one computes, timers come when that has taken longer than they were set for:
 * a program that waits for a signal in a loop would wait for ever.
 */
export class StepClock implements SandboxClock {
  readonly realtimeSeconds: number;
  readonly realtimeNanos: number;
  readonly #keeper: TimeKeeper;
  #now: number;
  /** Host time since when no timer has been due. */
  #quietSince: number;
  /** Whether any program runs at the moment: the kernel knows. */
  isBusy: () => boolean;

  constructor(keeper: TimeKeeper, seconds: number, nanos: number, started: number) {
    this.realtimeSeconds = seconds;
    this.realtimeNanos = nanos;
    this.#keeper = keeper;
    this.#now = VIRTUAL_BASE;
    this.#quietSince = started;
    this.isBusy = () => false;
  }

  monotonic(): number {
    return this.#now;
  }

  step(): void {
    this.#now += STEP;
  }

  /** What programs are told must not depend on how long they compute: the clock does not move for others meanwhile. */
  unasked(deadline: number): number {
    return this.isBusy() ? Number.POSITIVE_INFINITY : deadline;
  }

  sleepUntil(deadline: number): number {
    if (deadline === Number.POSITIVE_INFINITY) return deadline;
    if (deadline <= this.#now) return 0;
    if (this.isBusy()) return this.#due(deadline);
    this.#jump(deadline);
    return 0;
  }

  slept(deadline: number): void {
    if (deadline === Number.POSITIVE_INFINITY || deadline <= this.#now) return;
    if (this.#keeper.monotonic() >= this.#due(deadline)) this.#jump(deadline);
  }

  #due(deadline: number): number {
    return this.#quietSince + deadline - this.#now + PATIENCE;
  }

  #jump(deadline: number): void {
    this.#now = deadline;
    this.#quietSince = this.#keeper.monotonic();
  }
}
