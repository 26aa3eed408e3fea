// A decorator that writes what passes, in both directions, as a pcapng stream that tcpdump and Wireshark read.
import type { PacketBuffer } from '../storage/packet-buffer.js';
import {
  emitInterface,
  emitPacket,
  emitSectionHeader,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
} from '../wire/pcapng.js';
import { LinkDecorator } from './decorator.js';
import { type LinkDevice, MEDIUM_ETHERNET } from './device.js';

/** Where the capture goes. */
export interface CaptureSink {
  /** A whole block of the file, in order; the bytes are the sink's to keep. */
  captured(block: Uint8Array): void;
}

export interface CaptureOptions {
  readonly sink: CaptureSink;
  /** Bytes kept of each packet; default all. */
  readonly snapLength?: number;
  /** What the file calls the link. */
  readonly name?: string;
  /** Clock for packets that come in; microseconds. Default: the time of the last poll. */
  readonly now?: number;
}

export class CaptureDevice extends LinkDecorator {
  private readonly out: CaptureSink;
  private readonly snapLength: number;
  private now: number;

  constructor(inner: LinkDevice, options: CaptureOptions) {
    super(inner);
    this.out = options.sink;
    this.snapLength = options.snapLength ?? 0x40000;
    this.now = options.now ?? 0;
    this.out.captured(emitSectionHeader());
    const linkType = inner.medium === MEDIUM_ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
    this.out.captured(emitInterface({ linkType, snapLength: this.snapLength }, options.name));
  }

  override transmit(packet: PacketBuffer, now: number): number {
    this.now = now;
    this.record(packet, 2);
    return super.transmit(packet, now);
  }

  override poll(now: number): number {
    this.now = now;
    return super.poll(now);
  }

  override linkInput(packet: PacketBuffer, device: LinkDevice): void {
    this.record(packet, 1);
    super.linkInput(packet, device);
  }

  private record(packet: PacketBuffer, direction: number): void {
    const length = Math.min(packet.length, this.snapLength);
    const bytes = packet.bytes.subarray(packet.start, packet.start + length);
    const block = emitPacket(
      { interfaceId: 0, timestamp: this.now, originalLength: packet.length, bytes },
      direction,
    );
    this.out.captured(block);
  }
}
