// A stub resolver: RFC 1035 section 7 and RFC 5452 (random identifiers and ports, answers checked against the question),
// EDNS(0), TCP when an answer is truncated (RFC 7766), several servers in turn, a cache. CNAME chains are followed inside
// an answer and, within bounds, by asking again. No DNSSEC.

import type { Address } from '../address.js';
import { ETIMEDOUT } from '../errno.js';
import type { ReadinessOwner } from '../roles.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import type { Tcp } from '../transport/tcp/tcp.js';
import { UdpEndpoint } from '../transport/udp/endpoint.js';
import type { Udp } from '../transport/udp/udp.js';
import { DnsCache } from './cache.js';
import {
  DNS_A,
  DNS_AAAA,
  DNS_CNAME,
  DNS_FORMERR,
  DNS_IN,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NXDOMAIN,
  DNS_OPT,
  DNS_SERVFAIL,
  type DnsMessage,
  type DnsRecord,
  EMPTY_MESSAGE,
  emitDns,
  parseDns,
} from './message.js';
import { isValidName, normalizeName } from './name.js';
import { DnsStream } from './stream.js';

const MAX_DATAGRAM = 1232;
const MAX_CHAIN = 8;

export interface DnsResult {
  /** DNS_NOERROR, DNS_NXDOMAIN …; DNS_SERVFAIL with `error` if nobody answered. */
  readonly code: number;
  /** A positive errno if there was no answer at all, else 0. */
  readonly error: number;
  /** The whole chain: CNAMEs first. */
  readonly records: readonly DnsRecord[];
}

export interface ResolverOptions {
  readonly servers: readonly Address[];
  readonly port?: number;
  /** Milliseconds until the next try. */
  readonly timeout?: number;
  readonly tries?: number;
  readonly search?: readonly string[];
  readonly cache?: DnsCache;
}

export class Resolver {
  readonly udp: Udp;
  readonly tcp: Tcp | null;
  readonly options: ResolverOptions;
  readonly cache: DnsCache;
  readonly running: Set<DnsQuery>;

  constructor(udp: Udp, tcp: Tcp | null, options: ResolverOptions) {
    this.udp = udp;
    this.tcp = tcp;
    this.options = options;
    this.cache = options.cache ?? new DnsCache();
    this.running = new Set();
  }

  /** Asks for records of `type`; `done` is called once, perhaps at once. */
  query(name: string, type: number, done: (result: DnsResult) => void): void {
    const wanted = normalizeName(name);
    if (!isValidName(wanted) || wanted === '') {
      done({ code: DNS_NXDOMAIN, error: 0, records: [] });
      return;
    }
    this.follow(wanted, type, [], 0, done);
  }

  private follow(
    name: string,
    type: number,
    before: readonly DnsRecord[],
    depth: number,
    done: (result: DnsResult) => void,
  ): void {
    this.once(name, type, (result) => {
      const records = [...before, ...result.records];
      const target = unresolvedTarget(name, type, result.records);
      if (target === null || result.error !== 0) done({ ...result, records });
      else if (depth >= MAX_CHAIN) done({ code: DNS_SERVFAIL, error: 0, records });
      else this.follow(target, type, records, depth + 1, done);
    });
  }

  private once(name: string, type: number, done: (result: DnsResult) => void): void {
    const now = this.udp.host.now();
    const cached = this.cache.get(name, type, now);
    if (cached !== null) {
      done({ code: cached.code, error: 0, records: cached.records });
      return;
    }
    if (this.options.servers.length === 0) {
      done({ code: DNS_SERVFAIL, error: ETIMEDOUT, records: [] });
      return;
    }
    const query = new DnsQuery(this, name, type, done);
    this.running.add(query);
    query.start();
  }

  /** Addresses of both families, IPv6 first; the search list is tried for names without a dot. */
  lookup(name: string, done: (addresses: readonly Address[], code: number) => void): void {
    const candidates = this.candidates(name);
    const next = (index: number, code: number): void => {
      const candidate = candidates[index];
      if (candidate === undefined) {
        done([], code);
        return;
      }
      this.lookupExact(candidate, (addresses, result) => {
        if (addresses.length > 0) done(addresses, DNS_NOERROR);
        else next(index + 1, result);
      });
    };
    next(0, DNS_NXDOMAIN);
  }

  private candidates(name: string): string[] {
    const search = this.options.search ?? [];
    if (name.endsWith('.') || search.length === 0) return [name];
    const joined = search.map((domain) => `${name}.${domain}`);
    return name.includes('.') ? [name, ...joined] : [...joined, name];
  }

  private lookupExact(name: string, done: (addresses: readonly Address[], code: number) => void): void {
    let waiting = 2;
    const found: [Address[], Address[]] = [[], []];
    let code = DNS_NOERROR;
    const settle = (slot: 0 | 1, result: DnsResult): void => {
      found[slot] = addressesOf(result.records);
      if (result.code !== DNS_NOERROR) code = result.code;
      if (--waiting === 0) done([...found[0], ...found[1]], code);
    };
    this.query(name, DNS_AAAA, (result) => settle(0, result));
    this.query(name, DNS_A, (result) => settle(1, result));
  }
}

export function addressesOf(records: readonly DnsRecord[]): Address[] {
  const addresses: Address[] = [];
  for (const record of records) if (record.data.kind === 'address') addresses.push(record.data.address);
  return addresses;
}

/** Where the chain of CNAMEs ends if no record of the wanted type is there; null if nothing is left to ask. */
function unresolvedTarget(name: string, type: number, records: readonly DnsRecord[]): string | null {
  if (type === DNS_CNAME) return null;
  let at = name;
  for (let i = 0; i <= records.length; i++) {
    if (records.some((r) => r.name === at && r.type === type)) return null;
    const alias = records.find((r) => r.name === at && r.type === DNS_CNAME);
    if (alias === undefined || alias.data.kind !== 'name') break;
    at = alias.data.name;
  }
  return at === name ? null : at;
}

/** One question under way. */
export class DnsQuery implements ReadinessOwner, TimerOwner {
  private readonly resolver: Resolver;
  private readonly name: string;
  private readonly type: number;
  private readonly done: (result: DnsResult) => void;
  private readonly timer: Timer;
  private endpoint: UdpEndpoint | null;
  private stream: DnsStream | null;
  private id: number;
  private tries: number;
  private finished: boolean;
  /** Asks without EDNS: the server does not know it. */
  private plain: boolean;

  constructor(resolver: Resolver, name: string, type: number, done: (result: DnsResult) => void) {
    this.resolver = resolver;
    this.name = name;
    this.type = type;
    this.done = done;
    this.timer = new Timer(this, 0);
    this.endpoint = null;
    this.stream = null;
    this.id = 0;
    this.tries = 0;
    this.finished = false;
    this.plain = false;
  }

  start(): void {
    const { options, udp } = this.resolver;
    const server = options.servers[this.tries % options.servers.length]!;
    this.closeTransports();
    this.id = udp.host.random.next32() & 0xffff;
    const endpoint = new UdpEndpoint(udp, !server.isV4);
    this.endpoint = endpoint;
    endpoint.setOwner(this, 0);
    udp.host.timers.arm(this.timer, udp.host.now() + (options.timeout ?? 2000) * 1000);
    if (endpoint.connect(server, options.port ?? 53) < 0) return;
    const bytes = emitDns(this.question());
    endpoint.send(bytes, 0, bytes.length);
  }

  private question(): DnsMessage {
    const opt: DnsRecord = {
      name: '',
      type: DNS_OPT,
      class: MAX_DATAGRAM,
      ttl: 0,
      data: { kind: 'raw', bytes: new Uint8Array(0) },
    };
    return {
      ...EMPTY_MESSAGE,
      id: this.id,
      recursionDesired: true,
      questions: [{ name: this.name, type: this.type, class: DNS_IN }],
      additionals: this.plain ? [] : [opt],
    };
  }

  timerExpired(): void {
    const { options } = this.resolver;
    this.tries++;
    if (this.tries >= (options.tries ?? 2) * options.servers.length) this.finish(DNS_SERVFAIL, ETIMEDOUT, []);
    else this.start();
  }

  endpointReady(): void {
    while (this.endpoint !== null) {
      const bytes = new Uint8Array(Math.max(0, this.endpoint.nextLength));
      const count = this.endpoint.receive(bytes, 0, bytes.length);
      if (count < 0) {
        // -EAGAIN: all read. Any other error: the server refused, try the next now.
        if (count !== -11) this.timerExpired();
        return;
      }
      this.take(bytes, true);
    }
  }

  /** An answer; ignored if it does not fit the question, so that a forged one can't end the query. */
  take(bytes: Uint8Array, mayTruncate: boolean): void {
    const message = parseDns(bytes);
    if (message === null || this.finished || !this.fits(message)) return;
    if (message.truncated && mayTruncate && this.resolver.tcp !== null) {
      this.askByStream(this.resolver.tcp);
      return;
    }
    if (!this.plain && (message.code === DNS_FORMERR || message.code === DNS_NOTIMP)) {
      // RFC 6891 section 6.2.2: a server that does not know EDNS may know the question.
      this.plain = true;
      this.start();
      return;
    }
    if (message.code !== DNS_NOERROR && message.code !== DNS_NXDOMAIN && this.mayAskAnother()) {
      this.timerExpired();
      return;
    }
    const records = message.answers.filter((r) => r.class === DNS_IN && r.type !== DNS_OPT);
    this.remember(message, records);
    this.finish(message.code, 0, records);
  }

  private mayAskAnother(): boolean {
    return this.tries + 1 < this.resolver.options.servers.length;
  }

  private fits(message: DnsMessage): boolean {
    const question = message.questions[0];
    if (!message.response || message.id !== this.id) return false;
    // Who did not understand the question can't repeat it.
    if (message.questions.length === 0) return message.code === DNS_FORMERR;
    if (message.questions.length !== 1) return false;
    return question !== undefined && question.name === this.name && question.type === this.type;
  }

  private remember(message: DnsMessage, records: readonly DnsRecord[]): void {
    if (message.code !== DNS_NOERROR && message.code !== DNS_NXDOMAIN) return;
    let negative = 0;
    for (const record of message.authorities) {
      if (record.data.kind === 'soa') negative = Math.min(record.ttl, record.data.minimum);
    }
    const now = this.resolver.udp.host.now();
    this.resolver.cache.put(this.name, this.type, message.code, records, negative, now);
  }

  private askByStream(tcp: Tcp): void {
    const { options } = this.resolver;
    const server = options.servers[this.tries % options.servers.length]!;
    const bytes = emitDns(this.question());
    this.closeTransports();
    this.stream = DnsStream.ask(tcp, server, options.port ?? 53, bytes, (answer) => this.take(answer, false));
  }

  private finish(code: number, error: number, records: readonly DnsRecord[]): void {
    if (this.finished) return;
    this.finished = true;
    this.resolver.udp.host.timers.cancel(this.timer);
    this.resolver.running.delete(this);
    this.closeTransports();
    this.done({ code, error, records });
  }

  private closeTransports(): void {
    this.endpoint?.close();
    this.endpoint = null;
    this.stream?.close();
    this.stream = null;
  }
}
