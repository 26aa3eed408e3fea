// Selective acknowledgements received: RFC 2018, duplicate ones (D-SACK) RFC 2883. Blocks are checked against what is
// in flight before they touch the scoreboard; senseless ones are ignored.

import type { TcpSegment } from '../../wire/tcp.js';
import { rackDelivered } from './rack.js';
import { sampleDelivered } from './rate.js';
import { discount } from './scoreboard.js';
import {
  SEGMENT_EVER_RETRANSMITTED,
  SEGMENT_LOST,
  SEGMENT_RETRANSMITTED,
  SEGMENT_SACKED,
  type SegmentQueue,
} from './segment-queue.js';
import { seqAfter, seqBefore, seqDiff } from './seq.js';
import type { Tcb } from './tcb.js';

/** Applies the SACK blocks of a segment whose acknowledgement number is `ack`. */
export function processSacks(tcb: Tcb, segment: TcpSegment, ack: number): void {
  let first = 0;
  if (isDuplicateSack(segment, ack)) {
    noteDuplicate(tcb, segment.sackStart[0]!, segment.sackEnd[0]!);
    first = 1;
  }
  if (tcb.queue === null) return;
  if (tcb.sackedBytes === 0) tcb.highSacked = tcb.sndUna;
  for (let i = first; i < segment.sackCount; i++) {
    const start = segment.sackStart[i]!;
    const end = segment.sackEnd[i]!;
    if (isSensible(tcb, start, end, ack)) tagRange(tcb, tcb.queue, start, end);
  }
}

// RFC 2883 section 4: the first block lies below the cumulative acknowledgement, or inside the second block.
function isDuplicateSack(segment: TcpSegment, ack: number): boolean {
  const start = segment.sackStart[0]!;
  const end = segment.sackEnd[0]!;
  if (seqBefore(start, ack)) return true;
  if (segment.sackCount < 2) return false;
  return !seqAfter(end, segment.sackEnd[1]!) && !seqBefore(start, segment.sackStart[1]!);
}

function isSensible(tcb: Tcb, start: number, end: number, ack: number): boolean {
  return seqBefore(start, end) && !seqAfter(end, tcb.sndNxt) && !seqBefore(start, ack);
}

/** A segment arrived twice: a retransmission was needless, or the network duplicates. */
function noteDuplicate(tcb: Tcb, start: number, end: number): void {
  if (!seqBefore(start, end) || seqAfter(end, tcb.sndNxt)) return;
  if (seqBefore(start, (tcb.sndUna - tcb.maxSndWnd) | 0)) return;
  const sample = tcb.tcp.ack;
  sample.dsack = true;
  tcb.dsackDups++;
  tcb.rackDsackSeen = true;
  const inEpisode = tcb.undoPossible && !seqBefore(start, tcb.undoMarker);
  if (inEpisode && tcb.undoRetransmitted > 0) {
    tcb.undoRetransmitted = Math.max(0, tcb.undoRetransmitted - seqDiff(end, start));
  }
}

function tagRange(tcb: Tcb, queue: SegmentQueue, start: number, end: number): void {
  let i = queue.find(start);
  while (i < queue.tail && seqBefore(queue.seq(i), end)) {
    if ((queue.flags(i) & SEGMENT_SACKED) !== 0) {
      i++;
      continue;
    }
    if (seqBefore(queue.seq(i), start)) {
      i = queue.split(i, start) + 1;
      continue;
    }
    if (seqAfter(queue.end(i), end)) i = queue.split(i, end);
    tagRecord(tcb, queue, i);
    i++;
  }
}

function tagRecord(tcb: Tcb, queue: SegmentQueue, index: number): void {
  const sample = tcb.tcp.ack;
  const flags = queue.flags(index);
  const bytes = queue.bytes(index);
  const end = queue.end(index);
  discount(tcb, flags, bytes);
  if ((flags & SEGMENT_EVER_RETRANSMITTED) === 0) {
    noteOriginal(tcb, queue, index);
    if (!seqAfter(end, tcb.highSeq)) sample.originalDelivered = true;
  }
  rackDelivered(tcb, queue, index, (flags & SEGMENT_EVER_RETRANSMITTED) !== 0);
  sampleDelivered(tcb, queue, index, sample);
  queue.setFlags(index, (flags & ~(SEGMENT_LOST | SEGMENT_RETRANSMITTED)) | SEGMENT_SACKED);
  tcb.sackedBytes += bytes;
  tcb.delivered += bytes;
  sample.acked += bytes;
  sample.sackedNew = true;
  if (seqAfter(end, tcb.highSacked)) tcb.highSacked = end;
}

// A first transmission arrived: a round trip time, and reordering if something sent after it was SACKed before.
function noteOriginal(tcb: Tcb, queue: SegmentQueue, index: number): void {
  const sample = tcb.tcp.ack;
  const sentAt = queue.sentAt(index);
  if (sample.firstSackedAt < 0) sample.firstSackedAt = sentAt;
  sample.lastSackedAt = sentAt;
  if (tcb.sackedBytes > 0 && seqBefore(queue.seq(index), tcb.highSacked))
    noteReordering(tcb, queue.seq(index));
}

/** Raises the reordering degree (in segments) to what was seen. */
export function noteReordering(tcb: Tcb, seq: number): void {
  const span = seqDiff(tcb.highSacked, seq);
  if (span <= 0) return;
  const degree = Math.ceil(span / tcb.mss);
  tcb.reordering = Math.min(tcb.tcp.config.maxReordering, Math.max(tcb.reordering, degree));
  tcb.reorderingSeen++;
}
