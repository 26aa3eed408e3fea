// A DHCP client: the states of RFC 2131 section 4.4 from INIT to REBINDING, with the retransmission times of section 4.1.
// It only talks: what a lease means for the interface is its owner's business. No INIT-REBOOT, no DHCPINFORM, no DHCPv6.

import { type Address, ANY_V4, BROADCAST_V4 } from '../address.js';
import { EAGAIN } from '../errno.js';
import type { ReadinessOwner } from '../roles.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import { UdpEndpoint } from '../transport/udp/endpoint.js';
import type { Udp } from '../transport/udp/udp.js';
import {
  type ClasslessRoute,
  classlessRoutes,
  DHCP_ACK,
  DHCP_DECLINE,
  DHCP_DISCOVER,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_RELEASE,
  DHCP_REQUEST,
  type DhcpMessage,
  emitDhcp,
  OPTION_CLASSLESS,
  OPTION_CLIENT,
  OPTION_DNS,
  OPTION_DOMAIN,
  OPTION_HOST_NAME,
  OPTION_LEASE,
  OPTION_MASK,
  OPTION_MTU,
  OPTION_PARAMETERS,
  OPTION_REBINDING,
  OPTION_RENEWAL,
  OPTION_REQUESTED,
  OPTION_ROUTER,
  OPTION_SERVER,
  OPTION_TYPE,
  optionAddress,
  optionAddresses,
  optionNumber,
  parseDhcp,
} from './message.js';

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const SECOND = 1_000_000;
const FIRST_WAIT = 4 * SECOND;
const LAST_WAIT = 64 * SECOND;
const MIN_RENEW_WAIT = 60 * SECOND;
const REQUEST_TRIES = 4;
const FOREVER = 0xffffffff;

export type DhcpState = 'stopped' | 'selecting' | 'requesting' | 'bound' | 'renewing' | 'rebinding';

export interface DhcpLease {
  readonly address: Address;
  readonly prefixLength: number;
  readonly server: Address;
  readonly routers: readonly Address[];
  /** If present, RFC 3442 says that `routers` must be ignored. */
  readonly routes: readonly ClasslessRoute[] | null;
  readonly dns: readonly Address[];
  readonly domain: string;
  /** -1: not told. */
  readonly mtu: number;
  /** Microseconds on the stack's clock; Infinity for a lease without end. */
  readonly renewAt: number;
  readonly rebindAt: number;
  readonly expiresAt: number;
}

export interface DhcpOwner {
  /** A lease was obtained or renewed; the interface should have its address. */
  leaseObtained(lease: DhcpLease): void;
  /** The lease ran out or was refused: the address must not be used any more. */
  leaseLost(lease: DhcpLease): void;
}

export interface DhcpOptions {
  readonly interfaceIndex: number;
  readonly hardware: Uint8Array;
  readonly hostName?: string;
}

export class DhcpClient implements ReadinessOwner, TimerOwner {
  private readonly udp: Udp;
  private readonly options: DhcpOptions;
  private readonly owner: DhcpOwner;
  private readonly timer: Timer;
  private endpoint: UdpEndpoint | null;
  state: DhcpState;
  lease: DhcpLease | null;
  private transaction: number;
  private startedAt: number;
  private wait: number;
  private tries: number;
  private offered: Address;
  private server: Address;

  constructor(udp: Udp, options: DhcpOptions, owner: DhcpOwner) {
    this.udp = udp;
    this.options = options;
    this.owner = owner;
    this.timer = new Timer(this, 0);
    this.endpoint = null;
    this.state = 'stopped';
    this.lease = null;
    this.transaction = 0;
    this.startedAt = 0;
    this.wait = FIRST_WAIT;
    this.tries = 0;
    this.offered = ANY_V4;
    this.server = ANY_V4;
  }

  /** 0 or a negative errno. */
  start(): number {
    const endpoint = new UdpEndpoint(this.udp);
    const settings = endpoint.settings.clone();
    settings.broadcast = true;
    settings.transparent = true;
    settings.reuseAddress = true;
    settings.device = this.options.interfaceIndex;
    endpoint.configure(settings);
    const bound = endpoint.bind(null, CLIENT_PORT);
    if (bound < 0) return bound;
    endpoint.setOwner(this, 0);
    this.endpoint = endpoint;
    this.discover();
    return 0;
  }

  /** Gives the lease back (section 4.4.6) and stops. */
  stop(): void {
    if (this.lease !== null)
      this.send(DHCP_RELEASE, this.lease.address, this.lease.server, this.leaseOptions());
    this.lease = null;
    this.state = 'stopped';
    this.udp.host.timers.cancel(this.timer);
    this.endpoint?.close();
    this.endpoint = null;
  }

  /** The address turned out to be in use (section 3.1, step 5). */
  decline(): void {
    const lease = this.lease;
    if (lease === null) return;
    const options = this.leaseOptions();
    options.set(OPTION_REQUESTED, lease.address.toBytes());
    this.send(DHCP_DECLINE, ANY_V4, BROADCAST_V4, options);
    this.lose();
    this.udp.host.timers.arm(this.timer, this.udp.host.now() + 10 * SECOND);
  }

  private leaseOptions(): Map<number, Uint8Array> {
    const options = new Map<number, Uint8Array>();
    if (this.lease !== null) options.set(OPTION_SERVER, this.lease.server.toBytes());
    return options;
  }

  private discover(): void {
    this.state = 'selecting';
    this.transaction = this.udp.host.random.next32() | 0;
    this.startedAt = this.udp.host.now();
    this.wait = FIRST_WAIT;
    this.tries = 0;
    this.repeat();
  }

  /** Sends what the state calls for, and comes back if nobody answers. */
  private repeat(): void {
    const host = this.udp.host;
    if (this.state === 'selecting') this.send(DHCP_DISCOVER, ANY_V4, BROADCAST_V4, new Map());
    else if (this.state === 'requesting') this.request();
    this.tries++;
    const jitter = (host.random.next32() % (2 * SECOND)) - SECOND;
    host.timers.arm(this.timer, host.now() + this.wait + jitter);
    this.wait = Math.min(this.wait * 2, LAST_WAIT);
  }

  private request(): void {
    const options = new Map<number, Uint8Array>();
    options.set(OPTION_REQUESTED, this.offered.toBytes());
    options.set(OPTION_SERVER, this.server.toBytes());
    this.send(DHCP_REQUEST, ANY_V4, BROADCAST_V4, options);
  }

  private extend(): void {
    const lease = this.lease!;
    const host = this.udp.host;
    const limit = this.state === 'renewing' ? lease.rebindAt : lease.expiresAt;
    const target = this.state === 'renewing' ? lease.server : BROADCAST_V4;
    this.send(DHCP_REQUEST, lease.address, target, new Map());
    const half = Math.max((limit - host.now()) / 2, MIN_RENEW_WAIT);
    host.timers.arm(this.timer, Math.min(limit, host.now() + half));
  }

  timerExpired(_timer: Timer, now: number): void {
    const lease = this.lease;
    if (this.state === 'selecting') this.repeat();
    else if (this.state === 'requesting') {
      if (this.tries >= REQUEST_TRIES) this.discover();
      else this.repeat();
    } else if (lease === null) this.discover();
    else if (now >= lease.expiresAt) this.lose();
    else {
      this.state = now >= lease.rebindAt ? 'rebinding' : 'renewing';
      this.transaction = this.udp.host.random.next32() | 0;
      this.startedAt = now;
      this.extend();
    }
  }

  private lose(): void {
    const lease = this.lease;
    this.lease = null;
    if (lease !== null) this.owner.leaseLost(lease);
    this.discover();
  }

  endpointReady(): void {
    while (this.endpoint !== null) {
      const bytes = new Uint8Array(Math.max(0, this.endpoint.nextLength));
      const count = this.endpoint.receive(bytes, 0, bytes.length);
      if (count === -EAGAIN) return;
      const message = count < 0 ? null : parseDhcp(bytes);
      if (message?.reply === true && message.transaction === this.transaction) this.take(message);
    }
  }

  private take(message: DhcpMessage): void {
    const type = optionNumber(message, OPTION_TYPE);
    const server = optionAddress(message, OPTION_SERVER);
    if (type === DHCP_OFFER && this.state === 'selecting' && server !== null) {
      this.offered = message.yourAddress;
      this.server = server;
      this.state = 'requesting';
      this.wait = FIRST_WAIT;
      this.tries = 0;
      this.repeat();
    } else if (this.state === 'selecting' || this.state === 'bound' || this.state === 'stopped') {
      return;
    } else if (type === DHCP_ACK) this.bind(message, server ?? this.server);
    else if (type === DHCP_NAK) this.lose();
  }

  private bind(message: DhcpMessage, server: Address): void {
    const now = this.startedAt;
    const seconds = optionNumber(message, OPTION_LEASE);
    if (seconds < 0 || message.yourAddress.isUnspecified) return;
    const forever = seconds === FOREVER;
    const at = (option: number, share: number): number => {
      const told = optionNumber(message, option);
      return forever
        ? Number.POSITIVE_INFINITY
        : now + (told > 0 && told < seconds ? told : seconds * share) * SECOND;
    };
    const lease: DhcpLease = {
      address: message.yourAddress,
      prefixLength: prefixOf(optionAddress(message, OPTION_MASK)),
      server,
      routers: optionAddresses(message, OPTION_ROUTER),
      routes: classlessRoutes(message),
      dns: optionAddresses(message, OPTION_DNS),
      domain: text(message.options.get(OPTION_DOMAIN)),
      mtu: optionNumber(message, OPTION_MTU),
      renewAt: at(OPTION_RENEWAL, 0.5),
      rebindAt: at(OPTION_REBINDING, 0.875),
      expiresAt: forever ? Number.POSITIVE_INFINITY : now + seconds * SECOND,
    };
    this.lease = lease;
    this.state = 'bound';
    this.udp.host.timers.cancel(this.timer);
    if (!forever) this.udp.host.timers.arm(this.timer, lease.renewAt);
    this.owner.leaseObtained(lease);
  }

  private send(type: number, client: Address, to: Address, extra: Map<number, Uint8Array>): void {
    const options = new Map<number, Uint8Array>([[OPTION_TYPE, Uint8Array.of(type)]]);
    for (const [code, value] of extra) options.set(code, value);
    options.set(OPTION_CLIENT, Uint8Array.of(1, ...this.options.hardware));
    const wanted = [
      OPTION_MASK,
      OPTION_ROUTER,
      OPTION_DNS,
      OPTION_DOMAIN,
      OPTION_MTU,
      OPTION_LEASE,
      OPTION_CLASSLESS,
    ];
    options.set(OPTION_PARAMETERS, Uint8Array.from(wanted));
    if (this.options.hostName !== undefined) options.set(OPTION_HOST_NAME, latin1(this.options.hostName));
    const elapsed = Math.floor((this.udp.host.now() - this.startedAt) / SECOND);
    const bytes = emitDhcp({
      reply: false,
      transaction: this.transaction,
      seconds: Math.min(elapsed, 0xffff),
      broadcast: client.isUnspecified,
      clientAddress: client,
      yourAddress: ANY_V4,
      serverAddress: ANY_V4,
      relayAddress: ANY_V4,
      hardware: this.options.hardware,
      options,
    });
    this.endpoint?.sendFrom(client, this.options.interfaceIndex, to, SERVER_PORT, bytes, 0, bytes.length);
  }
}

function prefixOf(mask: Address | null): number {
  return mask === null ? 24 : Math.clz32(~mask.w3);
}

function text(bytes: Uint8Array | undefined): string {
  let out = '';
  for (const byte of bytes ?? []) if (byte !== 0) out += String.fromCharCode(byte);
  return out;
}

function latin1(value: string): Uint8Array {
  return Uint8Array.from(value, (c) => c.charCodeAt(0) & 0xff);
}
