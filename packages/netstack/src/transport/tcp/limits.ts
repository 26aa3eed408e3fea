// For how long a connection was busy sending, and what held it back: tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited.

import type { Tcb } from './tcb.js';

export const LIMIT_IDLE = 0;
export const LIMIT_BUSY = 1;
export const LIMIT_RECEIVER = 2;
export const LIMIT_SEND_BUFFER = 3;

/** From now on the connection is limited by `kind`; charges the time since the last change. */
export function noteLimit(tcb: Tcb, kind: number): void {
  if (tcb.limitKind === kind) return;
  const now = tcb.tcp.now;
  if (tcb.limitKind !== LIMIT_IDLE) {
    const spent = now - tcb.limitSince;
    tcb.busyTime += spent;
    if (tcb.limitKind === LIMIT_RECEIVER) tcb.receiveWindowLimitedTime += spent;
    else if (tcb.limitKind === LIMIT_SEND_BUFFER) tcb.sendBufferLimitedTime += spent;
  }
  tcb.limitKind = kind;
  tcb.limitSince = now;
}
