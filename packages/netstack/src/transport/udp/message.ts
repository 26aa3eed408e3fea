// What a datagram carries besides its bytes (recvmsg(2) with IP_PKTINFO, IP_TTL, IP_TOS, SO_TIMESTAMP), and the entries of
// an error queue (IP_RECVERR). Both are records the caller keeps and the socket fills.

import type { Address } from '../../address.js';

export class UdpMessage {
  source: Address | null = null;
  sourcePort = 0;
  /** Where the datagram was sent to: one of our addresses, a group, or what was intercepted. */
  destination: Address | null = null;
  destinationPort = 0;
  interfaceIndex = 0;
  hopLimit = 0;
  typeOfService = 0;
  /** IPv4 options of its header; null when it has none. */
  options: Uint8Array | null = null;
  /** IPv6 extension headers, with their protocols; null when it has none. */
  extensions: readonly (readonly [number, Uint8Array])[] | null = null;
  /** Microseconds, 0 if not taken. */
  timestamp = 0;
  /** UDP_GRO: payload bytes per datagram if this is a train; 0: one datagram. */
  segmentSize = 0;
  /** The whole length, also when less was copied (MSG_TRUNC). */
  length = 0;
}

/** struct sock_extended_err and the datagram it is about. */
export class UdpError {
  readonly errno: number;
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  /** ee_info: the MTU of EMSGSIZE. */
  readonly info: number;
  readonly offender: Address | null;
  /** Where the datagram was going. */
  readonly destination: Address;
  readonly destinationPort: number;
  /** What was quoted of its payload. */
  readonly payload: Uint8Array;

  constructor(
    errno: number,
    origin: number,
    type: number,
    code: number,
    info: number,
    offender: Address | null,
    destination: Address,
    destinationPort: number,
    payload: Uint8Array,
  ) {
    this.errno = errno;
    this.origin = origin;
    this.type = type;
    this.code = code;
    this.info = info;
    this.offender = offender;
    this.destination = destination;
    this.destinationPort = destinationPort;
    this.payload = payload;
  }
}
