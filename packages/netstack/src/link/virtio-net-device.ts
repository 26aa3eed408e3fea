// A device that speaks frames with a virtio-net header, as a TAP descriptor opened with IFF_VNET_HDR and TUN_F_CSUM |
// TUN_F_TSO4 | TUN_F_TSO6 (tuntap, virtio 1.2 section 5.1.6): partial checksums and trains of segments cross the border whole.
import { ENETDOWN } from '../errno.js';
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  GSO_TCP,
  GSO_UDP,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { ETHERNET_HEADER } from '../wire/ethernet.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';
import {
  VIRTIO_F_DATA_VALID,
  VIRTIO_F_NEEDS_CSUM,
  VIRTIO_GSO_ECN,
  VIRTIO_GSO_NONE,
  VIRTIO_GSO_TCPV4,
  VIRTIO_GSO_TCPV6,
  VIRTIO_GSO_UDP_L4,
  VIRTIO_NET_HEADER,
  writeVirtioNet,
} from '../wire/virtio-net.js';
import { VLAN_TAG } from '../wire/vlan.js';
import { FEATURE_CHECKSUM, FEATURE_TSO, type LinkDevice, type LinkSink, MEDIUM_ETHERNET } from './device.js';
import type { FrameOutput } from './external-device.js';
import { gsoHeaderLength } from './offload.js';

export interface VirtioNetOptions {
  readonly output: FrameOutput;
  readonly medium?: number;
  readonly address?: number;
  readonly mtu?: number;
  /** What the other end agreed to; default checksum and TSO. */
  readonly features?: number;
  /** 10 (default), or 12 with VIRTIO_NET_F_MRG_RXBUF / TUNSETVNETHDRSZ. */
  readonly headerSize?: number;
}

export class VirtioNetDevice implements LinkDevice {
  readonly medium: number;
  readonly address: number;
  readonly features: number;
  readonly mtu: number;
  carrier: boolean;
  private readonly output: FrameOutput;
  private readonly headerSize: number;
  private sink: LinkSink | null;

  constructor(options: VirtioNetOptions) {
    this.medium = options.medium ?? MEDIUM_ETHERNET;
    this.address = options.address ?? (this.medium === MEDIUM_ETHERNET ? 0x020000000001 : 0);
    this.features = options.features ?? FEATURE_CHECKSUM | FEATURE_TSO;
    this.mtu = options.mtu ?? 1500;
    this.carrier = true;
    this.output = options.output;
    this.headerSize = options.headerSize ?? VIRTIO_NET_HEADER;
    this.sink = null;
  }

  attach(sink: LinkSink | null): void {
    this.sink = sink;
  }

  transmit(packet: PacketBuffer, _now: number): number {
    if (!this.carrier) {
      packet.release();
      return -ENETDOWN;
    }
    packet.unshare();
    const frame = packet.start;
    const at = packet.prepend(this.headerSize);
    const shift = packet.start + this.headerSize - frame;
    this.writeHeader(packet, at, frame + shift);
    return this.output.frameOut(packet, this);
  }

  private writeHeader(packet: PacketBuffer, at: number, frame: number): void {
    const partial = packet.checksum === CHECKSUM_PARTIAL;
    const start = partial ? packet.transportOffset - frame : 0;
    let gso = VIRTIO_GSO_NONE;
    let headers = 0;
    if (packet.gsoSize > 0) {
      const v6 = packet.view.getUint8(packet.networkOffset) >>> 4 === 6;
      gso = packet.gsoType === GSO_UDP ? VIRTIO_GSO_UDP_L4 : v6 ? VIRTIO_GSO_TCPV6 : VIRTIO_GSO_TCPV4;
      headers = packet.transportOffset - frame + gsoHeaderLength(packet);
    }
    const flags = partial ? VIRTIO_F_NEEDS_CSUM : 0;
    writeVirtioNet(
      packet.view,
      at,
      flags,
      gso,
      headers,
      packet.gsoSize,
      start,
      partial ? packet.checksumOffset : 0,
    );
    if (this.headerSize > VIRTIO_NET_HEADER) packet.view.setUint16(at + VIRTIO_NET_HEADER, 1, true);
  }

  poll(_now: number): number {
    return Number.POSITIVE_INFINITY;
  }

  /** A frame has arrived, virtio header first. Takes ownership. Offsets that do not fit the frame are not believed. */
  receive(packet: PacketBuffer): void {
    if (this.sink === null || packet.length < this.headerSize) {
      packet.release();
      return;
    }
    const at = packet.start;
    packet.pull(this.headerSize);
    this.readHeader(packet, at);
    this.sink.linkInput(packet, this);
  }

  private readHeader(packet: PacketBuffer, at: number): void {
    const view = packet.view;
    const flags = view.getUint8(at);
    const gso = view.getUint8(at + 1) & ~VIRTIO_GSO_ECN;
    const start = packet.start + view.getUint16(at + 6, true);
    const field = view.getUint16(at + 8, true);
    if ((flags & VIRTIO_F_DATA_VALID) !== 0) packet.checksum = CHECKSUM_VERIFIED;
    if ((flags & VIRTIO_F_NEEDS_CSUM) === 0) return;
    const network = this.networkStart(packet);
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

  private networkStart(packet: PacketBuffer): number {
    if (this.medium !== MEDIUM_ETHERNET || packet.length < ETHERNET_HEADER) return packet.start;
    const type = packet.view.getUint16(packet.start + 12);
    const plain = type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6;
    return packet.start + ETHERNET_HEADER + (plain ? 0 : VLAN_TAG);
  }
}

function transportProtocolAt(packet: PacketBuffer, network: number): number {
  if (network + 20 > packet.end) return -1;
  const version = packet.view.getUint8(network) >>> 4;
  if (version === 4) return packet.view.getUint8(network + 9);
  // With extension headers the protocol is not at hand; such packets are checked in software.
  return version === 6 ? packet.view.getUint8(network + 6) : -1;
}
