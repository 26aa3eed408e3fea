// SVCB and HTTPS records (RFC 9460) as raw data: address hints are answers by another way, so they are judged like answers; `ech` would
// hide the server name that the policy looks at, so it is taken out.
import { Address } from '@sandbox-kernel/netstack';

export const DNS_SVCB = 64;
export const DNS_HTTPS = 65;

const KEY_MANDATORY = 0;
const KEY_IPV4_HINT = 4;
const KEY_ECH = 5;
const KEY_IPV6_HINT = 6;

export interface ServiceBinding {
  /** Lower case; the empty string: the record's own name. */
  readonly target: string;
  readonly bytes: Uint8Array;
}

/** The record's data with only the hints for which `keep` holds; null when it is malformed or can't do without what was taken. */
export function filterBinding(data: Uint8Array, keep: (address: Address) => boolean): ServiceBinding | null {
  if (data.length < 3) return null;
  const name = readTarget(data, 2);
  if (name === null) return null;
  const out: number[] = [...data.subarray(0, name.end)];
  for (let at = name.end; at < data.length; ) {
    if (at + 4 > data.length) return null;
    const key = u16(data, at);
    const end = at + 4 + u16(data, at + 2);
    if (end > data.length) return null;
    const value = filterValue(key, data.subarray(at + 4, end), keep);
    if (value === null) return null;
    if (value.length > 0 || key !== KEY_ECH) append(out, key, value);
    at = end;
  }
  return { target: name.text, bytes: Uint8Array.from(out) };
}

function append(out: number[], key: number, value: Uint8Array): void {
  const isEmptyHint = (key === KEY_IPV4_HINT || key === KEY_IPV6_HINT) && value.length === 0;
  if (!isEmptyHint) out.push(key >>> 8, key & 255, value.length >>> 8, value.length & 255, ...value);
}

function filterValue(key: number, value: Uint8Array, keep: (address: Address) => boolean): Uint8Array | null {
  if (key === KEY_ECH) return new Uint8Array(0);
  if (key === KEY_MANDATORY) return isServable(value) ? value : null;
  if (key === KEY_IPV4_HINT) return filterHints(value, 4, keep);
  return key === KEY_IPV6_HINT ? filterHints(value, 16, keep) : value;
}

/** What a client must understand may not be among what is taken out. */
function isServable(keys: Uint8Array): boolean {
  for (let at = 0; at + 1 < keys.length; at += 2) {
    const key = u16(keys, at);
    if (key === KEY_ECH || key === KEY_IPV4_HINT || key === KEY_IPV6_HINT) return false;
  }
  return keys.length % 2 === 0;
}

function filterHints(
  value: Uint8Array,
  size: number,
  keep: (address: Address) => boolean,
): Uint8Array | null {
  if (value.length % size !== 0) return null;
  const out: number[] = [];
  for (let at = 0; at < value.length; at += size) {
    const hint = value.subarray(at, at + size);
    const address = Address.fromBytes(hint);
    if (address !== null && keep(address)) out.push(...hint);
  }
  return Uint8Array.from(out);
}

/** An uncompressed name. */
function readTarget(data: Uint8Array, start: number): { text: string; end: number } | null {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const size = data[at];
    if (size === undefined || size > 63 || at + 1 + size > data.length || at - start > 255) return null;
    if (size === 0) return { text: labels.join('.'), end: at + 1 };
    labels.push(String.fromCharCode(...data.subarray(at + 1, at + 1 + size)).toLowerCase());
    at += size + 1;
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
