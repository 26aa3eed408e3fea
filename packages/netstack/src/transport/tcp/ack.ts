// Processing acknowledgements: RFC 9293 section 3.10.7.4, "fifth". Validity, the send window, releasing what arrived,
// round trip samples; then loss recovery, congestion control and timers.

import { TCP_ECE, type TcpSegment } from '../../wire/tcp.js';
import { additionalWindow } from './cwnd.js';
import { LIMIT_IDLE, noteLimit } from './limits.js';
import { noteProbeDelivered, syncMss } from './mtu-probe.js';
import { noteWriteSpace } from './output.js';
import { rackDelivered, scheduleLossProbe } from './rack.js';
import { finishSample, sampleDelivered } from './rate.js';
import { advanceRecovery, isDubious } from './recovery.js';
import { judgeLossProbe } from './retransmit.js';
import { noteReordering, processSacks } from './sack.js';
import { discount } from './scoreboard.js';
import {
  SEGMENT_EVER_RETRANSMITTED,
  SEGMENT_SACKED,
  SEGMENT_SYN,
  type SegmentQueue,
} from './segment-queue.js';
import { seqAfter, seqBefore, seqDiff, seqMin } from './seq.js';
import { CA_DISORDER } from './state.js';
import { inFlight, type Tcb, timestampNow, XMIT_PROBE_WINDOW, XMIT_REORDER, XMIT_RETRANSMIT } from './tcb.js';
import { expandSendBuffer } from './window.js';
import { armXmit, disarmXmit, retransmissionTimeout } from './xmit-timer.js';

export const ACK_VALID = 0;
/** Acknowledges what was acknowledged before: nothing to do, the rest of the segment counts. */
export const ACK_OLD = 1;
/** Acknowledges what was never sent, or is older than any window: RFC 5961 section 5. */
export const ACK_BAD = 2;

/** Handles the acknowledgement of a segment in a synchronized state. */
export function processAck(tcb: Tcb, s: TcpSegment): number {
  const ack = s.ack;
  if (seqAfter(ack, tcb.sndNxt)) return ACK_BAD;
  const sample = tcb.tcp.ack;
  if (seqBefore(ack, tcb.sndUna)) return oldAck(tcb, s);
  sample.reset(tcb.sndUna, inFlight(tcb));
  sample.carriesData = s.payloadLength > 0;
  sample.hasTimestampEcho = tcb.timestampsOk && s.hasTimestamps && s.timestampEcho !== 0;
  sample.timestampEcho = s.timestampEcho;
  sample.timeouts = tcb.retransmits;
  sample.deliveredBefore = tcb.delivered;
  tcb.lastAckReceivedAt = tcb.tcp.now;
  tcb.probesOut = 0;
  updateSendWindow(tcb, s);
  noteEcnEcho(tcb, s);
  if (tcb.queue === null || tcb.queue.empty) return nothingInFlight(tcb, ack);
  if (s.sackCount > 0 && tcb.sackOk) processSacks(tcb, s, ack);
  const dubious = releaseAcked(tcb, ack);
  takeRttSample(tcb);
  judgeLossProbe(tcb, ack);
  if (dubious || isDubious(tcb, sample)) advanceRecovery(tcb, sample);
  settleDelivery(tcb);
  return ACK_VALID;
}

// RFC 5961 section 5: acceptable only within the largest window the peer has offered. D-SACK blocks still count.
function oldAck(tcb: Tcb, s: TcpSegment): number {
  if (seqBefore(s.ack, (tcb.sndUna - tcb.maxSndWnd) | 0)) return ACK_BAD;
  if (s.sackCount > 0 && tcb.sackOk && tcb.queue !== null) {
    tcb.tcp.ack.reset(tcb.sndUna, inFlight(tcb));
    processSacks(tcb, s, tcb.sndUna);
    if (isDubious(tcb, tcb.tcp.ack)) advanceRecovery(tcb, tcb.tcp.ack);
  }
  return ACK_OLD;
}

/** RFC 9293: SND.WND, SND.WL1; also RFC 7323 section 2.3 scaling. */
function updateSendWindow(tcb: Tcb, s: TcpSegment): void {
  const window = s.window << tcb.sndWindowScale;
  // Even a window that is not taken tells that this is no duplicate acknowledgement (RFC 5681 section 2, (e)).
  tcb.tcp.ack.windowChanged = window !== tcb.sndWnd;
  const newer = seqAfter(s.ack, tcb.sndUna) || seqAfter(s.seq, tcb.sndWl1);
  if (!newer && !(s.seq === tcb.sndWl1 && window > tcb.sndWnd)) return;
  tcb.sndWl1 = s.seq;
  if (window === tcb.sndWnd) return;
  tcb.sndWnd = window;
  if (window > tcb.maxSndWnd) {
    tcb.maxSndWnd = window;
    syncMss(tcb);
  }
}

function noteEcnEcho(tcb: Tcb, s: TcpSegment): void {
  if (!tcb.ecnOk || (s.flags & TCP_ECE) === 0) return;
  tcb.tcp.ack.echo = true;
}

// A probe was answered, or an acknowledgement came twice.
function nothingInFlight(tcb: Tcb, ack: number): number {
  tcb.tlpPending = tcb.tlpPending && seqBefore(ack, tcb.tlpHighSeq);
  if (tcb.xmitKind !== XMIT_PROBE_WINDOW) return ACK_VALID;
  if (tcb.sndWnd >= Math.min(tcb.mss, seqDiff(tcb.writeSeq, tcb.sndNxt))) {
    tcb.backoff = 0;
    tcb.probeStartedAt = 0;
    disarmXmit(tcb);
  } else armXmit(tcb, XMIT_PROBE_WINDOW, Math.max(retransmissionTimeout(tcb), tcb.tcp.config.rtoMin));
  return ACK_VALID;
}

/** Takes everything below `ack` off the queue and the ring. True if retransmitted or SACKed data was among it. */
function releaseAcked(tcb: Tcb, ack: number): boolean {
  const advanced = seqDiff(ack, tcb.sndUna);
  if (advanced <= 0) return false;
  const sample = tcb.tcp.ack;
  const queue = tcb.queue!;
  let special = false;
  while (!queue.empty && !seqAfter(queue.end(queue.head), ack)) {
    special = settleRecord(tcb, queue, queue.head, queue.bytes(queue.head)) || special;
    queue.shift();
  }
  if (!queue.empty && seqAfter(ack, queue.seq(queue.head))) {
    special = settleRecord(tcb, queue, queue.head, seqDiff(ack, queue.seq(queue.head))) || special;
    queue.trimHead(ack);
  }
  sample.ackedBytes = advanced;
  // RFC 5682: without SACK, progress past a retransmission proves nothing about originals behind it.
  if (!tcb.sackOk && sample.retransmittedAcked) sample.originalDelivered = false;
  advanceUna(tcb, ack);
  return special;
}

function settleRecord(tcb: Tcb, queue: SegmentQueue, index: number, bytes: number): boolean {
  const flags = queue.flags(index);
  const sample = tcb.tcp.ack;
  discount(tcb, flags, bytes);
  const again = (flags & SEGMENT_EVER_RETRANSMITTED) !== 0;
  if ((flags & SEGMENT_SYN) === 0) sample.dataAcked = true;
  if (again) sample.retransmittedAcked = true;
  if ((flags & SEGMENT_SACKED) !== 0) {
    tcb.sackedBytes -= bytes;
    return true;
  }
  tcb.delivered += bytes;
  sample.acked += bytes;
  if (bytes >= tcb.mss) tcb.fullSizeAt = tcb.tcp.now;
  if (!again) noteFirstTransmission(tcb, queue, index);
  sampleDelivered(tcb, queue, index, sample);
  rackDelivered(tcb, queue, index, again);
  return again;
}

function noteFirstTransmission(tcb: Tcb, queue: SegmentQueue, index: number): void {
  const sample = tcb.tcp.ack;
  const sentAt = queue.sentAt(index);
  if (sample.firstAckedAt < 0) sample.firstAckedAt = sentAt;
  sample.lastAckedAt = sentAt;
  if (!seqAfter(queue.end(index), tcb.highSeq)) sample.originalDelivered = true;
  // The hole filled by itself while later data had been SACKed: reordering, not loss.
  if (tcb.sackOk && tcb.sackedBytes > 0 && seqBefore(queue.seq(index), tcb.highSacked)) {
    noteReordering(tcb, queue.seq(index));
  }
}

function advanceUna(tcb: Tcb, ack: number): void {
  tcb.bytesAcked += seqDiff(ack, tcb.sndUna);
  tcb.sndUna = ack;
  const ringStart = (tcb.writeSeq - tcb.sendRing.length) | 0;
  const released = seqDiff(seqMin(ack, tcb.writeSeq), ringStart);
  if (released > 0) tcb.sendRing.release(released);
  if (tcb.urgentMode && !seqBefore(ack, tcb.sndUrgent)) tcb.urgentMode = false;
  tcb.retransmits = 0;
  tcb.backoff = 0;
  tcb.firstRetransmitAt = 0;
  tcb.softError = 0;
  noteProbeDelivered(tcb);
  if (tcb.queue!.empty) {
    tcb.tcp.queues.release(tcb.queue!);
    tcb.queue = null;
    noteLimit(tcb, LIMIT_IDLE);
  }
}

/** RFC 6298 with Karn's rule; the timestamp echo serves when everything acknowledged had been sent twice. */
function takeRttSample(tcb: Tcb): void {
  const sample = tcb.tcp.ack;
  const now = tcb.tcp.now;
  const config = tcb.tcp.config;
  let rtt = -1;
  // What was acknowledged together with a retransmission may have waited behind the hole: no measure of the path.
  const clean = !sample.retransmittedAcked && sample.timeouts === 0;
  if (sample.firstAckedAt >= 0 && clean) rtt = now - sample.firstAckedAt;
  else if (sample.firstSackedAt >= 0 && sample.timeouts === 0) rtt = now - sample.firstSackedAt;
  else if (sample.hasTimestampEcho && sample.ackedBytes > 0) rtt = rttFromEcho(tcb);
  if (rtt < 0 || sample.ackedBytes + sample.acked === 0) return;
  tcb.rtt.sample(rtt, now, config.rtoMin, config.rtoMax);
  const latest = sample.lastAckedAt >= 0 && clean ? sample.lastAckedAt : sample.lastSackedAt;
  sample.rtt = latest >= 0 ? now - latest : rtt;
  tcb.congestionControl.measured(tcb, sample.rtt);
}

// The echo is that of the first copy to arrive. If its acknowledgement was lost, our own waiting would count as distance
// and every timeout would lengthen the next: after one timeout the sample is bounded, after two not taken.
function rttFromEcho(tcb: Tcb): number {
  const sample = tcb.tcp.ack;
  if (sample.timeouts > 1) return -1;
  const rtt = seqDiff(timestampNow(tcb), sample.timestampEcho) * 1000;
  return sample.timeouts === 1 ? Math.min(rtt, 2 * tcb.rtt.timeout) : rtt;
}

/** What the acknowledgement delivered goes to congestion control, the timers and whoever waits for room. */
function settleDelivery(tcb: Tcb): void {
  const sample = tcb.tcp.ack;
  const delivered = tcb.delivered - sample.deliveredBefore;
  if (delivered > 0) {
    tcb.deliveredAt = tcb.tcp.now;
    tcb.deliveredSegments += Math.ceil(delivered / tcb.mss);
    if (sample.echo) tcb.deliveredCe += Math.ceil(delivered / tcb.mss);
  }
  finishSample(tcb, sample);
  additionalWindow(tcb, sample, delivered);
  if (sample.ackedBytes > 0) {
    expandSendBuffer(tcb);
    noteWriteSpace(tcb);
    tcb.tcp.host.confirmReachable(tcb.route);
  }
  if (sample.ackedBytes > 0 || sample.sackedNew) rearmTimers(tcb);
}

function rearmTimers(tcb: Tcb): void {
  if (tcb.queue === null) {
    disarmXmit(tcb);
    return;
  }
  if (tcb.xmitKind === XMIT_REORDER && tcb.caState >= CA_DISORDER) return;
  if (!scheduleLossProbe(tcb)) armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
}
