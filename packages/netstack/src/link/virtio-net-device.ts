// A device that speaks frames with a virtio-net header, as a TAP descriptor opened with IFF_VNET_HDR and TUN_F_CSUM |
// TUN_F_TSO4 | TUN_F_TSO6 (tuntap, virtio 1.2 section 5.1.6): partial checksums and trains of segments cross the border whole.
import { ENETDOWN } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { ETHERNET_HEADER } from '../wire/ethernet.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/protocols.js';
import { VIRTIO_NET_HEADER } from '../wire/virtio-net.js';
import { VLAN_TAG } from '../wire/vlan.js';
import { FEATURE_CHECKSUM, FEATURE_TSO, type LinkDevice, type LinkSink, MEDIUM_ETHERNET } from './device.js';
import type { FrameOutput } from './external-device.js';
import { readOffload, writeOffload } from './virtio-offload.js';

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
    writeOffload(packet, packet.view, at, frame);
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
    readOffload(packet, packet.view, at, this.networkStart(packet));
    this.sink.linkInput(packet, this);
  }

  private networkStart(packet: PacketBuffer): number {
    if (this.medium !== MEDIUM_ETHERNET || packet.length < ETHERNET_HEADER) return packet.start;
    const type = packet.view.getUint16(packet.start + 12);
    const plain = type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6;
    return packet.start + ETHERNET_HEADER + (plain ? 0 : VLAN_TAG);
  }
}
