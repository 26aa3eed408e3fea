// RACK-TLP, RFC 8985: a segment is lost once one sent later has been delivered and a reordering window has passed.
// The section numbers are the RFC's. Departure: segments are scanned in sequence order, not in order of transmission.

import { MS } from '../units.js';
import { markLost } from './scoreboard.js';
import { SEGMENT_LOST, SEGMENT_SACKED, type SegmentQueue } from './segment-queue.js';
import { seqAfter, seqBefore } from './seq.js';
import { CA_OPEN, CA_RECOVERY } from './state.js';
import { inFlight, type Tcb, XMIT_LOSS_PROBE, XMIT_REORDER } from './tcb.js';
import { armXmit, retransmissionTimeout } from './xmit-timer.js';

const PERSIST_RECOVERIES = 16;
const MAX_STEPS = 255;
const PROBE_SLACK = 2 * MS;

/** True if a segment sent at `a` and ending at `aEnd` left after the one sent at `b`. */
export function sentAfter(a: number, aEnd: number, b: number, bEnd: number): boolean {
  return a > b || (a === b && seqAfter(aEnd, bEnd));
}

/** Section 6.2 step 2: a delivered segment may be the one most recently sent. */
export function rackDelivered(tcb: Tcb, queue: SegmentQueue, index: number, retransmitted: boolean): void {
  const sentAt = queue.sentAt(index);
  const end = queue.end(index);
  const rtt = tcb.tcp.now - sentAt;
  const sample = tcb.tcp.ack;
  if (retransmitted) {
    if (
      sample.hasTimestampEcho &&
      tcb.retransmitStamped &&
      seqBefore(sample.timestampEcho, tcb.retransmitStamp)
    )
      return;
    if (rtt < tcb.rtt.minimum) return;
  }
  tcb.rackRtt = rtt;
  if (sentAfter(sentAt, end, tcb.rackSentAt, tcb.rackEnd)) {
    tcb.rackSentAt = sentAt;
    tcb.rackEnd = end;
  }
}

/** Section 6.2 step 4: the window within which segments may arrive out of order. */
export function reorderingWindow(tcb: Tcb): number {
  if (tcb.reorderingSeen === 0) {
    if (tcb.caState >= CA_RECOVERY) return 0;
    if (tcb.sackedBytes >= tcb.reordering * tcb.mss) return 0;
  }
  const base = Math.max(0, tcb.rtt.minimum) / 4;
  return Math.min(base * tcb.rackReorderSteps, tcb.rtt.smoothed);
}

/** The rest of step 4: D-SACKs say that the window is too small; sixteen recoveries without one shrink it again. */
export function adaptReorderingWindow(tcb: Tcb): void {
  const sample = tcb.tcp.ack;
  if (sample.dsack && !seqBefore(tcb.sndUna, tcb.rackRound)) {
    tcb.rackRound = tcb.sndNxt;
    tcb.rackReorderSteps = Math.min(MAX_STEPS, tcb.rackReorderSteps + 1);
    tcb.rackReorderPersist = PERSIST_RECOVERIES;
  }
}

export function recoveryEnded(tcb: Tcb): void {
  if (tcb.rackReorderPersist > 0 && --tcb.rackReorderPersist === 0) tcb.rackReorderSteps = 1;
}

/** Section 6.2 step 5: deems lost what left too long before the newest delivered segment; arms the reordering timer. */
export function rackDetectLoss(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null || tcb.rackSentAt === 0) return;
  const wait = scan(tcb, queue, tcb.rackRtt + reorderingWindow(tcb));
  if (wait > 0) armXmit(tcb, XMIT_REORDER, wait + 1);
}

function scan(tcb: Tcb, queue: SegmentQueue, allowance: number): number {
  const now = tcb.tcp.now;
  let wait = 0;
  for (let i = queue.head; i < queue.tail; i++) {
    if ((queue.flags(i) & (SEGMENT_SACKED | SEGMENT_LOST)) !== 0) continue;
    const sentAt = queue.sentAt(i);
    if (!sentAfter(tcb.rackSentAt, tcb.rackEnd, sentAt, queue.end(i))) continue;
    const remaining = sentAt + allowance - now;
    if (remaining <= 0) markLost(tcb, queue, i);
    else if (remaining > wait) wait = remaining;
  }
  return wait;
}

/** Section 7.2: arms the probe timer in place of the retransmission timer if a tail loss could be probed for. */
export function scheduleLossProbe(tcb: Tcb): boolean {
  if (!tcb.tcp.config.tailLossProbe || !tcb.sackOk || tcb.caState > CA_OPEN || tcb.tlpPending) return false;
  if (tcb.sackedBytes > 0 || inFlight(tcb) <= 0 || tcb.rtt.smoothed === 0) return false;
  let timeout = 2 * tcb.rtt.smoothed;
  if (inFlight(tcb) <= tcb.mss) timeout += tcb.tcp.config.delayedAckMax;
  else timeout += PROBE_SLACK;
  armXmit(tcb, XMIT_LOSS_PROBE, Math.min(timeout, retransmissionTimeout(tcb)));
  return true;
}
