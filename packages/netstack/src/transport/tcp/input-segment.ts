// Segments of a connection that exists: RFC 9293 section 3.10.7.4 in its order (sequence number, RST, SYN, ACK, URG,
// text, FIN), with PAWS (RFC 7323 section 5) before it and the blind attack checks of RFC 5961 inside.

import { ECONNREFUSED, ECONNRESET, EPIPE } from '../../errno.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { TCP_ACK, TCP_CWR, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.js';
import { ACK_BAD, processAck } from './ack.js';
import { mustAckNow, settleAck } from './acknowledge.js';
import { abortSilently, fail, finAcknowledged } from './close.js';
import { completeHandshake, receiveInSynSent } from './connect.js';
import { retransmitSyn } from './handshake.js';
import { pushPending } from './output.js';
import { beginReply, emitSegment } from './raw-output.js';
import { noteDuplicate, receiveData } from './receive-data.js';
import { sendAck, sendControl } from './segment-output.js';
import { seqAfter, seqBefore } from './seq.js';
import {
  FIN_SENT_STATES,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from './state.js';
import { SHUTDOWN_RECEIVE, type Tcb } from './tcb.js';
import { remainingWindow } from './window.js';

const PAWS_LIFETIME = 24 * 86_400 * 1_000_000;
const CE = 3;
const RECEIVES_DATA = (1 << TCP_ESTABLISHED) | (1 << TCP_FIN_WAIT1) | (1 << TCP_FIN_WAIT2);

/** One segment for `tcb`. The packet stays the caller's. */
export function receiveSegment(tcb: Tcb, s: TcpSegment, packet: PacketBuffer): void {
  tcb.segmentsIn++;
  tcb.keepProbes = 0;
  if (tcb.state === TCP_CLOSE) return;
  if (tcb.state === TCP_SYN_SENT) {
    receiveInSynSent(tcb, s);
    return;
  }
  if (!isAcceptable(tcb, s)) return;
  if (tcb.state === TCP_SYN_RECV && !leaveSynReceived(tcb, s)) return;
  noteTimestamp(tcb, s);
  noteEcnMark(tcb, s, packet);
  if (processAck(tcb, s) === ACK_BAD) {
    challengeAck(tcb);
    return;
  }
  if ((FIN_SENT_STATES & (1 << tcb.state)) !== 0) finAcknowledged(tcb);
  if ((1 << tcb.state) & RECEIVES_DATA) takeText(tcb, s, packet);
  else if (s.payloadLength > 0 && tcb.state !== TCP_CLOSE) mustAckNow(tcb);
  if (tcb.state === TCP_CLOSE) return;
  pushPending(tcb);
  settleAck(tcb);
}

function takeText(tcb: Tcb, s: TcpSegment, packet: PacketBuffer): void {
  // RFC 9293 section 3.10.4: data for a program that is gone; it will never be read.
  const beyond = s.payloadLength > 0 && seqAfter((s.seq + s.payloadLength) | 0, tcb.rcvNxt);
  if (tcb.orphaned && (tcb.shutdown & SHUTDOWN_RECEIVE) !== 0 && beyond) {
    tcb.tcp.counters.abortOnData++;
    rejectSegment(tcb, s);
    abortSilently(tcb);
    return;
  }
  receiveData(tcb, s, packet);
}

/** PAWS, sequence number, RST, SYN and the presence of ACK; answers what must be answered. */
function isAcceptable(tcb: Tcb, s: TcpSegment): boolean {
  const isReset = (s.flags & TCP_RST) !== 0;
  if (!isReset && failsPaws(tcb, s)) {
    tcb.tcp.counters.pawsRejected++;
    answerOutOfWindow(tcb, s);
    return false;
  }
  if (!isInWindow(tcb, s)) {
    if (!isReset) answerOutOfWindow(tcb, s);
    return false;
  }
  if (isReset) {
    takeReset(tcb, s);
    return false;
  }
  if ((s.flags & TCP_SYN) !== 0) {
    challengeAck(tcb);
    return false;
  }
  return (s.flags & TCP_ACK) !== 0;
}

function failsPaws(tcb: Tcb, s: TcpSegment): boolean {
  if (!tcb.timestampsOk || !s.hasTimestamps) return false;
  if (!seqBefore(s.timestamp, tcb.tsRecent)) return false;
  if (tcb.tcp.now - tcb.tsRecentAt >= PAWS_LIFETIME) return false;
  return !isHarmlessReordering(tcb, s);
}

// An acknowledgement without data that was overtaken by a moment; dropping it would cost a challenge for nothing.
function isHarmlessReordering(tcb: Tcb, s: TcpSegment): boolean {
  return (
    s.payloadLength === 0 &&
    (s.flags & (TCP_SYN | TCP_FIN)) === 0 &&
    s.seq === tcb.rcvNxt &&
    s.ack === tcb.sndUna &&
    s.window << tcb.sndWindowScale === tcb.sndWnd &&
    ((tcb.tsRecent - s.timestamp) | 0) <= 1000
  );
}

function isInWindow(tcb: Tcb, s: TcpSegment): boolean {
  const end = (s.seq + s.payloadLength + ((s.flags & TCP_FIN) !== 0 ? 1 : 0)) | 0;
  return !seqBefore(end, tcb.rcvWup) && !seqAfter(s.seq, (tcb.rcvNxt + remainingWindow(tcb)) | 0);
}

/** RFC 9293: an unacceptable segment is answered by an acknowledgement; not more often than twice a second for empty ones. */
function answerOutOfWindow(tcb: Tcb, s: TcpSegment): void {
  const now = tcb.tcp.now;
  if (tcb.state === TCP_SYN_RECV && (s.flags & TCP_SYN) !== 0) {
    retransmitSyn(tcb);
    return;
  }
  const end = (s.seq + s.payloadLength) | 0;
  if (s.payloadLength > 0 && seqBefore(s.seq, tcb.rcvNxt)) {
    noteDuplicate(tcb, s.seq, seqBefore(end, tcb.rcvNxt) ? end : tcb.rcvNxt);
  } else if (s.payloadLength === 0) {
    const wait = tcb.tcp.config.invalidRateLimit;
    if (tcb.lastOutOfWindowAckAt !== 0 && now - tcb.lastOutOfWindowAckAt < wait) return;
    tcb.lastOutOfWindowAckAt = now;
  }
  sendAck(tcb);
}

/** RFC 5961 section 3: only the exact number resets; anything else in the window is challenged. */
function takeReset(tcb: Tcb, s: TcpSegment): void {
  if (s.seq !== tcb.rcvNxt) {
    challengeAck(tcb);
    return;
  }
  if (tcb.state === TCP_CLOSE_WAIT) fail(tcb, EPIPE);
  else if (tcb.state === TCP_SYN_RECV) fail(tcb, ECONNREFUSED);
  else if (tcb.state === TCP_LAST_ACK) abortSilently(tcb);
  else fail(tcb, ECONNRESET);
}

/** RFC 5961 section 7 bounds these over the whole stack, and per connection. */
export function challengeAck(tcb: Tcb): void {
  const now = tcb.tcp.now;
  if (tcb.challengeWindowAt !== 0 && now - tcb.challengeWindowAt < tcb.tcp.config.invalidRateLimit) return;
  if (!tcb.tcp.mayChallenge()) return;
  tcb.challengeWindowAt = now;
  tcb.tcp.counters.challengeAcks++;
  sendControl(tcb, tcb.sndNxt, TCP_ACK);
}

// The acknowledgement of our SYN, or the reset that RFC 9293 asks for.
function leaveSynReceived(tcb: Tcb, s: TcpSegment): boolean {
  if (completeHandshake(tcb, s)) return true;
  rejectSegment(tcb, s);
  return false;
}

function rejectSegment(tcb: Tcb, s: TcpSegment): void {
  beginReply(tcb.tcp, s.ack, 0, TCP_RST);
  tcb.tcp.counters.outResets++;
  emitSegment(tcb.tcp, tcb.tcp.out, tcb.flow.local, tcb.route, 0);
}

/** RFC 7323 section 4.3: TS.Recent follows segments that cover the last acknowledgement sent. */
function noteTimestamp(tcb: Tcb, s: TcpSegment): void {
  if (!tcb.timestampsOk || !s.hasTimestamps || seqAfter(s.seq, tcb.lastAckSent)) return;
  if (seqBefore(s.timestamp, tcb.tsRecent) && tcb.tcp.now - tcb.tsRecentAt < PAWS_LIFETIME) return;
  tcb.tsRecent = s.timestamp;
  tcb.tsRecentAt = tcb.tcp.now;
}

/** RFC 3168 section 6.1.3: echo congestion until the sender says that it reduced. */
function noteEcnMark(tcb: Tcb, s: TcpSegment, packet: PacketBuffer): void {
  if (!tcb.ecnOk) return;
  if ((s.flags & TCP_CWR) !== 0 && s.payloadLength > 0) tcb.ecnEcho = false;
  const mark = packet.tos & 3;
  if (mark !== 0) tcb.ecnSeen = true;
  if (mark !== CE) return;
  if (!tcb.ecnEcho) mustAckNow(tcb);
  tcb.ecnEcho = true;
}
