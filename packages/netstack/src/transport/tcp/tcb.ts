// The transmission control block: all that one connection knows, without behaviour. The functions that work on it are
// split by aspect (connect, listen, input-segment, ack, recovery, output, timers, close …). Every field is assigned here
// in one order. Sequence numbers are signed 32-bit; times are microseconds on the stack's clock; sizes are bytes.

import type { Route } from '../../roles.js';
import { Timer, type TimerOwner } from '../../storage/timer-wheel.js';
import type { FlowTuple } from '../flow.js';
import type { PortBinding } from '../ports.js';
import { ByteRing } from './byte-ring.js';
import type { TcpSettings } from './config.js';
import type { CongestionControl, CongestionState } from './congestion.js';
import type { TcpEndpoint } from './endpoint.js';
import type { TcpListener } from './listener.js';
import type { Reassembly } from './reassembly.js';
import { RttEstimator } from './rtt.js';
import type { SegmentQueue } from './segment-queue.js';
import { CA_OPEN, TCP_CLOSE } from './state.js';
import type { Tcp } from './tcp.js';

/** Which event the transmission timer stands for: only one of them can be due at a time. */
export const XMIT_NONE = 0;
export const XMIT_RETRANSMIT = 1;
export const XMIT_PROBE_WINDOW = 2;
export const XMIT_LOSS_PROBE = 3;
export const XMIT_REORDER = 4;

/** Halves that were shut down, as SHUT_RD and SHUT_WR plus one. */
export const SHUTDOWN_RECEIVE = 1;
export const SHUTDOWN_SEND = 2;

export const ACK_NONE = 0;
/** An acknowledgement is owed and may be delayed. */
export const ACK_OWED = 1;
export const ACK_NOW = 2;

export const URGENT_NONE = 0;
/** The pointer is known, the byte has not arrived. */
export const URGENT_AWAITED = 1;
export const URGENT_VALID = 2;
export const URGENT_READ = 3;

export class Tcb implements TimerOwner {
  readonly tcp: Tcp;
  readonly flow: FlowTuple;
  settings: TcpSettings;
  state = TCP_CLOSE;
  /** The socket's face; null while nobody has accepted the connection, or once it was closed. */
  endpoint: TcpEndpoint | null = null;
  /** Where an incoming connection waits to be accepted. */
  listener: TcpListener | null = null;
  readonly route: Route;
  /** Its share of the local port. */
  binding: PortBinding | null = null;
  orphaned = false;
  /** Counted among the stack's orphans, and among its established connections. */
  orphanCounted = false;
  establishedCounted = false;
  isPassive = false;

  // Sending sequence space.
  iss = 0;
  sndUna = 0;
  sndNxt = 0;
  sndWnd = 0;
  /** Sequence number of the segment that last updated the window. */
  sndWl1 = 0;
  maxSndWnd = 0;
  sndWindowScale = 0;
  /** End of the data that the application has written. */
  writeSeq = 0;
  /** Data up to here carries PSH when it leaves. */
  pushSeq = 0;
  /** End of the last segment sent that was not full: Minshall's variant of Nagle. */
  smallEnd = 0;
  urgentMode = false;
  sndUrgent = 0;
  finQueued = false;
  readonly sendRing: ByteRing;
  queue: SegmentQueue | null = null;
  sendBuffer: number;
  sendBufferLocked = false;
  /** Set when the application met a full buffer: it wants to hear of room. */
  writeBlocked = false;

  // Segment sizes.
  peerMss = 536;
  /** Payload bytes per segment now. */
  mss = 536;
  pathMtu = 576;
  /** Largest payload handed to the link in one piece; at least `mss`. */
  gsoSize = 536;
  mtuProbeLow = 0;
  mtuProbeHigh = 0;
  mtuProbeSize = 0;
  mtuProbeStart = 0;
  mtuProbeEnd = 0;
  mtuProbeAt = 0;
  blackHole = false;
  /** When a segment of the present size was last known to arrive; 0: never. */
  fullSizeAt = 0;

  // Loss recovery and congestion.
  caState = CA_OPEN;
  sackedBytes = 0;
  lostBytes = 0;
  retransmittedBytes = 0;
  /** End of the highest SACKed segment. */
  highSacked = 0;
  dupAcks = 0;
  reordering: number;
  reorderingSeen = 0;
  cwnd = 0;
  ssthresh = 0x7fffffff;
  cwndCredit = 0;
  priorCwnd = 0;
  priorSsthresh = 0;
  /** Recovery ends when this is acknowledged. */
  highSeq = 0;
  undoMarker = 0;
  undoPossible = false;
  /** Retransmitted bytes not yet proven needless by D-SACK; -1: not counted. */
  undoRetransmitted = 0;
  /** Timestamp value of the first retransmission of an episode; valid if `retransmitStamped`. */
  retransmitStamp = 0;
  retransmitStamped = false;
  firstRetransmitAt = 0;
  prrDelivered = 0;
  prrOut = 0;
  recoverFlightSize = 0;
  frto = 0;
  maxInFlight = 0;
  maxInFlightEnd = 0;
  cwndLimited = false;
  cwndStamp = 0;
  readonly rtt: RttEstimator;
  backoff = 0;
  retransmits = 0;
  probesOut = 0;
  probeStartedAt = 0;
  congestionControl: CongestionControl;
  congestion: CongestionState;

  // RACK-TLP.
  rackSentAt = 0;
  rackEnd = 0;
  rackRtt = 0;
  rackReorderSteps = 1;
  rackReorderPersist = 0;
  rackDsackSeen = false;
  rackRound = 0;
  /** End of the data a loss probe went out for; valid if `tlpPending`. */
  tlpHighSeq = 0;
  tlpPending = false;
  tlpRetransmit = false;

  // Delivery rate and pacing.
  delivered = 0;
  deliveredAt = 0;
  deliveredSegments = 0;
  deliveredCe = 0;
  firstSentAt = 0;
  /** Samples are application limited until `delivered` passes this; 0: not limited. */
  appLimited = 0;
  lostTotal = 0;
  rateDelivered = 0;
  rateInterval = 0;
  rateAppLimited = false;
  /** Bytes per second; 0: do not pace. */
  pacingRate = 0;
  nextSendAt = 0;

  // ECN.
  ecnOk = false;
  ecnEcho = false;
  ecnReduced = false;
  ecnSeen = false;

  // Receiving sequence space.
  irs = 0;
  rcvNxt = 0;
  /** `rcvNxt` when the window was last advertised, and the window that was. */
  rcvWup = 0;
  rcvWnd = 0;
  rcvWindowScale = 0;
  windowClamp = 0;
  /** Sequence number of the first byte in the ring. */
  readSeq = 0;
  readonly receiveRing: ByteRing;
  reassembly: Reassembly | null = null;
  finSeq = 0;
  finSeen = false;
  /** The peer's FIN was taken: reads end there, whatever fails afterwards. */
  finTaken = false;
  receiveBuffer: number;
  receiveBufferLocked = false;
  rcvMss = 536;
  advertisedMss = 536;
  rcvSpace = 0;
  rcvSpaceSeq = 0;
  rcvSpaceAt = 0;
  rcvRtt = 0;
  rcvRttSeq = 0;
  rcvRttAt = 0;
  urgentState = URGENT_NONE;
  urgentSeq = 0;
  urgentByte = 0;

  // Options in use.
  timestampsOk = false;
  tsRecent = 0;
  tsRecentAt = 0;
  tsOffset = 0;
  sackOk = false;
  dsackPending = false;
  dsackStart = 0;
  dsackEnd = 0;
  dsackDups = 0;
  fastOpenRequested = false;
  fastOpenSent = false;
  /** Of a connection made by a SYN with data: who counts it until the handshake is through. It may send already. */
  fastOpenListener: TcpListener | null = null;
  /** connect() was called, the SYN waits for data to carry (TCP_FASTOPEN_CONNECT). */
  synDeferred = false;
  synData = false;
  /** Milliseconds: settings.userTimeout, or what RFC 5482 negotiated. */
  peerUserTimeout = 0;

  // Acknowledging.
  ackState = ACK_NONE;
  ackTimeout: number;
  quickAcks = 0;
  interactive = false;
  lastReceivedAt = 0;
  lastSentAt = 0;
  lastAckReceivedAt = 0;
  lastAckSent = 0;
  lastOutOfWindowAckAt = 0;
  challengeWindowAt = 0;

  // Timers.
  xmitKind = XMIT_NONE;
  readonly xmitTimer: Timer;
  readonly ackTimer: Timer;
  readonly keepTimer: Timer;
  readonly paceTimer: Timer;
  keepProbes = 0;
  /** While close(2) waits for the last acknowledgement. */
  lingerTimer: Timer | null = null;

  // The socket's side.
  shutdown = 0;
  error = 0;
  softError = 0;
  /** Readiness that became true while the segment or timer now in hand was processed. */
  wakeBits = 0;
  inWakeList = false;
  corked = false;
  /** Small segments may leave now, whatever Nagle says: the window probe timer forces them. */
  noNagleOnce = false;

  // Counters for TCP_INFO.
  bytesAcked = 0;
  bytesReceived = 0;
  bytesSent = 0;
  bytesRetransmitted = 0;
  segmentsIn = 0;
  segmentsOut = 0;
  dataSegmentsIn = 0;
  dataSegmentsOut = 0;
  totalRetransmits = 0;
  outOfOrderIn = 0;
  busyTime = 0;
  receiveWindowLimitedTime = 0;
  sendBufferLimitedTime = 0;
  limitKind = 0;
  limitSince = 0;
  totalTimeouts = 0;
  timeoutRecoveries = 0;
  timeoutTime = 0;
  lossSince = 0;

  constructor(tcp: Tcp, flow: FlowTuple, settings: TcpSettings, route: Route) {
    const config = tcp.config;
    this.tcp = tcp;
    this.flow = flow;
    this.settings = settings;
    this.route = route;
    this.sendRing = new ByteRing(tcp.rings);
    this.sendBuffer = settings.sendBuffer || config.sendMemory[1];
    this.sendBufferLocked = settings.sendBuffer !== 0;
    this.reordering = config.reordering;
    this.rtt = new RttEstimator(config.rtoInitial);
    this.congestionControl = tcp.algorithm(settings.congestion);
    this.congestion = this.congestionControl.create(this);
    this.receiveRing = new ByteRing(tcp.rings);
    this.receiveBuffer = settings.receiveBuffer || config.receiveMemory[1];
    this.receiveBufferLocked = settings.receiveBuffer !== 0;
    this.ackTimeout = config.delayedAckMin;
    this.xmitTimer = new Timer(this, TIMER_XMIT);
    this.ackTimer = new Timer(this, TIMER_ACK);
    this.keepTimer = new Timer(this, TIMER_KEEP);
    this.paceTimer = new Timer(this, TIMER_PACE);
  }

  timerExpired(timer: Timer): void {
    this.tcp.timerExpired(this, timer.kind);
  }
}

export const TIMER_XMIT = 0;
export const TIMER_ACK = 1;
export const TIMER_KEEP = 2;
export const TIMER_PACE = 3;
export const TIMER_LINGER = 4;

/** Bytes that have left and are believed to be still in the network (RFC 6675's pipe). */
export function inFlight(tcb: Tcb): number {
  return ((tcb.sndNxt - tcb.sndUna) | 0) - tcb.sackedBytes - tcb.lostBytes;
}

/** The window that `space` bytes of receive buffer stand for: half, as with tcp_adv_win_scale 1. */
export function windowFromSpace(space: number): number {
  return space >> 1;
}

/** The timestamp clock: milliseconds, with an offset per connection (RFC 7323 section 5.4). */
export function timestampNow(tcb: Tcb): number {
  return (Math.floor(tcb.tcp.now / 1000) + tcb.tsOffset) | 0;
}

/** Defers a readiness callback until the segment or timer in hand is done with. */
export function wake(tcb: Tcb, bits: number): void {
  tcb.wakeBits |= bits;
  if (!tcb.inWakeList) {
    tcb.inWakeList = true;
    tcb.tcp.wakeList.push(tcb);
  }
}
