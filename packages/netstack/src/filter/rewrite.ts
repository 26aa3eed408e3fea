// Changing an address or port in place and mending the checksums by the difference (RFC 1624), for NAT.
import type { Address } from '../address.js';
import { CHECKSUM_PARTIAL, type PacketBuffer } from '../storage/packet-buffer.js';
import { addressSum, fold, update16, update32 } from '../wire/checksum.js';
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';

/** Offset of the checksum in a transport header; -1 where we know none. */
export function checksumField(protocol: number): number {
  if (protocol === PROTO_TCP) return 16;
  if (protocol === PROTO_UDP) return 6;
  return protocol === PROTO_ICMPV6 || protocol === PROTO_ICMP ? 2 : -1;
}

/**
 * Writes a new source (or destination) address and port; a port of -1 is left alone. Precondition: the packet is writable, its
 * transport header is whole.
 */
export function rewriteEnd(packet: PacketBuffer, isSource: boolean, address: Address, port: number): void {
  const old = (isSource ? packet.source : packet.destination) as Address;
  if (!old.equals(address)) {
    writeAddress(packet, isSource, old, address);
    adjustForAddress(packet, old, address);
    if (isSource) packet.source = address;
    else packet.destination = address;
  }
  if (port >= 0) writePort(packet, isSource, port);
}

function writeAddress(packet: PacketBuffer, isSource: boolean, old: Address, address: Address): void {
  const { view, networkOffset } = packet;
  if (!address.isV4) {
    address.write16(view, networkOffset + (isSource ? 8 : 24));
    return;
  }
  view.setInt32(networkOffset + (isSource ? 12 : 16), address.w3);
  const sum = view.getUint16(networkOffset + 10);
  view.setUint16(networkOffset + 10, update32(sum, old.w3, address.w3));
}

function adjustForAddress(packet: PacketBuffer, old: Address, address: Address): void {
  const field = checksumField(packet.protocol);
  // ICMP for IPv4 sums no pseudo header.
  if (field < 0 || packet.protocol === PROTO_ICMP) return;
  const at = packet.transportOffset + field;
  if (at + 2 > packet.end) return;
  const held = packet.view.getUint16(at);
  if (packet.checksum === CHECKSUM_PARTIAL) {
    const change = addressSum(address) + (~fold(addressSum(old)) & 0xffff);
    packet.view.setUint16(at, fold(held + change));
    return;
  }
  if (packet.protocol === PROTO_UDP && held === 0) return;
  const mended = update16(held, fold(addressSum(old)), fold(addressSum(address)));
  packet.view.setUint16(at, mended === 0 && packet.protocol === PROTO_UDP ? 0xffff : mended);
}

/** For ICMP echo the "port" is the identifier. */
function writePort(packet: PacketBuffer, isSource: boolean, port: number): void {
  const { view, protocol } = packet;
  const icmp = protocol === PROTO_ICMP || protocol === PROTO_ICMPV6;
  const at = packet.transportOffset + (icmp ? 4 : isSource ? 0 : 2);
  const before = view.getUint16(at);
  if (before === port) return;
  view.setUint16(at, port);
  if (packet.checksum === CHECKSUM_PARTIAL) return;
  const field = packet.transportOffset + checksumField(protocol);
  const held = view.getUint16(field);
  if (protocol === PROTO_UDP && held === 0) return;
  const mended = update16(held, before, port);
  view.setUint16(field, mended === 0 && protocol === PROTO_UDP ? 0xffff : mended);
}
