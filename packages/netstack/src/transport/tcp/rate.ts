// Delivery rate estimation (draft-cheng-iccrg-delivery-rate-estimation) and pacing. Every transmission remembers how much
// had been delivered when it left; the difference on its acknowledgement, over the longer of the send and the
// acknowledgement interval, is a sample of the bandwidth.

import type { AckSample } from './ack-sample.js';
import { SEGMENT_APP_LIMITED, SEGMENT_EVER_RETRANSMITTED, type SegmentQueue } from './segment-queue.js';
import { inFlight, type Tcb } from './tcb.js';

/** Stamps the record at `index`, which is leaving now. */
export function stampSent(tcb: Tcb, queue: SegmentQueue, index: number): void {
  const now = tcb.tcp.now;
  if (inFlight(tcb) <= queue.bytes(index)) {
    tcb.firstSentAt = now;
    tcb.deliveredAt = now;
  }
  queue.stamp(index, now, tcb, inFlight(tcb));
  if (tcb.appLimited > 0) queue.setFlags(index, queue.flags(index) | SEGMENT_APP_LIMITED);
}

/** The record at `index` has just been delivered: keeps the newest one as the sample's base. */
export function sampleDelivered(tcb: Tcb, queue: SegmentQueue, index: number, sample: AckSample): void {
  const delivered = queue.delivered(index);
  if (sample.priorDelivered >= 0 && delivered < sample.priorDelivered) return;
  const flags = queue.flags(index);
  sample.priorDelivered = delivered;
  sample.priorDeliveredAt = queue.deliveredAt(index);
  sample.sampleSentAt = queue.sentAt(index);
  sample.sampleInFlight = queue.inFlight(index);
  sample.isAppLimited = (flags & SEGMENT_APP_LIMITED) !== 0;
  sample.isRetransmit = (flags & SEGMENT_EVER_RETRANSMITTED) !== 0;
  sample.interval = queue.sentAt(index) - queue.firstSentAt(index);
  tcb.firstSentAt = queue.sentAt(index);
}

/** Turns what was collected into a rate sample; `sample.interval` is 0 if there is none. */
export function finishSample(tcb: Tcb, sample: AckSample): void {
  if (tcb.appLimited > 0 && tcb.delivered > tcb.appLimited) tcb.appLimited = 0;
  if (sample.priorDelivered < 0) {
    sample.interval = 0;
    return;
  }
  sample.delivered = tcb.delivered - sample.priorDelivered;
  const ackInterval = tcb.tcp.now - sample.priorDeliveredAt;
  sample.interval = Math.max(sample.interval, ackInterval);
  if (tcb.rtt.minimum > 0 && sample.interval < tcb.rtt.minimum) {
    sample.interval = 0;
    return;
  }
  keepBestRate(tcb, sample);
}

// What TCP_INFO reports: the latest sample, unless it is application limited and slower than what is known.
function keepBestRate(tcb: Tcb, sample: AckSample): void {
  if (sample.interval <= 0) return;
  const faster = sample.delivered * tcb.rateInterval >= tcb.rateDelivered * sample.interval;
  if (sample.isAppLimited && !faster && tcb.rateInterval > 0) return;
  tcb.rateDelivered = sample.delivered;
  tcb.rateInterval = sample.interval;
  tcb.rateAppLimited = sample.isAppLimited;
}

/** Called when the window would allow more than there is to send. */
export function noteAppLimited(tcb: Tcb): void {
  if (tcb.lostBytes > 0) return;
  tcb.appLimited = Math.max(1, tcb.delivered + inFlight(tcb));
}

/** True if pacing forbids sending now. */
export function pacingBlocks(tcb: Tcb): boolean {
  return tcb.pacingRate > 0 && tcb.nextSendAt > tcb.tcp.now;
}

/** Charges `bytes` that leave now against the pacing rate. */
export function paceSent(tcb: Tcb, bytes: number): void {
  if (tcb.pacingRate <= 0) return;
  const now = tcb.tcp.now;
  tcb.nextSendAt = Math.max(now, tcb.nextSendAt) + (bytes * 1e6) / tcb.pacingRate;
}

/** SO_MAX_PACING_RATE without a rate controlling algorithm: the limit is the rate. */
export function limitPacing(tcb: Tcb): void {
  const limit = tcb.settings.maxPacingRate;
  if (limit === 0) return;
  if (tcb.pacingRate === 0 || tcb.pacingRate > limit) tcb.pacingRate = limit;
}
