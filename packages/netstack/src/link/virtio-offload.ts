// What a virtio-net header says of a packet (virtio 1.2, 5.1.6), taken from and put on the packet: partial checksums and trains of segments.
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  GSO_TCP,
  GSO_UDP,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';
import {
  VIRTIO_F_DATA_VALID,
  VIRTIO_F_NEEDS_CSUM,
  VIRTIO_GSO_ECN,
  VIRTIO_GSO_NONE,
  VIRTIO_GSO_TCPV4,
  VIRTIO_GSO_TCPV6,
  VIRTIO_GSO_UDP_L4,
  writeVirtioNet,
} from '../wire/virtio-net.js';
import { gsoHeaderLength } from './offload.js';

/** Writes the header of a packet at `at`; `frame` is where the frame begins. `valid`: sound checksums are told too. */
export function writeOffload(
  packet: PacketBuffer,
  view: DataView,
  at: number,
  frame: number,
  valid = false,
): void {
  const partial = packet.checksum === CHECKSUM_PARTIAL;
  const start = partial ? packet.transportOffset - frame : 0;
  let gso = VIRTIO_GSO_NONE;
  let headers = 0;
  if (packet.gsoSize > 0) {
    const v6 = packet.view.getUint8(packet.networkOffset) >>> 4 === 6;
    gso = packet.gsoType === GSO_UDP ? VIRTIO_GSO_UDP_L4 : v6 ? VIRTIO_GSO_TCPV6 : VIRTIO_GSO_TCPV4;
    headers = packet.transportOffset - frame + gsoHeaderLength(packet);
  }
  const sound = valid && packet.checksum === CHECKSUM_VERIFIED ? VIRTIO_F_DATA_VALID : 0;
  const flags = partial ? VIRTIO_F_NEEDS_CSUM : sound;
  const field = partial ? packet.checksumOffset : 0;
  writeVirtioNet(view, at, flags, gso, headers, packet.gsoSize, start, field);
}

/** Believes the header at `at` of `view` as far as it fits the frame, whose network header is at `network`. */
export function readOffload(packet: PacketBuffer, view: DataView, at: number, network: number): void {
  const flags = view.getUint8(at);
  const gso = view.getUint8(at + 1) & ~VIRTIO_GSO_ECN;
  const start = packet.start + view.getUint16(at + 6, true);
  const field = view.getUint16(at + 8, true);
  if ((flags & VIRTIO_F_DATA_VALID) !== 0) packet.checksum = CHECKSUM_VERIFIED;
  if ((flags & VIRTIO_F_NEEDS_CSUM) === 0) return;
  const protocol = transportProtocolAt(packet, network);
  // Only what we ourselves would offload: TCP and UDP with the field where it belongs.
  if (start + field + 2 > packet.end || start <= network) return;
  if (!(protocol === PROTO_TCP && field === 16) && !(protocol === PROTO_UDP && field === 6)) return;
  packet.networkOffset = network;
  packet.transportOffset = start;
  packet.checksum = CHECKSUM_PARTIAL;
  packet.checksumOffset = field;
  if (gso !== VIRTIO_GSO_NONE) {
    packet.gsoSize = view.getUint16(at + 4, true);
    packet.gsoType = gso === VIRTIO_GSO_UDP_L4 ? GSO_UDP : GSO_TCP;
  }
}

function transportProtocolAt(packet: PacketBuffer, network: number): number {
  if (network + 20 > packet.end) return -1;
  const version = packet.view.getUint8(network) >>> 4;
  if (version === 4) return packet.view.getUint8(network + 9);
  // With extension headers the protocol is not at hand; such packets are checked in software.
  return version === 6 ? packet.view.getUint8(network + 6) : -1;
}
