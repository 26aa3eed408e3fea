// SO_LINGER with a time: after close(2) the owner goes on hearing of the connection until all it wrote, and the FIN, were
// acknowledged, or the time is over (socket(7)). Nothing blocks here, and nothing is thrown away: a connection whose time is
// over goes on without a program, as in Linux.
import { READY_HANGUP } from '../../roles.js';
import { Timer } from '../../storage/timer-wheel.js';
import type { TcpEndpoint } from './endpoint.js';
import { TCP_CLOSING, TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_SYN_RECV } from './state.js';
import { type Tcb, TIMER_LINGER, wake } from './tcb.js';

/** In which the peer has yet to acknowledge what we sent. */
const UNACKNOWLEDGED = (1 << TCP_FIN_WAIT1) | (1 << TCP_CLOSING) | (1 << TCP_LAST_ACK) | (1 << TCP_SYN_RECV);

export function isUnacknowledged(tcb: Tcb): boolean {
  return (UNACKNOWLEDGED & (1 << tcb.state)) !== 0;
}

/** After closeConnection: true when the endpoint has something to wait for. */
export function startLinger(tcb: Tcb, endpoint: TcpEndpoint): boolean {
  if (tcb.settings.linger <= 0 || !isUnacknowledged(tcb)) return false;
  tcb.endpoint = endpoint;
  tcb.lingerTimer = new Timer(tcb, TIMER_LINGER);
  tcb.tcp.timers.arm(tcb.lingerTimer, tcb.tcp.now + tcb.settings.linger);
  return true;
}

/** The time is over, or the owner waits no longer. */
export function endLinger(tcb: Tcb): void {
  if (tcb.lingerTimer === null) return;
  tcb.tcp.timers.cancel(tcb.lingerTimer);
  tcb.lingerTimer = null;
  wake(tcb, READY_HANGUP);
}
