// A link over a stream socket: Ethernet frames behind a four-byte length (little-endian). This is how a sandbox is plugged into a switch that
// another process runs. What the other side does not take is dropped once LIMIT bytes wait, as a full queue would.
import { EAGAIN } from '@sandbox-kernel/abi';
import { DATA, DATA_SIZE } from '@sandbox-kernel/host';
import {
  ExternalDevice,
  type FrameOutput,
  type LinkDevice,
  type PacketBuffer,
  PacketPool,
} from '@sandbox-kernel/netstack';
import type { HostNet, HostOwner } from '../host-net.js';
import type { LinkPlan } from '../link-plan.js';
import { FRAME_HEADER, FrameSplitter } from './frame-splitter.js';

const LIMIT = 4 << 20;
const FIRST_SIZE = 256 << 10;
const ENOBUFS = 105;
const ROUNDS = 16;

export interface StreamLinkOptions {
  readonly net: HostNet;
  /** Belongs to the link from now on. */
  readonly fd: number;
  readonly plan: LinkPlan;
  readonly mtu: number;
  readonly address: number;
}

export class StreamLink implements FrameOutput, HostOwner {
  readonly link: LinkDevice;
  readonly plan: LinkPlan;
  readonly #device: ExternalDevice;
  readonly #net: HostNet;
  readonly #fd: number;
  readonly #pool = new PacketPool();
  readonly #splitter = new FrameSplitter();
  /** Bytes [sent, filled) wait to be sent. */
  #out = new Uint8Array(FIRST_SIZE);
  #sent = 0;
  #filled = 0;
  #readable = true;
  #writable = true;
  dropped = 0;

  private constructor(options: StreamLinkOptions) {
    this.#net = options.net;
    this.#fd = options.fd;
    this.plan = options.plan;
    this.#device = new ExternalDevice({ output: this, address: options.address, mtu: options.mtu });
    this.link = this.#device;
  }

  static open(options: StreamLinkOptions): StreamLink | number {
    const link = new StreamLink(options);
    const watched = options.net.watch(options.fd, link);
    return watched < 0 ? watched : link;
  }

  frameOut(packet: PacketBuffer): number {
    const { length } = packet;
    if (!this.#makeRoom(FRAME_HEADER + length)) {
      packet.release();
      this.dropped++;
      return -ENOBUFS;
    }
    new DataView(this.#out.buffer).setUint32(this.#filled, length, true);
    packet.copyTo(this.#out, this.#filled + FRAME_HEADER);
    this.#filled += FRAME_HEADER + length;
    packet.release();
    return 0;
  }

  hostReady(): void {
    this.#readable = true;
    this.#writable = true;
  }

  /** Sends what waits and takes what has come in. */
  poll(now: number): number {
    this.#flush();
    for (let round = 0; this.#readable; round++) {
      if (round === ROUNDS) return now;
      const { calls } = this.#net;
      const count = calls.receive(this.#fd, DATA_SIZE);
      if (count <= 0) {
        this.#readable = false;
        if (count !== -EAGAIN) this.#device.setCarrier(false);
      } else if (!this.#splitter.push(calls.bytes.subarray(DATA, DATA + count))) this.#broken();
      else this.#deliver();
    }
    return Number.POSITIVE_INFINITY;
  }

  get hasWork(): boolean {
    return this.#readable || (this.#writable && this.#filled > this.#sent);
  }

  close(): void {
    this.#net.close(this.#fd);
  }

  #deliver(): void {
    for (let frame = this.#splitter.next(); frame !== null; frame = this.#splitter.next())
      this.#device.receive(this.#pool.copyOf(frame));
  }

  /** The other side does not keep to the framing. */
  #broken(): void {
    this.#readable = false;
    this.#device.setCarrier(false);
  }

  #flush(): void {
    while (this.#writable && this.#filled > this.#sent) {
      const waiting = this.#filled - this.#sent;
      const count = this.#net.calls.send(this.#fd, this.#out, this.#sent, Math.min(waiting, DATA_SIZE));
      if (count <= 0) {
        this.#writable = false;
        break;
      }
      this.#sent += count;
    }
    if (this.#sent !== this.#filled) return;
    this.#sent = 0;
    this.#filled = 0;
  }

  #makeRoom(size: number): boolean {
    if (this.#filled + size <= this.#out.length) return true;
    const waiting = this.#filled - this.#sent;
    if (waiting + size > LIMIT) return false;
    const bigger = waiting + size > this.#out.length ? new Uint8Array(this.#out.length * 2) : this.#out;
    bigger.set(this.#out.subarray(this.#sent, this.#filled));
    this.#out = bigger;
    this.#sent = 0;
    this.#filled = waiting;
    return waiting + size <= bigger.length;
  }
}
