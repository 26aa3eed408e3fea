// The ptrace platform: guest threads run under PTRACE_SYSEMU, the sentry waits for them in waitpid. See native/engine.h for the
// processes behind it. One per thread of a process; all calls from the thread that opened it.
import {
  type HostEvents,
  type PlatformFeatures,
  WAIT_DEADLINE,
  WAIT_HOST_EVENT,
} from '@sandbox-kernel/contracts';
import { type StubEngine, StubPlatform, WAIT_BELL, WAIT_NOTHING } from '@sandbox-kernel/platform-stub';

/** Another answer of the native wait: it wants to be woken at the time in its results. */
const WAIT_TICK = -4;
/** The bell rings this much late, as a rule (ns): so much before a near deadline it rings, and the rest is waited for awake. */
const LATENESS = 60_000;
const NEAR = 5_000_000;

/** What the platform needs of the host: readiness events, and a bell at a given time. */
export interface PtraceHostEvents extends HostEvents {
  /** Rings once at `at` ns on CLOCK_MONOTONIC, without making events pending. */
  armDeadline(at: number): void;
}

export class PtracePlatform extends StubPlatform<PtraceHostEvents> {
  #armed: number;

  /** Pre: `engine` is open. */
  constructor(engine: StubEngine, features: PlatformFeatures, events: PtraceHostEvents) {
    super('ptrace', engine, features, events);
    this.#armed = 0;
  }

  protected override waitForGuest(deadline: number): number {
    for (;;) {
      const block = this.#prepare(deadline);
      this.engine.args[0] = block ? 1 : 0;
      const result = this.engine.native.wait();
      if (result === WAIT_TICK) {
        this.#ringAt(this.engine.results[0] ?? 0);
        continue;
      }
      if (result !== WAIT_BELL && result !== WAIT_NOTHING) return result;
      if (this.events.pending()) return WAIT_HOST_EVENT;
      if (deadline !== Infinity && this.#clock() >= deadline) return WAIT_DEADLINE;
    }
  }

  /** Sees to it that a blocking wait ends before the deadline. False: it is too near for that. An earlier bell than needed does no harm. */
  #prepare(deadline: number): boolean {
    if (deadline === Infinity) return true;
    const left = deadline - this.#clock();
    if (left <= LATENESS) return false;
    this.#ringAt(left < NEAR ? deadline - LATENESS : deadline);
    return true;
  }

  /** CLOCK_MONOTONIC in ns. */
  #clock(): number {
    this.engine.native.clock();
    return this.engine.results[0] ?? 0;
  }

  /** A bell at `at` or before. */
  #ringAt(at: number): void {
    if (this.#armed > this.#clock() && this.#armed <= at) return;
    this.#armed = at;
    this.events.armDeadline(Math.ceil(at));
  }
}
