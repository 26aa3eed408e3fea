// The IPv6 header (RFC 8200).
import { Address } from '../address.js';

export const IPV6_HEADER = 40;
export const IPV6_MIN_MTU = 1280;

export interface Ipv6Header {
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Address;
  readonly destination: Address;
}

/** True when version and payload length fit [start, end). Jumbograms (RFC 2675) are not known here. */
export function checkIpv6(view: DataView, start: number, end: number): boolean {
  if (end - start < IPV6_HEADER) return false;
  return view.getUint8(start) >>> 4 === 6 && view.getUint16(start + 4) <= end - start - IPV6_HEADER;
}

export function readAddress6(view: DataView, at: number): Address {
  return new Address(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
}

/** Writes a header in place. */
export function writeIpv6(
  view: DataView,
  at: number,
  trafficClass: number,
  flowLabel: number,
  payloadLength: number,
  nextHeader: number,
  hopLimit: number,
  source: Address,
  destination: Address,
): void {
  view.setUint32(at, (0x60000000 | (trafficClass << 20) | (flowLabel & 0xfffff)) >>> 0);
  view.setUint16(at + 4, payloadLength);
  view.setUint8(at + 6, nextHeader);
  view.setUint8(at + 7, hopLimit);
  source.write16(view, at + 8);
  destination.write16(view, at + 24);
}

export function parseIpv6(view: DataView, start: number, end: number): Ipv6Header | null {
  if (!checkIpv6(view, start, end)) return null;
  const first = view.getUint32(start);
  return {
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    payloadLength: view.getUint16(start + 4),
    nextHeader: view.getUint8(start + 6),
    hopLimit: view.getUint8(start + 7),
    source: readAddress6(view, start + 8),
    destination: readAddress6(view, start + 24),
  };
}

export function emitIpv6(h: Ipv6Header, view: DataView, at: number): number {
  writeIpv6(
    view,
    at,
    h.trafficClass,
    h.flowLabel,
    h.payloadLength,
    h.nextHeader,
    h.hopLimit,
    h.source,
    h.destination,
  );
  return IPV6_HEADER;
}
