// Mode `user`: the other end of the guest's link is a stack of our own, in which every flow of the guest ends. It is judged there, and a
// host socket carries on what is let through: no privilege is needed, and no packet of the guest ever reaches the host's network.
import {
  Address,
  createVethPair,
  DnsServer,
  type LinkDevice,
  LOOPBACK_V4,
  LOOPBACK_V6,
  MEDIUM_ETHERNET,
  type RandomSource,
  Stack,
  Tcp,
  Udp,
} from '@sandbox-kernel/netstack';
import type { NameServer } from '../dns/host-files.js';
import { HOST_NAME, NameGate } from '../dns/name-gate.js';
import { Upstream } from '../dns/upstream.js';
import { EventLog, type NetworkEventSink } from '../events.js';
import { Gate } from '../gate.js';
import type { HostNet } from '../host-net.js';
import type { LinkPlan } from '../link-plan.js';
import { NameBindings } from '../policy/name-bindings.js';
import type { FlowQuery, Policy } from '../policy/policy.js';
import { FlowContext } from './context.js';
import { EchoForwarder } from './echo.js';
import { Interceptor } from './interceptor.js';
import { Meter, type NetworkLimits } from './limits.js';
import { OutwardTcp } from './outward-tcp.js';
import { OutwardUdp } from './outward-udp.js';
import { type Publication, type PublishedPort, publishPort } from './published.js';
import { UpstreamProxy, type UpstreamProxyOptions } from './upstream-proxy.js';

const GUEST_MAC = 0x02534b000002;
const GATEWAY_MAC = 0x02534b000001;
const DEFAULT_MTU = 1500;
/** Trains of segments cross the link whole; this many may wait. */
const QUEUE_BYTES = 16 << 20;
const QUEUE_PACKETS = 16_384;
const SECOND = 1_000_000;
/** Work of one poll is cut here, so that the guest gets its turn. */
const MAX_ROUNDS = 32;

export interface UserNetworkOptions {
  readonly net: HostNet;
  readonly random: RandomSource;
  readonly policy: Policy;
  readonly audit?: boolean;
  readonly limits?: NetworkLimits;
  readonly nameServers: readonly NameServer[];
  /** Names that the host knows by itself. */
  readonly hosts?: ReadonlyMap<string, readonly Address[]>;
  readonly proxy?: UpstreamProxyOptions;
  readonly mtu?: number;
  readonly onEvent: NetworkEventSink;
  /** Microseconds. */
  readonly now: number;
}

export class UserNetwork {
  /** To be attached to the guest's stack, configured as `plan` says. */
  readonly link: LinkDevice;
  readonly plan: LinkPlan;
  readonly gate: Gate;
  readonly names: NameGate;
  readonly #stack: Stack;
  readonly #context: FlowContext;
  readonly #upstream: Upstream;
  readonly #publications: Publication[] = [];
  readonly #guest4 = Address.of('10.0.2.15');
  readonly #guest6 = Address.of('fd00:736b::15');
  readonly #gateway4 = Address.of('10.0.2.2');
  readonly #gateway6 = Address.of('fd00:736b::2');

  constructor(options: UserNetworkOptions) {
    const { now, net } = options;
    const [inner, outer] = createVethPair({
      mtu: options.mtu ?? DEFAULT_MTU,
      addresses: [GUEST_MAC, GATEWAY_MAC],
      medium: MEDIUM_ETHERNET,
      maxQueuedBytes: QUEUE_BYTES,
      maxQueuedPackets: QUEUE_PACKETS,
    });
    this.link = inner;
    this.plan = this.#makePlan();
    const stack = new Stack({ random: options.random, now });
    this.#stack = stack;
    // The peer is in this process and loses nothing: connections need not be remembered for long.
    const tcp = new Tcp(stack.host, { timeWait: SECOND, finTimeout: 5 * SECOND });
    const udp = new Udp(stack.host);
    stack.register(tcp);
    stack.register(udp);
    const iface = stack.addInterface(outer, { dadTransmits: 0, acceptRouterAdvertisements: false });
    stack.addAddress(iface, this.#gateway4, 24);
    stack.addAddress(iface, this.#gateway6, 64);
    const log = new EventLog(options.onEvent);
    this.gate = new Gate(options.policy, options.audit === true, new NameBindings(), log, stack.timers);
    const proxy = options.proxy === undefined ? null : new UpstreamProxy(options.proxy);
    const gateways = [this.#gateway4, this.#gateway6];
    const loopbacks = [LOOPBACK_V4, LOOPBACK_V6];
    const meter = new Meter(options.limits ?? {}, now);
    this.#context = new FlowContext(stack, tcp, udp, net, this.gate, meter, proxy, gateways, loopbacks);
    new Interceptor(this.#context, iface.index, [this.#guest4, this.#guest6]);
    new EchoForwarder(this.#context);
    tcp.forwarder = new OutwardTcp(this.#context);
    udp.forwarder = new OutwardUdp(this.#context);
    const clock = () => stack.network.now();
    this.#upstream = new Upstream(net, stack.timers, options.random, options.nameServers, clock);
    this.names = new NameGate(this.gate, this.#upstream, options.hosts ?? new Map(), gateways, clock);
    new DnsServer(udp, tcp, this.names).listen(this.#gateway4);
    new DnsServer(udp, tcp, this.names, true).listen(this.#gateway6);
  }

  /** Does what is to be done at `now` (µs); returns when it wants to be called again, `now` for at once. */
  poll(now: number): number {
    const stack = this.#stack;
    let next = stack.poll(now);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const flows = this.#context.run(now);
      next = Math.min(stack.poll(now), flows);
      if (!this.#context.hasWork && !stack.network.hasWork) break;
    }
    return Math.min(next, this.gate.log.poll(now));
  }

  get hasWork(): boolean {
    return this.#stack.network.hasWork || this.#context.hasWork;
  }

  /** A new policy: holds for what is open, too. */
  update(policy: Policy, audit = this.gate.audit): void {
    this.gate.policy = policy;
    this.gate.audit = audit;
    for (const flow of [...this.#context.connections, ...this.#context.datagramFlows]) flow.review(policy);
  }

  setLimits(limits: NetworkLimits, now: number): void {
    const { total } = this.#context.meter;
    this.#context.meter = new Meter(limits, now);
    this.#context.meter.total = total;
  }

  /** The port as it came about, or -errno. */
  publish(port: PublishedPort): PublishedPort | number {
    const publication = publishPort(this.#context, this.#guest4, port);
    if (typeof publication === 'number') return publication;
    this.#publications.push(publication);
    return publication.port;
  }

  /** False when no such port is published. Connections that came by it stay. */
  unpublish(protocol: 'tcp' | 'udp', hostPort: number): boolean {
    const at = this.#publications.findIndex(
      ({ port }) => port.protocol === protocol && port.hostPort === hostPort,
    );
    if (at < 0) return false;
    this.#publications.splice(at, 1)[0]?.close();
    return true;
  }

  get published(): PublishedPort[] {
    return this.#publications.map(({ port }) => port);
  }

  get connections(): FlowQuery[] {
    return [...this.#context.connections, ...this.#context.datagramFlows].map((flow) => flow.query);
  }

  /** Bytes moved so far, both directions together. */
  get bytes(): number {
    return this.#context.meter.total;
  }

  /** Connections whose guest has sent something, or its end, that is not with the host yet. */
  get unsettled(): number {
    let count = 0;
    for (const flow of this.#context.connections) if (!flow.settled) count++;
    return count;
  }

  /** The sandbox ends: tells the end of what is open, and all that is still to be told. */
  finish(): void {
    for (const flow of [...this.#context.connections, ...this.#context.datagramFlows])
      flow.finish('the sandbox has ended');
    this.gate.log.flush();
  }

  /** Ends everything and gives the host's descriptors back. */
  close(): void {
    for (const publication of this.#publications.splice(0)) publication.close();
    for (const flow of [...this.#context.connections, ...this.#context.datagramFlows])
      flow.end('the network is closed');
    this.#upstream.close();
    this.#stack.close();
  }

  #makePlan(): LinkPlan {
    return {
      name: 'eth0',
      addresses: [
        { address: this.#guest4, prefixLength: 24 },
        { address: this.#guest6, prefixLength: 64 },
      ],
      routes: [
        { destination: Address.of('0.0.0.0'), prefixLength: 0, gateway: this.#gateway4 },
        { destination: Address.of('::'), prefixLength: 0, gateway: this.#gateway6 },
      ],
      nameServers: [this.#gateway4, this.#gateway6],
      hosts: [{ address: this.#gateway4, name: HOST_NAME }],
    };
  }
}
