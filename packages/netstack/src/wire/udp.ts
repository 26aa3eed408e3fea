// UDP datagrams on the wire: RFC 768. `UdpHeader` is a reusable record: parsing fills it, nothing is allocated.
// A length field of zero (RFC 2675 jumbograms) is refused: no link here carries them.

export const UDP_HEADER_LENGTH = 8;

export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  /** Zero when the sender computed none: legal over IPv4 only. */
  checksum = 0;
  payloadOffset = 0;
  payloadLength = 0;
}

/** Reads the header at `offset`; false if truncated or if its length field exceeds `length`. The checksum is not verified. */
export function parseUdp(header: UdpHeader, bytes: Uint8Array, offset: number, length: number): boolean {
  if (length < UDP_HEADER_LENGTH) return false;
  const total = (bytes[offset + 4]! << 8) | bytes[offset + 5]!;
  if (total < UDP_HEADER_LENGTH || total > length) return false;
  header.sourcePort = (bytes[offset]! << 8) | bytes[offset + 1]!;
  header.destinationPort = (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
  header.checksum = (bytes[offset + 6]! << 8) | bytes[offset + 7]!;
  header.payloadOffset = offset + UDP_HEADER_LENGTH;
  header.payloadLength = total - UDP_HEADER_LENGTH;
  return true;
}

/** Writes the eight bytes at `offset` with a checksum of zero; the payload follows and is the caller's. */
export function emitUdp(
  bytes: Uint8Array,
  offset: number,
  sourcePort: number,
  destinationPort: number,
  payloadLength: number,
): void {
  const total = payloadLength + UDP_HEADER_LENGTH;
  bytes[offset] = sourcePort >>> 8;
  bytes[offset + 1] = sourcePort;
  bytes[offset + 2] = destinationPort >>> 8;
  bytes[offset + 3] = destinationPort;
  bytes[offset + 4] = total >>> 8;
  bytes[offset + 5] = total;
  bytes[offset + 6] = 0;
  bytes[offset + 7] = 0;
}
