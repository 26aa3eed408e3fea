// ICMP (RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 1812) and ICMPv6 (RFC 4443) messages: the common eight-byte head, and numbers.
// Both have type, code, checksum and a four-byte field whose meaning depends on the type; ICMPv6 sums a pseudo header too.
import type { Address } from '../address.js';
import { checksum, finish, fold, pseudoHeaderSum, sumBytes } from './checksum.js';
import { PROTO_ICMPV6 } from './protocols.js';

export const ICMP_HEADER = 8;

export const ICMP4_ECHO_REPLY = 0;
export const ICMP4_UNREACHABLE = 3;
export const ICMP4_REDIRECT = 5;
export const ICMP4_ECHO = 8;
export const ICMP4_TIME_EXCEEDED = 11;
export const ICMP4_PARAMETER_PROBLEM = 12;
export const ICMP4_TIMESTAMP = 13;
export const ICMP4_TIMESTAMP_REPLY = 14;

export const UNREACH4_NET = 0;
export const UNREACH4_HOST = 1;
export const UNREACH4_PROTOCOL = 2;
export const UNREACH4_PORT = 3;
export const UNREACH4_FRAGMENTATION = 4;
export const UNREACH4_ADMIN = 13;

export const ICMP6_UNREACHABLE = 1;
export const ICMP6_TOO_BIG = 2;
export const ICMP6_TIME_EXCEEDED = 3;
export const ICMP6_PARAMETER_PROBLEM = 4;
export const ICMP6_ECHO = 128;
export const ICMP6_ECHO_REPLY = 129;
export const ICMP6_MLD_QUERY = 130;
export const ICMP6_MLD_REPORT = 131;
export const ICMP6_MLD_DONE = 132;
export const ICMP6_ROUTER_SOLICIT = 133;
export const ICMP6_ROUTER_ADVERT = 134;
export const ICMP6_NEIGHBOUR_SOLICIT = 135;
export const ICMP6_NEIGHBOUR_ADVERT = 136;
export const ICMP6_REDIRECT = 137;
export const ICMP6_MLD2_REPORT = 143;

export const UNREACH6_NO_ROUTE = 0;
export const UNREACH6_ADMIN = 1;
export const UNREACH6_ADDRESS = 3;
export const UNREACH6_PORT = 4;

export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** Bytes 4–7: identifier and sequence, MTU, gateway, pointer. */
  readonly rest: number;
  /** What follows the eight bytes. */
  readonly body: Uint8Array;
}

/** True for the messages that must never be answered with an error (RFC 1122 3.2.2). */
export function isIcmp4Error(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** ICMPv6 error types are those below 128. */
export function isIcmp6Error(type: number): boolean {
  return type < 128;
}

/** Null when short or when the checksum is wrong. */
export function parseIcmp4(view: DataView, start: number, end: number): IcmpMessage | null {
  if (end - start < ICMP_HEADER || checksum(view, start, end) !== 0) return null;
  return message(view, start, end);
}

export function parseIcmp6(
  view: DataView,
  start: number,
  end: number,
  source: Address,
  destination: Address,
): IcmpMessage | null {
  if (end - start < ICMP_HEADER) return null;
  const pseudo = pseudoHeaderSum(source, destination, PROTO_ICMPV6, end - start);
  return fold(sumBytes(view, start, end) + pseudo) === 0xffff ? message(view, start, end) : null;
}

function message(view: DataView, start: number, end: number): IcmpMessage {
  return {
    type: view.getUint8(start),
    code: view.getUint8(start + 1),
    rest: view.getUint32(start + 4),
    body: new Uint8Array(
      view.buffer,
      view.byteOffset + start + ICMP_HEADER,
      end - start - ICMP_HEADER,
    ).slice(),
  };
}

/** Writes the head without checksum; finish with finishIcmp4 or finishIcmp6 when the body is there. */
export function writeIcmp(view: DataView, at: number, type: number, code: number, rest: number): void {
  view.setUint8(at, type);
  view.setUint8(at + 1, code);
  view.setUint16(at + 2, 0);
  view.setUint32(at + 4, rest >>> 0);
}

export function finishIcmp4(view: DataView, start: number, end: number): void {
  view.setUint16(start + 2, 0);
  view.setUint16(start + 2, checksum(view, start, end));
}

export function finishIcmp6(
  view: DataView,
  start: number,
  end: number,
  source: Address,
  destination: Address,
): void {
  view.setUint16(start + 2, 0);
  const pseudo = pseudoHeaderSum(source, destination, PROTO_ICMPV6, end - start);
  view.setUint16(start + 2, finish(sumBytes(view, start, end) + pseudo));
}

function emitBody(m: IcmpMessage, view: DataView, at: number): number {
  writeIcmp(view, at, m.type, m.code, m.rest);
  new Uint8Array(view.buffer, view.byteOffset + at + ICMP_HEADER, m.body.length).set(m.body);
  return ICMP_HEADER + m.body.length;
}

export function emitIcmp4(m: IcmpMessage, view: DataView, at: number): number {
  const length = emitBody(m, view, at);
  finishIcmp4(view, at, at + length);
  return length;
}

export function emitIcmp6(
  m: IcmpMessage,
  view: DataView,
  at: number,
  source: Address,
  destination: Address,
): number {
  const length = emitBody(m, view, at);
  finishIcmp6(view, at, at + length, source, destination);
  return length;
}
