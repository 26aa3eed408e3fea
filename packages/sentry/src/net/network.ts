// The sandbox's network as the sentry sees it: one Internet with its loopback link, run by the sentry's loop. A network mode attaches one
// more link (`attach`); mode `none` attaches nothing.
import { Internet, type InternetOptions, type LinkAttachment } from '@sandbox-kernel/inet';
import type { Kernel } from '@sandbox-kernel/kernel';
import type { NetInterface } from '@sandbox-kernel/netstack';
import type { Outside } from './outside.js';

export interface NetworkOptions extends InternetOptions {
  /** Links beside loopback, up from the start. */
  readonly links?: readonly LinkAttachment[];
}

/** Rounds between the guest's stack and the other end of its link before programs get their turn. */
const MAX_ROUNDS = 16;

export class SandboxNetwork {
  readonly internet: Internet;
  #outside: Outside | null = null;

  constructor(kernel: Kernel, options: NetworkOptions = {}) {
    this.internet = new Internet(kernel, options);
    for (const link of options.links ?? []) this.internet.attach(link);
  }

  /** Adds a link while running; -errno when an address or route of it is refused. Its device may call `linkWork` on its sink at any time. */
  attach(link: LinkAttachment): NetInterface | number {
    return this.internet.attach(link);
  }

  /** Adds the links that lead out of the sandbox; their far ends are run together with the stack. */
  join(outside: Outside): void {
    this.#outside = outside;
    for (const link of outside.attachments) this.internet.attach(link);
    outside.useStack(this.internet.stack, this.internet.udp);
  }

  /** Delivers packets and fires timers that are due; wakes tasks. */
  run(): void {
    const outside = this.#outside;
    this.internet.run();
    if (outside === null) return;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      outside.run();
      if (!this.internet.pending && !outside.hasWork) break;
      this.internet.run();
    }
  }

  /** ns monotonic at which `run` is wanted at the latest: 0 when packets wait, Infinity when idle. */
  get deadline(): number {
    return Math.min(this.internet.deadline, this.#outside?.deadline ?? Number.POSITIVE_INFINITY);
  }
}
