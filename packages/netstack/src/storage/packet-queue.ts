// A FIFO of packets linked through PacketBuffer.next, bounded in packets and in bytes: pushing past a limit is refused, and
// the packet stays the caller's.
import type { PacketBuffer } from './packet-buffer.js';

export class PacketQueue {
  readonly maxPackets: number;
  readonly maxBytes: number;
  head: PacketBuffer | null;
  private tail: PacketBuffer | null;
  packets: number;
  bytes: number;

  constructor(maxPackets: number, maxBytes: number) {
    this.maxPackets = maxPackets;
    this.maxBytes = maxBytes;
    this.head = null;
    this.tail = null;
    this.packets = 0;
    this.bytes = 0;
  }

  /** False when full. An empty queue takes one packet of any size. */
  push(packet: PacketBuffer): boolean {
    const bytes = this.bytes + packet.length;
    if (this.packets > 0 && (this.packets >= this.maxPackets || bytes > this.maxBytes)) return false;
    if (this.maxPackets === 0) return false;
    packet.next = null;
    if (this.tail === null) this.head = packet;
    else this.tail.next = packet;
    this.tail = packet;
    this.packets++;
    this.bytes = bytes;
    return true;
  }

  /** The packet's length must not have changed while it was queued. */
  shift(): PacketBuffer | null {
    const packet = this.head;
    if (packet === null) return null;
    this.head = packet.next;
    if (this.head === null) this.tail = null;
    packet.next = null;
    this.packets--;
    this.bytes -= packet.length;
    return packet;
  }

  /** Releases all that is queued. */
  clear(): void {
    for (let packet = this.shift(); packet !== null; packet = this.shift()) packet.release();
  }
}
