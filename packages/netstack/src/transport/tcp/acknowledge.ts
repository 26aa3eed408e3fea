// When to acknowledge: delayed (RFC 1122 section 4.2.3.2, RFC 5681 section 4.2), at once for every second full segment,
// for anything out of order, and while the connection is young or the application asked (TCP_QUICKACK).

import { sendAck } from './segment-output.js';
import { seqDiff } from './seq.js';
import { ACK_NONE, ACK_NOW, ACK_OWED, type Tcb } from './tcb.js';
import { offeredWindow, remainingWindow } from './window.js';

const MAX_QUICK_ACKS = 16;

/** The next acknowledgements are not delayed: the start of a connection, or a loss that the sender must learn of. */
export function enterQuickAck(tcb: Tcb): void {
  const segments = Math.floor(tcb.rcvWnd / (2 * tcb.rcvMss));
  tcb.quickAcks = Math.max(tcb.quickAcks, Math.min(MAX_QUICK_ACKS, Math.max(2, segments)));
  tcb.interactive = false;
  tcb.ackTimeout = tcb.tcp.config.delayedAckMin;
}

/** Data of `length` bytes came in sequence: adapts the delay to the sender's rhythm. */
export function dataArrived(tcb: Tcb, length: number): void {
  const config = tcb.tcp.config;
  const now = tcb.tcp.now;
  const gap = now - tcb.lastReceivedAt;
  if (tcb.lastReceivedAt === 0) enterQuickAck(tcb);
  else if (gap <= config.delayedAckMin / 2) {
    tcb.ackTimeout = Math.max(tcb.ackTimeout >> 1, config.delayedAckMin);
  } else if (gap < tcb.ackTimeout) {
    tcb.ackTimeout = Math.min((tcb.ackTimeout >> 1) + Math.floor(gap), tcb.rtt.timeout, config.delayedAckMax);
    tcb.ackTimeout = Math.max(tcb.ackTimeout, config.delayedAckMin);
  } else if (gap > tcb.rtt.timeout) enterQuickAck(tcb);
  if (length > tcb.rcvMss || tcb.rcvMss === 0) tcb.rcvMss = Math.min(length, tcb.advertisedMss);
  tcb.lastReceivedAt = now;
  if (tcb.ackState === ACK_NONE) tcb.ackState = ACK_OWED;
}

export function mustAckNow(tcb: Tcb): void {
  tcb.ackState = ACK_NOW;
}

/** Sends or schedules what is owed after a segment was processed and had its chance to ride on data. */
export function settleAck(tcb: Tcb): void {
  if (tcb.ackState === ACK_NONE) return;
  if (tcb.ackState === ACK_NOW || isDue(tcb)) sendAck(tcb);
  else if (!tcb.ackTimer.armed) tcb.tcp.timers.armAfter(tcb.ackTimer, tcb.tcp.now, tcb.ackTimeout);
}

function isDue(tcb: Tcb): boolean {
  if (tcb.settings.quickAck || (tcb.quickAcks > 0 && !tcb.interactive)) return true;
  if (tcb.reassembly !== null && tcb.reassembly.count > 0) return true;
  return seqDiff(tcb.rcvNxt, tcb.rcvWup) > tcb.rcvMss && offeredWindow(tcb) >= remainingWindow(tcb);
}

/** The application read: tells the sender if the window has opened enough to matter (RFC 9293, 3.8.6.2.2). */
export function windowOpened(tcb: Tcb): void {
  const remaining = remainingWindow(tcb);
  const offer = offeredWindow(tcb);
  if (2 * remaining > tcb.windowClamp) return;
  if (
    offer > 0 &&
    offer >= 2 * remaining &&
    offer - remaining >= Math.min(tcb.rcvMss, tcb.receiveBuffer >> 2)
  ) {
    sendAck(tcb);
  }
}

/** The delayed acknowledgement timer went off. */
export function ackTimeout(tcb: Tcb): void {
  if (tcb.ackState === ACK_NONE) return;
  if (tcb.interactive) {
    tcb.interactive = false;
    tcb.ackTimeout = tcb.tcp.config.delayedAckMin;
  } else {
    tcb.ackTimeout = Math.min(tcb.ackTimeout << 1, tcb.rtt.timeout, tcb.tcp.config.delayedAckMax);
  }
  tcb.tcp.counters.delayedAcks++;
  sendAck(tcb);
}
