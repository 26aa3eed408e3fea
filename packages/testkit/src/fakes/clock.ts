// Time that moves only when a test says so.
import type { Clock } from '@sandbox-kernel/contracts';

export class FakeClock implements Clock {
  realtimeSeconds: number;
  realtimeNanos: number;
  #now: number;

  constructor(now = 0, realtimeSeconds = 1_700_000_000) {
    this.realtimeSeconds = realtimeSeconds;
    this.realtimeNanos = 0;
    this.#now = now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Moves forward by `nanos`, which may not be negative. */
  advance(nanos: number): void {
    if (!(nanos >= 0)) throw new RangeError(`time can't go back by ${-nanos} ns`);
    this.#now += nanos;
  }
}
