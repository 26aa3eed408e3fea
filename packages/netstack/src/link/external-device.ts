// A device whose other end is the embedder: frames go out to a callback object and come in by receive(). This is what a TAP
// or TUN descriptor, a WebSocket or another process is joined to.
import { ENETDOWN } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { type LinkDevice, type LinkSink, MEDIUM_ETHERNET } from './device.js';

export interface FrameOutput {
  /**
   * A frame leaves: bytes[start..end) of `packet`. The receiver owns the packet and must release() it. Returns 0, or
   * -ENOBUFS when it was dropped.
   */
  frameOut(packet: PacketBuffer, device: LinkDevice): number;
}

export interface ExternalDeviceOptions {
  readonly output: FrameOutput;
  /** MEDIUM_ETHERNET (default) or MEDIUM_IP. */
  readonly medium?: number;
  /** Default 02:00:00:00:00:01 on Ethernet. */
  readonly address?: number;
  /** Default 1500. */
  readonly mtu?: number;
  /** What the other end takes: FEATURE_* bits, default none. */
  readonly features?: number;
}

export class ExternalDevice implements LinkDevice {
  readonly medium: number;
  readonly address: number;
  readonly features: number;
  mtu: number;
  carrier: boolean;
  private readonly output: FrameOutput;
  private sink: LinkSink | null;

  constructor(options: ExternalDeviceOptions) {
    this.medium = options.medium ?? MEDIUM_ETHERNET;
    this.address = options.address ?? (this.medium === MEDIUM_ETHERNET ? 0x020000000001 : 0);
    this.features = options.features ?? 0;
    this.mtu = options.mtu ?? 1500;
    this.carrier = true;
    this.output = options.output;
    this.sink = null;
  }

  attach(sink: LinkSink | null): void {
    this.sink = sink;
  }

  transmit(packet: PacketBuffer, _now: number): number {
    if (this.carrier) return this.output.frameOut(packet, this);
    packet.release();
    return -ENETDOWN;
  }

  poll(_now: number): number {
    return Number.POSITIVE_INFINITY;
  }

  /** A frame has arrived. Takes ownership. Must not be called from inside frameOut. */
  receive(packet: PacketBuffer): void {
    if (this.sink === null || !this.carrier) packet.release();
    else this.sink.linkInput(packet, this);
  }

  setCarrier(carrier: boolean): void {
    this.carrier = carrier;
    this.sink?.linkChanged(this);
  }

  setMtu(mtu: number): void {
    this.mtu = mtu;
    this.sink?.linkChanged(this);
  }
}
