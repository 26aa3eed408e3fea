// IGMP versions 1 to 3 (RFC 1112, RFC 2236, RFC 3376).
import { checksum } from './checksum.js';

export const IGMP_QUERY = 0x11;
export const IGMP_V1_REPORT = 0x12;
export const IGMP_V2_REPORT = 0x16;
export const IGMP_LEAVE = 0x17;
export const IGMP_V3_REPORT = 0x22;

export interface IgmpMessage {
  readonly type: number;
  /** Max response code; tenths of a second when below 128. */
  readonly maxResponse: number;
  /** Unsigned 32-bit; 0 for a general query. */
  readonly group: number;
  /** Of a version 3 query. */
  readonly sources: readonly number[];
  /** True when a query is longer than eight bytes. */
  readonly version3: boolean;
}

/** A record of a version 3 report (also of MLDv2, where the numbers are the same). */
export const RECORD_IS_INCLUDE = 1;
export const RECORD_IS_EXCLUDE = 2;
export const RECORD_TO_INCLUDE = 3;
export const RECORD_TO_EXCLUDE = 4;
export const RECORD_ALLOW = 5;
export const RECORD_BLOCK = 6;

export function parseIgmp(view: DataView, start: number, end: number): IgmpMessage | null {
  const length = end - start;
  if (length < 8 || checksum(view, start, end) !== 0) return null;
  const version3 = view.getUint8(start) === IGMP_QUERY && length >= 12;
  const sources: number[] = [];
  if (version3) {
    const count = view.getUint16(start + 10);
    if (12 + count * 4 > length) return null;
    for (let i = 0; i < count; i++) sources.push(view.getUint32(start + 12 + i * 4));
  }
  return {
    type: view.getUint8(start),
    maxResponse: view.getUint8(start + 1),
    group: view.getUint32(start + 4),
    sources,
    version3,
  };
}

/** A query, version 1 or 2 report, or leave. */
export function emitIgmp(message: IgmpMessage, view: DataView, at: number): number {
  const length = message.version3 ? 12 + message.sources.length * 4 : 8;
  view.setUint8(at, message.type);
  view.setUint8(at + 1, message.maxResponse);
  view.setUint16(at + 2, 0);
  view.setUint32(at + 4, message.group);
  if (message.version3) {
    view.setUint16(at + 8, 0);
    view.setUint16(at + 10, message.sources.length);
    message.sources.forEach((source, i) => {
      view.setUint32(at + 12 + i * 4, source);
    });
  }
  view.setUint16(at + 2, checksum(view, at, at + length));
  return length;
}

/** Max Resp Code and QQIC in their floating form (RFC 3376 4.1.1), in tenths of a second. */
export function decodeTime8(code: number): number {
  return code < 128 ? code : ((code & 15) | 16) << (((code >>> 4) & 7) + 3);
}

/** The head of a version 3 report with one record of `count` sources; checksum is written by finishIgmp. */
export function writeIgmp3Report(
  view: DataView,
  at: number,
  record: number,
  group: number,
  count: number,
): number {
  view.setUint32(at, IGMP_V3_REPORT << 24);
  view.setUint32(at + 4, 1);
  view.setUint8(at + 8, record);
  view.setUint8(at + 9, 0);
  view.setUint16(at + 10, count);
  view.setUint32(at + 12, group >>> 0);
  return 16 + count * 4;
}

export function finishIgmp(view: DataView, start: number, end: number): void {
  view.setUint16(start + 2, 0);
  view.setUint16(start + 2, checksum(view, start, end));
}
