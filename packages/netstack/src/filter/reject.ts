// Refusing a packet aloud: an ICMP error, or a TCP reset made from nothing but the segment (RFC 9293 3.10.7.1).
import type { Address } from '../address.js';
import type { NetworkLayer } from '../network/network.js';
import { PACKET_DONT_FRAGMENT, type PacketBuffer } from '../storage/packet-buffer.js';
import { requestChecksum } from '../transport/checksum.js';
import { ICMP4_UNREACHABLE, ICMP6_UNREACHABLE } from '../wire/icmp.js';
import { PROTO_TCP } from '../wire/protocols.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';

const TCP_HEADER = 20;
const CHECKSUM_OFFSET = 16;

/** Destination unreachable with `code`, of the packet's family. Keeps the packet. */
export function rejectUnreachable(net: NetworkLayer, packet: PacketBuffer, code: number): void {
  if ((packet.destination as Address).isV4) net.icmp.sendError4(packet, ICMP4_UNREACHABLE, code, 0);
  else net.icmp.sendError6(packet, ICMP6_UNREACHABLE, code, 0);
}

/** A reset to the sender of a TCP segment; nothing for other packets and for resets. Keeps the packet. */
export function rejectReset(net: NetworkLayer, packet: PacketBuffer): void {
  const { view, transportOffset: at, end } = packet;
  if (packet.protocol !== PROTO_TCP || end - at < TCP_HEADER) return;
  const flags = view.getUint8(at + 13);
  if ((flags & TCP_RST) !== 0) return;
  const header = (view.getUint8(at + 12) >>> 4) * 4;
  const used = end - at - header + ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
  const answered = (flags & TCP_ACK) !== 0;
  const seq = answered ? view.getUint32(at + 8) : 0;
  const ack = answered ? 0 : (view.getUint32(at + 4) + used) >>> 0;
  const source = packet.destination as Address;
  const destination = packet.source as Address;
  const reset = net.pool.allocate(TCP_HEADER);
  const to = reset.append(TCP_HEADER);
  reset.view.setUint32(to, (view.getUint16(at + 2) << 16) | view.getUint16(at));
  reset.view.setUint32(to + 4, seq);
  reset.view.setUint32(to + 8, ack);
  reset.view.setUint32(to + 12, ((TCP_HEADER / 4) << 28) | ((TCP_RST | (answered ? 0 : TCP_ACK)) << 16));
  reset.view.setUint32(to + 16, 0);
  requestChecksum(reset, PROTO_TCP, source, destination, CHECKSUM_OFFSET);
  reset.flags = PACKET_DONT_FRAGMENT;
  // It belongs to the refused segment's flow, so translations are undone on its way.
  reset.conntrack = packet.conntrack;
  reset.conntrackDirection = 1 - packet.conntrackDirection;
  const route = net.borrowRoute(destination);
  route.source = source;
  route.anySource = true;
  route.boundInterface = destination.needsScope ? packet.interfaceIndex : 0;
  net.send(reset, route);
  net.returnRoute(route);
}
