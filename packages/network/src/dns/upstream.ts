// Questions to the host's name servers: a datagram each, by a socket of its own (RFC 5452: random port and identifier, the answer checked
// against the question), over TCP when the answer was cut off (RFC 7766), the next server when one is silent. Bounded in number.
import { EAGAIN, EINPROGRESS } from '@sandbox-kernel/abi';
import { DATA } from '@sandbox-kernel/host';
import {
  DNS_IN,
  DNS_NOERROR,
  DNS_NXDOMAIN,
  DNS_OPT,
  DNS_SERVFAIL,
  DnsCache,
  type DnsMessage,
  type DnsRecord,
  EMPTY_DNS_MESSAGE,
  emitDns,
  parseDns,
  type RandomSource,
  Timer,
  type TimerOwner,
  type TimerWheel,
} from '@sandbox-kernel/netstack';
import type { HostNet, HostOwner } from '../host-net.js';
import type { NameServer } from './host-files.js';

const PATIENCE = 2_000_000;
const TRIES_PER_SERVER = 2;
const MAX_QUESTIONS = 256;
const MAX_DATAGRAM = 1232;
const MAX_ANSWER = 65535;
const NEGATIVE_TTL = 10;

export interface UpstreamAnswer {
  readonly code: number;
  readonly records: readonly DnsRecord[];
}

export class Upstream {
  readonly net: HostNet;
  readonly timers: TimerWheel;
  readonly random: RandomSource;
  readonly servers: readonly NameServer[];
  readonly #clock: () => number;
  readonly #cache = new DnsCache();
  readonly #open = new Set<Question>();

  constructor(
    net: HostNet,
    timers: TimerWheel,
    random: RandomSource,
    servers: readonly NameServer[],
    clock: () => number,
  ) {
    this.net = net;
    this.timers = timers;
    this.random = random;
    this.servers = servers;
    this.#clock = clock;
  }

  get now(): number {
    return this.#clock();
  }

  /** `done` is called once, perhaps at once. */
  ask(name: string, type: number, done: (answer: UpstreamAnswer) => void): void {
    const cached = this.#cache.get(name, type, this.now);
    if (cached !== null) {
      done({ code: cached.code, records: cached.records });
      return;
    }
    if (this.servers.length === 0 || this.#open.size >= MAX_QUESTIONS) {
      done({ code: DNS_SERVFAIL, records: [] });
      return;
    }
    const question = new Question(this, name, type, (answer) => {
      this.#open.delete(question);
      if (answer.code === DNS_NOERROR || answer.code === DNS_NXDOMAIN)
        this.#cache.put(name, type, answer.code, answer.records, NEGATIVE_TTL, this.now);
      done(answer);
    });
    this.#open.add(question);
    question.start();
  }

  close(): void {
    for (const question of [...this.#open]) question.finish(DNS_SERVFAIL, []);
  }
}

class Question implements HostOwner, TimerOwner {
  readonly #upstream: Upstream;
  readonly #name: string;
  readonly #type: number;
  readonly #done: (answer: UpstreamAnswer) => void;
  readonly #timer: Timer;
  #id = 0;
  #fd = -1;
  #tries = 0;
  #stream = false;
  #asked = false;
  #finished = false;
  /** What a stream has brought so far. */
  #input = new Uint8Array(0);

  constructor(upstream: Upstream, name: string, type: number, done: (answer: UpstreamAnswer) => void) {
    this.#upstream = upstream;
    this.#name = name;
    this.#type = type;
    this.#done = done;
    this.#timer = new Timer(this, 0);
  }

  start(): void {
    const { net, servers, timers, random, now } = this.#upstream;
    const { address, port } = servers[this.#tries % servers.length] as NameServer;
    this.#closeSocket();
    this.#id = random.next32() & 0xffff;
    this.#asked = false;
    this.#input = new Uint8Array(0);
    timers.arm(this.#timer, now + PATIENCE);
    const fd = this.#stream
      ? net.connectStream(address, port, this)
      : net.connectDatagram(address, port, this);
    if (fd < 0) return;
    this.#fd = fd;
    if (!this.#stream) this.#send(emitDns(this.#message()));
  }

  hostReady(): void {
    if (this.#finished || this.#fd < 0) return;
    if (!this.#stream) this.#takeDatagrams();
    else if (this.#asked) this.#takeStream();
    else this.#beginStream();
  }

  timerExpired(): void {
    this.#next();
  }

  finish(code: number, records: readonly DnsRecord[]): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#upstream.timers.cancel(this.#timer);
    this.#closeSocket();
    this.#done({ code, records });
  }

  #next(): void {
    this.#stream = false;
    if (++this.#tries >= TRIES_PER_SERVER * this.#upstream.servers.length) this.finish(DNS_SERVFAIL, []);
    else this.start();
  }

  #message(): DnsMessage {
    const opt: DnsRecord = {
      name: '',
      type: DNS_OPT,
      class: MAX_DATAGRAM,
      ttl: 0,
      data: { kind: 'raw', bytes: new Uint8Array(0) },
    };
    const questions = [{ name: this.#name, type: this.#type, class: DNS_IN }];
    return { ...EMPTY_DNS_MESSAGE, id: this.#id, recursionDesired: true, questions, additionals: [opt] };
  }

  #send(bytes: Uint8Array): void {
    this.#upstream.net.calls.send(this.#fd, bytes, 0, bytes.length);
    this.#asked = true;
  }

  #takeDatagrams(): void {
    while (!this.#finished && this.#fd >= 0 && !this.#stream) {
      const { calls } = this.#upstream.net;
      const count = calls.receive(this.#fd, MAX_ANSWER);
      if (count === -EAGAIN) return;
      if (count < 0) {
        this.#next();
        return;
      }
      this.#take(calls.bytes.slice(DATA, DATA + count));
    }
  }

  #beginStream(): void {
    const result = this.#upstream.net.connected(this.#fd);
    if (result === -EINPROGRESS) return;
    if (result < 0) {
      this.#next();
      return;
    }
    const message = emitDns(this.#message());
    const framed = new Uint8Array(message.length + 2);
    framed[0] = message.length >>> 8;
    framed[1] = message.length;
    framed.set(message, 2);
    this.#send(framed);
  }

  #takeStream(): void {
    const { calls } = this.#upstream.net;
    for (;;) {
      const count = calls.receive(this.#fd, MAX_ANSWER);
      if (count === -EAGAIN) return;
      const joined = new Uint8Array(this.#input.length + Math.max(count, 0));
      joined.set(this.#input);
      if (count > 0) joined.set(calls.bytes.subarray(DATA, DATA + count), this.#input.length);
      this.#input = joined;
      const length = joined.length < 2 ? MAX_ANSWER : ((joined[0] as number) << 8) | (joined[1] as number);
      if (joined.length >= length + 2) {
        this.#take(joined.slice(2, length + 2));
        return;
      }
      if (count <= 0 || joined.length > MAX_ANSWER + 2) {
        this.#next();
        return;
      }
    }
  }

  /** An answer to another question is passed over; a cut one is asked for again over TCP. */
  #take(bytes: Uint8Array): void {
    const answer = parseDns(bytes);
    const question = answer?.questions[0];
    if (answer === null || question === undefined || !answer.response || answer.id !== this.#id) return;
    if (question.name !== this.#name || question.type !== this.#type || answer.questions.length !== 1) return;
    if (answer.truncated && !this.#stream) {
      this.#stream = true;
      this.start();
    } else if (answer.code === DNS_NOERROR || answer.code === DNS_NXDOMAIN)
      this.finish(answer.code, answer.answers);
    else this.#next();
  }

  #closeSocket(): void {
    if (this.#fd >= 0) this.#upstream.net.close(this.#fd);
    this.#fd = -1;
  }
}
