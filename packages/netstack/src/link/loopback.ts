// The loopback device, lo(4): what is sent comes back in. Trains and partial checksums pass untouched.
import { CHECKSUM_VERIFIED, type PacketBuffer } from '../storage/packet-buffer.js';
import { FEATURE_ALL_OFFLOADS, FEATURE_LOOPBACK, MEDIUM_IP } from './device.js';
import { QueueDevice, type QueueLimits } from './queue-device.js';

export interface LoopbackOptions extends QueueLimits {
  /** Default 65,536, as on Linux. */
  readonly mtu?: number;
}

export class LoopbackDevice extends QueueDevice {
  readonly medium = MEDIUM_IP;
  readonly features = FEATURE_ALL_OFFLOADS | FEATURE_LOOPBACK;

  constructor(options: LoopbackOptions = {}) {
    super(0, options.mtu ?? 65536, options);
  }

  transmit(packet: PacketBuffer, _now: number): number {
    const { checksum, mark, conntrack, conntrackDirection } = packet;
    packet.scrub();
    packet.mark = mark;
    // The flow was found on the way out; the translated packet would not be recognised again.
    packet.conntrack = conntrack;
    packet.conntrackDirection = conntrackDirection;
    // Nothing can have harmed the bytes on their way.
    if (packet.gsoSize === 0 && checksum !== 2) packet.checksum = CHECKSUM_VERIFIED;
    return this.enqueue(packet);
  }
}
