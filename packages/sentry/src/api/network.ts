// `sandbox.network`: what can be asked and changed while a sandbox runs.
import type { NetworkLimits } from '@sandbox-kernel/network';
import type { ConnectionReport, PublishSpec, QuestionReport, RuleSpec } from '../control/network-messages.js';
import type { ControlClient } from './control-client.js';
import {
  checkedLimits,
  type NetworkOptions,
  type NetworkRule,
  type PublishOptions,
  publishSpecs,
  ruleSpec,
} from './network-options.js';
import { refuseUnknownKeys } from './option-checks.js';

const LAST_BYTES_MS = 2000;
const LAST_BYTES_STEP_MS = 3;

export interface NetworkUpdate {
  /** Instead of all rules so far. Open flows are judged again: those that may not go on end. */
  readonly rules?: readonly NetworkRule[];
  readonly audit?: boolean;
  readonly limits?: NetworkLimits;
}

/** A published port as it came about. */
export interface Published {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

export class SandboxNetwork {
  readonly #client: ControlClient;
  readonly #onConnect: NetworkOptions['onConnect'];

  constructor(client: ControlClient, onConnect: NetworkOptions['onConnect']) {
    this.#client = client;
    this.#onConnect = onConnect;
  }

  /** Changes the policy of a running sandbox. */
  async update(update: NetworkUpdate): Promise<void> {
    refuseUnknownKeys(update, ['rules', 'audit', 'limits'], 'network.update');
    const rules: RuleSpec[] | null = update.rules?.map(ruleSpec) ?? null;
    const limits = update.limits === undefined ? null : checkedLimits(update.limits);
    await this.#client.request({ call: 'network-update', rules, audit: update.audit ?? null, limits });
  }

  /** Opens a port of this machine that leads to one of the guest. Rejects when the port is taken. */
  async publish(port: string | PublishOptions): Promise<Published[]> {
    const published: Published[] = [];
    for (const spec of publishSpecs(port))
      published.push((await this.#client.request({ call: 'network-publish', port: spec })) as PublishSpec);
    return published;
  }

  /** Closes a published port; connections that came by it stay. False: there was none. */
  async unpublish(hostPort: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<boolean> {
    return (await this.#client.request({ call: 'network-unpublish', protocol, hostPort })) as boolean;
  }

  /** What is open now. */
  async connections(): Promise<ConnectionReport[]> {
    return (await this.#client.request({ call: 'network-connections' })) as ConnectionReport[];
  }

  /**
   * Before the sandbox is closed: waits, but not for long, until what programs sent before they ended is with this machine's sockets,
   * ends what is open then, and tells about it.
   */
  async end(): Promise<void> {
    const last = performance.now() + LAST_BYTES_MS;
    const ask = (now: boolean) => this.#client.request({ call: 'network-end', now });
    for (let left = await ask(false); left !== 0 && performance.now() < last; left = await ask(false))
      await new Promise((resolve) => setTimeout(resolve, LAST_BYTES_STEP_MS));
    await ask(true);
  }

  /** A question of the sentry, brought to the application and back. A callback that fails refuses. */
  async answer(question: number, about: QuestionReport): Promise<void> {
    let decision: 'allow' | 'deny' | 'rules' = 'rules';
    try {
      decision = (await this.#onConnect?.(about)) || 'rules';
    } catch {
      decision = 'deny';
    }
    await this.#client.request({ call: 'network-answer', question, decision }).catch(() => {});
  }
}
