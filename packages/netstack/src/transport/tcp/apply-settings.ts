// Socket options that change a connection under way: what tcp(7) says takes effect at once.

import { settleAck } from './acknowledge.js';
import type { TcpSettings } from './config.js';
import { armKeepalive } from './keepalive.js';
import { syncMss } from './mtu-probe.js';
import { pushPending } from './output.js';
import { limitPacing } from './rate.js';
import { CAN_SEND_STATES } from './state.js';
import type { Tcb } from './tcb.js';

export function applySettings(tcb: Tcb, next: TcpSettings): void {
  const before = tcb.settings;
  tcb.settings = next;
  applyBuffers(tcb, next);
  if (next.congestion !== before.congestion) changeAlgorithm(tcb, next.congestion);
  if (next.windowClamp > 0 && next.windowClamp !== before.windowClamp) tcb.windowClamp = next.windowClamp;
  if (next.keepAlive !== before.keepAlive || next.keepIdle !== before.keepIdle) restartKeepalive(tcb);
  if (
    next.mark !== before.mark ||
    next.device !== before.device ||
    next.typeOfService !== before.typeOfService
  ) {
    tcb.route.mark = next.mark;
    tcb.route.tos = next.typeOfService;
    tcb.route.boundInterface = next.device;
    tcb.route.invalidate();
  }
  limitPacing(tcb);
  if ((CAN_SEND_STATES & (1 << tcb.state)) === 0) return;
  if (next.maxSegment !== before.maxSegment || next.extensions !== before.extensions) syncMss(tcb);
  const uncorked = before.cork && !next.cork;
  if (uncorked) tcb.corked = false;
  if (uncorked || (next.noDelay && !before.noDelay)) pushPending(tcb);
  if (next.quickAck) settleAck(tcb);
}

function applyBuffers(tcb: Tcb, next: TcpSettings): void {
  if (next.sendBuffer > 0) {
    tcb.sendBuffer = next.sendBuffer;
    tcb.sendBufferLocked = true;
  }
  if (next.receiveBuffer > 0) {
    tcb.receiveBuffer = next.receiveBuffer;
    tcb.receiveBufferLocked = true;
  }
}

function changeAlgorithm(tcb: Tcb, name: string): void {
  tcb.congestionControl = tcb.tcp.algorithm(name);
  tcb.pacingRate = 0;
  tcb.congestion = tcb.congestionControl.create(tcb);
}

function restartKeepalive(tcb: Tcb): void {
  tcb.tcp.timers.cancel(tcb.keepTimer);
  tcb.keepProbes = 0;
  armKeepalive(tcb);
}
