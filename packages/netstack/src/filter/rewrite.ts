// Changing addresses, ports or any bytes in place and mending the checksums by the difference (RFC 1624), for NAT.
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

/**
 * Writes bytes [from, from + length) of `bytes` at `at` of the packet, which becomes its own; mends the checksum at `field` (absolute; -1:
 * none) and, with `pseudo`, the transport's, whose pseudo header they are part of. `at` lies an even way behind the header's beginning.
 */
export function rewriteBytes(
  packet: PacketBuffer,
  at: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  field: number,
  pseudo: boolean,
): void {
  packet.unshare();
  const transport = pseudo ? checksumField(packet.protocol) : -1;
  const inTransport = field >= packet.transportOffset;
  for (let i = 0; i < length; i += 2) {
    const before = wordAt(packet.bytes, at + i, length - i);
    const after = wordAt(bytes, from + i, length - i);
    for (let n = i; n < Math.min(i + 2, length); n++) packet.bytes[at + n] = bytes[from + n] as number;
    // A sum that the device completes counts nothing but the pseudo header yet.
    const open = inTransport && packet.checksum === CHECKSUM_PARTIAL;
    if (field >= 0 && field + 2 <= packet.end && !open) mend(packet, field, before, after, inTransport);
    if (transport >= 0) mendPseudo(packet, packet.transportOffset + transport, before, after);
  }
}

function wordAt(bytes: Uint8Array, at: number, left: number): number {
  return ((bytes[at] as number) << 8) | (left > 1 ? (bytes[at + 1] as number) : 0);
}

function mend(packet: PacketBuffer, field: number, before: number, after: number, transport: boolean): void {
  const held = packet.view.getUint16(field);
  const udp = transport && packet.protocol === PROTO_UDP;
  if (udp && held === 0) return;
  const mended = update16(held, before, after);
  packet.view.setUint16(field, udp && mended === 0 ? 0xffff : mended);
}

function mendPseudo(packet: PacketBuffer, field: number, before: number, after: number): void {
  if (packet.protocol === PROTO_ICMP || field + 2 > packet.end) return;
  if (packet.checksum !== CHECKSUM_PARTIAL) mend(packet, field, before, after, true);
  else packet.view.setUint16(field, fold(packet.view.getUint16(field) + after + (~before & 0xffff)));
}
