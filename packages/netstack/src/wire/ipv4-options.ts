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
