// Keepalives (RFC 9293 section 3.8.4, RFC 1122 section 4.2.3.6), the wait in FIN-WAIT-2, and user timeouts (RFC 5482).

import { ETIMEDOUT } from '../../errno.js';
import { TCP_ACK } from '../../wire/tcp.js';
import { MS } from '../units.js';
import { fail, finish } from './close.js';
import { sendControl, sendReset } from './segment-output.js';
import { SYNCHRONIZED_STATES, TCP_FIN_WAIT2 } from './state.js';
import type { Tcb } from './tcb.js';

export function armKeepalive(tcb: Tcb): void {
  if (!tcb.settings.keepAlive) return;
  if ((SYNCHRONIZED_STATES & (1 << tcb.state)) === 0) return;
  tcb.tcp.timers.armAfter(tcb.keepTimer, tcb.tcp.now, idleTime(tcb));
}

function idleTime(tcb: Tcb): number {
  return tcb.settings.keepIdle || tcb.tcp.config.keepIdle;
}

function intervalTime(tcb: Tcb): number {
  return tcb.settings.keepInterval || tcb.tcp.config.keepInterval;
}

/** The limit in microseconds on how long sent data may stay unacknowledged; 0: none. */
export function userTimeout(tcb: Tcb): number {
  const own = tcb.settings.userTimeout;
  return (own > 0 ? own : tcb.peerUserTimeout) * MS;
}

/** The keepalive timer went off. */
export function keepTimeout(tcb: Tcb): void {
  if (tcb.orphaned && tcb.state === TCP_FIN_WAIT2) {
    finish(tcb);
    return;
  }
  if (!tcb.settings.keepAlive || (SYNCHRONIZED_STATES & (1 << tcb.state)) === 0) return;
  const timers = tcb.tcp.timers;
  const now = tcb.tcp.now;
  const silent = now - Math.max(tcb.lastReceivedAt, tcb.lastAckReceivedAt);
  const idle = idleTime(tcb);
  const busy = tcb.queue !== null || tcb.sndNxt !== tcb.writeSeq;
  if (silent < idle || (busy && !tcb.finQueued)) {
    timers.armAfter(tcb.keepTimer, now, Math.max(intervalTime(tcb) >> 4, idle - Math.min(silent, idle)) + 1);
    return;
  }
  if (isPeerGone(tcb, silent)) {
    sendReset(tcb);
    fail(tcb, ETIMEDOUT);
    return;
  }
  tcb.keepProbes++;
  sendControl(tcb, (tcb.sndUna - 1) | 0, TCP_ACK);
  timers.armAfter(tcb.keepTimer, now, intervalTime(tcb));
}

function isPeerGone(tcb: Tcb, silent: number): boolean {
  const limit = userTimeout(tcb);
  if (limit > 0) return tcb.keepProbes > 0 && silent >= limit;
  return tcb.keepProbes >= (tcb.settings.keepCount || tcb.tcp.config.keepCount);
}
