// The part that devices with a queue towards their sink share: loopback, veth, bridge and VLAN ends.
import { ENETDOWN, ENOBUFS } from '../errno.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { PacketQueue } from '../storage/packet-queue.js';
import type { LinkDevice, LinkSink } from './device.js';

export interface QueueLimits {
  /** Default 4096. */
  readonly maxQueuedPackets?: number;
  /** Default 16 MiB. */
  readonly maxQueuedBytes?: number;
}

export abstract class QueueDevice implements LinkDevice {
  abstract readonly medium: number;
  abstract readonly features: number;
  address: number;
  mtu: number;
  carrier: boolean;
  readonly queue: PacketQueue;
  protected sink: LinkSink | null;
  /** Packets refused because the queue was full. */
  dropped: number;

  constructor(address: number, mtu: number, limits: QueueLimits) {
    this.address = address;
    this.mtu = mtu;
    this.carrier = true;
    this.queue = new PacketQueue(limits.maxQueuedPackets ?? 4096, limits.maxQueuedBytes ?? 16 << 20);
    this.sink = null;
    this.dropped = 0;
  }

  attach(sink: LinkSink | null): void {
    this.sink = sink;
    if (sink === null) this.queue.clear();
  }

  abstract transmit(packet: PacketBuffer, now: number): number;

  poll(_now: number): number {
    // Only what is here now: what the deliveries cause to be queued waits for the next round.
    for (let left = this.queue.packets; left > 0; left--) {
      const packet = this.queue.shift();
      if (packet === null) break;
      if (this.sink === null) packet.release();
      else this.sink.linkInput(packet, this);
    }
    return this.queue.packets > 0 ? 0 : Number.POSITIVE_INFINITY;
  }

  setCarrier(carrier: boolean): void {
    if (this.carrier === carrier) return;
    this.carrier = carrier;
    this.sink?.linkChanged(this);
  }

  /** Queues a packet towards the own sink. Takes ownership. */
  enqueue(packet: PacketBuffer): number {
    if (this.sink === null || !this.carrier) {
      packet.release();
      return -ENETDOWN;
    }
    if (!this.queue.push(packet)) {
      this.dropped++;
      packet.release();
      return -ENOBUFS;
    }
    this.sink.linkWork(this);
    return 0;
  }
}
