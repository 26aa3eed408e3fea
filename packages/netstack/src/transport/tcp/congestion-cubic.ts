// CUBIC: RFC 9438, with fast convergence and the Reno-friendly region, and HyStart++ (RFC 9406) to leave slow start.
// Windows inside are in segments, as in the RFC; the connection's are in bytes.

import type { CongestionControl, CongestionState, RateSample } from './congestion.js';
import { additiveIncrease, slowStart } from './congestion-newreno.js';
import { seqAfter } from './seq.js';
import { CA_LOSS, CA_OPEN } from './state.js';
import type { Tcb } from './tcb.js';

const BETA = 0.7;
const C = 0.4;
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

// RFC 9406 section 4.3.
const MIN_RTT_THRESHOLD = 4000;
const MAX_RTT_THRESHOLD = 16000;
const RTT_SAMPLES = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
const UNKNOWN_RTT = 1e12;

class CubicState implements CongestionState {
  readonly algorithm = 'cubic';
  /** W_max, in segments. */
  maximum = 0;
  /** The window before the latest reduction, in bytes: for undo. */
  prior = 0;
  /** Start of the congestion avoidance epoch in microseconds; 0: none. */
  epochStart = 0;
  /** K in seconds, and the window that the cubic starts from. */
  timeToOrigin = 0;
  estimate = 0;
  idleSince = 0;
  // HyStart++
  windowEnd = 0;
  roundMinimum = UNKNOWN_RTT;
  lastRoundMinimum = UNKNOWN_RTT;
  samples = 0;
  /** Rounds left of conservative slow start; 0: not in it. */
  conservativeRounds = 0;
  baseline = UNKNOWN_RTT;
}

export class Cubic implements CongestionControl {
  readonly name = 'cubic';
  readonly controlsRate = false;

  create(tcb: Tcb): CongestionState {
    const state = new CubicState();
    state.windowEnd = tcb.sndNxt;
    return state;
  }

  slowStartThreshold(tcb: Tcb): number {
    const s = tcb.congestion as CubicState;
    const window = tcb.cwnd / tcb.mss;
    s.epochStart = 0;
    s.prior = tcb.cwnd;
    s.maximum = window < s.maximum ? (window * (1 + BETA)) / 2 : window;
    return Math.max(Math.floor(tcb.cwnd * BETA), 2 * tcb.mss);
  }

  grow(tcb: Tcb, acked: number): void {
    const s = tcb.congestion as CubicState;
    let rest = acked;
    if (tcb.cwnd < tcb.ssthresh) rest = slowStartPlus(tcb, s, acked);
    if (rest > 0) avoidCongestion(tcb, s, rest);
  }

  measured(tcb: Tcb, rtt: number): void {
    const s = tcb.congestion as CubicState;
    if (tcb.cwnd >= tcb.ssthresh) return;
    s.roundMinimum = Math.min(s.roundMinimum, rtt);
    s.samples++;
    if (s.samples >= RTT_SAMPLES) judgeRound(s);
  }

  enter(tcb: Tcb, state: number): void {
    const s = tcb.congestion as CubicState;
    if (state === CA_LOSS) {
      s.epochStart = 0;
      resetRound(tcb, s);
      s.conservativeRounds = 0;
      s.lastRoundMinimum = UNKNOWN_RTT;
    } else if (state === CA_OPEN) s.idleSince = 0;
  }

  /** RFC 9438 section 4.2: time spent idle does not count as growth. */
  resume(tcb: Tcb): void {
    const s = tcb.congestion as CubicState;
    if (s.epochStart === 0 || tcb.lastSentAt === 0) return;
    const idle = tcb.tcp.now - tcb.lastSentAt;
    if (idle > 0) s.epochStart = Math.min(tcb.tcp.now, s.epochStart + idle);
  }

  undo(tcb: Tcb): number {
    const s = tcb.congestion as CubicState;
    return Math.max(tcb.cwnd, s.prior);
  }

  control(_tcb: Tcb, _sample: RateSample): void {}
}

function startEpoch(tcb: Tcb, s: CubicState, window: number): void {
  s.epochStart = tcb.tcp.now;
  s.estimate = window;
  if (window >= s.maximum) {
    s.timeToOrigin = 0;
    s.maximum = window;
  } else {
    s.timeToOrigin = Math.cbrt((s.maximum - window) / C);
  }
}

function avoidCongestion(tcb: Tcb, s: CubicState, acked: number): void {
  const window = tcb.cwnd / tcb.mss;
  if (s.epochStart === 0) startEpoch(tcb, s, window);
  s.estimate += (ALPHA * (acked / tcb.mss)) / window;
  const t = (tcb.tcp.now - s.epochStart) / 1e6;
  const ahead = t + tcb.rtt.smoothed / 1e6 - s.timeToOrigin;
  const here = t - s.timeToOrigin;
  let target = C * ahead * ahead * ahead + s.maximum;
  target = Math.min(Math.max(target, window), 1.5 * window);
  if (C * here * here * here + s.maximum < s.estimate) target = Math.max(target, s.estimate);
  const perSegment = target > window ? tcb.cwnd / (target - window) : tcb.cwnd * 100;
  additiveIncrease(tcb, Math.max(tcb.mss, Math.floor(perSegment)), acked);
}

function slowStartPlus(tcb: Tcb, s: CubicState, acked: number): number {
  if (seqAfter(tcb.sndUna, s.windowEnd)) endRound(tcb, s);
  if (s.conservativeRounds === 0) return slowStart(tcb, acked);
  return slowStart(tcb, Math.max(1, Math.floor(acked / CSS_GROWTH_DIVISOR)));
}

function endRound(tcb: Tcb, s: CubicState): void {
  if (s.conservativeRounds > 0 && --s.conservativeRounds === 0) {
    tcb.ssthresh = tcb.cwnd;
  }
  resetRound(tcb, s);
}

function resetRound(tcb: Tcb, s: CubicState): void {
  s.windowEnd = tcb.sndNxt;
  s.lastRoundMinimum = s.roundMinimum;
  s.roundMinimum = UNKNOWN_RTT;
  s.samples = 0;
}

// A round whose minimum rose starts conservative slow start; one that fell below the baseline ends it (a jitter).
function judgeRound(s: CubicState): void {
  if (s.conservativeRounds > 0) {
    if (s.roundMinimum < s.baseline) {
      s.conservativeRounds = 0;
      s.baseline = UNKNOWN_RTT;
    }
    return;
  }
  if (s.lastRoundMinimum === UNKNOWN_RTT || s.roundMinimum === UNKNOWN_RTT) return;
  const threshold = Math.max(MIN_RTT_THRESHOLD, Math.min(s.lastRoundMinimum / 8, MAX_RTT_THRESHOLD));
  if (s.roundMinimum < s.lastRoundMinimum + threshold) return;
  s.baseline = s.roundMinimum;
  s.conservativeRounds = CSS_ROUNDS;
}
