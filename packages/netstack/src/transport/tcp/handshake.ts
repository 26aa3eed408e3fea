// SYN and SYN-ACK of full connections: active opens, simultaneous opens, Fast Open, and flows taken from a forwarder.
// Which options are offered and what the peer's mean is decided here.

import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_SYN, type TcpSegment } from '../../wire/tcp.js';
import { fastOpenCookieFor } from './fast-open.js';
import { initializeProbing, syncMss } from './mtu-probe.js';
import { stampSent } from './rate.js';
import { queueOf } from './scoreboard.js';
import { beginSegment, transmit } from './segment-output.js';
import { SEGMENT_SYN } from './segment-queue.js';
import { TCP_SYN_RECV } from './state.js';
import { type Tcb, timestampNow, XMIT_RETRANSMIT } from './tcb.js';
import { dropWindowScaling, initializeReceiveWindow } from './window.js';
import { armXmit, retransmissionTimeout } from './xmit-timer.js';

const IPV4_TCP_HEADERS = 40;
const IPV6_TCP_HEADERS = 60;
const DEFAULT_MSS_V4 = 536;
const DEFAULT_MSS_V6 = 1220;

/** The segment size to announce: the device's, less fixed headers (RFC 6691). */
export function announcedMss(tcb: Tcb): number {
  const isV4 = tcb.flow.remote.isV4;
  const mtu = tcb.route.mtu > 0 ? tcb.route.mtu : 1500;
  let mss = Math.min(mtu - (isV4 ? IPV4_TCP_HEADERS : IPV6_TCP_HEADERS), 65535);
  if (isV4 && tcb.settings.ipOptions !== null) mss -= tcb.settings.ipOptions.length;
  if (tcb.route.advertisedMss > 0) mss = Math.min(mss, tcb.route.advertisedMss);
  if (tcb.settings.maxSegment > 0) mss = Math.min(mss, tcb.settings.maxSegment);
  return Math.max(mss, tcb.tcp.config.minSendMss);
}

/** Numbers and windows before the first SYN of either direction. The route has been resolved. */
export function prepareHandshake(tcb: Tcb, iss: number): void {
  const tcp = tcb.tcp;
  const flow = tcb.flow;
  tcb.iss = iss;
  tcb.sndUna = iss;
  tcb.sndNxt = iss;
  tcb.writeSeq = (iss + 1) | 0;
  tcb.pushSeq = tcb.writeSeq;
  tcb.smallEnd = iss;
  tcb.highSeq = iss;
  tcb.sndUrgent = iss;
  tcb.rackRound = iss;
  tcb.maxInFlightEnd = iss;
  tcb.tsOffset = tcp.sequences.timestampOffset(flow.local, flow.remote);
  tcb.timestampsOk = tcp.config.timestamps;
  tcb.sackOk = tcp.config.sack;
  tcb.advertisedMss = announcedMss(tcb);
  tcb.rcvMss = Math.min(tcb.advertisedMss, DEFAULT_MSS_V4);
  tcb.peerMss = flow.remote.isV4 ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6;
  initializeReceiveWindow(tcb);
  if (tcb.route.initialRtt > 0)
    tcb.rtt.sample(tcb.route.initialRtt, tcp.now, tcp.config.rtoMin, tcp.config.rtoMax);
}

/** Queues the SYN (or SYN-ACK) and sends it. */
export function sendSyn(tcb: Tcb): void {
  const queue = queueOf(tcb);
  const end = (tcb.iss + 1) | 0;
  const index = queue.push(tcb.iss, end, SEGMENT_SYN);
  tcb.sndNxt = end;
  stampSent(tcb, queue, index);
  transmitSyn(tcb, true);
  armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
}

/** The first write after a deferred connect. */
export function sendDeferredSyn(tcb: Tcb): void {
  tcb.synDeferred = false;
  sendSyn(tcb);
}

/** The SYN again, without Fast Open data and, after two losses, without ECN (RFC 3168 section 6.1.1.1). */
export function retransmitSyn(tcb: Tcb): void {
  transmitSyn(tcb, false);
}

function transmitSyn(tcb: Tcb, first: boolean): void {
  const answering = tcb.state === TCP_SYN_RECV;
  const s = beginSegment(tcb, tcb.iss, answering ? TCP_SYN | TCP_ACK : TCP_SYN);
  s.mss = tcb.advertisedMss;
  if (tcb.timestampsOk) {
    s.hasTimestamps = true;
    s.timestamp = timestampNow(tcb);
    s.timestampEcho = answering ? tcb.tsRecent : 0;
  }
  s.sackPermitted = tcb.sackOk;
  if (tcb.tcp.config.windowScaling && (!answering || tcb.rcvWindowScale > 0 || tcb.sndWindowScale > 0)) {
    s.windowScale = tcb.rcvWindowScale;
  }
  if (tcb.settings.userTimeoutOption && tcb.settings.userTimeout > 0) {
    s.userTimeout = Math.ceil(tcb.settings.userTimeout / 1000);
  }
  askForEcn(tcb, s, answering);
  s.window = Math.min(tcb.rcvWnd, 0xffff);
  tcb.rcvWup = tcb.rcvNxt;
  const data = first ? fastOpenCookieFor(tcb, s, answering) : 0;
  transmit(tcb, s, (tcb.iss + 1) | 0, data, false);
}

function askForEcn(tcb: Tcb, s: TcpSegment, answering: boolean): void {
  if (answering) {
    if (tcb.ecnOk) s.flags |= TCP_ECE;
    return;
  }
  if (tcb.tcp.config.ecn !== 1 || tcb.retransmits >= 2) {
    tcb.ecnOk = false;
    return;
  }
  tcb.ecnOk = true;
  s.flags |= TCP_ECE | TCP_CWR;
}

/** What the options of the peer's SYN or SYN-ACK leave in force. */
export function applySynOptions(tcb: Tcb, s: TcpSegment): void {
  if (s.windowScale >= 0 && tcb.tcp.config.windowScaling) tcb.sndWindowScale = s.windowScale;
  else dropWindowScaling(tcb);
  tcb.timestampsOk = tcb.timestampsOk && s.hasTimestamps;
  if (tcb.timestampsOk) {
    tcb.tsRecent = s.timestamp;
    tcb.tsRecentAt = tcb.tcp.now;
  }
  tcb.sackOk = tcb.sackOk && s.sackPermitted;
  if (s.mss > 0) tcb.peerMss = Math.max(s.mss, tcb.tcp.config.minSendMss);
  if (s.userTimeout >= 0 && tcb.settings.userTimeoutOption) tcb.peerUserTimeout = s.userTimeout * 1000;
}

/** Numbers of the peer, from its SYN. */
export function takePeerSequence(tcb: Tcb, s: TcpSegment): void {
  tcb.irs = s.seq;
  tcb.rcvNxt = (s.seq + 1) | 0;
  tcb.rcvWup = tcb.rcvNxt;
  tcb.readSeq = tcb.rcvNxt;
  tcb.rcvSpaceSeq = tcb.rcvNxt;
  tcb.rcvSpaceAt = tcb.tcp.now;
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.urgentSeq = tcb.readSeq;
  tcb.sndWl1 = s.seq;
}

/** Both SYNs are through: sizes and the initial window (RFC 6928). */
export function beginTransfer(tcb: Tcb): void {
  const tcp = tcb.tcp;
  if (tcb.totalRetransmits > 0) tcb.rtt.restart(Math.max(tcb.rtt.timeout, 3 * tcp.config.rtoInitial));
  tcb.maxSndWnd = Math.max(tcb.maxSndWnd, tcb.sndWnd);
  syncMss(tcb);
  initializeProbing(tcb);
  syncMss(tcb);
  tcb.cwnd = tcp.initialWindow(tcb);
  tcb.cwndStamp = tcp.now;
  if (!tcb.sendBufferLocked) tcb.sendBuffer = Math.max(tcb.sendBuffer, 2 * tcb.cwnd);
  if (!tcb.receiveBufferLocked && tcb.advertisedMss * 8 > tcb.receiveBuffer) {
    tcb.receiveBuffer = Math.min(8 * tcb.advertisedMss, tcp.config.receiveMemory[2]);
  }
  tcb.congestion = tcb.congestionControl.create(tcb);
  tcb.lastAckReceivedAt = tcp.now;
}

/** A SYN met ours (simultaneous open): ours goes again as SYN-ACK, in the same queue record. */
export function requeueSyn(tcb: Tcb): void {
  transmitSyn(tcb, false);
  armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
}
