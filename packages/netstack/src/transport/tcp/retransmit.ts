// Sending again: what the scoreboard deems lost as far as the congestion window allows, the head of the queue after a
// timeout, and tail loss probes (RFC 8985 section 7).

import { TCP_ACK, TCP_FIN, TCP_PSH } from '../../wire/tcp.js';
import { retransmitSyn } from './handshake.js';
import { sendNext } from './output.js';
import { paceSent, pacingBlocks, stampSent } from './rate.js';
import { sendData } from './segment-output.js';
import {
  SEGMENT_EVER_RETRANSMITTED,
  SEGMENT_FIN,
  SEGMENT_LOST,
  SEGMENT_RETRANSMITTED,
  SEGMENT_SACKED,
  SEGMENT_SYN,
  type SegmentQueue,
} from './segment-queue.js';
import { seqAfter, seqBefore, seqDiff } from './seq.js';
import { CA_CWR, CA_LOSS, CA_OPEN } from './state.js';
import { inFlight, type Tcb, timestampNow, XMIT_RETRANSMIT } from './tcb.js';
import { beginReduction, endReduction, enterCaState } from './window-reduction.js';
import { armXmit, disarmXmit, retransmissionTimeout } from './xmit-timer.js';

/** Retransmits lost data from the lowest sequence number on while the congestion window has room. */
export function retransmitLost(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null) return;
  let sent = false;
  for (let i = queue.head; i < queue.tail && tcb.lostBytes > 0; i++) {
    if ((queue.flags(i) & SEGMENT_LOST) === 0) continue;
    if (pacingBlocks(tcb)) {
      if (!tcb.paceTimer.armed) tcb.tcp.timers.arm(tcb.paceTimer, tcb.nextSendAt);
      break;
    }
    const flight = inFlight(tcb);
    const quota = tcb.cwnd - flight;
    if (quota < Math.min(queue.bytes(i), tcb.mss) && flight > 0) break;
    const at = retransmitRecord(tcb, queue, i, Math.max(quota, tcb.mss));
    if (at < 0) break;
    i = at;
    sent = true;
  }
  if (sent && tcb.xmitKind !== XMIT_RETRANSMIT) armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
}

/**
 * Sends the record at `index` again, at most `quota` bytes of it: a longer one is split. Returns where the record that
 * went out is now, or -1 if the peer's window forbids it.
 */
export function retransmitRecord(tcb: Tcb, queue: SegmentQueue, index: number, quota: number): number {
  if ((queue.flags(index) & SEGMENT_SYN) !== 0) {
    markRetransmitted(tcb, queue, index);
    retransmitSyn(tcb);
    return index;
  }
  let at = index;
  const seq = queue.seq(at);
  const beyond = seqDiff(seq, tcb.sndUna + tcb.sndWnd);
  if (beyond >= 0 && seq !== tcb.sndUna) return -1;
  const limit = Math.max(tcb.mss, Math.min(quota - (quota % tcb.mss), tcb.gsoSize));
  const data = queue.bytes(at) - ((queue.flags(at) & SEGMENT_FIN) !== 0 ? 1 : 0);
  if (data > limit) at = queue.split(at, (seq + limit) | 0);
  markRetransmitted(tcb, queue, at);
  const fin = (queue.flags(at) & SEGMENT_FIN) !== 0;
  const length = queue.bytes(at) - (fin ? 1 : 0);
  tcb.bytesRetransmitted += length;
  sendData(tcb, seq, length, TCP_ACK | (length > 0 ? TCP_PSH : 0) | (fin ? TCP_FIN : 0), false);
  paceSent(tcb, length);
  return at;
}

function markRetransmitted(tcb: Tcb, queue: SegmentQueue, index: number): void {
  const flags = queue.flags(index);
  const bytes = queue.bytes(index);
  if ((flags & SEGMENT_LOST) !== 0) tcb.lostBytes -= bytes;
  if ((flags & SEGMENT_RETRANSMITTED) === 0) tcb.retransmittedBytes += bytes;
  queue.setFlags(index, (flags & ~SEGMENT_LOST) | SEGMENT_RETRANSMITTED | SEGMENT_EVER_RETRANSMITTED);
  stampSent(tcb, queue, index);
  if (!tcb.retransmitStamped) {
    tcb.retransmitStamped = true;
    tcb.retransmitStamp = timestampNow(tcb);
  }
  if (tcb.firstRetransmitAt === 0) tcb.firstRetransmitAt = tcb.tcp.now;
  if (tcb.undoPossible) tcb.undoRetransmitted = Math.max(0, tcb.undoRetransmitted) + bytes;
  const segments = Math.max(1, Math.ceil(bytes / tcb.mss));
  tcb.totalRetransmits += segments;
  tcb.tcp.counters.retransmittedSegments += segments;
  tcb.prrOut += bytes;
}

/** After a timeout: the first segment goes out whatever the windows say. */
export function retransmitHead(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null) return;
  for (let i = queue.head; i < queue.tail; i++) {
    if ((queue.flags(i) & SEGMENT_SACKED) !== 0) continue;
    retransmitRecord(tcb, queue, i, tcb.mss);
    return;
  }
}

/** RFC 8985 section 7.3: a new segment if there is one, else the last one again, regardless of the congestion window. */
export function sendLossProbe(tcb: Tcb): void {
  disarmXmit(tcb);
  if (tcb.tlpPending || tcb.queue === null || tcb.queue.empty) {
    armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
    return;
  }
  const unsent = seqDiff(tcb.writeSeq, tcb.sndNxt);
  const window = seqDiff(tcb.sndUna + tcb.sndWnd, tcb.sndNxt);
  const fresh = Math.min(unsent, window, tcb.mss);
  tcb.tlpRetransmit = fresh <= 0;
  if (fresh > 0) sendNext(tcb, fresh);
  else probeWithLast(tcb, tcb.queue);
  tcb.tlpPending = true;
  tcb.tlpHighSeq = tcb.sndNxt;
  tcb.tcp.counters.lossProbes++;
  armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
}

function probeWithLast(tcb: Tcb, queue: SegmentQueue): void {
  let last = queue.tail - 1;
  const cut = (queue.end(last) - tcb.mss - ((queue.flags(last) & SEGMENT_FIN) !== 0 ? 1 : 0)) | 0;
  if (seqAfter(cut, queue.seq(last))) last = queue.split(last, cut) + 1;
  retransmitRecord(tcb, queue, last, tcb.mss);
}

/** RFC 8985 section 7.4: an acknowledgement tells whether the probe repaired a loss. */
export function judgeLossProbe(tcb: Tcb, ack: number): void {
  if (!tcb.tlpPending || seqBefore(ack, tcb.tlpHighSeq)) return;
  const sample = tcb.tcp.ack;
  if (!tcb.tlpRetransmit || sample.dsack) {
    tcb.tlpPending = false;
  } else if (seqAfter(ack, tcb.tlpHighSeq)) {
    repairedByProbe(tcb);
  } else if (sample.ackedBytes === 0 && !sample.sackedNew && !sample.windowChanged && !sample.carriesData) {
    // The original and the probe both arrived: the peer acknowledged twice.
    tcb.tlpPending = false;
  } else if (sample.ackedBytes > 0 && !tcb.tcp.config.dsack) {
    repairedByProbe(tcb);
  }
}

function repairedByProbe(tcb: Tcb): void {
  tcb.tlpPending = false;
  if (tcb.caState >= CA_LOSS) return;
  tcb.priorSsthresh = 0;
  beginReduction(tcb);
  enterCaState(tcb, CA_CWR);
  endReduction(tcb);
  enterCaState(tcb, CA_OPEN);
  tcb.tcp.counters.lossProbeRecoveries++;
}
