// Active opens: connect(2), and what arrives in SYN-SENT and in SYN-RECEIVED (simultaneous open): RFC 9293 section
// 3.10.7.3 and 3.10.7.4, with the checks of RFC 5961 and 7323.

import { ECONNREFUSED } from '../../errno.js';
import { READY_WRITE } from '../../roles.js';
import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.js';
import { enterQuickAck } from './acknowledge.js';
import { fail } from './close.js';
import { defersSyn, settleEarly, settleFastOpen } from './fast-open.js';
import {
  applySynOptions,
  beginTransfer,
  prepareHandshake,
  requeueSyn,
  sendSyn,
  takePeerSequence,
} from './handshake.js';
import { armKeepalive } from './keepalive.js';
import { pushPending } from './output.js';
import { beginReply, emitSegment } from './raw-output.js';
import { receiveData } from './receive-data.js';
import { sendAck } from './segment-output.js';
import { SEGMENT_LOST, SEGMENT_RETRANSMITTED } from './segment-queue.js';
import { seqAfter, seqBefore, seqDiff } from './seq.js';
import { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_SYN_RECV, TCP_SYN_SENT } from './state.js';
import { type Tcb, timestampNow, wake, XMIT_RETRANSMIT } from './tcb.js';
import { armXmit, disarmXmit, retransmissionTimeout } from './xmit-timer.js';

/** Starts the handshake. Preconditions: the flow is in the table, the route resolved. */
export function startConnect(tcb: Tcb, iss: number): void {
  prepareHandshake(tcb, iss);
  tcb.state = TCP_SYN_SENT;
  tcb.tcp.counters.activeOpens++;
  tcb.synDeferred = defersSyn(tcb);
  if (!tcb.synDeferred) sendSyn(tcb);
}

/** A segment in SYN-SENT. */
export function receiveInSynSent(tcb: Tcb, s: TcpSegment): void {
  const hasAck = (s.flags & TCP_ACK) !== 0;
  if (hasAck && !isAckOfSyn(tcb, s)) {
    if ((s.flags & TCP_RST) === 0) rejectAck(tcb, s);
    return;
  }
  if ((s.flags & TCP_RST) !== 0) {
    if (hasAck) fail(tcb, ECONNREFUSED);
    return;
  }
  if ((s.flags & TCP_SYN) === 0) return;
  if (hasAck) completeActiveOpen(tcb, s);
  else simultaneousOpen(tcb, s);
}

function isAckOfSyn(tcb: Tcb, s: TcpSegment): boolean {
  if (!seqAfter(s.ack, tcb.iss) || seqAfter(s.ack, tcb.sndNxt)) return false;
  if (!tcb.timestampsOk || !s.hasTimestamps || s.timestampEcho === 0) return true;
  const age = seqDiff(timestampNow(tcb), s.timestampEcho);
  return age >= 0 && age < 600_000;
}

function rejectAck(tcb: Tcb, s: TcpSegment): void {
  beginReply(tcb.tcp, s.ack, 0, TCP_RST);
  emitSegment(tcb.tcp, tcb.tcp.out, tcb.flow.local, tcb.route, 0);
}

function completeActiveOpen(tcb: Tcb, s: TcpSegment): void {
  sampleHandshake(tcb, s);
  takePeerSequence(tcb, s);
  applySynOptions(tcb, s);
  releaseSyn(tcb, s.ack);
  tcb.sndWnd = s.window;
  tcb.ecnOk = tcb.ecnOk && (s.flags & (TCP_ECE | TCP_CWR)) === TCP_ECE;
  tcb.state = TCP_ESTABLISHED;
  beginTransfer(tcb);
  settleFastOpen(tcb, s);
  established(tcb);
  enterQuickAck(tcb);
  if (s.payloadLength > 0 || (s.flags & TCP_FIN) !== 0) {
    s.seq = (s.seq + 1) | 0;
    receiveData(tcb, s, tcb.tcp.inPacket);
  }
  sendAck(tcb);
  pushPending(tcb);
}

/** A round trip from the SYN, if it was sent once. */
function sampleHandshake(tcb: Tcb, s: TcpSegment): void {
  const config = tcb.tcp.config;
  const now = tcb.tcp.now;
  if (tcb.totalRetransmits === 0) {
    // Data of Fast Open may have left since.
    const sent = tcb.queue === null || tcb.queue.empty ? tcb.lastSentAt : tcb.queue.sentAt(tcb.queue.head);
    tcb.rtt.sample(now - sent, now, config.rtoMin, config.rtoMax);
  } else if (tcb.timestampsOk && s.hasTimestamps && s.timestampEcho !== 0) {
    tcb.rtt.sample(seqDiff(timestampNow(tcb), s.timestampEcho) * 1000, now, config.rtoMin, config.rtoMax);
  }
}

/** The SYN is acknowledged, and perhaps data that went with it. */
export function releaseSyn(tcb: Tcb, ack: number): void {
  const queue = tcb.queue;
  disarmXmit(tcb);
  if (queue !== null) {
    while (!queue.empty && !seqAfter(queue.end(queue.head), ack)) queue.shift();
    if (!queue.empty && seqBefore(queue.seq(queue.head), ack)) queue.trimHead(ack);
    if (queue.empty) {
      tcb.tcp.queues.release(queue);
      tcb.queue = null;
    } else armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
  }
  const data = seqDiff(ack, tcb.iss) - 1;
  if (data > 0) tcb.sendRing.release(data);
  tcb.sndUna = ack;
  recount(tcb);
  tcb.sackedBytes = 0;
  tcb.retransmits = 0;
  tcb.backoff = 0;
  tcb.firstRetransmitAt = 0;
  tcb.retransmitStamped = false;
  tcb.caState = 0;
  tcb.undoPossible = false;
  tcb.frto = 0;
}

/** What is left of the flight after the SYN: data of Fast Open, which a timeout of the SYN may have deemed lost. */
function recount(tcb: Tcb): void {
  const queue = tcb.queue;
  tcb.lostBytes = 0;
  tcb.retransmittedBytes = 0;
  if (queue === null) return;
  for (let i = queue.head; i < queue.tail; i++) {
    const flags = queue.flags(i);
    if ((flags & SEGMENT_LOST) !== 0) tcb.lostBytes += queue.bytes(i);
    if ((flags & SEGMENT_RETRANSMITTED) !== 0) tcb.retransmittedBytes += queue.bytes(i);
  }
}

function simultaneousOpen(tcb: Tcb, s: TcpSegment): void {
  takePeerSequence(tcb, s);
  applySynOptions(tcb, s);
  tcb.sndWnd = s.window;
  tcb.maxSndWnd = s.window;
  tcb.ecnOk = tcb.ecnOk && (s.flags & (TCP_ECE | TCP_CWR)) === (TCP_ECE | TCP_CWR);
  tcb.state = TCP_SYN_RECV;
  requeueSyn(tcb);
}

/** The acknowledgement of our SYN in SYN-RECEIVED. False if the segment must be answered with a reset instead. */
export function completeHandshake(tcb: Tcb, s: TcpSegment): boolean {
  if (!seqAfter(s.ack, tcb.iss) || seqAfter(s.ack, tcb.sndNxt)) return false;
  sampleHandshake(tcb, s);
  releaseSyn(tcb, seqAfter(s.ack, (tcb.iss + 1) | 0) ? (tcb.iss + 1) | 0 : s.ack);
  tcb.state = tcb.finQueued ? TCP_FIN_WAIT1 : TCP_ESTABLISHED;
  tcb.sndWnd = s.window << tcb.sndWindowScale;
  tcb.sndWl1 = s.seq;
  if (tcb.cwnd === 0) beginTransfer(tcb);
  enterQuickAck(tcb);
  established(tcb);
  return true;
}

export function established(tcb: Tcb): void {
  armKeepalive(tcb);
  tcb.tcp.counters.established++;
  tcb.establishedCounted = true;
  if (tcb.fastOpenListener !== null) settleEarly(tcb);
  else if (tcb.listener !== null) tcb.listener.childReady(tcb);
  wake(tcb, READY_WRITE);
}
