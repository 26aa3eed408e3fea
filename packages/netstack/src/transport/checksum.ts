// Transport checksums: whether a received packet's can be believed, and the pseudo header's sum for packets that are sent
// with CHECKSUM_PARTIAL, which the device finishes. The arithmetic itself is wire/checksum.ts.

import type { Address } from '../address.js';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type PacketBuffer } from '../storage/packet-buffer.js';
import { fold, pseudoHeaderSum, verifyTransport } from '../wire/checksum.js';

/** True if the packet's transport checksum is right, or need not be looked at. */
export function checksumHolds(packet: PacketBuffer, protocol: number): boolean {
  if (packet.checksum !== CHECKSUM_NONE) return true;
  if (packet.source === null || packet.destination === null) return false;
  return verifyTransport(packet.view, packet.start, packet.end, packet.source, packet.destination, protocol);
}

/** Prepares a packet whose `start` is at its transport header for checksum completion further down. */
export function requestChecksum(
  packet: PacketBuffer,
  protocol: number,
  source: Address,
  destination: Address,
  offset: number,
): void {
  packet.view.setUint16(
    packet.start + offset,
    fold(pseudoHeaderSum(source, destination, protocol, packet.length)),
  );
  packet.transportOffset = packet.start;
  packet.checksum = CHECKSUM_PARTIAL;
  packet.checksumOffset = offset;
  packet.protocol = protocol;
  packet.source = source;
}
