// Reducing the congestion window: the start and end of a reduction, and Proportional Rate Reduction in between
// (RFC 6937, with the slow start reduction bound taken only while every acknowledgement makes progress).

import { seqBefore } from './seq.js';
import { CA_CWR, CA_LOSS, CA_RECOVERY } from './state.js';
import { inFlight, type Tcb } from './tcb.js';

const NO_THRESHOLD = 0x7fffffff;

export function enterCaState(tcb: Tcb, state: number): void {
  tcb.congestionControl.enter(tcb, state);
  if (state === CA_LOSS && tcb.caState !== CA_LOSS) tcb.lossSince = tcb.tcp.now;
  else if (state !== CA_LOSS && tcb.caState === CA_LOSS) {
    tcb.timeoutRecoveries++;
    tcb.timeoutTime += tcb.tcp.now - tcb.lossSince;
  }
  tcb.caState = state;
}

/** The threshold to come back to if the reduction is undone: what the window in use amounts to. */
export function currentThreshold(tcb: Tcb): number {
  if (tcb.caState === CA_CWR || tcb.caState === CA_RECOVERY) return tcb.ssthresh;
  return Math.max(tcb.ssthresh, Math.floor(tcb.cwnd * 0.75));
}

export function beginReduction(tcb: Tcb): void {
  tcb.highSeq = tcb.sndNxt;
  tcb.tlpPending = false;
  tcb.cwndCredit = 0;
  tcb.priorCwnd = tcb.cwnd;
  tcb.prrDelivered = 0;
  tcb.prrOut = 0;
  tcb.recoverFlightSize = Math.max(tcb.mss, inFlight(tcb) + tcb.lostBytes);
  tcb.ssthresh = tcb.congestionControl.slowStartThreshold(tcb);
  tcb.ecnReduced = tcb.ecnOk;
}

/** Congestion without loss: an ECN echo, or a drop in our own queues. */
export function enterCwr(tcb: Tcb): void {
  tcb.priorSsthresh = 0;
  if (tcb.caState >= CA_CWR) return;
  tcb.undoPossible = false;
  beginReduction(tcb);
  enterCaState(tcb, CA_CWR);
}

/** RFC 6937: how much may leave on this acknowledgement, as a window. */
export function proportionalReduction(tcb: Tcb, delivered: number, lost: number, advanced: boolean): void {
  if (delivered <= 0 && tcb.prrOut > 0) return;
  tcb.prrDelivered += delivered;
  const pipe = inFlight(tcb);
  let send: number;
  if (pipe > tcb.ssthresh) {
    send = Math.ceil((tcb.prrDelivered * tcb.ssthresh) / tcb.recoverFlightSize) - tcb.prrOut;
  } else {
    let limit = Math.max(tcb.prrDelivered - tcb.prrOut, delivered);
    if (advanced && lost === 0) limit += tcb.mss;
    send = Math.min(tcb.ssthresh - pipe, limit);
  }
  // Fast retransmit itself goes out whatever the arithmetic says.
  send = Math.max(send, tcb.prrOut > 0 ? 0 : tcb.mss);
  tcb.cwnd = Math.max(pipe + send, tcb.mss);
}

export function endReduction(tcb: Tcb): void {
  if (tcb.congestionControl.controlsRate) return;
  if (tcb.ssthresh < NO_THRESHOLD && (tcb.caState === CA_CWR || tcb.undoPossible)) {
    tcb.cwnd = tcb.ssthresh;
    tcb.cwndStamp = tcb.tcp.now;
  }
}

/** True if something sent since the reduction began is not yet acknowledged. */
export function reductionPending(tcb: Tcb): boolean {
  return seqBefore(tcb.sndUna, tcb.highSeq);
}
