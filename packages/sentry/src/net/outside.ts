// What the sandbox's link leads to, in the sentry: makes the mode's other end from the spec, answers the control channel's requests about
// it, and brings its events there.
import { errnoName } from '@sandbox-kernel/abi';
import type { LinkAttachment } from '@sandbox-kernel/inet';
import {
  Address,
  CaptureDevice,
  type CaptureSink,
  type LinkDevice,
  LoopbackCapture,
  type RandomSource,
  Resolver,
  type Stack,
  type Udp,
} from '@sandbox-kernel/netstack';
import {
  type FlowQuery,
  HostNet,
  hostsOf,
  type LinkPlan,
  Policy,
  parseNameServer,
  parsePrefix,
  parseRule,
  StreamLink,
  TapLink,
  UserNetwork,
} from '@sandbox-kernel/network';
import type { HostSide } from '../boot/machine.js';
import type {
  ConnectionReport,
  NetworkNotice,
  NetworkRequest,
  NetworkSpec,
  PublishSpec,
  RuleSpec,
} from '../control/network-messages.js';
import { RequestError } from '../control/server.js';

/** Tokens of the network's descriptors among host events: far above those of streams. */
export const FIRST_NETWORK_TOKEN = 0x4000_0000;
const NANOS_PER_MICRO = 1000;
const MICROS_PER_MILLI = 1000;

export interface OutsideContext {
  readonly side: HostSide;
  readonly random: RandomSource;
  /** Descriptors that came with the spec. */
  readonly fds: readonly number[];
  /** ns monotonic. */
  now(): number;
  tell(notice: NetworkNotice): void;
}

/** A mode's other end. */
interface Far {
  readonly link: LinkDevice;
  readonly plan: LinkPlan;
  readonly hasWork: boolean;
  poll(now: number): number;
}

export class Outside {
  readonly #context: OutsideContext;
  readonly #net: HostNet;
  readonly #user: UserNetwork | null;
  readonly #fars: readonly Far[];
  /** Where a capture goes; null: none is asked for. */
  readonly #sink: CaptureSink | null;
  readonly attachments: readonly LinkAttachment[];
  readonly plan: LinkPlan;
  /** µs at which the far end wants to be polled. */
  #due = 0;

  constructor(spec: NetworkSpec, context: OutsideContext) {
    this.#context = context;
    const { inet } = context.side.host;
    this.#net = new HostNet(inet, context.side.watcher, FIRST_NETWORK_TOKEN);
    this.#user = spec.mode === 'user' ? this.#openUser(spec) : null;
    this.#fars = this.#open(spec, this.#user);
    this.#sink = this.#captureSink(spec);
    this.attachments = this.#fars.map(({ plan, link }, i) => ({
      name: plan.name,
      device: i === 0 ? this.#captured(link, plan.name) : link,
      addresses: plan.addresses,
      routes: plan.routes,
      options: { dadTransmits: 0, acceptRouterAdvertisements: spec.mode === 'tap' },
    }));
    this.plan = joined(this.#fars.map(({ plan }) => plan));
  }

  /** The links in the order of their names; a switch may stand beside mode `user`. */
  #open(spec: NetworkSpec, user: UserNetwork | null): Far[] {
    if (user !== null) return spec.tap === null ? [user] : [user, this.#openPort(spec, 'eth1')];
    return [spec.mode === 'switch' ? this.#openPort(spec, 'eth0') : this.#openTap(spec)];
  }

  /**
   * The guest's own stack is there: names of one label that the rules know nothing of are asked for on the switch by it, and what passes
   * its lo is captured too.
   */
  useStack(stack: Stack, udp: Udp): void {
    if (this.#sink !== null) new LoopbackCapture(stack, this.#sink, 1);
    const [, lan] = this.#fars;
    if (this.#user === null || lan === undefined) return;
    const resolver = new Resolver(udp, null, { servers: lan.plan.nameServers, timeout: 300, tries: 2 });
    const prefixes = lan.plan.addresses;
    this.#user.names.neighbours = (name, type, done) =>
      resolver.query(name, type, ({ code, records }) =>
        done(
          code,
          records.filter(({ data }) => data.kind === 'address' && isWithin(data.address, prefixes)),
        ),
      );
  }

  /** True when the event was for the network. */
  deliver(token: number, events: number): boolean {
    if (!this.#net.deliver(token, events)) return false;
    this.#due = 0;
    return true;
  }

  get hasWork(): boolean {
    for (const far of this.#fars) if (far.hasWork) return true;
    return false;
  }

  /** ns at which `run` is wanted at the latest. */
  get deadline(): number {
    return this.hasWork ? 0 : this.#due * NANOS_PER_MICRO;
  }

  run(): void {
    const now = this.#micros();
    let due = Number.POSITIVE_INFINITY;
    for (const far of this.#fars) due = Math.min(due, far.poll(now));
    this.#due = due;
  }

  // ── requests ──

  handle(request: NetworkRequest): unknown {
    const user = this.#user;
    if (user === null) throw modeError(request.call);
    this.#due = 0;
    switch (request.call) {
      case 'network-update':
        if (request.limits !== null) user.setLimits(request.limits, this.#micros());
        if (request.rules !== null || request.audit !== null)
          user.update(
            request.rules === null ? user.gate.policy : policyOf(request.rules),
            request.audit ?? user.gate.audit,
          );
        return null;
      case 'network-publish':
        return this.#publish(user, request.port);
      case 'network-unpublish':
        return user.unpublish(request.protocol, request.hostPort);
      case 'network-end':
        if (request.now) user.finish();
        return user.unsettled;
      case 'network-connections':
        return user.connections.map(report);
      default:
        return user.gate.answer(request.question, request.decision, this.#micros());
    }
  }

  #publish(user: UserNetwork, port: PublishSpec): PublishSpec {
    const published = user.publish({ ...port, address: addressOf(port.address) });
    if (typeof published !== 'number') return { ...port, hostPort: published.hostPort };
    throw publishError(port, published);
  }

  #micros(): number {
    return Math.floor(this.#context.now() / NANOS_PER_MICRO);
  }

  #openUser(spec: NetworkSpec): UserNetwork {
    const { random, tell } = this.#context;
    const { proxy } = spec;
    const user = new UserNetwork({
      net: this.#net,
      random,
      policy: policyOf(spec.rules),
      audit: spec.audit,
      limits: spec.limits,
      nameServers: spec.nameServers.flatMap((text) => parseNameServer(text) ?? []),
      hosts: hostsOf(spec.hosts),
      ...(proxy === null ? {} : { proxy: { ...proxy, address: addressOf(proxy.address) } }),
      mtu: spec.mtu,
      onEvent: (what) => tell({ event: 'network', what }),
      now: this.#micros(),
    });
    if (spec.askFor > 0)
      user.gate.setApplication(({ id, query, verdict }) => {
        const { allowed, reason, range } = verdict;
        tell({
          event: 'network-question',
          question: id,
          about: { ...report(query), allowed, reason, range },
        });
      }, spec.askFor * MICROS_PER_MILLI);
    for (const port of spec.publish) this.#publish(user, port);
    return user;
  }

  #openTap(spec: NetworkSpec): TapLink {
    const { side, fds } = this.#context;
    const tap = spec.tap;
    if (tap === null) throw modeError('boot');
    const fd = fds[tap.fd];
    const opened = TapLink.open({
      net: this.#net,
      calls: side.host.inet,
      name: tap.name,
      ...(fd === undefined ? {} : { fd }),
      plan: tapPlan(tap),
      mtu: spec.mtu,
    });
    if (typeof opened !== 'number') return opened;
    throw new RequestError({
      code: 'ERR_SANDBOX_NETWORK',
      message: `can't open the TAP device '${tap.name}': ${errnoName(-opened)}`,
      hint: 'make it first (ip tuntap add mode tap user …), run with CAP_NET_ADMIN, or pass an open descriptor as tap:fd=N',
      errno: errnoName(-opened),
    });
  }

  #openPort(spec: NetworkSpec, link: string): StreamLink {
    const fd = spec.tap === null ? undefined : this.#context.fds[spec.tap.fd];
    if (spec.tap === null || fd === undefined) throw modeError('boot');
    const plan = { ...tapPlan(spec.tap), name: link };
    const opened = StreamLink.open({ net: this.#net, fd, plan, mtu: spec.mtu, address: spec.tap.mac });
    if (typeof opened !== 'number') return opened;
    throw new RequestError({
      code: 'ERR_SANDBOX_NETWORK',
      message: `can't watch the switch: ${errnoName(-opened)}`,
      hint: 'raise the limit of open files',
    });
  }

  /** The link with everything that passes written to the capture's descriptor. */
  #captured(link: LinkDevice, name: string): LinkDevice {
    const sink = this.#sink;
    return sink === null ? link : new CaptureDevice(link, { sink, name, now: this.#micros() });
  }

  #captureSink(spec: NetworkSpec): CaptureSink | null {
    const fd = this.#context.fds[spec.pcap];
    if (fd === undefined) return null;
    const { transfer } = this.#context.side.host;
    return {
      captured: (block) => {
        for (let at = 0; at < block.length; ) {
          const written = transfer.write(fd, block, at, block.length - at, -1);
          if (written <= 0) return;
          at += written;
        }
      },
    };
  }
}

/** What the guest's files say: its own name is that of its place on the switch, where there is one. */
function joined(plans: readonly LinkPlan[]): LinkPlan {
  const [first, second] = plans as [LinkPlan, LinkPlan?];
  return second === undefined ? first : { ...first, addresses: [...second.addresses, ...first.addresses] };
}

/** Of a neighbour's answer only addresses of the switch's own networks count. */
function isWithin(address: Address, nets: LinkPlan['addresses']): boolean {
  return nets.some(
    (net) =>
      net.address.isV4 === address.isV4 &&
      net.address.prefix(net.prefixLength).equals(address.prefix(net.prefixLength)),
  );
}

function report(query: FlowQuery): ConnectionReport {
  const { direction, protocol, address, port, names } = query;
  return { direction, protocol, address: `${address}`, port, names };
}

function policyOf(rules: readonly RuleSpec[]): Policy {
  return new Policy(
    rules.map(({ action, text }) => {
      const rule = parseRule(action, text);
      if (!('message' in rule)) return rule;
      throw new RequestError({ code: 'ERR_SANDBOX_OPTION', message: rule.message, hint: rule.hint });
    }),
  );
}

function addressOf(text: string): Address {
  const address = Address.parse(text);
  if (address !== null) return address;
  throw new RequestError({
    code: 'ERR_SANDBOX_OPTION',
    message: `'${text}' is not an IP address`,
    hint: 'write four decimal numbers, or IPv6',
  });
}

function tapPlan(tap: NonNullable<NetworkSpec['tap']>): LinkPlan {
  const addresses = tap.addresses.map((text) => ({
    address: addressOf(text.split('/')[0] as string),
    prefixLength: parsePrefix(text)?.length ?? 0,
  }));
  const routes = tap.gateways.map((text) => {
    const gateway = addressOf(text);
    return { destination: Address.of(gateway.isV4 ? '0.0.0.0' : '::'), prefixLength: 0, gateway };
  });
  return { name: 'eth0', addresses, routes, nameServers: tap.nameServers.map(addressOf), hosts: [] };
}

function publishError(port: PublishSpec, error: number): RequestError {
  const errno = errnoName(-error);
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there: choose another host port, or 0 for any that is free',
    EACCES: 'ports below 1024 need privileges here: choose a higher host port',
    EADDRNOTAVAIL: 'this machine has no such address: leave it out for 127.0.0.1',
  };
  return new RequestError({
    code: 'ERR_SANDBOX_NETWORK',
    message: `can't publish ${port.protocol} port ${port.hostPort} at ${port.address}: ${errno}`,
    hint: hints[errno] ?? 'check the address and the port',
    errno,
  });
}

function modeError(call: string): RequestError {
  return new RequestError({
    code: 'ERR_SANDBOX_NETWORK',
    message: `'${call}' needs a network that this sandbox does not have`,
    hint: "create it with network mode 'user'",
  });
}
