// MLD versions 1 and 2 (RFC 2710, RFC 3810): ICMPv6 messages 130, 131, 132 and 143. `start` is at the ICMPv6 type.
import type { Address } from '../address.js';
import { readAddress6 } from './ipv6.js';

export interface MldQuery {
  /** Milliseconds. */
  readonly maxResponse: number;
  readonly group: Address;
  readonly sources: readonly Address[];
  readonly version2: boolean;
}

export function parseMldQuery(view: DataView, start: number, end: number): MldQuery | null {
  const length = end - start;
  if (length < 24) return null;
  const version2 = length >= 28;
  const sources: Address[] = [];
  if (version2) {
    const count = view.getUint16(start + 26);
    if (28 + count * 16 > length) return null;
    for (let i = 0; i < count; i++) sources.push(readAddress6(view, start + 28 + i * 16));
  }
  const code = view.getUint16(start + 4);
  return {
    maxResponse: version2 ? decodeTime16(code) : code,
    group: readAddress6(view, start + 8),
    sources,
    version2,
  };
}

/** Writes bytes 4 onwards of a query (maxResponse must be below 32768); returns the message length. */
export function emitMldQuery(query: MldQuery, view: DataView, start: number): number {
  view.setUint16(start + 4, query.maxResponse);
  view.setUint16(start + 6, 0);
  query.group.write16(view, start + 8);
  if (!query.version2) return 24;
  view.setUint16(start + 24, 0);
  view.setUint16(start + 26, query.sources.length);
  query.sources.forEach((source, i) => {
    source.write16(view, start + 28 + i * 16);
  });
  return 28 + query.sources.length * 16;
}

/** Maximum Response Code in its floating form (RFC 3810 5.1.3). */
export function decodeTime16(code: number): number {
  return code < 0x8000 ? code : ((code & 0xfff) | 0x1000) << (((code >>> 12) & 7) + 3);
}

/** Bytes 4 onwards of a version 2 report with one record; returns the message length. Sources are the caller's to write. */
export function writeMld2Report(
  view: DataView,
  start: number,
  record: number,
  group: Address,
  count: number,
): number {
  view.setUint32(start + 4, 1);
  view.setUint8(start + 8, record);
  view.setUint8(start + 9, 0);
  view.setUint16(start + 10, count);
  group.write16(view, start + 12);
  return 28 + count * 16;
}
