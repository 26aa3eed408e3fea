// The ring of blocks of TPACKET_V3 (Documentation/networking/packet_mmap.rst): packets of any size one after the other in a block, which goes
// to the program when it is full or its time is over.
import {
  TP_STATUS_BLK_TMO,
  TP_STATUS_KERNEL,
  TP_STATUS_LOSING,
  TP_STATUS_USER,
  TPACKET_ALIGNMENT,
  TPACKET_V3,
  TPACKET3_HDR_SIZE,
  TPACKET3_HDR_TP_LEN,
  TPACKET3_HDR_TP_MAC,
  TPACKET3_HDR_TP_NET,
  TPACKET3_HDR_TP_NSEC,
  TPACKET3_HDR_TP_SEC,
  TPACKET3_HDR_TP_SNAPLEN,
  TPACKET3_HDR_TP_STATUS,
} from '@sandbox-kernel/abi';
import {
  ROOM_LOW,
  ROOM_NONE,
  ROOM_NORMAL,
  Timer,
  type TimerOwner,
  type TimerWheel,
} from '@sandbox-kernel/netstack';
import { viewOf } from './option-bytes.js';
import {
  align,
  BLOCK_HEADER,
  fits,
  type PacketRing,
  packetOffset,
  type RingPacket,
  type RingRequest,
} from './packet-ring.js';
import type { RingPart } from './ring-part.js';

/** struct tpacket_block_desc with tpacket_hdr_v1 in it. */
const STATUS = 8;
const PACKETS = 12;
const FIRST = 16;
const LENGTH = 20;
const SEQUENCE = 24;
const FIRST_TIME = 32;
const LAST_TIME = 40;
const DEFAULT_RETIRE_MS = 8;
const MICROS_PER_MILLI = 1000;

export interface BlockOwner {
  /** A block was handed to the program. */
  blockReady(): void;
  /** Microseconds of the wheel's clock. */
  now(): number;
}

export class BlockRing implements PacketRing, TimerOwner {
  readonly memory: RingPart;
  drops: number;
  freezes: number;
  private readonly request: RingRequest;
  private readonly owner: BlockOwner;
  private readonly timers: TimerWheel;
  private readonly timer: Timer;
  /** One packet with its header, or the block's header. */
  private readonly scratch: Uint8Array;
  private readonly view: DataView;
  private readonly first: number;
  /** The block that is filled next, or being filled. */
  private index: number;
  private frozen: boolean;
  private count: number;
  private end: number;
  private last: number;
  private sequence: number;
  private firstSeconds: number;
  private firstNanos: number;
  private lastSeconds: number;
  private lastNanos: number;

  constructor(
    memory: RingPart,
    request: RingRequest,
    owner: BlockOwner,
    timers: TimerWheel,
    scratch: Uint8Array,
  ) {
    this.memory = memory;
    this.request = request;
    this.owner = owner;
    this.timers = timers;
    this.timer = new Timer(this, 0);
    this.drops = 0;
    this.freezes = 0;
    this.scratch = scratch;
    this.view = viewOf(scratch);
    this.first = BLOCK_HEADER + align(request.privateSize, 8);
    this.index = 0;
    this.frozen = false;
    this.count = 0;
    this.end = this.first;
    this.last = 0;
    this.sequence = 1;
    this.firstSeconds = 0;
    this.firstNanos = 0;
    this.lastSeconds = 0;
    this.lastNanos = 0;
  }

  private status(index: number): number {
    const { blocks, blockSize } = this.request;
    return this.memory.word(((index + blocks) % blocks) * blockSize + STATUS);
  }

  get readable(): boolean {
    return this.status(this.index - 1) !== TP_STATUS_KERNEL;
  }

  get room(): number {
    if (this.status(this.index + (this.request.blocks >> 2)) === TP_STATUS_KERNEL) return ROOM_NORMAL;
    return this.status(this.index) === TP_STATUS_KERNEL ? ROOM_LOW : ROOM_NONE;
  }

  deposit(from: RingPacket): boolean {
    const { blockSize } = this.request;
    const room = blockSize - this.first;
    const mac = packetOffset(this.request, from.linkHeader);
    if (!fits(mac, from.linkHeader, room)) return this.drop();
    const snap = Math.min(from.packet.length, room - mac);
    const size = align(mac + snap, 8);
    if (this.count > 0 && this.end + size > blockSize) this.retire(0);
    if (!this.open()) return this.drop();
    const base = this.index * blockSize;
    this.put(from, mac, snap);
    if (this.memory.writeAt(base + this.end, this.scratch, 0, mac + snap) !== mac + snap) return this.drop();
    if (this.count > 0) this.memory.setWord(base + this.last, this.end - this.last);
    else this.begin(from);
    this.last = this.end;
    this.end = Math.min(this.end + size, blockSize);
    this.count++;
    this.lastSeconds = from.seconds;
    this.lastNanos = from.nanos;
    return true;
  }

  private drop(): boolean {
    this.drops++;
    return false;
  }

  /** Is the next block free? One that is being filled is. */
  private open(): boolean {
    if (this.count > 0) return true;
    if (this.status(this.index) === TP_STATUS_KERNEL) {
      this.frozen = false;
      return true;
    }
    if (!this.frozen) this.freezes++;
    this.frozen = true;
    return false;
  }

  private begin(from: RingPacket): void {
    this.firstSeconds = from.seconds;
    this.firstNanos = from.nanos;
    const delay = (this.request.retireAfter || DEFAULT_RETIRE_MS) * MICROS_PER_MILLI;
    this.timers.arm(this.timer, this.owner.now() + delay);
  }

  private put(from: RingPacket, mac: number, snap: number): void {
    const { scratch, view } = this;
    const { packet } = from;
    scratch.fill(0, 0, mac);
    view.setUint32(TPACKET3_HDR_TP_SEC, from.seconds, true);
    view.setUint32(TPACKET3_HDR_TP_NSEC, from.nanos, true);
    view.setUint32(TPACKET3_HDR_TP_SNAPLEN, snap, true);
    view.setUint32(TPACKET3_HDR_TP_LEN, packet.length, true);
    view.setUint32(TPACKET3_HDR_TP_STATUS, from.status | TP_STATUS_USER, true);
    view.setUint16(TPACKET3_HDR_TP_MAC, mac, true);
    view.setUint16(TPACKET3_HDR_TP_NET, mac + from.linkHeader, true);
    scratch.set(from.name, align(TPACKET3_HDR_SIZE, TPACKET_ALIGNMENT));
    scratch.set(from.vnet, mac - from.vnet.length);
    scratch.set(packet.bytes.subarray(packet.start, packet.start + snap), mac);
  }

  timerExpired(): void {
    if (this.count > 0) this.retire(TP_STATUS_BLK_TMO);
  }

  /** Hands the block over; its status last. */
  private retire(why: number): void {
    const { view, request } = this;
    this.timers.cancel(this.timer);
    const at = this.index * request.blockSize;
    view.setUint32(0, TPACKET_V3, true);
    view.setUint32(4, BLOCK_HEADER, true);
    view.setUint32(STATUS, TP_STATUS_KERNEL, true);
    view.setUint32(PACKETS, this.count, true);
    view.setUint32(FIRST, this.first, true);
    view.setUint32(LENGTH, this.end, true);
    view.setUint32(SEQUENCE, this.sequence % 2 ** 32, true);
    view.setUint32(SEQUENCE + 4, Math.floor(this.sequence / 2 ** 32), true);
    view.setUint32(FIRST_TIME, this.firstSeconds, true);
    view.setUint32(FIRST_TIME + 4, this.firstNanos, true);
    view.setUint32(LAST_TIME, this.lastSeconds, true);
    view.setUint32(LAST_TIME + 4, this.lastNanos, true);
    this.sequence++;
    // What lies between the header and the first packet is the program's own.
    this.memory.writeAt(at, this.scratch, 0, BLOCK_HEADER);
    this.memory.setWord(at + STATUS, TP_STATUS_USER | why | (this.drops > 0 ? TP_STATUS_LOSING : 0));
    this.count = 0;
    this.end = this.first;
    this.index = (this.index + 1) % request.blocks;
    this.owner.blockReady();
  }

  close(): void {
    this.timers.cancel(this.timer);
  }
}
