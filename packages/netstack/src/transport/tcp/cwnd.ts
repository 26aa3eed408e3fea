// Which rule moves the congestion window on an acknowledgement: a rate controlling algorithm, PRR during a reduction, or
// growth if the window was in full use (RFC 7661's concern: an unused window proves nothing).

import type { AckSample } from './ack-sample.js';
import { limitPacing } from './rate.js';
import { CA_CWR, CA_DISORDER, CA_LOSS, CA_RECOVERY } from './state.js';
import { inFlight, type Tcb } from './tcb.js';
import { proportionalReduction } from './window-reduction.js';

export function additionalWindow(tcb: Tcb, sample: AckSample, delivered: number): void {
  if (tcb.congestionControl.controlsRate) {
    tcb.congestionControl.control(tcb, sample);
    limitPacing(tcb);
    return;
  }
  if (tcb.caState === CA_RECOVERY || tcb.caState === CA_CWR) {
    proportionalReduction(tcb, delivered, sample.lost, sample.ackedBytes > 0);
  } else if (mayGrow(tcb, sample)) {
    tcb.congestionControl.grow(tcb, sample.ackedBytes);
  }
  tcb.cwndLimited = false;
}

function mayGrow(tcb: Tcb, sample: AckSample): boolean {
  if (sample.ackedBytes <= 0 || (tcb.caState === CA_DISORDER && tcb.reordering <= 3)) return false;
  if (tcb.caState === CA_LOSS) return true;
  return isWindowUsed(tcb, sample);
}

function isWindowUsed(tcb: Tcb, sample: AckSample): boolean {
  if (tcb.cwndLimited) return true;
  const used = Math.max(sample.priorInFlight, tcb.maxInFlight, inFlight(tcb));
  if (tcb.cwnd < tcb.ssthresh) return tcb.cwnd < 2 * used;
  return used + tcb.mss > tcb.cwnd;
}
