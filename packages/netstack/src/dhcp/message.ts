// DHCP messages: RFC 2131 section 2 and the options of RFC 2132, 3396 (long options) and 3442 (classless routes).
// Parse and emit are a pair; arbitrary bytes never throw.

import { Address, ANY_V4 } from '../address.js';

export const DHCP_DISCOVER = 1;
export const DHCP_OFFER = 2;
export const DHCP_REQUEST = 3;
export const DHCP_DECLINE = 4;
export const DHCP_ACK = 5;
export const DHCP_NAK = 6;
export const DHCP_RELEASE = 7;
export const DHCP_INFORM = 8;

export const OPTION_MASK = 1;
export const OPTION_ROUTER = 3;
export const OPTION_DNS = 6;
export const OPTION_HOST_NAME = 12;
export const OPTION_DOMAIN = 15;
export const OPTION_MTU = 26;
export const OPTION_REQUESTED = 50;
export const OPTION_LEASE = 51;
export const OPTION_OVERLOAD = 52;
export const OPTION_TYPE = 53;
export const OPTION_SERVER = 54;
export const OPTION_PARAMETERS = 55;
export const OPTION_RENEWAL = 58;
export const OPTION_REBINDING = 59;
export const OPTION_CLIENT = 61;
export const OPTION_CLASSLESS = 121;

const FIXED = 236;
const COOKIE = 0x63825363;
const MIN_LENGTH = 300;
const FILE_AT = 108;
const NAME_AT = 44;

export interface DhcpMessage {
  readonly reply: boolean;
  readonly transaction: number;
  readonly seconds: number;
  readonly broadcast: boolean;
  /** ciaddr, yiaddr, siaddr, giaddr. */
  readonly clientAddress: Address;
  readonly yourAddress: Address;
  readonly serverAddress: Address;
  readonly relayAddress: Address;
  /** Up to 16 bytes. */
  readonly hardware: Uint8Array;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

export function parseDhcp(bytes: Uint8Array): DhcpMessage | null {
  if (bytes.length < FIXED + 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getInt32(FIXED) !== (COOKIE | 0) || bytes[0] === 0 || bytes[0]! > 2 || bytes[2]! > 16) return null;
  const options = new Map<number, Uint8Array>();
  if (!readOptions(bytes, FIXED + 4, bytes.length, options)) return null;
  const overload = options.get(OPTION_OVERLOAD)?.[0] ?? 0;
  if ((overload & 1) !== 0 && !readOptions(bytes, FILE_AT, FILE_AT + 128, options)) return null;
  if ((overload & 2) !== 0 && !readOptions(bytes, NAME_AT, NAME_AT + 64, options)) return null;
  return {
    reply: bytes[0] === 2,
    transaction: view.getInt32(4),
    seconds: view.getUint16(8),
    broadcast: (view.getUint16(10) & 0x8000) !== 0,
    clientAddress: Address.v4(view.getInt32(12)),
    yourAddress: Address.v4(view.getInt32(16)),
    serverAddress: Address.v4(view.getInt32(20)),
    relayAddress: Address.v4(view.getInt32(24)),
    hardware: bytes.slice(28, 28 + bytes[2]!),
    options,
  };
}

function readOptions(bytes: Uint8Array, start: number, end: number, into: Map<number, Uint8Array>): boolean {
  let at = start;
  while (at < end) {
    const code = bytes[at]!;
    if (code === 255) return true;
    if (code === 0) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1]! : 256;
    if (at + 2 + length > end) return false;
    const value = bytes.slice(at + 2, at + 2 + length);
    const before = into.get(code);
    into.set(code, before === undefined ? value : joined(before, value));
    at += 2 + length;
  }
  return true;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

export function emitDhcp(message: DhcpMessage): Uint8Array {
  let length = FIXED + 5;
  for (const value of message.options.values())
    length += value.length + 2 * Math.max(1, Math.ceil(value.length / 255));
  const bytes = new Uint8Array(Math.max(MIN_LENGTH, length));
  const view = new DataView(bytes.buffer);
  bytes[0] = message.reply ? 2 : 1;
  bytes[1] = 1;
  bytes[2] = message.hardware.length;
  view.setInt32(4, message.transaction);
  view.setUint16(8, message.seconds);
  view.setUint16(10, message.broadcast ? 0x8000 : 0);
  view.setInt32(12, message.clientAddress.w3);
  view.setInt32(16, message.yourAddress.w3);
  view.setInt32(20, message.serverAddress.w3);
  view.setInt32(24, message.relayAddress.w3);
  bytes.set(message.hardware.subarray(0, 16), 28);
  view.setInt32(FIXED, COOKIE | 0);
  writeOptions(bytes, FIXED + 4, message.options);
  return bytes;
}

function writeOptions(bytes: Uint8Array, start: number, options: ReadonlyMap<number, Uint8Array>): void {
  let at = start;
  for (const [code, value] of options) {
    for (let from = 0; from === 0 || from < value.length; from += 255) {
      const piece = value.subarray(from, from + 255);
      bytes[at++] = code;
      bytes[at++] = piece.length;
      bytes.set(piece, at);
      at += piece.length;
    }
  }
  bytes[at] = 255;
}

export function optionAddress(message: DhcpMessage, code: number): Address | null {
  const value = message.options.get(code);
  return value === undefined || value.length < 4 ? null : Address.fromBytes(value.subarray(0, 4));
}

export function optionAddresses(message: DhcpMessage, code: number): Address[] {
  const value = message.options.get(code);
  const list: Address[] = [];
  for (let at = 0; value !== undefined && at + 4 <= value.length; at += 4) {
    list.push(Address.fromBytes(value.subarray(at, at + 4)) ?? ANY_V4);
  }
  return list;
}

/** A number of 1, 2 or 4 bytes; -1 if absent. */
export function optionNumber(message: DhcpMessage, code: number): number {
  const value = message.options.get(code);
  if (value === undefined || value.length === 0 || value.length > 4) return -1;
  let number = 0;
  for (const byte of value) number = number * 256 + byte;
  return number;
}

export interface ClasslessRoute {
  readonly destination: Address;
  readonly prefixLength: number;
  readonly gateway: Address;
}

/** RFC 3442; null if the option is absent or malformed. */
export function classlessRoutes(message: DhcpMessage): ClasslessRoute[] | null {
  const value = message.options.get(OPTION_CLASSLESS);
  if (value === undefined) return null;
  const routes: ClasslessRoute[] = [];
  let at = 0;
  while (at < value.length) {
    const prefixLength = value[at++]!;
    const size = Math.ceil(prefixLength / 8);
    if (prefixLength > 32 || at + size + 4 > value.length) return null;
    const prefix = new Uint8Array(4);
    prefix.set(value.subarray(at, at + size));
    const gateway = Address.fromBytes(value.subarray(at + size, at + size + 4))!;
    routes.push({ destination: Address.fromBytes(prefix)!, prefixLength, gateway });
    at += size + 4;
  }
  return routes;
}
