// Segments that no connection sends: SYN-ACKs of requests, answers in TIME-WAIT, resets for what fits no flow.

import type { Address } from '../../address.js';
import type { Route } from '../../roles.js';
import { PACKET_DONT_FRAGMENT, type PacketBuffer } from '../../storage/packet-buffer.js';
import type { ExtensionHeaders } from '../../wire/ipv6-extension.js';
import {
  emitTcp,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  type TcpSegment,
  tcpHeaderLength,
} from '../../wire/tcp.js';
import { requestChecksum } from '../checksum.js';
import type { Tcp } from './tcp.js';

const TCP_PROTOCOL = 6;
const CHECKSUM_OFFSET = 16;

/** Sends the stack's output record from `local` by `route`, without payload. */
export function emitSegment(
  tcp: Tcp,
  s: TcpSegment,
  local: Address,
  route: Route,
  tos: number,
  extensions: ExtensionHeaders | null = null,
): number {
  const length = tcpHeaderLength(s);
  const packet = tcp.host.pool.allocate(length);
  const at = packet.append(length);
  emitTcp(s, packet.bytes, at);
  requestChecksum(packet, TCP_PROTOCOL, local, route.destination, CHECKSUM_OFFSET);
  packet.tos = tos & 0xfc;
  packet.mark = route.mark;
  if (!route.destination.isV4) packet.extensions = extensions;
  packet.flags = PACKET_DONT_FRAGMENT;
  tcp.counters.outSegments++;
  return tcp.host.send(packet, route);
}

/** Points the stack's scratch route back at the sender of `packet`. */
export function routeBack(tcp: Tcp, packet: PacketBuffer): Route {
  const route = tcp.scratchRoute;
  route.destination = packet.source!;
  route.source = packet.destination;
  route.boundInterface = packet.source!.needsScope ? packet.interfaceIndex : 0;
  route.mark = packet.mark;
  route.anySource = true;
  route.invalidate();
  return route;
}

/** Prepares an answer to the segment in hand: ports swapped, no options. */
export function beginReply(tcp: Tcp, seq: number, ack: number, flags: number): TcpSegment {
  const s = tcp.out;
  s.clearOptions();
  s.sourcePort = tcp.in.destinationPort;
  s.destinationPort = tcp.in.sourcePort;
  s.seq = seq;
  s.ack = ack;
  s.flags = flags;
  s.window = 0;
  s.urgent = 0;
  return s;
}

/** RFC 9293 section 3.10.7.1: the reset for a segment that belongs to no connection. Never answers a reset. */
export function resetStranger(tcp: Tcp, packet: PacketBuffer): void {
  const s = tcp.in;
  if ((s.flags & TCP_RST) !== 0 || packet.source === null || packet.destination === null) return;
  if ((s.flags & TCP_ACK) !== 0) beginReply(tcp, s.ack, 0, TCP_RST);
  else {
    const length =
      s.payloadLength + ((s.flags & TCP_SYN) !== 0 ? 1 : 0) + ((s.flags & TCP_FIN) !== 0 ? 1 : 0);
    beginReply(tcp, 0, (s.seq + length) | 0, TCP_RST | TCP_ACK);
  }
  tcp.counters.outResets++;
  emitSegment(tcp, tcp.out, packet.destination, routeBack(tcp, packet), 0);
}
