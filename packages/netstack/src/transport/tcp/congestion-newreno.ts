// NewReno: RFC 5681 with appropriate byte counting (RFC 3465, L = 2 in slow start). Loss recovery itself (RFC 6582)
// is the stack's; this decides the window only. A singleton would be state, so it is a class without fields.

import type { CongestionControl, CongestionState, RateSample } from './congestion.js';
import type { Tcb } from './tcb.js';

class NewRenoState implements CongestionState {
  readonly algorithm = 'reno';
}

/** Slow start; returns the bytes that are left over once the threshold is reached. */
export function slowStart(tcb: Tcb, acked: number): number {
  const window = Math.min(tcb.cwnd + acked, tcb.ssthresh);
  const used = Math.max(0, window - tcb.cwnd);
  tcb.cwnd += used;
  return acked - used;
}

/** Grows by one segment for every `perSegment` bytes acknowledged. */
export function additiveIncrease(tcb: Tcb, perSegment: number, acked: number): void {
  tcb.cwndCredit += acked;
  if (tcb.cwndCredit < perSegment) return;
  const segments = Math.floor(tcb.cwndCredit / perSegment);
  tcb.cwndCredit -= segments * perSegment;
  tcb.cwnd += segments * tcb.mss;
}

export class NewReno implements CongestionControl {
  readonly name = 'reno';
  readonly controlsRate = false;

  create(): CongestionState {
    return new NewRenoState();
  }

  slowStartThreshold(tcb: Tcb): number {
    return Math.max(tcb.cwnd >> 1, 2 * tcb.mss);
  }

  grow(tcb: Tcb, acked: number): void {
    let rest = acked;
    if (tcb.cwnd < tcb.ssthresh) rest = slowStart(tcb, acked);
    if (rest > 0) additiveIncrease(tcb, tcb.cwnd, rest);
  }

  undo(tcb: Tcb): number {
    return Math.max(tcb.cwnd, tcb.priorCwnd);
  }

  measured(_tcb: Tcb, _rtt: number): void {}

  enter(_tcb: Tcb, _state: number): void {}

  resume(_tcb: Tcb): void {}

  control(_tcb: Tcb, _sample: RateSample): void {}
}
