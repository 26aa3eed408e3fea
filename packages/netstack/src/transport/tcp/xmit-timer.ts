// The transmission timer: retransmission (RFC 6298), window probe, loss probe and reordering share one, as only one of
// them can be due at a time.

import { type Tcb, XMIT_NONE } from './tcb.js';

/** The timeout now, back-off included. */
export function retransmissionTimeout(tcb: Tcb): number {
  const ceiling = tcb.tcp.config.rtoMax;
  if (tcb.backoff > 30) return ceiling;
  return Math.min(tcb.rtt.timeout * 2 ** tcb.backoff, ceiling);
}

/** Starts the timer over for `kind`, to go off in `delay` microseconds. */
export function armXmit(tcb: Tcb, kind: number, delay: number): void {
  tcb.xmitKind = kind;
  tcb.tcp.timers.armAfter(tcb.xmitTimer, tcb.tcp.now, delay);
}

export function disarmXmit(tcb: Tcb): void {
  if (tcb.xmitKind === XMIT_NONE) return;
  tcb.xmitKind = XMIT_NONE;
  tcb.tcp.timers.cancel(tcb.xmitTimer);
}
