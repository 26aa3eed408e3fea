// The loss recovery state machine: what an acknowledgement means for it. Open, Disorder (something is odd), CWR (reducing
// for ECN), Recovery (fast retransmit: RFC 6582, 6675, 8985) and Loss (after a timeout: RFC 5681, with F-RTO, RFC 5682).

import type { AckSample } from './ack-sample.js';
import { noteLossOfProbe } from './mtu-probe.js';
import { adaptReorderingWindow, rackDetectLoss, recoveryEnded } from './rack.js';
import {
  countDuplicate,
  discountDuplicates,
  forgetDuplicates,
  markAllLost,
  markHeadLost,
  markLostBelowSacks,
} from './scoreboard.js';
import { seqAfter, seqBefore } from './seq.js';
import { CA_CWR, CA_DISORDER, CA_LOSS, CA_OPEN, CA_RECOVERY } from './state.js';
import type { Tcb } from './tcb.js';
import { beginUndo, tryUndoDsack, tryUndoLoss, tryUndoPartial, tryUndoRecovery } from './undo.js';
import {
  beginReduction,
  currentThreshold,
  endReduction,
  enterCaState,
  enterCwr,
} from './window-reduction.js';

/** True if the acknowledgement is worth more than a look at the common case: something is lost, SACKed or being reduced. */
export function isDubious(tcb: Tcb, sample: AckSample): boolean {
  if (tcb.caState !== CA_OPEN || tcb.sackedBytes > 0 || tcb.lostBytes > 0) return true;
  return sample.echo || sample.dsack || isDuplicate(tcb, sample);
}

/** RFC 5681's definition of a duplicate acknowledgement; with SACK, one that SACKs something new. */
function isDuplicate(tcb: Tcb, sample: AckSample): boolean {
  if (sample.ackedBytes > 0 || tcb.sndUna === tcb.sndNxt) return false;
  if (tcb.sackOk) return sample.sackedNew;
  return !sample.carriesData && !sample.windowChanged;
}

/** Runs the state machine after the queue and the scoreboard have been brought up to date. */
export function advanceRecovery(tcb: Tcb, sample: AckSample): void {
  const duplicate = isDuplicate(tcb, sample);
  if (sample.echo) tcb.priorSsthresh = 0;
  adaptReorderingWindow(tcb);
  if (tcb.caState === CA_OPEN) tcb.retransmitStamped = tcb.retransmittedBytes > 0 && tcb.retransmitStamped;
  else if (!seqBefore(tcb.sndUna, tcb.highSeq) && leaveEpisode(tcb)) return;
  if (tcb.caState === CA_RECOVERY) inRecovery(tcb, sample, duplicate);
  else if (tcb.caState === CA_LOSS) inLoss(tcb, sample, duplicate);
  else beforeRecovery(tcb, sample, duplicate);
}

/** Everything the episode began with is acknowledged. True if there is nothing left to do on this acknowledgement. */
function leaveEpisode(tcb: Tcb): boolean {
  if (tcb.caState === CA_CWR && tcb.sndUna !== tcb.highSeq) {
    endReduction(tcb);
    enterCaState(tcb, CA_OPEN);
  } else if (tcb.caState === CA_RECOVERY) {
    if (!tcb.sackOk) forgetDuplicates(tcb);
    endReduction(tcb);
    recoveryEnded(tcb);
    if (tryUndoRecovery(tcb)) return true;
  }
  return false;
}

function inRecovery(tcb: Tcb, sample: AckSample, duplicate: boolean): void {
  if (sample.ackedBytes === 0) {
    if (!tcb.sackOk && duplicate) countDuplicate(tcb);
  } else {
    if (tryUndoPartial(tcb)) return;
    if (!tcb.sackOk) {
      discountDuplicates(tcb, sample.ackedBytes);
      markHeadLost(tcb);
    }
  }
  identifyLoss(tcb);
}

function beforeRecovery(tcb: Tcb, sample: AckSample, duplicate: boolean): void {
  if (!tcb.sackOk) {
    if (sample.ackedBytes > 0) forgetDuplicates(tcb);
    if (duplicate) countDuplicate(tcb);
  }
  if (tcb.caState <= CA_DISORDER) tryUndoDsack(tcb);
  identifyLoss(tcb);
  if (!isTimeToRecover(tcb)) {
    settle(tcb, sample);
    return;
  }
  if (noteLossOfProbe(tcb)) return;
  enterRecovery(tcb, sample.echo);
}

function isTimeToRecover(tcb: Tcb): boolean {
  return tcb.lostBytes > 0;
}

function identifyLoss(tcb: Tcb): void {
  if (tcb.sackOk) {
    if (tcb.tcp.config.rack) rackDetectLoss(tcb);
    else markLostBelowSacks(tcb);
  } else if (tcb.caState < CA_RECOVERY && tcb.dupAcks >= tcb.reordering) {
    markHeadLost(tcb);
  }
}

// No loss: Open or Disorder, unless a reduction for ECN is going on.
function settle(tcb: Tcb, sample: AckSample): void {
  if (sample.echo) enterCwr(tcb);
  if (tcb.caState === CA_CWR) return;
  const odd = tcb.sackedBytes > 0 || tcb.lostBytes > 0 || (tcb.undoPossible && tcb.retransmittedBytes > 0);
  const state = odd ? CA_DISORDER : CA_OPEN;
  if (tcb.caState !== state) {
    enterCaState(tcb, state);
    tcb.highSeq = tcb.sndNxt;
  }
}

export function enterRecovery(tcb: Tcb, echo: boolean): void {
  tcb.priorSsthresh = 0;
  beginUndo(tcb);
  if (tcb.caState < CA_CWR) {
    if (!echo) tcb.priorSsthresh = currentThreshold(tcb);
    beginReduction(tcb);
  }
  tcb.highSeq = tcb.sndNxt;
  enterCaState(tcb, CA_RECOVERY);
}

/** The reordering timer went off: what it waited for is lost. */
export function reorderTimeout(tcb: Tcb): void {
  const before = tcb.lostBytes;
  rackDetectLoss(tcb);
  if (tcb.lostBytes === before || tcb.caState >= CA_RECOVERY) return;
  enterRecovery(tcb, false);
}

/** A retransmission timeout: RFC 5681 section 3.1, RFC 8985 section 6.3. */
export function enterLoss(tcb: Tcb): void {
  const again = tcb.caState === CA_LOSS && (tcb.retransmits > 0 || seqBefore(tcb.sndUna, tcb.highSeq));
  const fresh = tcb.caState < CA_RECOVERY;
  markAllLost(tcb);
  if (!again) {
    tcb.priorSsthresh = currentThreshold(tcb);
    tcb.priorCwnd = tcb.cwnd;
    tcb.ssthresh = tcb.congestionControl.slowStartThreshold(tcb);
    beginUndo(tcb);
  }
  tcb.cwnd = tcb.mss;
  tcb.cwndCredit = 0;
  tcb.cwndStamp = tcb.tcp.now;
  tcb.dupAcks = 0;
  tcb.tlpPending = false;
  // RFC 5682 section 2.1: only for a first timeout, and if nothing had been retransmitted before.
  tcb.frto = tcb.tcp.config.frto && (fresh || tcb.retransmits > 0) && tcb.mtuProbeSize === 0 ? 1 : 0;
  enterCaState(tcb, CA_LOSS);
  tcb.highSeq = tcb.sndNxt;
  tcb.ecnReduced = tcb.ecnOk;
}

function inLoss(tcb: Tcb, sample: AckSample, duplicate: boolean): void {
  if (sample.ackedBytes > 0 && tryUndoLoss(tcb, false)) return;
  if (tcb.frto > 0 && forwardRtoRecovery(tcb, sample, duplicate)) return;
  if (!seqBefore(tcb.sndUna, tcb.highSeq)) {
    if (tryUndoRecovery(tcb)) return;
    return;
  }
  if (!tcb.sackOk) {
    if (sample.ackedBytes > 0) {
      discountDuplicates(tcb, sample.ackedBytes);
    } else if (duplicate && seqAfter(tcb.sndNxt, tcb.highSeq)) countDuplicate(tcb);
  }
  identifyLoss(tcb);
}

/**
 * RFC 5682: the first acknowledgements after a timeout tell whether the originals were only late. True if this one is
 * dealt with: the timeout was spurious, or new data is to be sent to find out.
 */
function forwardRtoRecovery(tcb: Tcb, sample: AckSample, duplicate: boolean): boolean {
  if (sample.originalDelivered && tryUndoLoss(tcb, true)) return true;
  if (tcb.frto === 2) {
    if (sample.sackedNew || duplicate) tcb.frto = 0;
    return false;
  }
  if (sample.ackedBytes > 0 && seqBefore(tcb.sndUna, tcb.highSeq)) {
    const hasNew =
      seqBefore(tcb.sndNxt, tcb.writeSeq) && seqBefore(tcb.sndNxt, (tcb.sndUna + tcb.sndWnd) | 0);
    tcb.frto = hasNew ? 2 : 0;
    if (hasNew) tcb.highSeq = tcb.sndNxt;
    return hasNew;
  }
  tcb.frto = 0;
  return false;
}
