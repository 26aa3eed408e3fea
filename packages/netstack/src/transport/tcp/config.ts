// What is tunable for all of TCP (the sysctls of tcp(7), same defaults) and per socket (its socket options).
// Times are microseconds unless the name says otherwise. Per-socket settings are never modified in place: a thousand
// accepted connections share their listener's object until one of them changes an option.

import type { PacketFilter } from '../../roles.js';
import type { ExtensionHeaders } from '../../wire/ipv6-extension.js';

const SECOND = 1_000_000;
const MILLISECOND = 1000;

export interface TcpConfig {
  /** tcp_rmem: minimum, default, maximum of the receive buffer; half of it is offered as window. */
  readonly receiveMemory: readonly [number, number, number];
  /** tcp_wmem. */
  readonly sendMemory: readonly [number, number, number];
  readonly moderateReceiveBuffer: boolean;
  readonly sack: boolean;
  readonly dsack: boolean;
  readonly timestamps: boolean;
  readonly windowScaling: boolean;
  /** tcp_ecn: 0 off, 1 ask and accept, 2 accept only. */
  readonly ecn: 0 | 1 | 2;
  /** tcp_fastopen: bit 0 client, bit 1 server, bit 2 client without cookie, bit 9 server without cookie. */
  readonly fastOpen: number;
  /** tcp_recovery bit 0: RACK; without it RFC 6675 decides what is lost. */
  readonly rack: boolean;
  readonly tailLossProbe: boolean;
  readonly frto: boolean;
  readonly reordering: number;
  readonly maxReordering: number;
  readonly initialWindowSegments: number;
  readonly synRetries: number;
  readonly synAckRetries: number;
  /** tcp_retries1: after this many timeouts the route is questioned and black holes are suspected. */
  readonly retries1: number;
  /** tcp_retries2: after this many the connection is dead. */
  readonly retries2: number;
  readonly orphanRetries: number;
  readonly rtoMin: number;
  readonly rtoMax: number;
  readonly rtoInitial: number;
  readonly delayedAckMin: number;
  readonly delayedAckMax: number;
  readonly finTimeout: number;
  readonly timeWait: number;
  readonly maxTimeWait: number;
  /** tcp_tw_reuse: 0 never, 1 always, 2 loopback only. */
  readonly timeWaitReuse: 0 | 1 | 2;
  readonly rfc1337: boolean;
  readonly keepIdle: number;
  readonly keepInterval: number;
  readonly keepCount: number;
  readonly maxSynBacklog: number;
  /** tcp_syncookies: 0 never, 1 when the backlog overflows, 2 always. */
  readonly synCookies: 0 | 1 | 2;
  readonly abortOnOverflow: boolean;
  /** somaxconn. */
  readonly maxBacklog: number;
  readonly slowStartAfterIdle: boolean;
  /** tcp_mtu_probing: 0 off, 1 once a black hole is suspected, 2 always. */
  readonly mtuProbing: 0 | 1 | 2;
  readonly baseMss: number;
  readonly minSendMss: number;
  readonly mtuProbeFloor: number;
  readonly mtuProbeInterval: number;
  /** Challenge ACKs per second over all connections: RFC 5961 section 7. */
  readonly challengeAckLimit: number;
  /** tcp_invalid_ratelimit. */
  readonly invalidRateLimit: number;
  readonly limitNotSent: number;
  readonly maxOrphans: number;
  readonly portRange: readonly [number, number];
  readonly congestion: string;
}

export const DEFAULT_TCP_CONFIG: TcpConfig = {
  receiveMemory: [4096, 131072, 6 << 20],
  sendMemory: [4096, 16384, 4 << 20],
  moderateReceiveBuffer: true,
  sack: true,
  dsack: true,
  timestamps: true,
  windowScaling: true,
  ecn: 2,
  fastOpen: 1,
  rack: true,
  tailLossProbe: true,
  frto: true,
  reordering: 3,
  maxReordering: 300,
  initialWindowSegments: 10,
  synRetries: 6,
  synAckRetries: 5,
  retries1: 3,
  retries2: 15,
  orphanRetries: 8,
  rtoMin: 200 * MILLISECOND,
  rtoMax: 120 * SECOND,
  rtoInitial: SECOND,
  delayedAckMin: 40 * MILLISECOND,
  delayedAckMax: 200 * MILLISECOND,
  finTimeout: 60 * SECOND,
  timeWait: 60 * SECOND,
  maxTimeWait: 65536,
  timeWaitReuse: 2,
  rfc1337: false,
  keepIdle: 7200 * SECOND,
  keepInterval: 75 * SECOND,
  keepCount: 9,
  maxSynBacklog: 1024,
  synCookies: 1,
  abortOnOverflow: false,
  maxBacklog: 4096,
  slowStartAfterIdle: true,
  mtuProbing: 1,
  baseMss: 1024,
  minSendMss: 48,
  mtuProbeFloor: 512,
  mtuProbeInterval: 600 * SECOND,
  challengeAckLimit: 1000,
  invalidRateLimit: 500 * MILLISECOND,
  limitNotSent: 0xffffffff,
  maxOrphans: 65536,
  portRange: [32768, 60999],
  congestion: 'cubic',
};

/** Socket options. Fields are read on hot paths, so this is a class with one shape. */
export class TcpSettings {
  noDelay = false;
  cork = false;
  keepAlive = false;
  /** 0: the stack's default, as for the next two. */
  keepIdle = 0;
  keepInterval = 0;
  keepCount = 0;
  /** TCP_USER_TIMEOUT; 0: the stack's own limits. */
  userTimeout = 0;
  /** Advertise the user timeout (RFC 5482) and heed the peer's. */
  userTimeoutOption = false;
  /** SO_LINGER: -1 off, 0 resets on close, else microseconds for which close() waits. */
  linger = -1;
  /** TCP_LINGER2: -1 skips FIN-WAIT-2, 0 is the default. */
  finTimeout = 0;
  reuseAddress = false;
  reusePort = false;
  /** SO_RCVBUF as the kernel stores it (doubled); 0: autotuned. */
  receiveBuffer = 0;
  sendBuffer = 0;
  receiveLowWater = 1;
  /** TCP_MAXSEG; 0: none. */
  maxSegment = 0;
  /** TCP_WINDOW_CLAMP; 0: none. */
  windowClamp = 0;
  /** TCP_NOTSENT_LOWAT; 0: the stack's default. */
  notSentLowWater = 0;
  quickAck = false;
  /** TCP_DEFER_ACCEPT in microseconds; 0: off. */
  deferAccept = 0;
  /** TCP_SYNCNT; 0: the stack's default. */
  synRetries = 0;
  /** TCP_FASTOPEN: length of the listener's queue; 0: off. */
  fastOpenQueue = 0;
  /** TCP_FASTOPEN_CONNECT. */
  fastOpenConnect = false;
  fastOpenNoCookie = false;
  oobInline = false;
  v6Only = false;
  congestion = '';
  /** SO_MAX_PACING_RATE in bytes per second; 0: none. */
  maxPacingRate = 0;
  typeOfService = 0;
  /** IP_TTL or IPV6_UNICAST_HOPS; 0: the stack's default. */
  hopLimit = 0;
  mark = 0;
  /** SO_BINDTODEVICE as an interface index; 0: any. */
  device = 0;
  freeBind = false;
  transparent = false;
  /** IP_MTU_DISCOVER: never set Don't Fragment. */
  ignorePathMtu = false;
  /** IP_OPTIONS: of IPv4, a multiple of four bytes, on each segment that this end sends once it is a connection. */
  ipOptions: Uint8Array | null = null;
  /** IPV6_HOPOPTS and its like. */
  extensions: ExtensionHeaders | null = null;
  /** Sees each segment from its TCP header on (SO_ATTACH_FILTER); what it does not keep was lost. */
  filter: PacketFilter | null = null;
  /** Who made the socket: SO_REUSEPORT shares among the sockets of one user. */
  uid = 0;

  clone(): TcpSettings {
    return Object.assign(new TcpSettings(), this);
  }
}
