// A pair of joined Ethernet (or IP) devices, as veth(4): what one transmits the other receives. Each end may be attached
// to another stack, or to a bridge. Losing one end takes the carrier from the other.
import { ENETDOWN } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { FEATURE_ALL_OFFLOADS, type LinkSink, MEDIUM_ETHERNET } from './device.js';
import { QueueDevice, type QueueLimits } from './queue-device.js';

export interface VethOptions extends QueueLimits {
  /** Default 1500. */
  readonly mtu?: number;
  /** Hardware addresses of the two ends; ignored with MEDIUM_IP. */
  readonly addresses?: readonly [number, number];
  /** FEATURE_* bits; default all offloads, so that trains cross whole. */
  readonly features?: number;
  /** MEDIUM_ETHERNET (default) or MEDIUM_IP: a point-to-point link. */
  readonly medium?: number;
}

export class VethDevice extends QueueDevice {
  readonly medium: number;
  readonly features: number;
  peer: VethDevice | null;

  constructor(address: number, options: VethOptions) {
    super(address, options.mtu ?? 1500, options);
    this.medium = options.medium ?? MEDIUM_ETHERNET;
    this.features = options.features ?? FEATURE_ALL_OFFLOADS;
    this.peer = null;
  }

  override attach(sink: LinkSink | null): void {
    super.attach(sink);
    this.peer?.setCarrier(sink !== null);
  }

  transmit(packet: PacketBuffer, _now: number): number {
    if (this.peer === null) {
      packet.release();
      return -ENETDOWN;
    }
    packet.scrub();
    return this.peer.enqueue(packet);
  }
}

/** Two ends. Neither has carrier before the other is attached. */
export function createVethPair(options: VethOptions = {}): readonly [VethDevice, VethDevice] {
  const [a, b] = options.addresses ?? [0x020000000001, 0x020000000002];
  const left = new VethDevice(a, options);
  const right = new VethDevice(b, options);
  left.peer = right;
  right.peer = left;
  left.carrier = false;
  right.carrier = false;
  return [left, right];
}
