// Answers kept for as long as their TTL allows, the lack of one as RFC 2308 says; bounded, the oldest goes first.

import type { DnsRecord } from './message.js';

const SECOND = 1_000_000;
/** RFC 8767's cap, and the longest that a negative answer is believed. */
const MAX_TTL = 86400;
const MAX_NEGATIVE_TTL = 900;

export interface CachedAnswer {
  readonly code: number;
  readonly records: readonly DnsRecord[];
  readonly expires: number;
}

export class DnsCache {
  private readonly entries: Map<string, CachedAnswer>;
  private readonly limit: number;

  constructor(limit = 4096) {
    this.entries = new Map();
    this.limit = limit;
  }

  get(name: string, type: number, now: number): CachedAnswer | null {
    const key = `${type} ${name}`;
    const found = this.entries.get(key);
    if (found === undefined) return null;
    if (found.expires > now) return found;
    this.entries.delete(key);
    return null;
  }

  /** `negativeTtl` in seconds is used if there are no records. */
  put(
    name: string,
    type: number,
    code: number,
    records: readonly DnsRecord[],
    negativeTtl: number,
    now: number,
  ): void {
    let ttl = records.length === 0 ? Math.min(negativeTtl, MAX_NEGATIVE_TTL) : MAX_TTL;
    for (const record of records) ttl = Math.min(ttl, record.ttl);
    if (ttl <= 0) return;
    const key = `${type} ${name}`;
    this.entries.delete(key);
    if (this.entries.size >= this.limit) {
      const oldest = this.entries.keys().next();
      if (oldest.done !== true) this.entries.delete(oldest.value);
    }
    this.entries.set(key, { code, records, expires: now + ttl * SECOND });
  }

  clear(): void {
    this.entries.clear();
  }

  get size(): number {
    return this.entries.size;
  }
}
