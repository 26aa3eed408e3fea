// What one sandbox may use of the host's network: connections, bytes, and bytes a second. Times are microseconds.
import { TokenBucket } from '../policy/token-bucket.js';

export interface NetworkLimits {
  /** TCP connections at once. Default 16,384. */
  readonly connections?: number;
  /** New flows a second. Default: none. */
  readonly connectionRate?: number;
  /** UDP flows and echo identifiers at once. Default 4,096. */
  readonly datagramFlows?: number;
  /** Bytes a second, both directions together. Default: none. */
  readonly byteRate?: number;
  /** Bytes in all, both directions together; when they are spent every flow ends. Default: none. */
  readonly bytes?: number;
}

const UNLIMITED = Number.POSITIVE_INFINITY;
const MAX_CONNECTIONS = 16_384;
const MAX_DATAGRAM_FLOWS = 4096;
/** A bucket this small still lets one full segment through. */
const LEAST_BURST = 65_536;

export class Meter {
  readonly maxConnections: number;
  readonly maxDatagramFlows: number;
  readonly #cap: number;
  readonly #bytes: TokenBucket | null;
  readonly #flows: TokenBucket | null;
  /** Bytes so far. */
  total = 0;

  constructor(limits: NetworkLimits, now: number) {
    this.maxConnections = limits.connections ?? MAX_CONNECTIONS;
    this.maxDatagramFlows = limits.datagramFlows ?? MAX_DATAGRAM_FLOWS;
    this.#cap = limits.bytes ?? UNLIMITED;
    const { byteRate, connectionRate } = limits;
    this.#bytes =
      byteRate === undefined ? null : new TokenBucket(byteRate, Math.max(byteRate / 10, LEAST_BURST), now);
    this.#flows =
      connectionRate === undefined ? null : new TokenBucket(connectionRate, Math.max(connectionRate, 1), now);
  }

  /** Bytes that may be moved now; 0: wait until `readyAt`. */
  allowance(now: number): number {
    const rest = this.#cap - this.total;
    return this.#bytes === null ? rest : Math.max(0, Math.min(rest, this.#bytes.available(now)));
  }

  readyAt(now: number): number {
    return this.#bytes === null ? now : Math.max(now + 1000, this.#bytes.readyAt(LEAST_BURST / 4, now));
  }

  moved(count: number, now: number): void {
    this.total += count;
    this.#bytes?.take(count, now);
  }

  get spent(): boolean {
    return this.total >= this.#cap;
  }

  /** Takes a new flow's token; false when there are too many of them a second. */
  mayOpen(now: number): boolean {
    if (this.#flows === null) return true;
    if (this.#flows.available(now) < 1) return false;
    this.#flows.take(1, now);
    return true;
  }
}
