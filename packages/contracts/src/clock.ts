// Time as an argument. Monotonic nanoseconds are exact in a number for 104 days of sandbox life.

export interface Clock {
  /** CLOCK_MONOTONIC in the sandbox, ns. */
  monotonic(): number;
  /** Wall time: monotonic() + this many seconds and nanoseconds. */
  readonly realtimeSeconds: number;
  readonly realtimeNanos: number;
  /**
   * Of a clock that stands still while nobody looks: a program is about to read it. Where it is there, no clock of a program may tell
   * anything but such steps, those of processor time included.
   */
  step?(): void;
}

export interface RandomSource {
  /** Fills with unpredictable bytes (or seeded ones, where the sandbox has a seed). */
  fill(into: Uint8Array, at: number, length: number): void;
}
