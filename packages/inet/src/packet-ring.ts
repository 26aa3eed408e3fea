// Rings of received packets (packet(7), PACKET_RX_RING; Documentation/networking/packet_mmap.rst): what both kinds have in common, the
// request's checks, and the ring of frames of versions 1 and 2. A program gives a slot back by its status word, which is all that is
// read from the shared memory; everything else is kept here.
import {
  EBUSY,
  EINVAL,
  ENOMEM,
  SOCKADDR_LL_SIZE,
  TP_STATUS_KERNEL,
  TP_STATUS_LOSING,
  TP_STATUS_USER,
  TPACKET_ALIGNMENT,
  TPACKET_HDR_SIZE,
  TPACKET_HDR_TP_LEN,
  TPACKET_HDR_TP_MAC,
  TPACKET_HDR_TP_NET,
  TPACKET_HDR_TP_SEC,
  TPACKET_HDR_TP_SNAPLEN,
  TPACKET_HDR_TP_USEC,
  TPACKET_REQ_SIZE,
  TPACKET_REQ_TP_BLOCK_NR,
  TPACKET_REQ_TP_BLOCK_SIZE,
  TPACKET_REQ_TP_FRAME_NR,
  TPACKET_REQ_TP_FRAME_SIZE,
  TPACKET_REQ3_SIZE,
  TPACKET_REQ3_TP_FEATURE_REQ_WORD,
  TPACKET_REQ3_TP_RETIRE_BLK_TOV,
  TPACKET_REQ3_TP_SIZEOF_PRIV,
  TPACKET_V1,
  TPACKET_V3,
  TPACKET2_HDR_SIZE,
  TPACKET2_HDR_TP_LEN,
  TPACKET2_HDR_TP_MAC,
  TPACKET2_HDR_TP_NET,
  TPACKET2_HDR_TP_NSEC,
  TPACKET2_HDR_TP_SEC,
  TPACKET2_HDR_TP_SNAPLEN,
  TPACKET3_HDR_SIZE,
} from '@sandbox-kernel/abi';
import { type PacketBuffer, ROOM_LOW, ROOM_NONE, ROOM_NORMAL } from '@sandbox-kernel/netstack';
import { viewOf } from './option-bytes.js';
import type { RingPart } from './ring-part.js';

const PAGE_SIZE = 4096;
/** The block header of version 3. */
export const BLOCK_HEADER = 48;
/** Room for the link header before the network header, at least. */
const LEAST_LINK = 16;
/** Bytes of one ring: more is refused as memory that is not there. */
const MOST_MEMORY = 2 ** 30;
/** Where a packet may begin in its slot: offsets have 16 bits. */
const MOST_OFFSET = 65535;
/** Scratch memory for one slot: its headers and the largest packet. All rings of a sandbox share one. */
export const RING_SCRATCH = 2 ** 17 + 4096;

export interface RingRequest {
  readonly version: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly frameSize: number;
  readonly frames: number;
  readonly reserve: number;
  /** ms; 0: the default. */
  readonly retireAfter: number;
  readonly privateSize: number;
  readonly features: number;
  /** Bytes of the virtio-net header before each packet (PACKET_VNET_HDR); 0: none. */
  readonly vnetHeader: number;
}

/** What is told of one packet beside its bytes. */
export interface RingPacket {
  readonly packet: PacketBuffer;
  /** Bytes of the packet's link header that the program sees. */
  readonly linkHeader: number;
  /** TP_STATUS_* without TP_STATUS_USER. */
  readonly status: number;
  readonly seconds: number;
  readonly nanos: number;
  /** struct sockaddr_ll. */
  readonly name: Uint8Array;
  /** The virtio-net header, or none. */
  readonly vnet: Uint8Array;
}

export interface PacketRing {
  readonly memory: RingPart;
  /** Packets that found no room, and how often a ring of blocks stood still. */
  drops: number;
  freezes: number;
  /** False: dropped. */
  deposit(from: RingPacket): boolean;
  /** Something waits for the program. */
  readonly readable: boolean;
  /** ROOM_*. */
  readonly room: number;
  close(): void;
}

export function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** sizeof of a version's header. */
export function headerSize(version: number): number {
  return version === TPACKET_V3
    ? TPACKET3_HDR_SIZE
    : version === TPACKET_V1
      ? TPACKET_HDR_SIZE
      : TPACKET2_HDR_SIZE;
}

/** Where the packet begins in its slot (tp_mac). */
export function packetOffset(request: RingRequest, linkHeader: number): number {
  const head = align(headerSize(request.version), TPACKET_ALIGNMENT) + SOCKADDR_LL_SIZE;
  const net =
    linkHeader === 0
      ? align(head, TPACKET_ALIGNMENT) + LEAST_LINK
      : align(head + Math.max(linkHeader, LEAST_LINK), TPACKET_ALIGNMENT);
  return net + request.reserve + request.vnetHeader - linkHeader;
}

/** False: the headers, with what is reserved, leave no room for the packet in a slot of `room` bytes. */
export function fits(mac: number, linkHeader: number, room: number): boolean {
  return mac + linkHeader <= MOST_OFFSET && mac <= room;
}

/** The option's bytes as a request; null: no ring. Checked in Linux's order. */
export function parseRingRequest(
  bytes: Uint8Array,
  version: number,
  reserve: number,
  vnetHeader: number,
  exists: boolean,
): RingRequest | null | number {
  const size = version === TPACKET_V3 ? TPACKET_REQ3_SIZE : TPACKET_REQ_SIZE;
  if (bytes.length < size) return -EINVAL;
  const view = viewOf(bytes);
  const blocks = view.getUint32(TPACKET_REQ_TP_BLOCK_NR, true);
  const frames = view.getUint32(TPACKET_REQ_TP_FRAME_NR, true);
  if (blocks === 0) return frames === 0 ? null : -EINVAL;
  if (exists) return -EBUSY;
  const request = {
    version,
    blockSize: view.getInt32(TPACKET_REQ_TP_BLOCK_SIZE, true),
    blocks,
    frameSize: view.getUint32(TPACKET_REQ_TP_FRAME_SIZE, true),
    frames,
    reserve,
    retireAfter: version === TPACKET_V3 ? view.getUint32(TPACKET_REQ3_TP_RETIRE_BLK_TOV, true) : 0,
    privateSize: version === TPACKET_V3 ? view.getUint32(TPACKET_REQ3_TP_SIZEOF_PRIV, true) : 0,
    features: version === TPACKET_V3 ? view.getUint32(TPACKET_REQ3_TP_FEATURE_REQ_WORD, true) : 0,
    vnetHeader,
  };
  return isSound(request) ? tooLarge(request) : -EINVAL;
}

function tooLarge(request: RingRequest): RingRequest | number {
  return request.blockSize * request.blocks > MOST_MEMORY ? -ENOMEM : request;
}

function isSound(request: RingRequest): boolean {
  const { version, blockSize, blocks, frameSize, frames, reserve, privateSize } = request;
  if (blockSize <= 0 || blockSize % PAGE_SIZE !== 0) return false;
  const least = align(headerSize(version), TPACKET_ALIGNMENT) + SOCKADDR_LL_SIZE + reserve;
  if (version === TPACKET_V3 && blockSize < BLOCK_HEADER + align(privateSize, 8) + least) return false;
  if (frameSize < least || frameSize % TPACKET_ALIGNMENT !== 0) return false;
  const perBlock = Math.floor(blockSize / frameSize);
  return perBlock > 0 && perBlock * blocks === frames;
}

/** Versions 1 and 2: slots of one size. */
export class FrameRing implements PacketRing {
  readonly memory: RingPart;
  drops: number;
  readonly freezes = 0;
  private readonly request: RingRequest;
  private readonly perBlock: number;
  private readonly frame: Uint8Array;
  private readonly view: DataView;
  private next: number;

  constructor(memory: RingPart, request: RingRequest, scratch: Uint8Array) {
    this.memory = memory;
    this.request = request;
    this.drops = 0;
    this.perBlock = Math.floor(request.blockSize / request.frameSize);
    this.frame = scratch;
    this.view = viewOf(scratch);
    this.next = 0;
  }

  private at(index: number): number {
    const { blockSize, frameSize } = this.request;
    return Math.floor(index / this.perBlock) * blockSize + (index % this.perBlock) * frameSize;
  }

  get readable(): boolean {
    const { frames } = this.request;
    return this.memory.word(this.at((this.next + frames - 1) % frames)) !== TP_STATUS_KERNEL;
  }

  get room(): number {
    const { frames } = this.request;
    const isFree = (index: number): boolean => this.memory.word(this.at(index % frames)) === TP_STATUS_KERNEL;
    if (isFree(this.next + (frames >> 2))) return ROOM_NORMAL;
    return isFree(this.next) ? ROOM_LOW : ROOM_NONE;
  }

  deposit(from: RingPacket): boolean {
    const at = this.at(this.next);
    const mac = packetOffset(this.request, from.linkHeader);
    const room = fits(mac, from.linkHeader, this.request.frameSize);
    if (!room || this.memory.word(at) !== TP_STATUS_KERNEL) return this.drop();
    const size = this.fill(from, mac);
    // The slot is the program's from the moment on that its status says so: that comes last.
    if (this.memory.writeAt(at + 8, this.frame, 8, size - 8) !== size - 8) return this.drop();
    if (this.request.version !== TPACKET_V1) this.memory.setWord(at + 4, this.view.getUint32(4, true));
    this.memory.setWord(at, from.status | TP_STATUS_USER | (this.drops > 0 ? TP_STATUS_LOSING : 0));
    this.next = (this.next + 1) % this.request.frames;
    return true;
  }

  private drop(): boolean {
    this.drops++;
    return false;
  }

  /** The frame in scratch memory; its size. */
  private fill(from: RingPacket, mac: number): number {
    const { packet, linkHeader } = from;
    const { version, frameSize } = this.request;
    const snap = Math.min(packet.length, frameSize - mac);
    const head = align(headerSize(version), TPACKET_ALIGNMENT);
    this.frame.fill(0, 0, mac);
    if (version === TPACKET_V1) this.head1(from, snap, mac, mac + linkHeader);
    else this.head2(from, snap, mac, mac + linkHeader);
    this.frame.set(from.name, head);
    this.frame.set(from.vnet, mac - from.vnet.length);
    this.frame.set(packet.bytes.subarray(packet.start, packet.start + snap), mac);
    return mac + snap;
  }

  private head1(from: RingPacket, snap: number, mac: number, net: number): void {
    const { view } = this;
    view.setUint32(TPACKET_HDR_TP_LEN, from.packet.length, true);
    view.setUint32(TPACKET_HDR_TP_SNAPLEN, snap, true);
    view.setUint16(TPACKET_HDR_TP_MAC, mac, true);
    view.setUint16(TPACKET_HDR_TP_NET, net, true);
    view.setUint32(TPACKET_HDR_TP_SEC, from.seconds, true);
    view.setUint32(TPACKET_HDR_TP_USEC, Math.floor(from.nanos / 1000), true);
  }

  private head2(from: RingPacket, snap: number, mac: number, net: number): void {
    const { view } = this;
    view.setUint32(TPACKET2_HDR_TP_LEN, from.packet.length, true);
    view.setUint32(TPACKET2_HDR_TP_SNAPLEN, snap, true);
    view.setUint16(TPACKET2_HDR_TP_MAC, mac, true);
    view.setUint16(TPACKET2_HDR_TP_NET, net, true);
    view.setUint32(TPACKET2_HDR_TP_SEC, from.seconds, true);
    view.setUint32(TPACKET2_HDR_TP_NSEC, from.nanos, true);
  }

  close(): void {}
}
