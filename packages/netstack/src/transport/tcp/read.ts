// Taking received bytes: in order, around the urgent byte (tcp(7), SO_OOBINLINE), with window updates to the sender.

import { EAGAIN, EINVAL } from '../../errno.js';
import { windowOpened } from './acknowledge.js';
import { seqDiff } from './seq.js';
import { TCP_CLOSE } from './state.js';
import { type Tcb, URGENT_AWAITED, URGENT_NONE, URGENT_READ, URGENT_VALID } from './tcb.js';
import { adjustReceiveSpace } from './window.js';

/** Copies up to `length` bytes; -EAGAIN if there are none. */
export function readStream(
  tcb: Tcb,
  into: Uint8Array,
  offset: number,
  length: number,
  peek: boolean,
  discard: boolean,
): number {
  const skip = urgentGap(tcb);
  if (skip > 0 && !peek) consumeBytes(tcb, skip);
  const from = peek ? skip : 0;
  const count = Math.min(length, tcb.receiveRing.length - from, beforeMark(tcb, from));
  if (count <= 0) return length === 0 && tcb.receiveRing.length > 0 ? 0 : -EAGAIN;
  if (!discard) tcb.receiveRing.copy(from, into, offset, count);
  if (!peek) consumeBytes(tcb, count);
  return count;
}

/** 1 if the next byte is the urgent one and is read out of band. */
function urgentGap(tcb: Tcb): number {
  if (tcb.urgentState < URGENT_VALID || tcb.settings.oobInline) return 0;
  return tcb.urgentSeq === tcb.readSeq && tcb.receiveRing.length > 0 ? 1 : 0;
}

/** Another byte is about to be the urgent one. That which the reader stands before was out of band and does not become data again. */
export function skipUrgent(tcb: Tcb): void {
  if (urgentGap(tcb) > 0) consumeBytes(tcb, 1);
}

/** A read never crosses the mark: how many bytes lie before it. */
function beforeMark(tcb: Tcb, from: number): number {
  if (tcb.urgentState === URGENT_NONE) return 0x7fffffff;
  const distance = seqDiff(tcb.urgentSeq, tcb.readSeq) - from;
  return distance > 0 ? distance : 0x7fffffff;
}

/** Takes bytes off the front and lets the window open. */
export function consumeBytes(tcb: Tcb, count: number): void {
  tcb.receiveRing.release(count);
  tcb.readSeq = (tcb.readSeq + count) | 0;
  if (tcb.urgentState >= URGENT_VALID && seqDiff(tcb.readSeq, tcb.urgentSeq) > 0)
    tcb.urgentState = URGENT_NONE;
  if (tcb.state === TCP_CLOSE) return;
  adjustReceiveSpace(tcb);
  windowOpened(tcb);
}

/** MSG_OOB: the byte, -EAGAIN while it is awaited, -EINVAL if there is none or it is read in line. */
export function readUrgent(
  tcb: Tcb,
  into: Uint8Array,
  offset: number,
  length: number,
  peek: boolean,
): number {
  if (tcb.settings.oobInline || tcb.urgentState === URGENT_NONE || tcb.urgentState === URGENT_READ)
    return -EINVAL;
  if (tcb.urgentState === URGENT_AWAITED) return tcb.state === TCP_CLOSE ? 0 : -EAGAIN;
  if (!peek) tcb.urgentState = URGENT_READ;
  if (length === 0) return 0;
  into[offset] = tcb.urgentByte;
  return 1;
}

export function isReadable(tcb: Tcb): boolean {
  const available = tcb.receiveRing.length - urgentGap(tcb);
  return available > 0 && available >= Math.min(tcb.settings.receiveLowWater, tcb.receiveBuffer >> 1);
}
