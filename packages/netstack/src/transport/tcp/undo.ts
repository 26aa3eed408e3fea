// Taking back a window reduction that proves spurious: by timestamps (Eifel, RFC 3522 and 4015), by D-SACK (RFC 3708)
// or by F-RTO (RFC 5682).

import { unmarkLost } from './scoreboard.js';
import { seqAfter, seqBefore } from './seq.js';
import { CA_DISORDER, CA_OPEN } from './state.js';
import type { Tcb } from './tcb.js';
import { enterCaState } from './window-reduction.js';

/** An episode of retransmission begins: remembers what is needed to undo it. */
export function beginUndo(tcb: Tcb): void {
  tcb.undoMarker = tcb.sndUna;
  tcb.undoPossible = true;
  tcb.undoRetransmitted = tcb.retransmittedBytes > 0 ? tcb.retransmittedBytes : -1;
}

/** The acknowledgement echoes a timestamp older than the first retransmission: the original had arrived. */
function originalWasDelayed(tcb: Tcb): boolean {
  const sample = tcb.tcp.ack;
  return (
    tcb.retransmitStamped && sample.hasTimestampEcho && seqBefore(sample.timestampEcho, tcb.retransmitStamp)
  );
}

function mayUndo(tcb: Tcb): boolean {
  return tcb.undoPossible && (tcb.undoRetransmitted === 0 || originalWasDelayed(tcb));
}

export function undoReduction(tcb: Tcb, forgetLosses: boolean): void {
  if (forgetLosses) unmarkLost(tcb);
  if (tcb.priorSsthresh > 0) {
    tcb.cwnd = tcb.congestionControl.undo(tcb);
    if (tcb.priorSsthresh > tcb.ssthresh) {
      tcb.ssthresh = tcb.priorSsthresh;
      tcb.ecnReduced = false;
    }
  }
  tcb.cwndStamp = tcb.tcp.now;
  tcb.undoPossible = false;
  tcb.rackReorderSteps = Math.min(255, tcb.rackReorderSteps + 1);
}

/** All of the recovery's data is acknowledged. True if the state must be held until something after it is acknowledged. */
export function tryUndoRecovery(tcb: Tcb): boolean {
  if (mayUndo(tcb)) undoReduction(tcb, false);
  if (tcb.sndUna === tcb.highSeq && !tcb.sackOk) {
    // RFC 6582 section 6: duplicates of the old window must not start a second fast retransmit.
    if (tcb.retransmittedBytes === 0) tcb.retransmitStamped = false;
    return true;
  }
  enterCaState(tcb, CA_OPEN);
  return false;
}

/** In disorder: D-SACKs have shown that all retransmissions were needless. */
export function tryUndoDsack(tcb: Tcb): void {
  if (tcb.undoPossible && tcb.undoRetransmitted === 0) undoReduction(tcb, false);
}

/** A partial acknowledgement in recovery that the original transmission caused. */
export function tryUndoPartial(tcb: Tcb): boolean {
  if (!tcb.undoPossible || !originalWasDelayed(tcb)) return false;
  if (tcb.retransmittedBytes > 0) return true;
  if (tcb.retransmittedBytes === 0) tcb.retransmitStamped = false;
  undoReduction(tcb, true);
  enterCaState(tcb, tcb.sackedBytes > 0 ? CA_DISORDER : CA_OPEN);
  return true;
}

/** In loss: `spurious` if F-RTO has decided so already. */
export function tryUndoLoss(tcb: Tcb, spurious: boolean): boolean {
  if (!spurious && !mayUndo(tcb)) return false;
  undoReduction(tcb, true);
  tcb.retransmits = 0;
  tcb.backoff = 0;
  if (spurious || tcb.sackOk) {
    enterCaState(tcb, CA_OPEN);
    tcb.frto = 0;
    tcb.retransmitStamped = tcb.retransmittedBytes > 0 && tcb.retransmitStamped;
  }
  return true;
}

/** True if `seq` lies beyond the episode that could be undone: its marker is of no use any more. */
export function undoExpired(tcb: Tcb, seq: number): boolean {
  return tcb.undoPossible && seqAfter(seq, tcb.highSeq);
}
