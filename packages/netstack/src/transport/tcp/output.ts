// Sending new data: what the windows, Nagle's algorithm (RFC 1122 section 4.2.3.4, Minshall's variant), CORK and pacing
// allow, in pieces as large as the link takes. Lost data goes first (retransmit.ts).

import { READY_WRITE } from '../../roles.js';
import { TCP_ACK, TCP_FIN, TCP_PSH } from '../../wire/tcp.js';
import { LIMIT_BUSY, LIMIT_RECEIVER, noteLimit } from './limits.js';
import { mtuProbeLength } from './mtu-probe.js';
import { scheduleLossProbe } from './rack.js';
import { limitPacing, noteAppLimited, paceSent, pacingBlocks, stampSent } from './rate.js';
import { retransmitLost } from './retransmit.js';
import { queueOf } from './scoreboard.js';
import { extraOptionBytes, sendData } from './segment-output.js';
import { SEGMENT_FIN, SEGMENT_MTU_PROBE } from './segment-queue.js';
import { seqAfter, seqDiff } from './seq.js';
import { CA_LOSS, CA_RECOVERY, CAN_SEND_STATES, FIN_SENT_STATES, TCP_SYN_RECV } from './state.js';
import { ACK_NONE, inFlight, type Tcb, wake, XMIT_NONE, XMIT_PROBE_WINDOW, XMIT_RETRANSMIT } from './tcb.js';
import { armXmit, retransmissionTimeout } from './xmit-timer.js';

const MAY_TRANSMIT = CAN_SEND_STATES | FIN_SENT_STATES;

/** Sends all that may be sent now, lost data first; arms the probe timer if only the peer's window is in the way. */
export function pushPending(tcb: Tcb): void {
  if ((MAY_TRANSMIT & (1 << tcb.state)) === 0 && !maySendEarly(tcb)) return;
  if (tcb.lostBytes > 0 && tcb.frto !== 2) retransmitLost(tcb);
  restartAfterIdle(tcb);
  let sent = false;
  for (;;) {
    const length = nextLength(tcb);
    if (length < 0) break;
    sendNext(tcb, length);
    sent = true;
  }
  if (sent) afterSending(tcb);
  else if (tcb.xmitKind === XMIT_NONE) armProbe(tcb);
}

/** RFC 7413 section 4.2.2: a server that took data from a SYN may answer it before the third segment. */
function maySendEarly(tcb: Tcb): boolean {
  return tcb.state === TCP_SYN_RECV && tcb.fastOpenListener !== null;
}

/** Bytes of payload (0: a bare FIN) that may leave now; -1: nothing. */
function nextLength(tcb: Tcb): number {
  const unsent = seqDiff(tcb.writeSeq, tcb.sndNxt);
  if (unsent <= 0) return unsent === 0 && tcb.finQueued ? 0 : -1;
  if (tcb.pacingRate > 0 && pacingBlocks(tcb)) return pacedLater(tcb);
  const window = seqDiff(tcb.sndUna + tcb.sndWnd, tcb.sndNxt);
  if (window <= 0) return limitedBy(tcb, LIMIT_RECEIVER);
  const flight = inFlight(tcb);
  const quota = tcb.cwnd - flight;
  const mss = tcb.mss - extraOptionBytes(tcb);
  if (quota < Math.min(mss, unsent, window) && flight > 0) return limitedByCongestion(tcb);
  const probe = mtuProbeLength(tcb, unsent, Math.min(window, quota));
  if (probe > 0) return probe;
  return fit(tcb, unsent, window, Math.max(quota, mss), mss);
}

function fit(tcb: Tcb, unsent: number, window: number, quota: number, mss: number): number {
  let length = Math.min(unsent, window, quota, tcb.gsoSize);
  // Whole segments, unless this is the end of what there is to send.
  if (length > mss && length < unsent) length -= length % mss;
  else if (length > mss && length % mss !== 0 && nagleHolds(tcb, length % mss, true)) length -= length % mss;
  if (length >= mss) return length;
  if (length < unsent && flightOrHalfWindow(tcb, length)) return -1;
  return nagleHolds(tcb, length, false) ? -1 : length;
}

// The peer's window has room for a small piece only: silly window avoidance on our side (RFC 9293, 3.8.6.2.1).
function flightOrHalfWindow(tcb: Tcb, length: number): boolean {
  if (tcb.noNagleOnce) return false;
  return seqDiff(tcb.sndNxt, tcb.sndUna) > 0 || length < tcb.maxSndWnd >> 1;
}

function nagleHolds(tcb: Tcb, _length: number, behindFull: boolean): boolean {
  if (tcb.finQueued || tcb.urgentMode || tcb.noNagleOnce) return false;
  if (tcb.settings.cork || tcb.corked) return true;
  if (tcb.settings.noDelay) return false;
  if (behindFull) return true;
  return seqAfter(tcb.smallEnd, tcb.sndUna) && seqDiff(tcb.sndNxt, tcb.sndUna) > 0;
}

function limitedBy(tcb: Tcb, kind: number): number {
  noteLimit(tcb, kind);
  return -1;
}

function limitedByCongestion(tcb: Tcb): number {
  tcb.cwndLimited = true;
  return -1;
}

function pacedLater(tcb: Tcb): number {
  if (!tcb.paceTimer.armed) tcb.tcp.timers.arm(tcb.paceTimer, tcb.nextSendAt);
  return -1;
}

/** Sends `length` bytes that were never sent, with the FIN if they are the last. */
export function sendNext(tcb: Tcb, length: number): void {
  const seq = tcb.sndNxt;
  const end = (seq + length) | 0;
  const fin = tcb.finQueued && end === tcb.writeSeq;
  const last = (end + (fin ? 1 : 0)) | 0;
  const queue = queueOf(tcb);
  const wasEmpty = queue.empty;
  let flags = fin ? SEGMENT_FIN : 0;
  if (tcb.mtuProbeSize > 0 && seq === tcb.mtuProbeStart) flags |= SEGMENT_MTU_PROBE;
  const index = queue.push(seq, last, flags);
  tcb.sndNxt = last;
  stampSent(tcb, queue, index);
  if (length > 0 && length % tcb.mss !== 0) tcb.smallEnd = end;
  if (tcb.caState >= CA_RECOVERY || tcb.prrOut > 0) tcb.prrOut += length;
  limitPacing(tcb);
  paceSent(tcb, length);
  noteLimit(tcb, LIMIT_BUSY);
  noteInteractive(tcb);
  const push = end === tcb.writeSeq || seqAfter(end, tcb.pushSeq) ? TCP_PSH : 0;
  if (length > 0 && push !== 0) tcb.pushSeq = (end + (tcb.maxSndWnd >> 1)) | 0;
  sendData(tcb, seq, length, TCP_ACK | (length > 0 ? push : 0) | (fin ? TCP_FIN : 0), true);
  if (wasEmpty || tcb.xmitKind === XMIT_NONE || tcb.xmitKind === XMIT_PROBE_WINDOW) {
    armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
  }
}

/** Data sent right after data was received: an exchange of requests and answers, whose acknowledgements ride on data. */
function noteInteractive(tcb: Tcb): void {
  if (tcb.ackState !== ACK_NONE && tcb.tcp.now - tcb.lastReceivedAt < tcb.ackTimeout) tcb.interactive = true;
}

function afterSending(tcb: Tcb): void {
  const flight = inFlight(tcb);
  if (!seqAfter(tcb.maxInFlightEnd, tcb.sndUna) || flight > tcb.maxInFlight) {
    tcb.maxInFlight = flight;
    tcb.maxInFlightEnd = tcb.sndNxt;
  }
  if (tcb.sndNxt === tcb.writeSeq && flight < tcb.cwnd) noteAppLimited(tcb);
  if (tcb.caState < CA_LOSS) scheduleLossProbe(tcb);
}

/** Data waits, nothing is in flight and nothing may go: ask the peer for its window in a while (RFC 9293, 3.8.6.1). */
export function armProbe(tcb: Tcb): void {
  const waiting = seqDiff(tcb.writeSeq, tcb.sndNxt) > 0 || (tcb.finQueued && tcb.sndNxt === tcb.writeSeq);
  if (!waiting || tcb.sndNxt !== tcb.sndUna || tcb.paceTimer.armed) return;
  if (tcb.sndWnd > 0 && !isWindowSmall(tcb)) return;
  if (tcb.probeStartedAt === 0) tcb.probeStartedAt = tcb.tcp.now;
  armXmit(tcb, XMIT_PROBE_WINDOW, Math.max(retransmissionTimeout(tcb), tcb.tcp.config.rtoMin));
}

function isWindowSmall(tcb: Tcb): boolean {
  return tcb.sndWnd < Math.min(tcb.mss, seqDiff(tcb.writeSeq, tcb.sndNxt));
}

// RFC 5681 section 4.1: a window that was earned long ago says nothing about the network now.
function restartAfterIdle(tcb: Tcb): void {
  if (tcb.sndNxt !== tcb.sndUna || tcb.lastSentAt === 0) return;
  if (seqDiff(tcb.writeSeq, tcb.sndNxt) <= 0) return;
  const idle = tcb.tcp.now - tcb.lastSentAt;
  if (idle <= tcb.rtt.timeout) return;
  tcb.congestionControl.resume(tcb);
  if (!tcb.tcp.config.slowStartAfterIdle || tcb.congestionControl.controlsRate) return;
  const restart = Math.min(tcb.tcp.initialWindow(tcb), tcb.cwnd);
  tcb.ssthresh = Math.max(tcb.ssthresh, Math.floor(tcb.cwnd * 0.75));
  tcb.cwnd = Math.max(restart, Math.floor(tcb.cwnd / 2 ** Math.min(30, Math.floor(idle / tcb.rtt.timeout))));
  tcb.cwndStamp = tcb.tcp.now;
}

/** Room came about in the send buffer: tells a writer that met a full one, once a third is free (as Linux does). */
export function noteWriteSpace(tcb: Tcb): void {
  if (!tcb.writeBlocked) return;
  if (tcb.sendRing.length * 3 > tcb.sendBuffer * 2) return;
  tcb.writeBlocked = false;
  wake(tcb, READY_WRITE);
}
