// A token bucket: at most `rate` units a second in the long run, `burst` at once. Times are microseconds.

const SECOND = 1_000_000;

export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #level: number;
  #at: number;

  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#level = burst;
    this.#at = now;
  }

  /** How many units may be taken now. */
  available(now: number): number {
    if (now > this.#at) {
      this.#level = Math.min(this.#burst, this.#level + ((now - this.#at) * this.#rate) / SECOND);
      this.#at = now;
    }
    return Math.floor(this.#level);
  }

  /** Takes units; may go below zero by what the caller could not know before. */
  take(count: number, now: number): void {
    this.available(now);
    this.#level -= count;
  }

  /** When `count` units (at most a burst) will be there. */
  readyAt(count: number, now: number): number {
    const missing = Math.min(count, this.#burst) - this.available(now);
    return missing <= 0 ? now : now + Math.ceil((missing * SECOND) / this.#rate);
  }
}
