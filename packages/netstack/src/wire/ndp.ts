// Neighbour discovery bodies (RFC 4861, RFC 4862, RFC 8106, RFC 4191): what follows the first eight bytes of the ICMPv6
// message, and the options. Parsing stops at a malformed option, for a zero length would loop for ever (RFC 4861, 6.1).
import type { Address } from '../address.js';
import { readMac, writeMac } from './ethernet.js';
import { readAddress6 } from './ipv6.js';

export const NDP_SOURCE_LINK = 1;
export const NDP_TARGET_LINK = 2;
export const NDP_PREFIX = 3;
export const NDP_REDIRECTED = 4;
export const NDP_MTU = 5;
export const NDP_RDNSS = 25;
export const NA_ROUTER = 0x80000000;
export const NA_SOLICITED = 0x40000000;
export const NA_OVERRIDE = 0x20000000;

export interface PrefixInformation {
  readonly prefixLength: number;
  readonly onLink: boolean;
  readonly autonomous: boolean;
  /** Seconds; 0xffffffff is for ever. */
  readonly validLifetime: number;
  readonly preferredLifetime: number;
  readonly prefix: Address;
}

export interface NdpOptions {
  /** -1 when absent. */
  readonly sourceLink: number;
  readonly targetLink: number;
  readonly mtu: number;
  readonly prefixes: readonly PrefixInformation[];
  readonly dnsServers: readonly Address[];
  /** Seconds, of the DNS servers. */
  readonly dnsLifetime: number;
}

export interface RouterAdvertisement {
  readonly hopLimit: number;
  readonly managed: boolean;
  readonly other: boolean;
  /** Seconds, 0: not a default router. */
  readonly lifetime: number;
  /** RFC 4191: -1 low, 0 medium, 1 high. */
  readonly preference: number;
  /** Milliseconds, 0: unspecified. */
  readonly reachableTime: number;
  readonly retransTimer: number;
}

/** Offset of the option of `type` in [start, end): -1 when absent, -2 when options are malformed. */
export function findNdpOption(view: DataView, start: number, end: number, type: number): number {
  let found = -1;
  for (let at = start; at < end; ) {
    if (end - at < 8) return -2;
    const length = view.getUint8(at + 1) * 8;
    if (length === 0 || length > end - at) return -2;
    if (found < 0 && view.getUint8(at) === type) found = at;
    at += length;
  }
  return found;
}

/** The link-layer address option of `type`: -1 when absent, -2 when options are malformed. */
export function findLinkAddress(view: DataView, start: number, end: number, type: number): number {
  const at = findNdpOption(view, start, end, type);
  return at < 0 ? at : readMac(view, at + 2);
}

export function emitLinkAddress(view: DataView, at: number, type: number, mac: number): number {
  view.setUint8(at, type);
  view.setUint8(at + 1, 1);
  writeMac(view, at + 2, mac);
  return 8;
}

/** Null when an option is malformed. */
export function parseNdpOptions(view: DataView, start: number, end: number): NdpOptions | null {
  const prefixes: PrefixInformation[] = [];
  const dnsServers: Address[] = [];
  const result = { sourceLink: -1, targetLink: -1, mtu: -1, prefixes, dnsServers, dnsLifetime: 0 };
  if (findNdpOption(view, start, end, -1) === -2) return null;
  for (let at = start; at < end; at += view.getUint8(at + 1) * 8) {
    const type = view.getUint8(at);
    const units = view.getUint8(at + 1);
    if (type === NDP_SOURCE_LINK && units === 1) result.sourceLink = readMac(view, at + 2);
    else if (type === NDP_TARGET_LINK && units === 1) result.targetLink = readMac(view, at + 2);
    else if (type === NDP_MTU && units === 1) result.mtu = view.getUint32(at + 4);
    else if (type === NDP_PREFIX && units === 4) prefixes.push(parsePrefix(view, at));
    else if (type === NDP_RDNSS && units >= 3) {
      result.dnsLifetime = view.getUint32(at + 4);
      for (let i = 8; i + 16 <= units * 8; i += 16) dnsServers.push(readAddress6(view, at + i));
    }
  }
  return result;
}

function parsePrefix(view: DataView, at: number): PrefixInformation {
  const flags = view.getUint8(at + 3);
  return {
    prefixLength: view.getUint8(at + 2),
    onLink: (flags & 0x80) !== 0,
    autonomous: (flags & 0x40) !== 0,
    validLifetime: view.getUint32(at + 4),
    preferredLifetime: view.getUint32(at + 8),
    prefix: readAddress6(view, at + 16),
  };
}

export function emitNdpOptions(options: NdpOptions, view: DataView, start: number): number {
  let at = start;
  if (options.sourceLink >= 0) at += emitLinkAddress(view, at, NDP_SOURCE_LINK, options.sourceLink);
  if (options.targetLink >= 0) at += emitLinkAddress(view, at, NDP_TARGET_LINK, options.targetLink);
  if (options.mtu >= 0) {
    view.setUint32(at, (NDP_MTU << 24) | (1 << 16));
    view.setUint32(at + 4, options.mtu);
    at += 8;
  }
  for (const prefix of options.prefixes) at += emitPrefix(prefix, view, at);
  if (options.dnsServers.length > 0) {
    view.setUint32(at, (NDP_RDNSS << 24) | ((1 + options.dnsServers.length * 2) << 16));
    view.setUint32(at + 4, options.dnsLifetime);
    at += 8;
    for (const server of options.dnsServers) {
      server.write16(view, at);
      at += 16;
    }
  }
  return at - start;
}

function emitPrefix(prefix: PrefixInformation, view: DataView, at: number): number {
  view.setUint8(at, NDP_PREFIX);
  view.setUint8(at + 1, 4);
  view.setUint8(at + 2, prefix.prefixLength);
  view.setUint8(at + 3, (prefix.onLink ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0));
  view.setUint32(at + 4, prefix.validLifetime);
  view.setUint32(at + 8, prefix.preferredLifetime);
  view.setUint32(at + 12, 0);
  prefix.prefix.write16(view, at + 16);
  return 32;
}

/** The fixed part of a router advertisement: bytes 4–15 of the message. `start` is at the ICMPv6 type. */
export function parseRouterAdvertisement(
  view: DataView,
  start: number,
  end: number,
): RouterAdvertisement | null {
  if (end - start < 16) return null;
  const flags = view.getUint8(start + 5);
  const preference = (flags >>> 3) & 3;
  return {
    hopLimit: view.getUint8(start + 4),
    managed: (flags & 0x80) !== 0,
    other: (flags & 0x40) !== 0,
    lifetime: view.getUint16(start + 6),
    preference: preference === 3 ? -1 : preference === 1 ? 1 : 0,
    reachableTime: view.getUint32(start + 8),
    retransTimer: view.getUint32(start + 12),
  };
}

/** Writes bytes 4–15; type, code and checksum are the caller's. Returns the offset behind, relative to `start`: 16. */
export function emitRouterAdvertisement(ra: RouterAdvertisement, view: DataView, start: number): number {
  const preference = ra.preference < 0 ? 3 : ra.preference;
  view.setUint8(start + 4, ra.hopLimit);
  view.setUint8(start + 5, (ra.managed ? 0x80 : 0) | (ra.other ? 0x40 : 0) | (preference << 3));
  view.setUint16(start + 6, ra.lifetime);
  view.setUint32(start + 8, ra.reachableTime);
  view.setUint32(start + 12, ra.retransTimer);
  return 16;
}
