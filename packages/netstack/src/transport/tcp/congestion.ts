// The role of a congestion control algorithm and the table of those that a stack knows. Windows are in bytes.
// An algorithm keeps its variables in an object per connection, made by `create`; the algorithm itself has no state.

import type { Tcb } from './tcb.js';

/** The per-connection variables of an algorithm; only the algorithm that made them looks inside. */
export interface CongestionState {
  readonly algorithm: string;
}

/** What the acknowledgement now being processed says about the delivery rate (draft-cheng-iccrg-delivery-rate-estimation). */
export interface RateSample {
  /** `tcb.delivered` when the newest acknowledged segment was sent; -1: no sample. */
  priorDelivered: number;
  /** Bytes delivered over the interval. */
  delivered: number;
  /** Microseconds; 0 or less: no valid sample. */
  interval: number;
  /** Round trip of the newest segment acknowledged, microseconds; -1 if none. */
  rtt: number;
  /** Bytes newly acknowledged or SACKed, and newly deemed lost. */
  acked: number;
  lost: number;
  priorInFlight: number;
  isAppLimited: boolean;
  isRetransmit: boolean;
}

export interface CongestionControl {
  readonly name: string;
  /** True if `control` sets window and pacing rate on every acknowledgement, in place of `grow` and PRR. */
  readonly controlsRate: boolean;
  create(tcb: Tcb): CongestionState;
  /** The slow start threshold after a loss now. Called before the window is touched. */
  slowStartThreshold(tcb: Tcb): number;
  /** `acked` bytes were acknowledged while the window was in full use and no recovery is going on. */
  grow(tcb: Tcb, acked: number): void;
  /** A round trip was measured, in microseconds. */
  measured(tcb: Tcb, rtt: number): void;
  /** `tcb.caState` is about to become `state`. */
  enter(tcb: Tcb, state: number): void;
  /** Sending resumes after the connection was idle. */
  resume(tcb: Tcb): void;
  /** The window to go back to when a recovery proves spurious. */
  undo(tcb: Tcb): number;
  control(tcb: Tcb, sample: RateSample): void;
}

export class CongestionRegistry {
  private readonly algorithms: Map<string, CongestionControl>;

  constructor(algorithms: readonly CongestionControl[]) {
    this.algorithms = new Map();
    for (const algorithm of algorithms) this.algorithms.set(algorithm.name, algorithm);
  }

  get(name: string): CongestionControl | undefined {
    return this.algorithms.get(name);
  }

  names(): readonly string[] {
    return [...this.algorithms.keys()];
  }
}
