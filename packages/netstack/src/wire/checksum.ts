// The Internet checksum (RFC 1071, RFC 1624). Sums are taken over little-endian 16-bit halves, because that is how the
// machines this runs on read fastest; one's complement addition does not mind, so only the folded result is swapped.
// A "sum" is an unfinished number below 2^32 in network order that can be added to others.
import type { Address } from '../address.js';

/**
 * The folded 16-bit one's complement sum (not inverted) of bytes [start, end), in network order. An odd last byte is
 * padded with zero, so only the last piece of several may be odd. Precondition: end - start <= 128 KiB.
 */
export function sumBytes(view: DataView, start: number, end: number): number {
  let even = 0;
  let odd = 0;
  let at = start;
  // 64 KiB add up to less than 2^31 in each accumulator, so that both stay small integers.
  for (const stop = end - 31; at < stop; at += 32) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    even += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    odd += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
    const e = view.getInt32(at + 16, true);
    const f = view.getInt32(at + 20, true);
    const g = view.getInt32(at + 24, true);
    const h = view.getInt32(at + 28, true);
    even += (e & 0xffff) + (f & 0xffff) + (g & 0xffff) + (h & 0xffff);
    odd += (e >>> 16) + (f >>> 16) + (g >>> 16) + (h >>> 16);
  }
  for (const stop = end - 1; at < stop; at += 2) even += view.getUint16(at, true);
  if (at < end) even += view.getUint8(at);
  return swap16(fold(even + odd));
}

/** Adds the carries back in: a sum below 2^48 to 16 bits. */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 65536);
  return folded;
}

export function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

/** The checksum field's value for a sum. */
export function finish(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** Checksum of a range, ready to be stored. */
export function checksum(view: DataView, start: number, end: number): number {
  return finish(sumBytes(view, start, end));
}

/** Sum of an address's wire words. */
export function addressSum(a: Address): number {
  const low = (a.w3 >>> 16) + (a.w3 & 0xffff);
  if (a.isV4) return low;
  const high = (a.w0 >>> 16) + (a.w0 & 0xffff) + (a.w1 >>> 16) + (a.w1 & 0xffff);
  return high + low + (a.w2 >>> 16) + (a.w2 & 0xffff);
}

/** Sum of the IPv4 or IPv6 pseudo header (RFC 9293 3.1, RFC 8200 8.1). */
export function pseudoHeaderSum(
  source: Address,
  destination: Address,
  protocol: number,
  length: number,
): number {
  return addressSum(source) + addressSum(destination) + protocol + (length & 0xffff) + (length >>> 16);
}

/** Whether a transport segment's checksum holds. */
export function verifyTransport(
  view: DataView,
  start: number,
  end: number,
  source: Address,
  destination: Address,
  protocol: number,
): boolean {
  const sum = sumBytes(view, start, end) + pseudoHeaderSum(source, destination, protocol, end - start);
  return fold(sum) === 0xffff;
}

/** The checksum after one 16-bit word under it changed (RFC 1624, equation 3). */
export function update16(checksumValue: number, before: number, after: number): number {
  return ~fold((~checksumValue & 0xffff) + (~before & 0xffff) + after) & 0xffff;
}

/** The same for a 32-bit word. */
export function update32(checksumValue: number, before: number, after: number): number {
  const high = update16(checksumValue, before >>> 16, after >>> 16);
  return update16(high, before & 0xffff, after & 0xffff);
}
