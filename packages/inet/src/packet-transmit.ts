// What packet sockets send (packet(7)): frames of a call or of a ring (PACKET_TX_RING, packet_mmap.rst), with or without a virtio-net header
// (PACKET_VNET_HDR) that tells which offloads they want.
import {
  EINVAL,
  EMSGSIZE,
  ENETDOWN,
  ENXIO,
  SOCKADDR_LL_SIZE,
  TP_STATUS_AVAILABLE,
  TP_STATUS_SEND_REQUEST,
  TP_STATUS_WRONG_FORMAT,
  TPACKET_ALIGNMENT,
  TPACKET_HDR_TP_LEN,
  TPACKET_HDR_TP_MAC,
  TPACKET_HDR_TP_NET,
  TPACKET_V1,
  TPACKET_V3,
  TPACKET2_HDR_TP_LEN,
  TPACKET2_HDR_TP_MAC,
  TPACKET2_HDR_TP_NET,
  TPACKET3_HDR_TP_LEN,
  TPACKET3_HDR_TP_MAC,
  TPACKET3_HDR_TP_NET,
} from '@sandbox-kernel/abi';
import { type NetInterface, type PacketBuffer, readOffload, type Stack } from '@sandbox-kernel/netstack';
import { viewOf } from './option-bytes.js';
import { align, headerSize, type RingRequest } from './packet-ring.js';
import type { RingPart } from './ring-part.js';

export const LINK_HEADER = 14;
const VLAN_TAG = 4;
const NEEDS_CHECKSUM = 1;

/** Where frames of one call go. */
export interface Departure {
  readonly iface: NetInterface;
  readonly etherType: number;
  readonly mac: number;
  /** The program makes the link header. */
  readonly raw: boolean;
  /** Bytes of the virtio-net header before each frame; 0: none. */
  readonly vnetHeader: number;
  readonly endpoint: object | null;
}

/** Copies bytes of one frame to `at` of `into`, from `offset` on. */
export interface FrameSource {
  copy(offset: number, into: Uint8Array, at: number, length: number): void;
}

/** The interface by which frames leave, or -ENXIO, -ENETDOWN. */
export function departureInterface(stack: Stack, index: number): NetInterface | number {
  const iface = stack.network.interfaceByIndex(index);
  if (iface === null) return -ENXIO;
  return iface.isUp ? iface : -ENETDOWN;
}

function linkHeaderOf(to: Departure): number {
  return to.raw && (to.iface.isEthernet || to.iface.isLoopback) ? LINK_HEADER : 0;
}

/** 0 or -EINVAL: offsets that lie outside of the frame. */
function checkOffload(header: DataView, size: number): number {
  const linear = header.getUint16(2, true);
  const sum = header.getUint16(6, true) + header.getUint16(8, true) + 2;
  const needs = (header.getUint8(0) & NEEDS_CHECKSUM) !== 0 && sum > linear ? sum : linear;
  return needs > size ? -EINVAL : 0;
}

/** Sends `total` bytes, its virtio-net header included. 0 or -errno. */
export function sendFrame(stack: Stack, to: Departure, source: FrameSource, total: number): number {
  const { vnetHeader, iface } = to;
  const header = linkHeaderOf(to);
  const size = total - vnetHeader;
  if (size < 0) return -EINVAL;
  const offload = viewOf(new Uint8Array(Math.max(vnetHeader, 10)));
  if (vnetHeader > 0) source.copy(0, new Uint8Array(offload.buffer), 0, vnetHeader);
  const bad = checkOffload(offload, size);
  if (bad !== 0) return bad;
  const train = offload.getUint8(1) !== 0;
  if (!train && size > iface.mtu + header) return -EMSGSIZE;
  if (size < header) return -EINVAL;
  const packet = stack.pool.allocate(size);
  const at = packet.append(size);
  source.copy(vnetHeader, packet.bytes, at, size);
  packet.endpoint = to.endpoint;
  if (vnetHeader > 0) readOffload(packet, offload, 0, at + header);
  return emit(packet, at, header, to);
}

function emit(packet: PacketBuffer, at: number, header: number, to: Departure): number {
  const { iface } = to;
  let { etherType } = to;
  if (iface.isLoopback) {
    // lo keeps nothing of the link header but the type.
    if (header > 0) etherType = packet.view.getUint16(at + 12);
    packet.pull(header);
    packet.etherType = etherType;
  }
  return !to.raw && iface.isEthernet ? iface.frame(packet, to.mac, etherType) : iface.transmit(packet);
}

/** Slots that the program fills and the socket empties, of all three versions. */
export class TransmitRing implements FrameSource {
  readonly request: RingRequest;
  private readonly part: RingPart;
  private readonly perBlock: number;
  private readonly head: Uint8Array;
  private next: number;
  /** Where the frame in hand begins. */
  private data: number;

  constructor(part: RingPart, request: RingRequest) {
    this.part = part;
    this.request = request;
    this.perBlock = Math.floor(request.blockSize / request.frameSize);
    this.head = new Uint8Array(48);
    this.next = 0;
    this.data = 0;
  }

  private get slot(): number {
    const { blockSize, frameSize } = this.request;
    return Math.floor(this.next / this.perBlock) * blockSize + (this.next % this.perBlock) * frameSize;
  }

  private get statusOffset(): number {
    return this.slot + (this.request.version === TPACKET_V3 ? 20 : 0);
  }

  copy(offset: number, into: Uint8Array, at: number, length: number): void {
    this.part.readAt(this.data + offset, into, at, length);
  }

  /** Sends what the program has filled in, in order: bytes, or -errno of the frame at which it stops. */
  send(stack: Stack, to: Departure, lossy: boolean, offsets: boolean): number {
    let sum = 0;
    for (let i = 0; i < this.request.frames; i++) {
      if (this.part.word(this.statusOffset) !== TP_STATUS_SEND_REQUEST) break;
      const size = this.parse(to, offsets);
      const result = size < 0 ? size : sendFrame(stack, to, this, size);
      if (result < 0 && !lossy) {
        this.part.setWord(this.statusOffset, TP_STATUS_WRONG_FORMAT);
        return result;
      }
      this.part.setWord(this.statusOffset, TP_STATUS_AVAILABLE);
      this.next = (this.next + 1) % this.request.frames;
      if (result >= 0) sum += size - to.vnetHeader;
    }
    return sum;
  }

  /** The frame's size; `data` is where it begins. -EMSGSIZE, -EINVAL. */
  private parse(to: Departure, offsets: boolean): number {
    const { version, frameSize } = this.request;
    this.part.readAt(this.slot, this.head, 0, this.head.length);
    const view = viewOf(this.head);
    if (version === TPACKET_V3 && view.getUint32(0, true) !== 0) return -EINVAL;
    const lengths = [TPACKET_HDR_TP_LEN, TPACKET2_HDR_TP_LEN, TPACKET3_HDR_TP_LEN];
    const size = view.getUint32(lengths[version] as number, true);
    const least = align(headerSize(version), TPACKET_ALIGNMENT);
    const room = frameSize - least;
    const wire = to.iface.mtu + (to.raw ? LINK_HEADER : 0) + VLAN_TAG;
    if (size > (to.vnetHeader > 0 ? room : Math.min(room, wire))) return -EMSGSIZE;
    this.data = this.slot + least;
    if (!offsets) return size;
    const fields = to.raw
      ? [TPACKET_HDR_TP_MAC, TPACKET2_HDR_TP_MAC, TPACKET3_HDR_TP_MAC]
      : [TPACKET_HDR_TP_NET, TPACKET2_HDR_TP_NET, TPACKET3_HDR_TP_NET];
    const at = view.getUint16(fields[version] as number, true);
    if (at < least || at > frameSize - size) return -EINVAL;
    this.data = this.slot + at;
    return size;
  }
}

/** -EINVAL: what a ring for sending can't have. The rest is checked as for receiving. */
export function checkTransmitRequest(request: RingRequest): number {
  const { version, retireAfter, privateSize, features } = request;
  if (version < TPACKET_V1) return -EINVAL;
  return version === TPACKET_V3 && (retireAfter !== 0 || privateSize !== 0 || features !== 0) ? -EINVAL : 0;
}

/** sockaddr_ll of a send: whether enough of it is there. */
export function longEnough(address: Uint8Array): boolean {
  return address.length >= SOCKADDR_LL_SIZE && address.length >= 12 + (address[11] as number);
}
