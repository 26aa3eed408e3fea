// One network namespace: a Stack with its transports, the sandbox's clock and random source, and what sysctls set for all sockets. The
// owner (the sentry's loop) calls `run` when there is work and sleeps no longer than `deadline`: nothing ticks when nothing happens.

import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  NETLINK_GENERIC,
  NETLINK_KOBJECT_UEVENT,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  NETLINK_SOCK_DIAG,
} from '@sandbox-kernel/abi';
import type { Caller, Clock, RandomSource } from '@sandbox-kernel/contracts';
import type { InterfaceRequests, Kernel } from '@sandbox-kernel/kernel';
import {
  type Address,
  type InterfaceOptions,
  type LinkDevice,
  type NetInterface,
  Stack,
  Tcp,
  type TcpConfig,
  Udp,
} from '@sandbox-kernel/netstack';
import { InetFamily } from './inet-family.js';
import { interfaceIoctl } from './interface-ioctl.js';
import type { ChangeSink } from './link-control.js';
import { Netfilter } from './netfilter/netfilter.js';
import { NetfilterProtocol } from './netfilter/nft/netfilter-protocol.js';
import { NetlinkBus } from './netlink/bus.js';
import { NetlinkFamily, type NetlinkProtocol } from './netlink/netlink-socket.js';
import { GenericProtocol, UeventProtocol } from './netlink/plain-protocols.js';
import { RouteProtocol } from './netlink/route.js';
import { SockDiagProtocol } from './netlink/sock-diag.js';
import { FanoutGroups } from './packet-fanout.js';
import { RING_SCRATCH } from './packet-ring.js';
import { PacketFamily } from './packet-socket.js';
import { PingIdentifiers } from './raw-socket.js';
import { InternetSettings } from './settings.js';
import { SocketRegistry } from './socket-registry.js';

const NANOS_PER_MICRO = 1000;

export interface InternetOptions {
  readonly tcp?: Partial<TcpConfig>;
  /** Sockets of all families of this package that may exist at once. */
  readonly socketLimit?: number;
}

/** An interface beside loopback: what it is called, and how it is configured from the start. */
export interface LinkAttachment {
  readonly device: LinkDevice;
  /** Default eth0. */
  readonly name?: string;
  readonly addresses: readonly { readonly address: Address; readonly prefixLength: number }[];
  readonly routes: readonly {
    readonly destination: Address;
    readonly prefixLength: number;
    readonly gateway?: Address;
  }[];
  readonly options?: InterfaceOptions;
}

/** netstack's random numbers out of the sandbox's source. */
class Random32 {
  readonly #source: RandomSource;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(source: RandomSource) {
    this.#source = source;
    this.#bytes = new Uint8Array(4);
    this.#view = new DataView(this.#bytes.buffer);
  }

  next32(): number {
    this.#source.fill(this.#bytes, 0, 4);
    return this.#view.getUint32(0);
  }
}

export class Internet implements InterfaceRequests {
  readonly kernel: Kernel;
  readonly stack: Stack;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly settings: InternetSettings;
  readonly sockets: SocketRegistry;
  readonly netlink: NetlinkBus;
  readonly pings: PingIdentifiers;
  readonly changes: ChangeSink;
  /** Tables of iptables(8) and nft(8). */
  readonly netfilter: Netfilter;
  /** PACKET_FANOUT. */
  readonly fanouts: FanoutGroups;
  private scratch: Uint8Array | null;
  private readonly clock: Clock;
  /** Microseconds: when the stack wants to be called at the latest, as of its last run. */
  private devicesDue: number;

  constructor(kernel: Kernel, options: InternetOptions = {}) {
    this.kernel = kernel;
    this.scratch = null;
    this.clock = kernel.clock;
    this.stack = new Stack({ random: new Random32(kernel.random), now: this.micros() });
    this.stack.network.wallOffset =
      this.clock.realtimeSeconds * 1e6 + this.clock.realtimeNanos / NANOS_PER_MICRO;
    this.tcp = new Tcp(this.stack.host, options.tcp ?? {});
    this.udp = new Udp(this.stack.host);
    this.stack.register(this.tcp);
    this.stack.register(this.udp);
    this.settings = new InternetSettings(this.tcp.config);
    this.sockets = new SocketRegistry(options.socketLimit ?? 65536);
    this.netlink = new NetlinkBus();
    this.pings = new PingIdentifiers();
    this.fanouts = new FanoutGroups(this.stack.network.random);
    this.netfilter = new Netfilter(this);
    const route = new RouteProtocol(this);
    this.changes = route;
    this.register(route);
    this.kernel.interfaceRequests = this;
    this.devicesDue = Number.POSITIVE_INFINITY;
  }

  private register(route: RouteProtocol): void {
    const families = this.kernel.socketFamilies;
    const protocols = new Map<number, NetlinkProtocol>([
      [NETLINK_ROUTE, route],
      [NETLINK_SOCK_DIAG, new SockDiagProtocol(this)],
      [NETLINK_KOBJECT_UEVENT, new UeventProtocol()],
      [NETLINK_GENERIC, new GenericProtocol()],
      [NETLINK_NETFILTER, new NetfilterProtocol(this)],
    ]);
    families.set(AF_INET, new InetFamily(this, false));
    families.set(AF_INET6, new InetFamily(this, true));
    families.set(AF_NETLINK, new NetlinkFamily(this, protocols));
    families.set(AF_PACKET, new PacketFamily(this));
  }

  /** Adds an interface and brings it up. 0 in `addresses` order, or the first -errno that configuring it gave. */
  attach(link: LinkAttachment): NetInterface | number {
    this.touch();
    const iface = this.stack.addInterface(link.device, { name: link.name ?? 'eth0', ...link.options });
    let failed = 0;
    for (const { address, prefixLength } of link.addresses) {
      failed ||= this.stack.addAddress(iface, address, prefixLength);
    }
    for (const route of link.routes) {
      failed ||= this.stack.addRoute(route.destination, route.prefixLength, {
        interfaceIndex: iface.index,
        gateway: route.gateway ?? null,
      });
    }
    return failed < 0 ? failed : iface;
  }

  /** Where packets are put together for rings: one at a time. */
  get ringScratch(): Uint8Array {
    this.scratch ??= new Uint8Array(RING_SCRATCH);
    return this.scratch;
  }

  /** netdevice(7), for sockets of any family. */
  ioctl(caller: Caller, request: number, argument: number): number {
    return interfaceIoctl(this, false, caller, request, argument);
  }

  private micros(): number {
    return Math.floor(this.clock.monotonic() / NANOS_PER_MICRO);
  }

  /** Tells the stack the time: before a call that sends or arms timers. */
  touch(): void {
    this.stack.setTime(this.micros());
  }

  /** True when packets wait to be handled. */
  get pending(): boolean {
    return this.stack.network.hasWork;
  }

  /** ns monotonic at which `run` is wanted at the latest; Infinity when only input can bring work. */
  get deadline(): number {
    if (this.pending) return 0;
    return Math.min(this.devicesDue, this.stack.timers.nextDeadline()) * NANOS_PER_MICRO;
  }

  /** Handles what waits and what is due. */
  run(): void {
    const due = this.stack.poll(this.micros());
    this.devicesDue = this.pending ? 0 : due;
  }
}
