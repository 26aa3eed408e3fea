// A DNS server: answers come from a handler (a proxy, a policy, a table of names); this does the transport, the checks and
// the truncation. Datagrams and, for what does not fit, TCP. Malformed questions get FORMERR if their header can be read.

import type { Address } from '../address.js';
import { EAGAIN } from '../errno.js';
import type { ReadinessOwner } from '../roles.js';
import { TcpEndpoint } from '../transport/tcp/endpoint.js';
import type { Tcp } from '../transport/tcp/tcp.js';
import { UdpEndpoint } from '../transport/udp/endpoint.js';
import { UdpMessage } from '../transport/udp/message.js';
import type { Udp } from '../transport/udp/udp.js';
import {
  DNS_FORMERR,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NXDOMAIN,
  DNS_OPT,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  EMPTY_MESSAGE,
  emitDns,
  parseDns,
} from './message.js';
import { normalizeName } from './name.js';
import { DnsStream } from './stream.js';

const MIN_DATAGRAM = 512;
const MAX_DATAGRAM = 1232;
const TOKEN_UDP = 0;
const TOKEN_TCP = 1;
const MAX_STREAMS = 64;

export interface DnsReply {
  readonly code: number;
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly authoritative?: boolean;
}

export interface DnsHandler {
  /** Must call `reply` once, now or later. `client` is who asks. */
  answer(question: DnsQuestion, client: Address, reply: (reply: DnsReply) => void): void;
}

/** A handler that knows names by heart. Names are matched exactly; types that a known name lacks give an empty answer. */
export class DnsTable implements DnsHandler {
  private readonly names: Map<string, DnsRecord[]>;

  constructor(records: readonly DnsRecord[]) {
    this.names = new Map();
    for (const record of records) this.add(record);
  }

  add(record: DnsRecord): void {
    const key = normalizeName(record.name);
    const list = this.names.get(key);
    if (list === undefined) this.names.set(key, [record]);
    else list.push(record);
  }

  answer(question: DnsQuestion, _client: Address, reply: (reply: DnsReply) => void): void {
    const answers: DnsRecord[] = [];
    let name = question.name;
    for (let depth = 0; depth < 8; depth++) {
      const list = this.names.get(name);
      if (list === undefined) break;
      const fitting = list.filter((r) => r.type === question.type || question.type === 255);
      answers.push(...fitting);
      const alias = list.find((r) => r.data.kind === 'name' && r.type === 5);
      if (fitting.length > 0 || alias === undefined || alias.data.kind !== 'name') break;
      answers.push(alias);
      name = alias.data.name;
    }
    const known = this.names.has(question.name);
    reply({ code: known ? DNS_NOERROR : DNS_NXDOMAIN, answers, authoritative: true });
  }
}

export class DnsServer implements ReadinessOwner {
  private readonly handler: DnsHandler;
  private readonly endpoint: UdpEndpoint;
  private readonly listener: TcpEndpoint | null;
  private readonly message: UdpMessage;
  private streams: DnsStream[];

  constructor(udp: Udp, tcp: Tcp | null, handler: DnsHandler, isV6 = false) {
    this.handler = handler;
    this.endpoint = new UdpEndpoint(udp, isV6);
    this.listener = tcp === null ? null : new TcpEndpoint(tcp, isV6);
    this.message = new UdpMessage();
    this.streams = [];
  }

  /** 0 or a negative errno. */
  listen(address: Address | null, port = 53): number {
    const bound = this.endpoint.bind(address, port);
    if (bound < 0) return bound;
    this.endpoint.setOwner(this, TOKEN_UDP);
    if (this.listener === null) return 0;
    const result = this.listener.bind(address, port);
    if (result < 0) return result;
    this.listener.setOwner(this, TOKEN_TCP);
    return this.listener.listen(16);
  }

  close(): void {
    this.endpoint.close();
    this.listener?.close();
    for (const stream of this.streams) stream.close();
  }

  endpointReady(token: number): void {
    if (token === TOKEN_UDP) this.takeDatagrams();
    else this.takeStreams();
  }

  private takeDatagrams(): void {
    for (;;) {
      const bytes = new Uint8Array(Math.max(0, this.endpoint.nextLength));
      const count = this.endpoint.receive(bytes, 0, bytes.length, 0, this.message);
      if (count === -EAGAIN) return;
      if (count < 0) continue;
      const { source, sourcePort } = this.message;
      const client = source!;
      this.handle(bytes, client, (answer, limit) => {
        const out = emitDns(answer, limit);
        this.endpoint.send(out, 0, out.length, client, sourcePort);
      });
    }
  }

  private takeStreams(): void {
    for (let child = this.listener!.accept(); child !== null; child = this.listener!.accept()) {
      this.streams = this.streams.filter((s) => !s.closed);
      if (this.streams.length >= MAX_STREAMS) {
        child.close();
        continue;
      }
      const client = child.remoteAddress!;
      const stream = new DnsStream(child, (bytes, from) => {
        this.handle(bytes, client, (answer) => from.send(emitDns(answer)));
      });
      this.streams.push(stream);
      stream.receive();
    }
  }

  private handle(
    bytes: Uint8Array,
    client: Address,
    send: (answer: DnsMessage, limit: number) => void,
  ): void {
    const query = parseDns(bytes);
    if (query === null) {
      const malformed = formatError(bytes);
      if (malformed !== null) send(malformed, MIN_DATAGRAM);
      return;
    }
    if (query.response) return;
    const limit = datagramLimit(query);
    const base = {
      ...EMPTY_MESSAGE,
      id: query.id,
      response: true,
      opcode: query.opcode,
      recursionAvailable: true,
    };
    const echo = { ...base, recursionDesired: query.recursionDesired, questions: query.questions };
    const question = query.questions[0];
    if (query.opcode !== 0) send({ ...echo, code: DNS_NOTIMP }, limit);
    else if (question === undefined || query.questions.length !== 1)
      send({ ...echo, code: DNS_FORMERR }, limit);
    else this.handler.answer(question, client, (reply) => send(replyMessage(echo, reply, query), limit));
  }
}

function replyMessage(base: DnsMessage, reply: DnsReply, query: DnsMessage): DnsMessage {
  const opt: DnsRecord = {
    name: '',
    type: DNS_OPT,
    class: MAX_DATAGRAM,
    ttl: 0,
    data: { kind: 'raw', bytes: new Uint8Array(0) },
  };
  const edns = query.additionals.some((r) => r.type === DNS_OPT);
  return {
    ...base,
    code: reply.code,
    authoritative: reply.authoritative === true,
    answers: reply.answers ?? [],
    authorities: reply.authorities ?? [],
    additionals: edns ? [opt] : [],
  };
}

/** RFC 6891 section 6.2.5: what the client says it can take, within reason. */
function datagramLimit(query: DnsMessage): number {
  const opt = query.additionals.find((r) => r.type === DNS_OPT);
  return opt === undefined ? MIN_DATAGRAM : Math.max(MIN_DATAGRAM, Math.min(opt.class, MAX_DATAGRAM));
}

function formatError(bytes: Uint8Array): DnsMessage | null {
  if (bytes.length < 12 || (bytes[2]! & 0x80) !== 0) return null;
  return { ...EMPTY_MESSAGE, id: (bytes[0]! << 8) | bytes[1]!, response: true, code: DNS_FORMERR };
}
