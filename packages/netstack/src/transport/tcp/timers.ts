// What happens when a timer of a connection goes off: retransmission with back-off and its end, window probes, delayed
// acknowledgements, pacing. The keepalive timer is in keepalive.ts.

import { ETIMEDOUT } from '../../errno.js';
import { TCP_ACK } from '../../wire/tcp.js';
import { ackTimeout } from './acknowledge.js';
import { fail, finish } from './close.js';
import { abandonFastOpen } from './fast-open.js';
import { keepTimeout, userTimeout } from './keepalive.js';
import { endLinger } from './linger.js';
import { probeFailed, suspectBlackHole } from './mtu-probe.js';
import { pushPending } from './output.js';
import { enterLoss, reorderTimeout } from './recovery.js';
import { retransmitHead, retransmitLost, sendLossProbe } from './retransmit.js';
import { markAllLost } from './scoreboard.js';
import { sendControl } from './segment-output.js';
import { seqDiff } from './seq.js';
import { TCP_CLOSE, TCP_SYN_RECV, TCP_SYN_SENT } from './state.js';
import {
  type Tcb,
  TIMER_ACK,
  TIMER_KEEP,
  TIMER_LINGER,
  TIMER_PACE,
  XMIT_LOSS_PROBE,
  XMIT_NONE,
  XMIT_PROBE_WINDOW,
  XMIT_REORDER,
  XMIT_RETRANSMIT,
} from './tcb.js';
import { armXmit, disarmXmit, retransmissionTimeout } from './xmit-timer.js';

export function timerExpired(tcb: Tcb, kind: number): void {
  if (tcb.state === TCP_CLOSE) return;
  if (kind === TIMER_ACK) ackTimeout(tcb);
  else if (kind === TIMER_KEEP) keepTimeout(tcb);
  else if (kind === TIMER_PACE) pushPending(tcb);
  else if (kind === TIMER_LINGER) endLinger(tcb);
  else transmissionTimer(tcb);
}

function transmissionTimer(tcb: Tcb): void {
  const kind = tcb.xmitKind;
  tcb.xmitKind = XMIT_NONE;
  if (kind === XMIT_RETRANSMIT) retransmissionTimer(tcb);
  else if (kind === XMIT_PROBE_WINDOW) windowProbeTimer(tcb);
  else if (kind === XMIT_LOSS_PROBE) sendLossProbe(tcb);
  else if (kind === XMIT_REORDER) reorderTimer(tcb);
}

function reorderTimer(tcb: Tcb): void {
  tcb.tcp.ack.reset(tcb.sndUna, 0);
  reorderTimeout(tcb);
  retransmitLost(tcb);
  pushPending(tcb);
  if (tcb.xmitKind === XMIT_NONE && tcb.queue !== null) {
    armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
  }
}

function retransmissionTimer(tcb: Tcb): void {
  if (tcb.queue === null || tcb.queue.empty) return;
  const opening = tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV;
  if (opening ? openingGivesUp(tcb) : connectionGivesUp(tcb)) {
    giveUp(tcb);
    return;
  }
  tcb.tcp.counters.timeouts++;
  tcb.totalTimeouts++;
  tcb.tcp.ack.reset(tcb.sndUna, 0);
  if (opening) {
    abandonFastOpen(tcb);
    markAllLost(tcb);
  } else {
    probeFailed(tcb);
    if (tcb.retransmits >= tcb.tcp.config.retries1) suspectBlackHole(tcb);
    enterLoss(tcb);
  }
  tcb.retransmits++;
  retransmitHead(tcb);
  tcb.backoff++;
  if (tcb.retransmits > tcb.tcp.config.retries1) tcb.route.invalidate();
  armXmit(tcb, XMIT_RETRANSMIT, retransmissionTimeout(tcb));
}

function openingGivesUp(tcb: Tcb): boolean {
  const config = tcb.tcp.config;
  const tries =
    tcb.state === TCP_SYN_SENT ? tcb.settings.synRetries || config.synRetries : config.synAckRetries;
  const limit = userTimeout(tcb);
  if (limit > 0 && tcb.firstRetransmitAt > 0 && tcb.tcp.now - tcb.firstRetransmitAt >= limit) return true;
  return tcb.retransmits >= tries;
}

function connectionGivesUp(tcb: Tcb): boolean {
  if (tcb.firstRetransmitAt === 0) return false;
  const config = tcb.tcp.config;
  const elapsed = tcb.tcp.now - tcb.firstRetransmitAt;
  const limit = userTimeout(tcb);
  if (limit > 0) return elapsed >= limit;
  const tries = tcb.orphaned ? config.orphanRetries : config.retries2;
  return tcb.retransmits >= 3 && elapsed >= backoffSum(config.rtoMin, config.rtoMax, tries);
}

// tcp_retries2 counts retransmissions of a hypothetical connection with the least timeout; what limits is their time.
function backoffSum(least: number, most: number, tries: number): number {
  let sum = 0;
  let step = least;
  for (let i = 0; i <= tries; i++) {
    sum += step;
    step = Math.min(step * 2, most);
  }
  return sum;
}

function giveUp(tcb: Tcb): void {
  tcb.tcp.counters.abortOnTimeout++;
  if (tcb.orphaned) finish(tcb);
  else fail(tcb, tcb.softError !== 0 ? tcb.softError : ETIMEDOUT);
}

/** RFC 9293 section 3.8.6.1: asks for the window as long as the peer answers, with back-off. */
function windowProbeTimer(tcb: Tcb): void {
  const config = tcb.tcp.config;
  const pending = seqDiff(tcb.writeSeq, tcb.sndNxt) > 0 || tcb.finQueued;
  if (!pending || tcb.queue !== null) {
    tcb.probeStartedAt = 0;
    return;
  }
  const limit = userTimeout(tcb);
  const tooLong = limit > 0 && tcb.probeStartedAt > 0 && tcb.tcp.now - tcb.probeStartedAt >= limit;
  if (tooLong || tcb.probesOut >= (tcb.orphaned ? config.orphanRetries : config.retries2)) {
    giveUp(tcb);
    return;
  }
  tcb.probesOut++;
  disarmXmit(tcb);
  const before = tcb.sndNxt;
  if (tcb.sndWnd > 0) {
    tcb.noNagleOnce = true;
    pushPending(tcb);
    tcb.noNagleOnce = false;
  }
  if (tcb.sndNxt !== before) return;
  sendControl(tcb, (tcb.sndUna - 1) | 0, TCP_ACK);
  tcb.backoff++;
  armXmit(tcb, XMIT_PROBE_WINDOW, Math.max(retransmissionTimeout(tcb), config.rtoMin));
}
