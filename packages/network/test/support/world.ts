// A bare netstack as the guest, mode `user` as its network, and the host's loopback as the internet: public addresses of the tests are led
// to servers on 127.0.0.1. Everything runs in this thread; `until` gives Node's servers their turn.
import { type EventWatcher, openHost, startEventWatcher } from '@sandbox-kernel/host';
import { Address, Stack, Tcp, TcpEndpoint, Udp, UdpEndpoint } from '@sandbox-kernel/netstack';
import { type HostCalls, HostNet } from '../../src/host-net.js';
import { type NetworkEvent, Policy, parseRule, type Rule, UserNetwork } from '../../src/index.js';
import { readSocketAddress, writeSocketAddress } from '../../src/socket-address.js';
import type { UserNetworkOptions } from '../../src/user/user-network.js';

const FIRST_TOKEN = 0x4000_0000;
const host = openHost();
const started = startEventWatcher(host.door);
if (typeof started === 'number') throw new Error(`no watcher: ${started}`);
const watcher: EventWatcher = started;

/** `+rule` allows, `-rule` denies. */
export function policyOf(...rules: readonly string[]): Policy {
  return new Policy(
    rules.map((text) => {
      const rule = parseRule(text[0] === '+' ? 'allow' : 'deny', text.slice(1));
      if ('message' in rule) throw new Error(rule.message);
      return rule as Rule;
    }),
  );
}

/** Host calls that lead `ADDRESS` (any port) or `ADDRESS:PORT` to a port of 127.0.0.1, or fail with a negative errno. */
function led(routes: ReadonlyMap<string, number>): HostCalls {
  const { inet } = host;
  const connect = (fd: number, bytes: Uint8Array): number => {
    const wanted = readSocketAddress(bytes, bytes.length);
    const port = routes.get(`${wanted?.address}:${wanted?.port}`) ?? routes.get(`${wanted?.address}`);
    if (port === undefined) return inet.connect(fd, bytes);
    return port < 0 ? port : inet.connect(fd, writeSocketAddress(Address.of('127.0.0.1'), port));
  };
  return new Proxy(inet, {
    get(_target, key: keyof HostCalls) {
      if (key === 'open')
        return (family: number, type: number, protocol: number) =>
          inet.open(family === 10 && routes.size > 0 ? 2 : family, type, protocol);
      if (key === 'connect') return connect;
      const value = inet[key] as unknown;
      return typeof value === 'function' ? value.bind(inet) : value;
    },
  }) as HostCalls;
}

export interface WorldOptions extends Partial<Omit<UserNetworkOptions, 'policy'>> {
  readonly rules?: readonly string[];
  readonly routes?: Readonly<Record<string, number>>;
}

export class World {
  readonly network: UserNetwork;
  readonly stack: Stack;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly net: HostNet;
  readonly events: NetworkEvent[] = [];
  readonly #started = performance.now();
  /** Added to the clock: minutes pass at once. */
  skipped = 0;

  constructor(options: WorldOptions = {}) {
    let seed = 12345;
    const next32 = (): number => {
      seed = ((Math.imul(seed, 48271) >>> 0) ^ (seed >>> 7)) >>> 0;
      return seed;
    };
    const random = { next32 };
    this.net = new HostNet(led(new Map(Object.entries(options.routes ?? {}))), watcher, FIRST_TOKEN);
    this.network = new UserNetwork({
      net: this.net,
      random,
      nameServers: [],
      onEvent: (event) => this.events.push(event),
      now: this.now,
      ...options,
      policy: policyOf(...(options.rules ?? [])),
    });
    this.stack = new Stack({ random, now: this.now });
    this.tcp = new Tcp(this.stack.host);
    this.udp = new Udp(this.stack.host);
    this.stack.register(this.tcp);
    this.stack.register(this.udp);
    const { plan, link } = this.network;
    const iface = this.stack.addInterface(link, { dadTransmits: 0, acceptRouterAdvertisements: false });
    for (const { address, prefixLength } of plan.addresses)
      this.stack.addAddress(iface, address, prefixLength);
    for (const { destination, prefixLength, gateway } of plan.routes)
      this.stack.addRoute(destination, prefixLength, {
        interfaceIndex: iface.index,
        gateway: gateway ?? null,
      });
  }

  get now(): number {
    return Math.floor((performance.now() - this.#started) * 1000) + this.skipped;
  }

  turn(): void {
    const count = watcher.drain();
    for (let i = 0; i < count; i++) this.net.deliver(watcher.tokens[i]!, watcher.events[i]!);
    this.stack.poll(this.now);
    this.network.poll(this.now);
    this.stack.poll(this.now);
  }

  /** Turns until `test` gives something; fails after `limit` ms. */
  async until<T>(test: () => T | null | undefined | false, what = 'it', limit = 20_000): Promise<T> {
    const end = performance.now() + limit;
    for (;;) {
      this.turn();
      const value = test();
      if (value !== null && value !== undefined && value !== false) return value;
      if (performance.now() > end)
        throw new Error(`${what} did not happen; events: ${JSON.stringify(this.events.slice(-5))}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A connection from the guest: the endpoint, open or failed. */
  async connect(address: string, port: number): Promise<GuestStream> {
    const to = Address.of(address);
    const endpoint = new TcpEndpoint(this.tcp, !to.isV4);
    const stream = new GuestStream(this, endpoint);
    endpoint.connect(to, port);
    await this.until(() => stream.error !== 0 || endpoint.state !== 2, `connect to ${address}:${port}`);
    return stream;
  }

  datagrams(isV6 = false): UdpEndpoint {
    return new UdpEndpoint(this.udp, isV6);
  }

  eventsOf(kind: NetworkEvent['kind']): NetworkEvent[] {
    return this.events.filter((event) => event.kind === kind);
  }

  close(): void {
    this.network.close();
  }
}

export class GuestStream {
  readonly #world: World;
  readonly endpoint: TcpEndpoint;
  error = 0;
  ended = false;
  #text = '';

  constructor(world: World, endpoint: TcpEndpoint) {
    this.#world = world;
    this.endpoint = endpoint;
    endpoint.setOwner(
      {
        endpointReady: () => {
          if (endpoint.state === 7) this.error ||= endpoint.takeError();
        },
      },
      0,
    );
  }

  write(bytes: Uint8Array | string): number {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return this.endpoint.write(data, 0, data.length);
  }

  /** All that has come so far. */
  read(): string {
    const into = new Uint8Array(65536);
    for (;;) {
      const count = this.endpoint.read(into, 0, into.length);
      if (count > 0) {
        this.#text += Buffer.from(into.subarray(0, count)).toString('latin1');
        continue;
      }
      if (count === 0) this.ended = true;
      else if (count !== -11) this.error ||= -count;
      return this.#text;
    }
  }

  /** What came until the other side ended or failed. */
  async toEnd(): Promise<string> {
    await this.#world.until(() => {
      this.read();
      return this.ended || this.error !== 0;
    }, 'the end of the stream');
    return this.#text;
  }

  async expect(text: string): Promise<void> {
    await this.#world.until(() => this.read().includes(text) || this.ended || this.error !== 0, `'${text}'`);
  }
}
