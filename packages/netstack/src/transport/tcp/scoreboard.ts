// The counters that go with the flags of the segment queue: how many bytes are SACKed, deemed lost and not sent again,
// and retransmitted. RFC 6675's pipe is flight size less the first two.

import { SEGMENT_LOST, SEGMENT_RETRANSMITTED, SEGMENT_SACKED, type SegmentQueue } from './segment-queue.js';
import { seqAfter, seqBefore } from './seq.js';
import type { Tcb } from './tcb.js';

/** The queue of a connection that has something in flight. */
export function queueOf(tcb: Tcb): SegmentQueue {
  tcb.queue ??= tcb.tcp.queues.acquire();
  return tcb.queue;
}

/** Deems a record lost: it will be sent again, and a retransmission of it in flight counts no more. */
export function markLost(tcb: Tcb, queue: SegmentQueue, index: number): void {
  const flags = queue.flags(index);
  if ((flags & (SEGMENT_LOST | SEGMENT_SACKED)) !== 0) return;
  const bytes = queue.bytes(index);
  if ((flags & SEGMENT_RETRANSMITTED) !== 0) {
    tcb.retransmittedBytes -= bytes;
    tcb.tcp.ack.lostRetransmission = true;
  }
  tcb.lostBytes += bytes;
  tcb.lostTotal += bytes;
  tcb.tcp.ack.lost += bytes;
  queue.setFlags(index, (flags & ~SEGMENT_RETRANSMITTED) | SEGMENT_LOST);
}

/** Takes back what was deemed lost: after an undo. */
export function unmarkLost(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null) return;
  for (let i = queue.head; i < queue.tail; i++) queue.setFlags(i, queue.flags(i) & ~SEGMENT_LOST);
  tcb.lostBytes = 0;
}

/** Takes `bytes` of a record that was acknowledged or SACKed out of the counters of its flags. */
export function discount(tcb: Tcb, flags: number, bytes: number): void {
  if ((flags & SEGMENT_LOST) !== 0) tcb.lostBytes -= bytes;
  if ((flags & SEGMENT_RETRANSMITTED) !== 0) tcb.retransmittedBytes -= bytes;
}

/** Without SACK, duplicate acknowledgements stand for delivered segments (RFC 6582): at most all but one of the flight. */
export function countDuplicate(tcb: Tcb): void {
  const flight = (tcb.sndNxt - tcb.sndUna) | 0;
  const ceiling = Math.max(0, flight - tcb.lostBytes - Math.min(tcb.mss, flight));
  const before = tcb.sackedBytes;
  tcb.dupAcks++;
  tcb.sackedBytes = Math.min(before + tcb.mss, ceiling);
  tcb.delivered += Math.max(0, tcb.sackedBytes - before);
}

/** A cumulative acknowledgement without SACK used up emulated deliveries. */
export function discountDuplicates(tcb: Tcb, acked: number): void {
  if (tcb.sackedBytes === 0) return;
  tcb.sackedBytes = Math.max(0, tcb.sackedBytes - Math.max(0, acked - tcb.mss));
  const flight = (tcb.sndNxt - tcb.sndUna) | 0;
  tcb.sackedBytes = Math.min(tcb.sackedBytes, Math.max(0, flight - tcb.lostBytes));
}

export function forgetDuplicates(tcb: Tcb): void {
  tcb.dupAcks = 0;
  if (!tcb.sackOk) tcb.sackedBytes = 0;
}

/** Deems the first segment of the flight lost, splitting its record if it holds more. */
export function markHeadLost(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null || queue.empty) return;
  let index = queue.head;
  if ((queue.flags(index) & SEGMENT_LOST) !== 0) return;
  const cut = (queue.seq(index) + tcb.mss) | 0;
  if (seqBefore(cut, queue.end(index))) index = queue.split(index, cut);
  markLost(tcb, queue, index);
}

/**
 * RFC 6675's IsLost: deems a segment lost once `reordering` segments or that many full-sized ones less one above it
 * have been SACKed. Used when RACK is switched off.
 */
export function markLostBelowSacks(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null) return;
  let above = 0;
  const needed = (tcb.reordering - 1) * tcb.mss;
  for (let i = queue.tail - 1; i >= queue.head; i--) {
    const flags = queue.flags(i);
    if ((flags & SEGMENT_SACKED) !== 0) above += queue.bytes(i);
    else if (above > needed && (flags & (SEGMENT_LOST | SEGMENT_RETRANSMITTED)) === 0)
      markLost(tcb, queue, i);
  }
}

/** After a timeout everything that is not SACKed is lost. */
export function markAllLost(tcb: Tcb): void {
  const queue = tcb.queue;
  if (queue === null) return;
  if (!tcb.sackOk) tcb.sackedBytes = 0;
  for (let i = queue.head; i < queue.tail; i++) markLost(tcb, queue, i);
}

/** Bytes of records whose end is at most `seq`, for tests of the invariants: pipe can't be negative. */
export function sackedBelow(tcb: Tcb, seq: number): number {
  const queue = tcb.queue;
  let bytes = 0;
  if (queue === null) return 0;
  for (let i = queue.head; i < queue.tail && !seqAfter(queue.end(i), seq); i++) {
    if ((queue.flags(i) & SEGMENT_SACKED) !== 0) bytes += queue.bytes(i);
  }
  return bytes;
}
