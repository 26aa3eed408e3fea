// The built-in DNS: names that the policy permits are asked for, answers are judged and bound to the names, everything else does not
// exist. Names in an answer (CNAME, SVCB, MX, SRV targets) may be asked for on the strength of the name that led to them.
import {
  type Address,
  DNS_A,
  DNS_AAAA,
  DNS_ANY,
  DNS_CNAME,
  DNS_IN,
  DNS_NOERROR,
  DNS_NXDOMAIN,
  DNS_REFUSED,
  type DnsHandler,
  type DnsQuestion,
  type DnsRecord,
  type DnsReply,
} from '@sandbox-kernel/netstack';
import type { NetworkEventKind } from '../events.js';
import type { Gate } from '../gate.js';
import { hostName } from '../policy/domain.js';
import { DNS_HTTPS, DNS_SVCB, filterBinding } from './service-binding.js';
import type { Upstream } from './upstream.js';

const FIRST_META_TYPE = 128;
const HOSTS_TTL = 60;
/** Names of the sandbox's own: where the host's loopback is reached. */
export const HOST_NAME = 'host.sandbox.internal';

/** Asks who else may know a name of one label: other sandboxes on a switch. */
export type Neighbours = (
  name: string,
  type: number,
  done: (code: number, records: readonly DnsRecord[]) => void,
) => void;

export class NameGate implements DnsHandler {
  neighbours: Neighbours | null = null;
  readonly #gate: Gate;
  readonly #upstream: Upstream;
  readonly #hosts: ReadonlyMap<string, readonly Address[]>;
  readonly #gateways: readonly Address[];
  readonly #clock: () => number;

  constructor(
    gate: Gate,
    upstream: Upstream,
    hosts: ReadonlyMap<string, readonly Address[]>,
    gateways: readonly Address[],
    clock: () => number,
  ) {
    this.#gate = gate;
    this.#upstream = upstream;
    this.#hosts = hosts;
    this.#gateways = gateways;
    this.#clock = clock;
  }

  answer(question: DnsQuestion, _client: Address, reply: (reply: DnsReply) => void): void {
    const { name, type } = question;
    if (question.class !== DNS_IN || (type >= FIRST_META_TYPE && type < 256)) {
      this.#tell('refuse', name, `type ${type === DNS_ANY ? 'ANY' : type} is not answered`);
      reply({ code: DNS_REFUSED });
      return;
    }
    if (name === HOST_NAME) {
      reply(this.#listed(name, type, this.#gateways));
      return;
    }
    if (this.neighbours === null || name.includes('.')) this.#answerByRules(question, reply);
    else
      this.neighbours(name, type, (code, records) => {
        if (code === DNS_NOERROR) reply({ code, answers: records, authoritative: true });
        else this.#answerByRules(question, reply);
      });
  }

  #answerByRules(question: DnsQuestion, reply: (reply: DnsReply) => void): void {
    const { name, type } = question;
    const origins = this.#origins(name);
    if (origins.length === 0) {
      reply({ code: DNS_NXDOMAIN });
      return;
    }
    const listed = this.#hosts.get(name);
    if (listed !== undefined) this.#pass(question, origins, this.#listed(name, type, listed), reply);
    else
      this.#upstream.ask(name, type, ({ code, records }) =>
        this.#pass(question, origins, { code, answers: records }, reply),
      );
  }

  /** The permitted names in whose stead `name` is asked for; empty when it is refused. */
  #origins(name: string): string[] {
    const { policy, audit, bindings } = this.#gate;
    const valid = hostName(name) !== null;
    const verdict = policy.judgeName(name);
    if (valid && verdict.allowed) return [name];
    const origins = bindings
      .originsOf(name, this.#clock())
      .filter((origin) => policy.judgeName(origin).allowed);
    if (valid && origins.length > 0) return origins;
    const reason = valid ? verdict.reason : 'it is no name of a host';
    this.#tell(audit ? 'would-refuse' : 'refuse', name, reason);
    return audit && valid ? [name] : [];
  }

  #listed(name: string, type: number, addresses: readonly Address[]): DnsReply {
    const answers = addresses
      .filter((address) => type === (address.isV4 ? DNS_A : DNS_AAAA))
      .map(
        (address): DnsRecord => ({
          name,
          type,
          class: DNS_IN,
          ttl: HOSTS_TTL,
          data: { kind: 'address', address },
        }),
      );
    return { code: DNS_NOERROR, answers, authoritative: true };
  }

  #pass(
    question: DnsQuestion,
    origins: readonly string[],
    answer: DnsReply,
    reply: (reply: DnsReply) => void,
  ): void {
    const records: DnsRecord[] = [];
    let refused = '';
    const keep = (address: Address, ttl: number) => {
      const reason = this.#judge(address, origins, ttl);
      refused ||= reason;
      return reason === '' || this.#gate.audit;
    };
    for (const record of answer.answers ?? []) {
      const kept = this.#keep(record, origins, keep);
      if (kept !== null) records.push(kept);
    }
    if (refused !== '') this.#tell(this.#gate.audit ? 'would-refuse' : 'refuse', question.name, refused);
    const wanted = records.some((record) => record.type !== DNS_CNAME);
    if (refused !== '' && !wanted) {
      reply({ code: DNS_REFUSED });
      return;
    }
    this.#tell('resolve', question.name, textOf(records) || `code ${answer.code}`);
    reply({ ...answer, answers: records });
  }

  /** The record as the guest may have it; null to leave it out. */
  #keep(
    record: DnsRecord,
    origins: readonly string[],
    keep: (address: Address, ttl: number) => boolean,
  ): DnsRecord | null {
    const { data, type, ttl } = record;
    if (data.kind === 'address') return keep(data.address, ttl) ? record : null;
    if (data.kind === 'mx' || data.kind === 'srv' || (data.kind === 'name' && type === DNS_CNAME))
      this.#alias(data.name, origins, ttl);
    if (data.kind !== 'raw' || (type !== DNS_SVCB && type !== DNS_HTTPS)) return record;
    const binding = filterBinding(data.bytes, (address) => keep(address, ttl));
    if (binding === null) return null;
    if (binding.target !== '') this.#alias(binding.target, origins, ttl);
    return { ...record, data: { kind: 'raw', bytes: binding.bytes } };
  }

  #alias(target: string, origins: readonly string[], ttl: number): void {
    for (const origin of origins) this.#gate.bindings.alias(target, origin, ttl, this.#clock());
  }

  /** Binds the address to the origins for which it is permitted; why not, if it is for none. */
  #judge(address: Address, origins: readonly string[], ttl: number): string {
    const { policy, bindings, audit } = this.#gate;
    let reason = '';
    let bound = false;
    for (const origin of origins) {
      const verdict = policy.judgeAnswer(origin, address);
      if (!verdict.allowed) reason = verdict.reason;
      if (!verdict.allowed && !audit) continue;
      bindings.bind(address, origin, ttl, this.#clock());
      bound ||= verdict.allowed;
    }
    return bound ? '' : reason;
  }

  #tell(kind: NetworkEventKind, name: string, reason: string): void {
    const event = {
      kind,
      protocol: 'dns',
      direction: 'out',
      target: name,
      names: [name],
      reason,
      count: 1,
    } as const;
    this.#gate.log.add(event, this.#clock());
  }
}

function textOf(records: readonly DnsRecord[]): string {
  return records.flatMap(({ data }) => (data.kind === 'address' ? [`${data.address}`] : [])).join(' ');
}
