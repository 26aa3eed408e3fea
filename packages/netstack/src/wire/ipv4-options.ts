// IPv4 options (RFC 791 section 3.1, RFC 1122 3.2.1.8, RFC 7126): walking them without trusting their lengths.

export const IPOPT_END = 0;
export const IPOPT_NOP = 1;
export const IPOPT_RECORD_ROUTE = 7;
export const IPOPT_TIMESTAMP = 68;
export const IPOPT_LOOSE_SOURCE_ROUTE = 131;
export const IPOPT_STRICT_SOURCE_ROUTE = 137;
export const IPOPT_ROUTER_ALERT = 148;
/** The bit that says an option goes into every fragment. */
export const IPOPT_COPIED = 0x80;

export interface Ipv4Option {
  readonly type: number;
  /** Without type and length bytes. */
  readonly data: Uint8Array;
}

/**
 * Offset of the option after the one at `at`; -1 when malformed. `end` when there is none. A NOP is one byte long.
 */
export function nextOption(view: DataView, at: number, end: number): number {
  const type = view.getUint8(at);
  if (type === IPOPT_END) return end;
  if (type === IPOPT_NOP) return at + 1;
  if (at + 2 > end) return -1;
  const length = view.getUint8(at + 1);
  return length < 2 || at + length > end ? -1 : at + length;
}

/** Offset of the first option of `type` in [start, end): -1 when absent, -2 when the options are malformed. */
export function findOption(view: DataView, start: number, end: number, type: number): number {
  let at = start;
  let found = -1;
  while (at < end) {
    if (found < 0 && view.getUint8(at) === type) found = at;
    at = nextOption(view, at, end);
    if (at < 0) return -2;
  }
  return found;
}

export function parseIpv4Options(view: DataView, start: number, end: number): Ipv4Option[] | null {
  const options: Ipv4Option[] = [];
  let at = start;
  while (at < end) {
    const next = nextOption(view, at, end);
    if (next < 0) return null;
    const type = view.getUint8(at);
    if (type === IPOPT_END) break;
    const from = type === IPOPT_NOP ? next : at + 2;
    options.push({ type, data: new Uint8Array(view.buffer, view.byteOffset + from, next - from).slice() });
    at = next;
  }
  return options;
}

/** Emits options padded to four bytes; null when they are longer than the 40 bytes a header has for them. */
export function emitIpv4Options(options: readonly Ipv4Option[]): Uint8Array | null {
  const bytes: number[] = [];
  for (const option of options) {
    bytes.push(option.type);
    if (option.type === IPOPT_NOP || option.type === IPOPT_END) continue;
    bytes.push(option.data.length + 2, ...option.data);
  }
  while (bytes.length % 4 !== 0) bytes.push(IPOPT_END);
  return bytes.length > 40 ? null : Uint8Array.from(bytes);
}

const FLAG_TIME = 0;
const FLAG_TIME_AND_ADDRESS = 1;
const FLAG_PRESPECIFIED = 3;

/**
 * Enters an address, and a time in ms since midnight, into the record route and timestamp options of [start, end), as each host on the
 * way does (RFC 791 section 3.1). True when something was written. The options have been checked.
 */
export function stampOptions(
  view: DataView,
  start: number,
  end: number,
  address: number,
  time: number,
): boolean {
  let written = false;
  for (let at = start; at < end; ) {
    const next = nextOption(view, at, end);
    if (next < 0) return written;
    const type = view.getUint8(at);
    if (type === IPOPT_RECORD_ROUTE) written = stampRoute(view, at, next, address) || written;
    else if (type === IPOPT_TIMESTAMP) written = stampTime(view, at, next, address, time) || written;
    at = next;
  }
  return written;
}

function stampRoute(view: DataView, at: number, end: number, address: number): boolean {
  if (end - at < 3) return false;
  const pointer = view.getUint8(at + 2);
  if (pointer < 4 || at + pointer + 3 > end) return false;
  view.setInt32(at + pointer - 1, address);
  view.setUint8(at + 2, pointer + 4);
  return true;
}

function stampTime(view: DataView, at: number, end: number, address: number, time: number): boolean {
  if (end - at < 4) return false;
  const pointer = view.getUint8(at + 2);
  const flag = view.getUint8(at + 3) & 15;
  const size = flag === FLAG_TIME ? 4 : 8;
  if (pointer < 5 || at + pointer + size - 1 > end) return false;
  const place = at + pointer - 1;
  if (flag === FLAG_PRESPECIFIED && view.getInt32(place) !== address) return false;
  if (flag === FLAG_TIME_AND_ADDRESS) view.setInt32(place, address);
  view.setUint32(flag === FLAG_TIME ? place : place + 4, time);
  view.setUint8(at + 2, pointer + size);
  return true;
}

/** What an answer carries (RFC 1122 3.2.1.8): record route and timestamps as they came, padded; null when there are none. */
export function echoOptions(view: DataView, start: number, end: number): Uint8Array | null {
  const kept: number[] = [];
  for (let at = start; at < end; ) {
    const next = nextOption(view, at, end);
    if (next < 0) break;
    const type = view.getUint8(at);
    if (type === IPOPT_RECORD_ROUTE || type === IPOPT_TIMESTAMP) {
      for (let i = at; i < next; i++) kept.push(view.getUint8(i));
    }
    at = next;
  }
  while (kept.length % 4 !== 0) kept.push(IPOPT_END);
  return kept.length === 0 ? null : Uint8Array.from(kept);
}
