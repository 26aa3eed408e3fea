// Building a datagram: header in place, payload copied once, a train if the socket asked for segmentation (UDP_SEGMENT).

import { EMSGSIZE } from '../../errno.js';
import type { Route } from '../../roles.js';
import {
  GSO_UDP,
  PACKET_DONT_FRAGMENT,
  PACKET_MULTICAST,
  type PacketBuffer,
} from '../../storage/packet-buffer.js';
import { emitUdp, UDP_HEADER_LENGTH } from '../../wire/udp.js';
import { copyBytes } from '../bytes.js';
import { requestChecksum } from '../checksum.js';
import type { UdpEndpoint } from './endpoint.js';
import { UDP_PROTOCOL } from './udp.js';

const CHECKSUM_OFFSET = 6;
/** UDP_MAX_SEGMENTS. */
const MAX_SEGMENTS = 64;

/** Sends `length` bytes by a resolved route; returns `length` or a negative errno. */
export function sendDatagram(
  endpoint: UdpEndpoint,
  route: Route,
  port: number,
  from: Uint8Array,
  offset: number,
  length: number,
): number {
  const size = endpoint.settings.segmentSize;
  if (size > 0 && length > size * MAX_SEGMENTS) return -EMSGSIZE;
  const host = endpoint.udp.host;
  const packet = host.pool.allocate(UDP_HEADER_LENGTH + length);
  const at = packet.append(UDP_HEADER_LENGTH + length);
  emitUdp(packet.bytes, at, endpoint.localPort, port, length);
  copyBytes(packet.bytes, at + UDP_HEADER_LENGTH, from, offset, length);
  fillMetadata(endpoint, packet, route);
  if (size > 0 && length > size) {
    packet.gsoSize = size;
    packet.gsoType = GSO_UDP;
  }
  const result = host.send(packet, route);
  const counters = endpoint.udp.countersFor(route.destination);
  counters.outDatagrams++;
  if (result < 0) counters.sendBufferErrors++;
  return result < 0 ? result : length;
}

function fillMetadata(endpoint: UdpEndpoint, packet: PacketBuffer, route: Route): void {
  const settings = endpoint.settings;
  const source = route.chosenSource!;
  if (settings.noChecksum && source.isV4) {
    packet.protocol = UDP_PROTOCOL;
    packet.source = source;
    packet.transportOffset = packet.start;
  } else requestChecksum(packet, UDP_PROTOCOL, source, route.destination, CHECKSUM_OFFSET);
  packet.ttl = route.isMulticast ? settings.multicastHopLimit : settings.hopLimit;
  packet.tos = settings.typeOfService;
  packet.mark = settings.mark;
  if (source.isV4) packet.options = settings.ipOptions;
  else packet.extensions = settings.extensions;
  if (settings.dontFragment) packet.flags |= PACKET_DONT_FRAGMENT;
  if (route.isMulticast) packet.flags |= PACKET_MULTICAST;
}
