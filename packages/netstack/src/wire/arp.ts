// ARP for IPv4 over Ethernet (RFC 826, RFC 5227).
import { readMac, writeMac } from './ethernet.js';
import { ETHERTYPE_IPV4 } from './protocols.js';

export const ARP_LENGTH = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: number;
  /** Unsigned 32-bit. */
  readonly senderIp: number;
  readonly targetMac: number;
  readonly targetIp: number;
}

/** True when the bytes hold an ARP packet for IPv4 over Ethernet; then the accessors below may be used. */
export function checkArp(view: DataView, start: number, end: number): boolean {
  if (end - start < ARP_LENGTH) return false;
  return (
    view.getUint16(start) === 1 &&
    view.getUint16(start + 2) === ETHERTYPE_IPV4 &&
    view.getUint8(start + 4) === 6 &&
    view.getUint8(start + 5) === 4
  );
}

export function parseArp(view: DataView, start: number, end: number): ArpPacket | null {
  if (!checkArp(view, start, end)) return null;
  return {
    operation: view.getUint16(start + 6),
    senderMac: readMac(view, start + 8),
    senderIp: view.getUint32(start + 14),
    targetMac: readMac(view, start + 18),
    targetIp: view.getUint32(start + 24),
  };
}

export function emitArp(packet: ArpPacket, view: DataView, at: number): number {
  view.setUint16(at, 1);
  view.setUint16(at + 2, ETHERTYPE_IPV4);
  view.setUint8(at + 4, 6);
  view.setUint8(at + 5, 4);
  view.setUint16(at + 6, packet.operation);
  writeMac(view, at + 8, packet.senderMac);
  view.setUint32(at + 14, packet.senderIp);
  writeMac(view, at + 18, packet.targetMac);
  view.setUint32(at + 24, packet.targetIp);
  return ARP_LENGTH;
}
