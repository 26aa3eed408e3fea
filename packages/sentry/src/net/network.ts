// The sandbox's network as the sentry sees it: one Internet with its loopback link, run by the sentry's loop. A network mode attaches one
// more link (`attach`); mode `none` attaches nothing.
import { Internet, type InternetOptions, type LinkAttachment } from '@sandbox-kernel/inet';
import type { Kernel } from '@sandbox-kernel/kernel';
import type { NetInterface } from '@sandbox-kernel/netstack';

export interface NetworkOptions extends InternetOptions {
  /** Links beside loopback, up from the start. */
  readonly links?: readonly LinkAttachment[];
}

export interface SandboxNetwork {
  readonly internet: Internet;
  /** Adds a link while running; -errno when an address or route of it is refused. Its device may call `linkWork` on its sink at any time. */
  attach(link: LinkAttachment): NetInterface | number;
  /** Delivers packets and fires timers that are due; wakes tasks. */
  run(): void;
  /** ns monotonic at which `run` is wanted at the latest: 0 when packets wait, Infinity when idle. */
  readonly deadline: number;
}

export function createNetwork(kernel: Kernel, options: NetworkOptions = {}): SandboxNetwork {
  const internet = new Internet(kernel, options);
  for (const link of options.links ?? []) internet.attach(link);
  return {
    internet,
    attach: (link) => internet.attach(link),
    run: () => internet.run(),
    get deadline() {
      return internet.deadline;
    },
  };
}
