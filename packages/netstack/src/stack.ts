// The stack: one host's TCP/IP. It has no thread, clock or socket of its own: the embedder feeds packets to devices, calls
// poll(now) after input and when the returned deadline comes, and takes frames from device callbacks.
import type { Address } from './address.js';
import { EINVAL } from './errno.js';
import type { LinkDevice } from './link/device.js';
import { LoopbackDevice } from './link/loopback.js';
import type { InterfaceOptions, NetInterface } from './network/interface.js';
import { NetworkLayer, type NetworkObserver, type NetworkOptions } from './network/network.js';
import { PacketEndpoint, type PacketEndpointOptions } from './network/packet-endpoint.js';
import { RawEndpoint, type RawOptions } from './network/raw-endpoint.js';
import {
  makeMultipath,
  makeRoute,
  type NextHop,
  type RouteEntry,
  type RouteOptions,
  TABLE_MAIN,
} from './network/routing.js';
import type { RandomSource, TransportHost, TransportProtocol } from './roles.js';
import { PacketPool } from './storage/packet-buffer.js';
import { TimerWheel } from './storage/timer-wheel.js';

export interface StackOptions extends NetworkOptions {
  readonly random: RandomSource;
  /** Microseconds at the start; default 0. Every later time is given to poll() or setTime(). */
  readonly now?: number;
  /** Shared between stacks of one thread if given. */
  readonly pool?: PacketPool;
  readonly loopbackMtu?: number;
  readonly observer?: NetworkObserver;
}

/** A prefix with an address: `10.0.0.1/24`. */
export interface AddressOptions {
  readonly address: Address;
  readonly prefixLength: number;
}

/** Rounds of one poll: two endpoints in one stack could talk for ever. */
const MAX_ROUNDS = 64;

export class Stack {
  readonly network: NetworkLayer;
  readonly pool: PacketPool;
  readonly timers: TimerWheel;

  constructor(options: StackOptions) {
    const now = options.now ?? 0;
    this.pool = options.pool ?? new PacketPool();
    this.timers = new TimerWheel(now);
    const mtu = options.loopbackMtu;
    const loopback = new LoopbackDevice(mtu === undefined ? {} : { mtu });
    this.network = new NetworkLayer(this.pool, this.timers, options.random, loopback, now, options);
    this.network.observer = options.observer ?? null;
  }

  /** What transports are built on. */
  get host(): TransportHost {
    return this.network;
  }

  register(transport: TransportProtocol): void {
    this.network.register(transport);
  }

  /** Tells the time (microseconds) without doing any work; it never goes back. */
  setTime(now: number): void {
    this.network.setTime(now);
  }

  /**
   * Does all that is to be done at `now`: delivers what devices and loopback queued, fires timers. Returns the time at which
   * to call again at the latest: `now` when there is still work, Infinity when only input can bring any.
   */
  poll(now: number): number {
    const { network, timers } = this;
    network.setTime(now);
    const time = network.now();
    let device = network.pollOnce();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const fired = timers.advance(time);
      if (fired === 0 && !network.hasWork && device > time) break;
      device = network.pollOnce();
    }
    if (network.hasWork) return time;
    return Math.min(device, timers.nextDeadline());
  }

  // --- configuration ---

  /** Adds an interface over `device` and brings it up. */
  addInterface(device: LinkDevice, options: InterfaceOptions = {}): NetInterface {
    const iface = this.network.addInterface(device, options);
    this.network.book.bringUp(iface);
    return iface;
  }

  removeInterface(iface: NetInterface): number {
    return this.network.removeInterface(iface);
  }

  setUp(iface: NetInterface, up: boolean): void {
    if (up) this.network.book.bringUp(iface);
    else this.network.book.takeDown(iface);
  }

  /** 0, -EINVAL, -EEXIST. The subnet gets a route; IPv6 addresses are tentative until no duplicate was found. */
  addAddress(iface: NetInterface, address: Address, prefixLength: number): number {
    return this.network.book.assign(iface, address, prefixLength);
  }

  removeAddress(iface: NetInterface, address: Address): number {
    return this.network.book.remove(iface, address);
  }

  /** Adds a route to `table`; 0, -EEXIST, -EINVAL. A gateway without an interface is looked up among the connected subnets. */
  addRoute(
    destination: Address,
    prefixLength: number,
    options: RouteOptions = {},
    table = TABLE_MAIN,
  ): number {
    if (prefixLength < 0 || prefixLength > destination.bits) return -EINVAL;
    let interfaceIndex = options.interfaceIndex ?? 0;
    if (interfaceIndex === 0 && options.gateway != null)
      interfaceIndex = this.interfaceTowards(options.gateway);
    const hops = options.nextHops ?? [];
    if (hops.length > 0) return this.addMultipath(destination, prefixLength, options, table);
    const kind = options.kind ?? 'unicast';
    if (kind === 'unicast' && this.network.interfaceByIndex(interfaceIndex) === null) return -EINVAL;
    const route = makeRoute(destination, prefixLength, { ...options, interfaceIndex });
    const result = this.network.routing.add(route, table);
    this.network.book.scheduleExpiry();
    return result;
  }

  private addMultipath(
    destination: Address,
    prefixLength: number,
    options: RouteOptions,
    table: number,
  ): number {
    const hops: NextHop[] = [];
    for (const hop of options.nextHops ?? []) {
      let index = hop.interfaceIndex ?? 0;
      if (index === 0 && hop.gateway != null) index = this.interfaceTowards(hop.gateway);
      const weight = hop.weight ?? 1;
      if (this.network.interfaceByIndex(index) === null || !(weight >= 1 && weight <= 256)) return -EINVAL;
      hops.push({ gateway: hop.gateway ?? null, interfaceIndex: index, weight });
    }
    const result = this.network.routing.add(makeMultipath(destination, prefixLength, options, hops), table);
    this.network.book.scheduleExpiry();
    return result;
  }

  /** Removes the routes of a table for which `test` holds; 0 or -ENOENT. */
  removeRoute(test: (route: RouteEntry) => boolean, table = TABLE_MAIN): number {
    return this.network.routing.remove(test, table);
  }

  private interfaceTowards(gateway: Address): number {
    for (const iface of this.network.interfaceList()) {
      if (iface.addresses.some((held) => held.covers(gateway))) return iface.index;
    }
    return 0;
  }

  // --- endpoints below transport ---

  rawEndpoint(options: RawOptions): RawEndpoint {
    const endpoint = new RawEndpoint(this.network, options);
    this.network.rawEndpoints.add(endpoint);
    return endpoint;
  }

  packetEndpoint(options: PacketEndpointOptions): PacketEndpoint {
    const endpoint = new PacketEndpoint(this.network, options);
    this.network.packetEndpoints.add(endpoint);
    return endpoint;
  }

  /** Lets go of devices, neighbours and fragments. Transports close their endpoints themselves. */
  close(): void {
    for (const iface of this.network.interfaceList()) this.network.removeInterface(iface);
    this.network.reassembly.clear();
  }
}
