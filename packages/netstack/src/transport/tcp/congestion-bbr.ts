// BBR version 1: draft-cardwell-iccrg-bbr-congestion-control-00. A model of the path (bottleneck bandwidth as a windowed
// maximum over ten round trips, propagation time as a minimum over ten seconds) sets pacing rate and window.
// Departures: the bandwidth filter keeps three samples; loss recovery conserves packets for one round trip.

import type { CongestionControl, CongestionState, RateSample } from './congestion.js';
import { CA_LOSS, CA_OPEN, CA_RECOVERY } from './state.js';
import { inFlight, type Tcb } from './tcb.js';

const STARTUP = 0;
const DRAIN = 1;
const PROBE_BANDWIDTH = 2;
const PROBE_RTT = 3;

const HIGH_GAIN = 2.885;
const DRAIN_GAIN = 1 / HIGH_GAIN;
const WINDOW_GAIN = 2;
const CYCLE: readonly number[] = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
const BANDWIDTH_ROUNDS = 10;
const MIN_RTT_WINDOW = 10_000_000;
const PROBE_RTT_TIME = 200_000;
const FULL_GROWTH = 1.25;
const FULL_ROUNDS = 3;
const PACING_MARGIN = 0.99;
const MIN_WINDOW_SEGMENTS = 4;

class BbrState implements CongestionState {
  readonly algorithm = 'bbr';
  mode = STARTUP;
  /** Bytes per microsecond: best, and runners-up with the rounds they were seen in. */
  readonly rates = new Float64Array(3);
  readonly rounds = new Float64Array(3);
  round = 0;
  nextRoundDelivered = 0;
  roundStart = false;
  minRtt = 0;
  minRttAt = 0;
  probeRttDone = 0;
  probeRttRound = false;
  fullBandwidth = 0;
  fullRounds = 0;
  filled = false;
  cycleIndex = 0;
  cycleAt = 0;
  pacingGain = HIGH_GAIN;
  windowGain = HIGH_GAIN;
  priorWindow = 0;
  conserving = false;
  restarting = false;
}

export class Bbr implements CongestionControl {
  readonly name = 'bbr';
  readonly controlsRate = true;

  create(tcb: Tcb): CongestionState {
    const state = new BbrState();
    state.minRttAt = tcb.tcp.now;
    state.nextRoundDelivered = tcb.delivered;
    return state;
  }

  /** Loss is no signal for BBR: the threshold stays, the window is kept for afterwards. */
  slowStartThreshold(tcb: Tcb): number {
    saveWindow(tcb, tcb.congestion as BbrState);
    return 0x7fffffff;
  }

  grow(_tcb: Tcb, _acked: number): void {}

  measured(_tcb: Tcb, _rtt: number): void {}

  enter(tcb: Tcb, state: number): void {
    const s = tcb.congestion as BbrState;
    if (state === CA_LOSS) {
      s.fullBandwidth = 0;
      s.roundStart = true;
      s.conserving = false;
    } else if (state === CA_RECOVERY) {
      s.conserving = true;
      s.nextRoundDelivered = tcb.delivered;
    } else if (state === CA_OPEN && tcb.caState >= CA_RECOVERY) {
      s.conserving = false;
      tcb.cwnd = Math.max(tcb.cwnd, s.priorWindow);
    }
  }

  resume(tcb: Tcb): void {
    const s = tcb.congestion as BbrState;
    if (tcb.appLimited === 0) return;
    s.restarting = true;
    if (s.mode === PROBE_BANDWIDTH) setPacing(tcb, s, 1);
  }

  undo(tcb: Tcb): number {
    const s = tcb.congestion as BbrState;
    s.fullBandwidth = 0;
    s.fullRounds = 0;
    return Math.max(tcb.cwnd, s.priorWindow);
  }

  control(tcb: Tcb, sample: RateSample): void {
    const s = tcb.congestion as BbrState;
    updateBandwidth(tcb, s, sample);
    updateCycle(tcb, s, sample);
    checkFull(s, sample);
    checkDrain(tcb, s);
    updateMinRtt(tcb, s, sample);
    setPacing(tcb, s, s.pacingGain);
    setWindow(tcb, s, sample);
  }
}

function bandwidth(s: BbrState): number {
  return s.rates[0]!;
}

function updateBandwidth(tcb: Tcb, s: BbrState, sample: RateSample): void {
  s.roundStart = false;
  if (sample.priorDelivered >= s.nextRoundDelivered && sample.priorDelivered >= 0) {
    s.nextRoundDelivered = tcb.delivered;
    s.round++;
    s.roundStart = true;
    s.conserving = false;
  }
  if (sample.interval <= 0 || sample.delivered <= 0) return;
  const rate = sample.delivered / sample.interval;
  if (!sample.isAppLimited || rate >= bandwidth(s)) insertMaximum(s, rate);
}

/** A windowed maximum over BANDWIDTH_ROUNDS: best, second and third, each later than the one before. */
function insertMaximum(s: BbrState, rate: number): void {
  const { rates, rounds, round } = s;
  if (rate >= rates[0]! || round - rounds[2]! > BANDWIDTH_ROUNDS) {
    rates.fill(rate);
    rounds.fill(round);
    return;
  }
  if (rate >= rates[1]!) setFrom(s, 1, rate);
  else if (rate >= rates[2]!) setFrom(s, 2, rate);
  const age = round - rounds[0]!;
  if (age > BANDWIDTH_ROUNDS) {
    rates[0] = rates[1]!;
    rounds[0] = rounds[1]!;
    rates[1] = rates[2]!;
    rounds[1] = rounds[2]!;
    rates[2] = rate;
    rounds[2] = round;
  } else if (rounds[1] === rounds[0] && age > BANDWIDTH_ROUNDS / 4) setFrom(s, 1, rate);
  else if (rounds[2] === rounds[1] && age > BANDWIDTH_ROUNDS / 2) setFrom(s, 2, rate);
}

function setFrom(s: BbrState, index: number, rate: number): void {
  for (let i = index; i < 3; i++) {
    s.rates[i] = rate;
    s.rounds[i] = s.round;
  }
}

/** Bytes that fill the path at `gain`. */
function target(tcb: Tcb, s: BbrState, gain: number): number {
  if (s.minRtt === 0 || bandwidth(s) === 0) return tcb.tcp.initialWindow(tcb);
  // Room for the largest send, delayed acknowledgements and one segment more.
  return gain * bandwidth(s) * s.minRtt + 3 * Math.max(tcb.mss, Math.min(tcb.gsoSize, 2 * tcb.mss));
}

function updateCycle(tcb: Tcb, s: BbrState, sample: RateSample): void {
  if (s.mode !== PROBE_BANDWIDTH) return;
  const passed = tcb.tcp.now - s.cycleAt > s.minRtt;
  let next = passed;
  if (s.pacingGain > 1)
    next = passed && (sample.lost > 0 || sample.priorInFlight >= target(tcb, s, s.pacingGain));
  else if (s.pacingGain < 1) next = passed || sample.priorInFlight <= target(tcb, s, 1);
  if (!next) return;
  s.cycleIndex = (s.cycleIndex + 1) % CYCLE.length;
  s.cycleAt = tcb.tcp.now;
  s.pacingGain = CYCLE[s.cycleIndex]!;
}

function checkFull(s: BbrState, sample: RateSample): void {
  if (s.filled || !s.roundStart || sample.isAppLimited) return;
  if (bandwidth(s) >= s.fullBandwidth * FULL_GROWTH) {
    s.fullBandwidth = bandwidth(s);
    s.fullRounds = 0;
    return;
  }
  s.fullRounds++;
  s.filled = s.fullRounds >= FULL_ROUNDS;
}

function checkDrain(tcb: Tcb, s: BbrState): void {
  if (s.mode === STARTUP && s.filled) {
    s.mode = DRAIN;
    s.pacingGain = DRAIN_GAIN;
    s.windowGain = HIGH_GAIN;
  }
  if (s.mode === DRAIN && inFlight(tcb) <= target(tcb, s, 1)) enterProbeBandwidth(tcb, s);
}

function enterProbeBandwidth(tcb: Tcb, s: BbrState): void {
  s.mode = PROBE_BANDWIDTH;
  s.windowGain = WINDOW_GAIN;
  // Any phase but the one that drains.
  s.cycleIndex = (2 + (tcb.tcp.host.random.next32() % 7)) % CYCLE.length;
  s.cycleAt = tcb.tcp.now;
  s.pacingGain = CYCLE[s.cycleIndex]!;
}

function updateMinRtt(tcb: Tcb, s: BbrState, sample: RateSample): void {
  const now = tcb.tcp.now;
  const expired = s.minRtt > 0 && now > s.minRttAt + MIN_RTT_WINDOW;
  if (sample.rtt >= 0 && (s.minRtt === 0 || sample.rtt <= s.minRtt || expired)) {
    s.minRtt = Math.max(1, sample.rtt);
    s.minRttAt = now;
  }
  if (expired && !s.restarting && s.mode !== PROBE_RTT) {
    s.mode = PROBE_RTT;
    s.pacingGain = 1;
    s.windowGain = 1;
    saveWindow(tcb, s);
    s.probeRttDone = 0;
  }
  if (s.mode === PROBE_RTT) probeRtt(tcb, s);
  if (sample.delivered > 0) s.restarting = false;
}

function probeRtt(tcb: Tcb, s: BbrState): void {
  const now = tcb.tcp.now;
  if (s.probeRttDone === 0) {
    if (inFlight(tcb) > MIN_WINDOW_SEGMENTS * tcb.mss) return;
    s.probeRttDone = now + PROBE_RTT_TIME;
    s.probeRttRound = false;
    s.nextRoundDelivered = tcb.delivered;
    return;
  }
  if (s.roundStart) s.probeRttRound = true;
  if (!s.probeRttRound || now <= s.probeRttDone) return;
  s.minRttAt = now;
  tcb.cwnd = Math.max(tcb.cwnd, s.priorWindow);
  if (s.filled) enterProbeBandwidth(tcb, s);
  else {
    s.mode = STARTUP;
    s.pacingGain = HIGH_GAIN;
    s.windowGain = HIGH_GAIN;
  }
}

function saveWindow(tcb: Tcb, s: BbrState): void {
  if (tcb.caState < CA_RECOVERY && s.mode !== PROBE_RTT) s.priorWindow = tcb.cwnd;
  else s.priorWindow = Math.max(s.priorWindow, tcb.cwnd);
}

function setPacing(tcb: Tcb, s: BbrState, gain: number): void {
  let rate = bandwidth(s) * 1e6 * gain * PACING_MARGIN;
  if (rate === 0) {
    const rtt = tcb.rtt.smoothed > 0 ? tcb.rtt.smoothed : 1000;
    rate = (gain * tcb.cwnd * 1e6) / rtt;
  }
  if (s.filled || rate > tcb.pacingRate) tcb.pacingRate = rate;
}

function setWindow(tcb: Tcb, s: BbrState, sample: RateSample): void {
  const goal = target(tcb, s, s.windowGain);
  const floor = MIN_WINDOW_SEGMENTS * tcb.mss;
  if (s.conserving) {
    tcb.cwnd = Math.max(tcb.cwnd - sample.lost, inFlight(tcb) + sample.acked, tcb.mss);
  } else if (s.filled) tcb.cwnd = Math.min(tcb.cwnd + sample.acked, goal);
  else if (tcb.cwnd < goal || tcb.delivered < tcb.tcp.initialWindow(tcb)) tcb.cwnd += sample.acked;
  tcb.cwnd = Math.max(Math.floor(tcb.cwnd), floor);
  if (s.mode === PROBE_RTT) tcb.cwnd = Math.min(tcb.cwnd, floor);
}
