// A socket's filter (socket(7), SO_ATTACH_FILTER) over TCP segments: offsets count from the TCP header, which it can't take away.
import type { PacketFilter } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../wire/protocols.js';
import type { TcpSegment } from '../../wire/tcp.js';

/** False: the segment is to be dropped. What the filter cuts off is taken from the payload. */
export function keepsSegment(filter: PacketFilter, s: TcpSegment, packet: PacketBuffer): boolean {
  const type = packet.destination?.isV4 === false ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
  const keep = filter.acceptPacket(packet, packet.start, packet.interfaceIndex, type, false);
  if (keep === 0) return false;
  const header = s.payloadOffset - packet.start;
  const length = Math.max(keep, header);
  if (length >= packet.length) return true;
  packet.trim(length);
  s.payloadLength = length - header;
  return true;
}
