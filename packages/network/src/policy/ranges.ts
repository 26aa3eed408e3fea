// Address ranges that are not the public internet: RFC 6890 with the registries it made, the metadata services of clouds, and
// IPv6 addresses that carry an IPv4 one (RFC 3056, 6052, 4380, 4291), which are judged by what they carry. A rule opens such a
// range only if it names it: a prefix inside of the range, never one around it.
import { Address } from '@sandbox-kernel/netstack';

export type RangeKind =
  | 'private'
  | 'loopback'
  | 'link-local'
  | 'metadata'
  | 'cgnat'
  | 'multicast'
  | 'reserved'
  | 'tunnel';

export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

/** A range, and what to call it in a reason. */
export interface SpecialRange extends Prefix {
  readonly kind: RangeKind;
}

type Row = readonly [string, RangeKind];

const V4_ROWS: readonly Row[] = [
  ['0.0.0.0/8', 'reserved'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'cgnat'],
  ['100.100.100.200/32', 'metadata'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16/32', 'metadata'],
  ['169.254.0.0/16', 'link-local'],
  ['169.254.169.254/32', 'metadata'],
  ['169.254.170.2/32', 'metadata'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.0.192/32', 'metadata'],
  ['192.0.2.0/24', 'reserved'],
  ['192.88.99.0/24', 'tunnel'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
];

const V6_ROWS: readonly Row[] = [
  ['::/128', 'reserved'],
  ['::1/128', 'loopback'],
  ['64:ff9b:1::/48', 'private'],
  ['100::/64', 'reserved'],
  ['2001::/32', 'tunnel'],
  ['2001:10::/28', 'reserved'],
  ['2001:20::/28', 'reserved'],
  ['2001:db8::/32', 'reserved'],
  ['3fff::/20', 'reserved'],
  ['5f00::/16', 'reserved'],
  ['fc00::/7', 'private'],
  ['fd00:ec2::254/128', 'metadata'],
  ['fd20:ce::254/128', 'metadata'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'multicast'],
];

/** IPv6 prefixes behind which an IPv4 address stands, at this bit. */
const CARRIERS: readonly (readonly [string, number])[] = [
  ['2002::/16', 16],
  ['64:ff9b::/96', 96],
  ['::/96', 96],
];

/** Reads `address/length`, or an address alone; null when it is neither. Bits behind the prefix are cleared. */
export function parsePrefix(text: string): Prefix | null {
  const slash = text.indexOf('/');
  const address = Address.parse(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  if (slash < 0) return { address, length: address.bits };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > address.bits) return null;
  return { address: address.prefix(Number(digits)), length: Number(digits) };
}

function rangesOf(rows: readonly Row[]): SpecialRange[] {
  const ranges = rows.map(([text, kind]) => ({ ...(parsePrefix(text) as Prefix), kind }));
  return ranges.sort((a, b) => b.length - a.length);
}

/** Longest prefix first: the first match is the narrowest. */
const V4: readonly SpecialRange[] = rangesOf(V4_ROWS);
const V6: readonly SpecialRange[] = rangesOf(V6_ROWS);

/** The narrowest special range that holds `address`; null for the public internet. */
export function specialRange(address: Address): SpecialRange | null {
  if (address.isV4) return narrowest(V4, address);
  return narrowest(V6, address) ?? carriedRange(address);
}

function narrowest(ranges: readonly SpecialRange[], address: Address): SpecialRange | null {
  for (const range of ranges) if (range.address.matches(address, range.length)) return range;
  return null;
}

/** The range of an IPv6 address that stands for an IPv4 one: what that one is, as a prefix of this family. */
function carriedRange(address: Address): SpecialRange | null {
  for (const [text, bit] of CARRIERS) {
    const carrier = parsePrefix(text) as Prefix;
    if (!carrier.address.matches(address, carrier.length)) continue;
    const inner = narrowest(V4, carriedAddress(address, bit));
    if (inner === null) return { ...carrier, kind: 'tunnel' };
    const length = bit + inner.length;
    return { address: address.prefix(length), length, kind: inner.kind };
  }
  return null;
}

function carriedAddress(address: Address, bit: number): Address {
  if (bit === 96) return Address.v4(address.w3);
  return Address.v4((address.w0 << 16) | (address.w1 >>> 16));
}

/** True when every address of `prefix` lies in `range`: it names the range, or a part of it. */
export function isInside(prefix: Prefix, range: Prefix): boolean {
  return prefix.length >= range.length && range.address.matches(prefix.address, range.length);
}

export function formatPrefix(prefix: Prefix): string {
  const text = prefix.address.toString();
  return prefix.length === prefix.address.bits ? text : `${text}/${prefix.length}`;
}

/** What the words of a rule stand for. */
export const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
  loopback: ['127.0.0.0/8', '::1/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  cgnat: ['100.64.0.0/10'],
  metadata: [...V4_ROWS, ...V6_ROWS].filter(([, kind]) => kind === 'metadata').map(([text]) => text),
};
