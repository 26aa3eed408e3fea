// Limits on how many ICMP errors leave (RFC 1812 4.3.2.8, RFC 4443 2.4 f): one token bucket for the stack, and one for each of
// a fixed number of destination hashes, as icmp(7)'s icmp_ratelimit and icmp_msgs_per_sec.
import type { Address } from '../address.js';

export interface IcmpLimits {
  /** Errors a second over all destinations; default 1000. */
  readonly perSecond?: number;
  /** Burst over all; default 50. */
  readonly burst?: number;
  /** Errors a second to one destination; default 1. */
  readonly perDestination?: number;
  /** Burst to one destination; default 6, so that traceroute's probes are answered. */
  readonly destinationBurst?: number;
}

const SLOTS = 1024;

export class IcmpRateLimiter {
  private readonly perSecond: number;
  private readonly burst: number;
  private readonly perDestination: number;
  private readonly destinationBurst: number;
  private tokens: number;
  private filled: number;
  private readonly slotTokens: Float64Array;
  private readonly slotFilled: Float64Array;

  constructor(limits: IcmpLimits) {
    this.perSecond = limits.perSecond ?? 1000;
    this.burst = limits.burst ?? 50;
    this.perDestination = limits.perDestination ?? 1;
    this.destinationBurst = limits.destinationBurst ?? 6;
    this.tokens = this.burst;
    this.filled = 0;
    this.slotTokens = new Float64Array(SLOTS).fill(this.destinationBurst);
    this.slotFilled = new Float64Array(SLOTS);
  }

  /** Takes a token for an error to `destination`; false when there is none. */
  allow(destination: Address, now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.filled) * this.perSecond) / 1e6);
    this.filled = now;
    if (this.tokens < 1) return false;
    const slot = destination.hash & (SLOTS - 1);
    const since = now - (this.slotFilled[slot] as number);
    const have = (this.slotTokens[slot] as number) + (since * this.perDestination) / 1e6;
    const tokens = Math.min(this.destinationBurst, have);
    this.slotFilled[slot] = now;
    if (tokens < 1) {
      this.slotTokens[slot] = tokens;
      return false;
    }
    this.slotTokens[slot] = tokens - 1;
    this.tokens--;
    return true;
  }
}
