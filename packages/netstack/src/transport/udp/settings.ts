// Options of a UDP socket: udp(7), ip(7), ipv6(7). Replaced as a whole, never modified in place.

import type { Address } from '../../address.js';
import type { ExtensionHeaders } from '../../wire/ipv6-extension.js';

export class UdpSettings {
  reuseAddress = false;
  reusePort = false;
  /** Who made the socket: SO_REUSEPORT shares among the sockets of one user. */
  uid = 0;
  broadcast = false;
  v6Only = false;
  /** Bytes of datagrams that may wait, as SO_RCVBUF stores it. */
  receiveBuffer = 212992;
  sendBuffer = 212992;
  typeOfService = 0;
  /** 0: the stack's default. */
  hopLimit = 0;
  multicastHopLimit = 1;
  /** IP_MULTICAST_IF; 0: by route. */
  multicastInterface = 0;
  multicastLoop = true;
  /** IP_MULTICAST_ALL: also groups that other sockets of this host joined. */
  multicastAll = true;
  mark = 0;
  device = 0;
  freeBind = false;
  transparent = false;
  /** IP_RECVERR: errors about unconnected sends are queued as well. */
  receiveErrors = false;
  /** UDP_SEGMENT: payload bytes per datagram of a large write; 0: off. */
  segmentSize = 0;
  /** UDP_GRO: trains of datagrams are handed over in one piece. */
  receiveTrains = false;
  /** SO_NO_CHECK: IPv4 datagrams leave without a checksum. */
  noChecksum = false;
  /** IP_MTU_DISCOVER: set Don't Fragment. */
  dontFragment = false;
  cork = false;
  /** IP_OPTIONS: of IPv4, a multiple of four bytes. */
  ipOptions: Uint8Array | null = null;
  /** IPV6_HOPOPTS and its like. */
  extensions: ExtensionHeaders | null = null;

  clone(): UdpSettings {
    return Object.assign(new UdpSettings(), this);
  }
}

/** One membership of a socket. `sources` and `exclude` are RFC 3376's source filter. */
export class Membership {
  readonly group: Address;
  readonly interfaceIndex: number;
  exclude: boolean;
  readonly sources: Address[];

  constructor(group: Address, interfaceIndex: number, exclude: boolean) {
    this.group = group;
    this.interfaceIndex = interfaceIndex;
    this.exclude = exclude;
    this.sources = [];
  }

  admits(source: Address): boolean {
    const listed = this.sources.some((s) => s.equals(source));
    return this.exclude ? !listed : listed;
  }
}
