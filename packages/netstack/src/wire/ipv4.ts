// The IPv4 header (RFC 791, RFC 2474, RFC 6864) and its options.
import { checksum } from './checksum.js';

export const IPV4_HEADER = 20;
export const IPV4_MAX_HEADER = 60;
export const IPV4_MIN_MTU = 68;
/** Bits of the flags-and-offset word. */
export const IPV4_DF = 0x4000;
export const IPV4_MF = 0x2000;
export const IPV4_OFFSET_MASK = 0x1fff;

export interface Ipv4Header {
  readonly tos: number;
  readonly totalLength: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  /** Unsigned 32-bit. */
  readonly source: number;
  readonly destination: number;
  /** Padded to four bytes, at most 40. */
  readonly options: Uint8Array;
}

/**
 * Checks version, lengths and checksum of the header in [start, end). Returns the header's length, or 0 when the packet
 * must be dropped. The total length is between that and end - start.
 */
export function checkIpv4(view: DataView, start: number, end: number): number {
  const available = end - start;
  if (available < IPV4_HEADER) return 0;
  const first = view.getUint8(start);
  const length = (first & 15) * 4;
  if (first >>> 4 !== 4 || length < IPV4_HEADER || length > available) return 0;
  const total = view.getUint16(start + 2);
  if (total < length || total > available) return 0;
  return checksum(view, start, start + length) === 0 ? length : 0;
}

export const ipv4TotalLength = (view: DataView, at: number): number => view.getUint16(at + 2);
export const ipv4Fragment = (view: DataView, at: number): number => view.getUint16(at + 6);
export const ipv4Protocol = (view: DataView, at: number): number => view.getUint8(at + 9);

/** Writes a header without options in place, checksum included. */
export function writeIpv4(
  view: DataView,
  at: number,
  tos: number,
  totalLength: number,
  identification: number,
  fragment: number,
  ttl: number,
  protocol: number,
  source: number,
  destination: number,
): void {
  view.setUint16(at, 0x4500 | tos);
  view.setUint16(at + 2, totalLength);
  view.setUint16(at + 4, identification);
  view.setUint16(at + 6, fragment);
  view.setUint8(at + 8, ttl);
  view.setUint8(at + 9, protocol);
  view.setUint16(at + 10, 0);
  view.setInt32(at + 12, source);
  view.setInt32(at + 16, destination);
  view.setUint16(at + 10, checksum(view, at, at + IPV4_HEADER));
}

/** Writes the header's checksum anew. */
export function finishIpv4(view: DataView, at: number): void {
  view.setUint16(at + 10, 0);
  view.setUint16(at + 10, checksum(view, at, at + (view.getUint8(at) & 15) * 4));
}

export function parseIpv4Header(view: DataView, start: number, end: number): Ipv4Header | null {
  const length = checkIpv4(view, start, end);
  if (length === 0) return null;
  const fragment = ipv4Fragment(view, start);
  return {
    tos: view.getUint8(start + 1),
    totalLength: ipv4TotalLength(view, start),
    identification: view.getUint16(start + 4),
    dontFragment: (fragment & IPV4_DF) !== 0,
    moreFragments: (fragment & IPV4_MF) !== 0,
    fragmentOffset: (fragment & IPV4_OFFSET_MASK) * 8,
    ttl: view.getUint8(start + 8),
    protocol: ipv4Protocol(view, start),
    source: view.getUint32(start + 12),
    destination: view.getUint32(start + 16),
    options: new Uint8Array(view.buffer, view.byteOffset + start + IPV4_HEADER, length - IPV4_HEADER).slice(),
  };
}

/** Returns the header's length. */
export function emitIpv4Header(header: Ipv4Header, view: DataView, at: number): number {
  const flags = (header.dontFragment ? IPV4_DF : 0) | (header.moreFragments ? IPV4_MF : 0);
  writeIpv4(
    view,
    at,
    header.tos,
    header.totalLength,
    header.identification,
    flags | (header.fragmentOffset >>> 3),
    header.ttl,
    header.protocol,
    header.source,
    header.destination,
  );
  const length = IPV4_HEADER + header.options.length;
  new Uint8Array(view.buffer, view.byteOffset + at + IPV4_HEADER, header.options.length).set(header.options);
  view.setUint8(at, 0x40 | (length / 4));
  finishIpv4(view, at);
  return length;
}
