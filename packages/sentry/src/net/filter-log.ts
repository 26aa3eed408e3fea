// What the guest's own LOG rules (iptables, nft) write: events of kind `log` on the control channel, summed up when they come too fast.
import { EventLog } from '@sandbox-kernel/network';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import type { NetworkNotice } from '../control/network-messages.js';

const NANOS_PER_MICRO = 1000;

export function tellFilterLog(kernel: SentryKernel, tell: (notice: NetworkNotice) => void): void {
  const log = new EventLog((what) => tell({ event: 'network', what }));
  kernel.network.internet.netfilter.onLog = ({ text, target, incoming }) => {
    const event = {
      kind: 'log',
      protocol: 'ip',
      direction: incoming ? 'in' : 'out',
      target,
      names: [],
      reason: text,
      count: 1,
    } as const;
    log.add(event, Math.floor(kernel.clock.monotonic() / NANOS_PER_MICRO));
  };
}
