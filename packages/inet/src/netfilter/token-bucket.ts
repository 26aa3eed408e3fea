// A rate: tokens that fill up with time (iptables' limit, nft's limit).

export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filled: number;

  /** `perSecond` may be Infinity: no limit. */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filled = -1;
  }

  /** Takes `count` tokens if there are as many. `now`: µs. */
  take(count: number, now: number): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true;
    if (this.#filled >= 0) {
      const gained = ((now - this.#filled) * this.#perSecond) / 1e6;
      this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    }
    this.#filled = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
