// A guest's datagrams: one host socket for each pair of ends, connected, so that only the other end can answer. Flows end when nothing
// passes for a while: 30 s before an answer, 180 s after (the times of Linux's connection tracking). RFC 4787 calls this mapping
// address and port dependent.
import { EAGAIN, ECONNREFUSED, errnoName } from '@sandbox-kernel/abi';
import { DATA } from '@sandbox-kernel/host';
import {
  type ForwardedUdp,
  type ReadinessOwner,
  Timer,
  type TimerOwner,
  type UdpEndpoint,
  type UdpForwarder,
} from '@sandbox-kernel/netstack';
import { type DecisionOwner, endpointText } from '../gate.js';
import type { HostOwner } from '../host-net.js';
import type { FlowQuery, Policy, Verdict } from '../policy/policy.js';
import type { Flow, FlowContext } from './context.js';
import { refuseDatagram } from './port-unreachable.js';

const SECOND = 1_000_000;
const UNANSWERED = 30 * SECOND;
const ANSWERED = 180 * SECOND;
/** Datagrams that one flow may move in one turn. */
const BATCH = 64;
const MAX_DATAGRAM = 65535;

export class OutwardUdp implements UdpForwarder {
  readonly #context: FlowContext;
  /** Pairs of ends about which the application is being asked. */
  readonly #asked = new Set<string>();

  constructor(context: FlowContext) {
    this.#context = context;
  }

  incomingUdp(datagram: ForwardedUdp): void {
    const context = this.#context;
    const query: FlowQuery = {
      direction: 'out',
      protocol: 'udp',
      address: context.realDestination(datagram.destination),
      port: datagram.destinationPort,
      names: context.namesOf(datagram.destination),
    };
    const limit = this.#overLimit();
    if (limit !== null) {
      context.event('limit', query, limit);
      datagram.drop();
      return;
    }
    const key = `${datagram.sourcePort} ${datagram.destination} ${datagram.destinationPort}`;
    if (this.#asked.has(key)) {
      datagram.drop();
      return;
    }
    this.#asked.add(key);
    context.gate.decide(query, new OpeningUdp(context, datagram, query, this.#asked, key), context.now);
  }

  #overLimit(): string | null {
    const { meter, datagramFlows, proxy, now } = this.#context;
    if (proxy !== null) return 'the upstream proxy carries TCP only';
    if (datagramFlows.size >= meter.maxDatagramFlows)
      return `${meter.maxDatagramFlows} datagram flows are open`;
    if (meter.spent) return 'the cap on bytes is reached';
    return meter.mayOpen(now) ? null : 'too many new flows a second';
  }
}

/** A first datagram that waits for its decision. */
class OpeningUdp implements DecisionOwner {
  readonly #context: FlowContext;
  readonly #datagram: ForwardedUdp;
  readonly #query: FlowQuery;
  readonly #asked: Set<string>;
  readonly #key: string;

  constructor(
    context: FlowContext,
    datagram: ForwardedUdp,
    query: FlowQuery,
    asked: Set<string>,
    key: string,
  ) {
    this.#context = context;
    this.#datagram = datagram;
    this.#query = query;
    this.#asked = asked;
    this.#key = key;
  }

  decided(allowed: boolean, how: Verdict, byApplication: boolean): void {
    this.#asked.delete(this.#key);
    if (!allowed) {
      this.#datagram.refuse('port');
      return;
    }
    const flow = new UdpFlow(this.#context, this.#query, byApplication);
    if (flow.open(this.#datagram)) this.#context.event('connect', this.#query, how.reason);
  }
}

class UdpFlow implements Flow, ReadinessOwner, HostOwner, TimerOwner {
  queued = false;
  readonly query: FlowQuery;
  readonly #context: FlowContext;
  readonly #timer: Timer;
  readonly #byApplication: boolean;
  #endpoint: UdpEndpoint | null = null;
  #fd = -1;
  #sent = 0;
  #received = 0;

  constructor(context: FlowContext, query: FlowQuery, byApplication: boolean) {
    this.#context = context;
    this.query = query;
    this.#byApplication = byApplication;
    this.#timer = new Timer(this, 0);
  }

  /** Takes the first datagram. False when the host can't. */
  open(datagram: ForwardedUdp): boolean {
    const { net, stack, now, datagramFlows } = this.#context;
    const fd = net.connectDatagram(this.query.address, this.query.port, this);
    if (fd < 0) {
      const where = endpointText(this.query.address, this.query.port);
      this.#context.event('close', this.query, `${where}: ${errnoName(-fd)}`);
      datagram.refuse('host');
      return false;
    }
    this.#fd = fd;
    this.#endpoint = datagram.accept(this, 0);
    if (this.#endpoint === null) {
      net.close(fd);
      return false;
    }
    datagramFlows.add(this);
    stack.timers.arm(this.#timer, now + UNANSWERED);
    this.#context.wake(this);
    return true;
  }

  endpointReady(): void {
    this.#context.wake(this);
  }

  hostReady(): void {
    this.#context.wake(this);
  }

  timerExpired(): void {
    this.end('idle');
  }

  run(now: number): boolean {
    if (this.#fd < 0) return false;
    const { meter } = this.#context;
    if (meter.allowance(now) <= 0) {
      if (meter.spent) this.end('the cap on bytes is reached');
      else this.#context.throttle(this);
      return false;
    }
    const outward = this.#toHost(now);
    const inward = this.#toGuest(now);
    if (outward + inward > 0 && this.#fd >= 0)
      this.#context.stack.timers.arm(this.#timer, now + (this.#received > 0 ? ANSWERED : UNANSWERED));
    return outward === BATCH || inward === BATCH;
  }

  /** How many datagrams went out. */
  #toHost(now: number): number {
    const { net, meter } = this.#context;
    for (let count = 0; count < BATCH; count++) {
      const packet = this.#endpoint?.takePacket() ?? null;
      if (packet === null) return count;
      const result = net.calls.send(this.#fd, packet.bytes, packet.start, packet.length);
      this.#sent += packet.length;
      meter.moved(packet.length, now);
      packet.release();
      if (result === -ECONNREFUSED) this.#refused();
    }
    return BATCH;
  }

  #toGuest(now: number): number {
    const { net, meter } = this.#context;
    for (let count = 0; count < BATCH; count++) {
      const length = net.calls.receive(this.#fd, MAX_DATAGRAM);
      if (length === -EAGAIN) return count;
      if (length === -ECONNREFUSED) {
        this.#refused();
        continue;
      }
      if (length < 0) return count;
      this.#received += length;
      meter.moved(length, now);
      this.#endpoint?.send(net.calls.bytes, DATA, length);
    }
    return BATCH;
  }

  /** The other end has no such port: the guest's socket hears it as from there. */
  #refused(): void {
    const endpoint = this.#endpoint;
    const guest = endpoint?.remoteAddress ?? null;
    if (endpoint !== null && guest !== null)
      refuseDatagram(
        this.#context.stack,
        guest,
        endpoint.remotePort,
        endpoint.localAddress,
        endpoint.localPort,
      );
  }

  get settled(): boolean {
    return true;
  }

  finish(reason: string): void {
    this.end(reason);
  }

  end(reason: string): void {
    if (this.#fd < 0) return;
    const { net, stack, datagramFlows } = this.#context;
    stack.timers.cancel(this.#timer);
    net.close(this.#fd);
    this.#fd = -1;
    this.#endpoint?.close();
    this.#endpoint = null;
    datagramFlows.delete(this);
    this.#context.event('close', this.query, reason, this.#sent, this.#received);
  }

  review(policy: Policy): void {
    const verdict = policy.judge(this.query);
    if (this.#byApplication && verdict.rule === null) return;
    if (!this.#context.gate.review(this.query, verdict, this.#context.now)) this.end(verdict.reason);
  }
}
