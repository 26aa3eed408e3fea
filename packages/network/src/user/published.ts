// Published ports: host sockets whose connections and datagrams are brought to a port of the guest. The guest sees them come from the
// gateway. What is published is let in; rules with `in/` may narrow by whom.
import { EAGAIN, ECONNREFUSED } from '@sandbox-kernel/abi';
import { DATA } from '@sandbox-kernel/host';
import {
  type Address,
  type ReadinessOwner,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TcpEndpoint,
  Timer,
  type TimerOwner,
  UdpEndpoint,
} from '@sandbox-kernel/netstack';
import { type DecisionOwner, endpointText } from '../gate.js';
import { type HostOwner, SOCK_DGRAM, SOCK_STREAM } from '../host-net.js';
import type { FlowQuery, Policy, Verdict } from '../policy/policy.js';
import { type SocketAddress, writeSocketAddress } from '../socket-address.js';
import type { Flow, FlowContext } from './context.js';
import { StreamFlow } from './stream-flow.js';

const BATCH = 64;
const IDLE = 180_000_000;

export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly address: Address;
  /** 0: the host chooses. */
  readonly hostPort: number;
  readonly guestPort: number;
}

/** What both kinds of published ports share. */
export interface Publication {
  /** As it came about: the port that the host chose. */
  readonly port: PublishedPort;
  close(): void;
}

/** A publication, or -errno of the host (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export function publishPort(context: FlowContext, guest: Address, port: PublishedPort): Publication | number {
  return port.protocol === 'tcp'
    ? PublishedTcp.open(context, guest, port)
    : PublishedUdp.open(context, guest, port);
}

function chosen(context: FlowContext, fd: number, port: PublishedPort): PublishedPort {
  return { ...port, hostPort: context.net.localAddress(fd)?.port ?? port.hostPort };
}

class PublishedTcp implements Publication, HostOwner {
  queued = false;
  port: PublishedPort;
  readonly #context: FlowContext;
  readonly #guest: Address;
  #fd = -1;

  private constructor(context: FlowContext, guest: Address, port: PublishedPort) {
    this.#context = context;
    this.#guest = guest;
    this.port = port;
  }

  static open(context: FlowContext, guest: Address, port: PublishedPort): PublishedTcp | number {
    const published = new PublishedTcp(context, guest, port);
    const fd = context.net.bind(port.address, port.hostPort, SOCK_STREAM, published);
    if (fd < 0) return fd;
    published.#fd = fd;
    published.port = chosen(context, fd, port);
    return published;
  }

  hostReady(): void {
    if (this.#fd >= 0) this.#context.wake(this);
  }

  run(): boolean {
    for (let count = 0; count < BATCH; count++) {
      if (this.#fd < 0) return false;
      const inward = new InwardTcp(this.#context, this.#guest, this.port.guestPort);
      const fd = this.#context.net.accept(this.#fd, inward);
      if (fd === -EAGAIN) return false;
      // Out of descriptors: the backlog waits, and the next connection wakes this again.
      if (fd < 0) return false;
      inward.begin(fd, this.#context.net.lastPeer());
    }
    return true;
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#context.net.close(this.#fd);
    this.#fd = -1;
  }
}

/** A connection from outside until the guest has taken it. */
class InwardTcp implements HostOwner, ReadinessOwner, DecisionOwner {
  readonly #context: FlowContext;
  readonly #guest: Address;
  readonly #port: number;
  #fd = -1;
  #query: FlowQuery | null = null;
  #endpoint: TcpEndpoint | null = null;
  #open: StreamFlow | null = null;
  #reason = '';
  #events = 0;

  constructor(context: FlowContext, guest: Address, port: number) {
    this.#context = context;
    this.#guest = guest;
    this.#port = port;
  }

  hostReady(events: number): void {
    if (this.#open !== null) this.#open.hostReady(events);
    else this.#events |= events;
  }

  begin(fd: number, peer: SocketAddress | null): void {
    this.#fd = fd;
    const { connections, meter, gate, now } = this.#context;
    if (peer === null || connections.size >= meter.maxConnections || meter.spent) {
      this.#drop();
      return;
    }
    const query: FlowQuery = {
      direction: 'in',
      protocol: 'tcp',
      address: peer.address,
      port: this.#port,
      names: [],
    };
    this.#query = query;
    gate.decide(query, this, now);
  }

  decided(allowed: boolean, how: Verdict): void {
    this.#reason = how.reason;
    if (!allowed) {
      this.#drop();
      return;
    }
    const { tcp } = this.#context;
    const endpoint = new TcpEndpoint(tcp, !this.#guest.isV4, this.#context.streamSettings());
    this.#endpoint = endpoint;
    endpoint.setOwner(this, 0);
    const result = endpoint.connect(this.#guest, this.#port);
    if (result < 0 && endpoint.tcb === null) this.#drop();
  }

  endpointReady(): void {
    const endpoint = this.#endpoint;
    if (endpoint === null || this.#query === null || this.#open !== null) return;
    const { state } = endpoint;
    if (state === TCP_SYN_SENT || state === TCP_SYN_RECV) return;
    if (state !== TCP_ESTABLISHED && state !== TCP_CLOSE_WAIT) {
      this.#drop();
      return;
    }
    this.#context.event('connect', this.#query, this.#reason);
    this.#open = new StreamFlow(this.#context, this.#query, endpoint, this.#fd, false);
    this.#open.hostReady(this.#events);
  }

  #drop(): void {
    this.#endpoint?.close();
    this.#endpoint = null;
    if (this.#fd >= 0) this.#context.net.close(this.#fd, true);
    this.#fd = -1;
  }
}

class PublishedUdp implements Publication, HostOwner {
  queued = false;
  port: PublishedPort;
  readonly #context: FlowContext;
  readonly #guest: Address;
  readonly #peers = new Map<string, InwardUdp>();
  #fd = -1;

  private constructor(context: FlowContext, guest: Address, port: PublishedPort) {
    this.#context = context;
    this.#guest = guest;
    this.port = port;
  }

  static open(context: FlowContext, guest: Address, port: PublishedPort): PublishedUdp | number {
    const published = new PublishedUdp(context, guest, port);
    const fd = context.net.bind(port.address, port.hostPort, SOCK_DGRAM, published);
    if (fd < 0) return fd;
    published.#fd = fd;
    published.port = chosen(context, fd, port);
    return published;
  }

  hostReady(): void {
    if (this.#fd >= 0) this.#context.wake(this);
  }

  run(): boolean {
    const { net } = this.#context;
    for (let count = 0; count < BATCH; count++) {
      if (this.#fd < 0) return false;
      const length = net.calls.receiveFrom(this.#fd, 65535);
      if (length < 0) return length === -ECONNREFUSED;
      const peer = net.lastPeer();
      if (peer !== null) this.#flowOf(peer)?.deliver(length);
    }
    return true;
  }

  #flowOf(peer: SocketAddress): InwardUdp | null {
    const key = endpointText(peer.address, peer.port);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const context = this.#context;
    if (context.datagramFlows.size >= context.meter.maxDatagramFlows || context.meter.spent) return null;
    const query: FlowQuery = {
      direction: 'in',
      protocol: 'udp',
      address: peer.address,
      port: this.port.guestPort,
      names: [],
    };
    const verdict = context.gate.policy.judge(query);
    if (!context.gate.review(query, verdict, context.now)) return null;
    const forget = () => void this.#peers.delete(key);
    const answer = (bytes: Uint8Array, at: number, length: number) =>
      void context.net.calls.sendTo(this.#fd, bytes, at, length, writeSocketAddress(peer.address, peer.port));
    const flow = new InwardUdp(context, query, this.#guest, answer, forget);
    this.#peers.set(key, flow);
    context.event('connect', query, verdict.reason);
    return flow;
  }

  close(): void {
    if (this.#fd < 0) return;
    for (const flow of [...this.#peers.values()]) flow.end('no longer published');
    this.#context.net.close(this.#fd);
    this.#fd = -1;
  }
}

/** One peer of a published datagram port. */
class InwardUdp implements Flow, ReadinessOwner, TimerOwner {
  queued = false;
  readonly query: FlowQuery;
  readonly #context: FlowContext;
  readonly #endpoint: UdpEndpoint;
  readonly #timer: Timer;
  readonly #answer: (bytes: Uint8Array, at: number, length: number) => void;
  readonly #forget: () => void;
  #sent = 0;
  #received = 0;

  constructor(
    context: FlowContext,
    query: FlowQuery,
    guest: Address,
    answer: (bytes: Uint8Array, at: number, length: number) => void,
    forget: () => void,
  ) {
    this.#context = context;
    this.query = query;
    this.#answer = answer;
    this.#forget = forget;
    this.#timer = new Timer(this, 0);
    this.#endpoint = new UdpEndpoint(context.udp, !guest.isV4);
    this.#endpoint.setOwner(this, 0);
    this.#endpoint.connect(guest, query.port);
    context.datagramFlows.add(this);
  }

  /** A datagram of `length` bytes lies in the host's page. */
  deliver(length: number): void {
    const { net, meter, stack, now } = this.#context;
    this.#endpoint.send(net.calls.bytes, DATA, length);
    this.#received += length;
    meter.moved(length, now);
    stack.timers.arm(this.#timer, now + IDLE);
  }

  endpointReady(): void {
    this.#context.wake(this);
  }

  run(now: number): boolean {
    for (let packet = this.#endpoint.takePacket(); packet !== null; packet = this.#endpoint.takePacket()) {
      this.#answer(packet.bytes, packet.start, packet.length);
      this.#sent += packet.length;
      this.#context.meter.moved(packet.length, now);
      packet.release();
    }
    return false;
  }

  timerExpired(): void {
    this.end('idle');
  }

  get settled(): boolean {
    return true;
  }

  finish(reason: string): void {
    this.end(reason);
  }

  end(reason: string): void {
    if (!this.#context.datagramFlows.delete(this)) return;
    this.#context.stack.timers.cancel(this.#timer);
    this.#endpoint.close();
    this.#forget();
    this.#context.event('close', this.query, reason, this.#sent, this.#received);
  }

  review(policy: Policy): void {
    const verdict = policy.judge(this.query);
    if (!this.#context.gate.review(this.query, verdict, this.#context.now)) this.end(verdict.reason);
  }
}
