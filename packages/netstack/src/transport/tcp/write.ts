// Taking bytes to send: the send buffer and its limits, MSG_MORE, urgent data.

import { EAGAIN, ENOTCONN, EPIPE } from '../../errno.js';
import { sendDeferredSyn } from './handshake.js';
import { LIMIT_SEND_BUFFER, noteLimit } from './limits.js';
import { pushPending } from './output.js';
import { seqDiff } from './seq.js';
import { CAN_SEND_STATES, TCP_CLOSE, TCP_SYN_RECV, TCP_SYN_SENT } from './state.js';
import { SHUTDOWN_SEND, type Tcb } from './tcb.js';

/** Room for data, within SO_SNDBUF and TCP_NOTSENT_LOWAT. */
export function writeSpace(tcb: Tcb): number {
  const free = tcb.sendBuffer - tcb.sendRing.length;
  const mark = tcb.settings.notSentLowWater || tcb.tcp.config.limitNotSent;
  if (mark === 0xffffffff) return Math.max(0, free);
  const unsent = Math.max(0, seqDiff(tcb.writeSeq, tcb.sndNxt));
  return unsent >= mark ? 0 : Math.max(0, free);
}

export function writeStream(
  tcb: Tcb,
  from: Uint8Array,
  offset: number,
  length: number,
  more: boolean,
  urgent: boolean,
): number {
  const room = sendRoom(tcb);
  if (room < 0) return room;
  const count = Math.min(length, room);
  if (count < length) noteBufferFull(tcb);
  if (count === 0) return length === 0 ? 0 : -EAGAIN;
  tcb.sendRing.append(from, offset, count);
  tcb.writeSeq = (tcb.writeSeq + count) | 0;
  tcb.corked = more;
  if (urgent && count === length) markUrgent(tcb);
  push(tcb);
  return count;
}

/** How much may be taken now, or why nothing ever will. */
function sendRoom(tcb: Tcb): number {
  if ((tcb.shutdown & SHUTDOWN_SEND) !== 0) return -EPIPE;
  if (tcb.state === TCP_CLOSE) return -ENOTCONN;
  const opening = tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV;
  const early = tcb.fastOpenRequested || tcb.state === TCP_SYN_RECV;
  if (opening && !early) {
    tcb.writeBlocked = true;
    return 0;
  }
  if (!opening && (CAN_SEND_STATES & (1 << tcb.state)) === 0) return -EPIPE;
  return writeSpace(tcb);
}

function noteBufferFull(tcb: Tcb): void {
  tcb.writeBlocked = true;
  if (tcb.queue !== null) noteLimit(tcb, LIMIT_SEND_BUFFER);
}

/** RFC 9293 section 3.8.5: the urgent pointer is one past the last byte written. */
function markUrgent(tcb: Tcb): void {
  tcb.urgentMode = true;
  tcb.sndUrgent = tcb.writeSeq;
}

export function reserveBytes(tcb: Tcb, length: number): number {
  const room = sendRoom(tcb);
  if (room < 0) return room;
  if (room < length) noteBufferFull(tcb);
  const count = Math.min(length, room);
  return count === 0 ? -EAGAIN : tcb.sendRing.room(count);
}

export function commitBytes(tcb: Tcb, count: number): void {
  if (count <= 0) return;
  tcb.sendRing.extend(count);
  tcb.corked = false;
  tcb.writeSeq = (tcb.writeSeq + count) | 0;
  push(tcb);
}

function push(tcb: Tcb): void {
  if (tcb.synDeferred) sendDeferredSyn(tcb);
  else pushPending(tcb);
}
