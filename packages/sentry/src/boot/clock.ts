// The sandbox's clock: the host's CLOCK_MONOTONIC, and wall time as an offset to it. System calls read the same line as the vDSO does in
// programs, so that readings of both kinds never go backwards against each other.
import type { Clock } from '@sandbox-kernel/contracts';
import type { TimeKeeper } from '@sandbox-kernel/host';

export class HostClock implements Clock {
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
}
