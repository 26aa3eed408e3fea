// Ends of connections: FIN in both directions, abort, failure, and what close(2) and shutdown(2) make of each state.

import { READY_ERROR, READY_HANGUP, READY_READ, READY_READ_HANGUP, READY_WRITE } from '../../roles.js';
import { mustAckNow } from './acknowledge.js';
import { settleEarly } from './fast-open.js';
import { endLinger } from './linger.js';
import { pushPending } from './output.js';
import { sendAck, sendReset } from './segment-output.js';
import { seqAfter } from './seq.js';
import {
  SYNCHRONIZED_STATES,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from './state.js';
import { SHUTDOWN_RECEIVE, SHUTDOWN_SEND, type Tcb, wake } from './tcb.js';
import { enterTimeWait } from './time-wait.js';
import { disarmXmit } from './xmit-timer.js';

const ALL_READY = READY_READ | READY_WRITE | READY_READ_HANGUP;

/** The peer's FIN is next in sequence. */
export function finArrived(tcb: Tcb): void {
  tcb.rcvNxt = (tcb.rcvNxt + 1) | 0;
  tcb.finSeen = false;
  tcb.finTaken = true;
  tcb.shutdown |= SHUTDOWN_RECEIVE;
  tcb.reassembly?.clear();
  mustAckNow(tcb);
  switch (tcb.state) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
      tcb.state = TCP_CLOSE_WAIT;
      break;
    case TCP_FIN_WAIT1:
      tcb.state = TCP_CLOSING;
      break;
    case TCP_FIN_WAIT2:
      sendAck(tcb);
      enterTimeWait(tcb);
      break;
    default:
      break;
  }
  const both = (tcb.shutdown & SHUTDOWN_SEND) !== 0;
  wake(tcb, READY_READ | READY_READ_HANGUP | (both ? READY_HANGUP : 0));
}

/** After an acknowledgement in a state in which our FIN is out: moves on if it covers the FIN. */
export function finAcknowledged(tcb: Tcb): void {
  if (!tcb.finQueued || !seqAfter(tcb.sndUna, tcb.writeSeq)) return;
  if (tcb.state === TCP_FIN_WAIT1) {
    tcb.state = TCP_FIN_WAIT2;
    wake(tcb, READY_WRITE);
    endLinger(tcb);
    if (tcb.orphaned) awaitFin(tcb);
  } else if (tcb.state === TCP_CLOSING) enterTimeWait(tcb);
  else if (tcb.state === TCP_LAST_ACK) finish(tcb);
}

/** FIN-WAIT-2 without a program: waits for the peer's FIN for tcp_fin_timeout, no longer. */
function awaitFin(tcb: Tcb): void {
  const own = tcb.settings.finTimeout;
  if (own < 0) {
    sendReset(tcb);
    finish(tcb);
    return;
  }
  tcb.tcp.timers.armAfter(tcb.keepTimer, tcb.tcp.now, own > 0 ? own : tcb.tcp.config.finTimeout);
}

/** Queues our FIN behind what was written. In SYN-RECEIVED it stays so until our SYN is acknowledged. */
export function sendFin(tcb: Tcb): void {
  if (tcb.finQueued) return;
  tcb.finQueued = true;
  tcb.corked = false;
  if (tcb.state === TCP_CLOSE_WAIT) tcb.state = TCP_LAST_ACK;
  else if (tcb.state === TCP_ESTABLISHED) tcb.state = TCP_FIN_WAIT1;
  pushPending(tcb);
}

/** shutdown(2) with the halves of SHUTDOWN_*. The state has been found to be connected. */
export function shutdownHalves(tcb: Tcb, halves: number): void {
  const before = tcb.shutdown;
  tcb.shutdown |= halves;
  if ((halves & SHUTDOWN_SEND) !== 0 && (before & SHUTDOWN_SEND) === 0) {
    if (tcb.state === TCP_SYN_SENT) finish(tcb);
    else sendFin(tcb);
  }
  wake(tcb, tcb.shutdown === (SHUTDOWN_RECEIVE | SHUTDOWN_SEND) ? ALL_READY | READY_HANGUP : ALL_READY);
}

/** close(2): the program is gone. Unread data or a zero linger time mean a reset (RFC 2525 section 2.17). */
export function closeConnection(tcb: Tcb): void {
  const unread = tcb.receiveRing.length > 0;
  tcb.endpoint = null;
  tcb.orphaned = true;
  if (tcb.state === TCP_CLOSE) {
    releaseAll(tcb);
    return;
  }
  tcb.shutdown = SHUTDOWN_RECEIVE | SHUTDOWN_SEND;
  tcb.orphanCounted = true;
  tcb.tcp.orphanCount++;
  if (tcb.state === TCP_SYN_SENT) {
    finish(tcb);
    return;
  }
  if (unread || tcb.settings.linger === 0 || tcb.tcp.tooManyOrphans()) {
    tcb.tcp.counters.abortOnClose++;
    abort(tcb);
    return;
  }
  tcb.receiveRing.clear();
  if (tcb.state === TCP_FIN_WAIT2) awaitFin(tcb);
  else sendFin(tcb);
}

/** Ends the connection at once, telling the peer by a reset where RFC 9293 section 3.10.5 says so. */
export function abort(tcb: Tcb): void {
  const tells = (SYNCHRONIZED_STATES & (1 << tcb.state)) !== 0 || tcb.state === TCP_SYN_RECV;
  if (tells) sendReset(tcb);
  finish(tcb);
}

export function abortSilently(tcb: Tcb): void {
  finish(tcb);
}

/** The connection is dead for the reason `error` (a positive errno), which SO_ERROR reports once. */
export function fail(tcb: Tcb, error: number): void {
  tcb.error = error;
  finish(tcb);
  wake(tcb, READY_ERROR | READY_HANGUP | ALL_READY);
}

/** Out of the tables, timers stopped, nothing left to send. What was received can still be read. */
export function finish(tcb: Tcb): void {
  if (tcb.state === TCP_CLOSE) return;
  tcb.state = TCP_CLOSE;
  if (tcb.orphanCounted) tcb.tcp.orphanCount--;
  if (tcb.establishedCounted) tcb.tcp.counters.established--;
  tcb.shutdown = SHUTDOWN_RECEIVE | SHUTDOWN_SEND;
  leaveTables(tcb);
  tcb.tcp.releaseBinding(tcb);
  settleEarly(tcb);
  if (tcb.listener !== null) tcb.listener.childGone(tcb);
  if (tcb.orphaned) releaseAll(tcb);
  wake(tcb, READY_HANGUP | ALL_READY);
}

/** Stops timers and gives back what sending needs. */
export function leaveTables(tcb: Tcb): void {
  const tcp = tcb.tcp;
  disarmXmit(tcb);
  tcp.timers.cancel(tcb.xmitTimer);
  tcp.timers.cancel(tcb.ackTimer);
  tcp.timers.cancel(tcb.keepTimer);
  tcp.timers.cancel(tcb.paceTimer);
  endLinger(tcb);
  if (tcb.flow.owner === tcb) tcp.flows.remove(tcb.flow);
  tcb.sendRing.clear();
  if (tcb.queue !== null) tcp.queues.release(tcb.queue);
  tcb.queue = null;
}

function releaseAll(tcb: Tcb): void {
  tcb.receiveRing.clear();
  tcb.reassembly = null;
}
