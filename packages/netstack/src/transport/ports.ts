// Local ports: who may bind what (the rules of SO_REUSEADDR and SO_REUSEPORT as in socket(7) and Linux's bind conflict
// check), and the choice of ephemeral ports (RFC 6056: algorithm 4 for connections, random for bind(0)).

import type { Address } from '../address.js';
import { EADDRINUSE, EADDRNOTAVAIL } from '../errno.js';
import { SipHash } from './siphash.js';

/** One user of a port; connections accepted from a listener share the listener's. */
export class PortBinding {
  readonly port: number;
  /** null: the wildcard. */
  readonly address: Address | null;
  /** A wildcard of this family; a v6 wildcard takes v4 as well unless `v6Only`. */
  readonly isV6: boolean;
  readonly v6Only: boolean;
  readonly device: number;
  readonly uid: number;
  reuseAddress: boolean;
  reusePort: boolean;
  listening: boolean;
  refs: number;

  constructor(port: number, request: BindRequest) {
    this.port = port;
    this.address = request.address;
    this.isV6 = request.isV6;
    this.v6Only = request.v6Only;
    this.device = request.device;
    this.uid = request.uid;
    this.reuseAddress = request.reuseAddress;
    this.reusePort = request.reusePort;
    this.listening = false;
    this.refs = 1;
  }

  /** What counts is what the options say when somebody else binds, not what they said at the own bind. */
  allowSharing(reuseAddress: boolean, reusePort: boolean): void {
    this.reuseAddress = reuseAddress;
    this.reusePort = reusePort;
  }
}

/** Made by connect() without bind(): stands in the way of bind(2), but not of other connections. */
class AutomaticBinding extends PortBinding {}

/** What a bind asks for; a plain record filled by the endpoint. */
export class BindRequest {
  address: Address | null = null;
  isV6 = false;
  v6Only = false;
  device = 0;
  uid = 0;
  reuseAddress = false;
  reusePort = false;
  /** It has a program for a group already: as on Linux it joins no other. */
  ownGroup = false;
}

export class PortTable {
  private readonly ports: Map<number, PortBinding[]>;
  private readonly low: number;
  private readonly span: number;
  private readonly random: () => number;
  private readonly hash: SipHash;
  /** RFC 6056 algorithm 4: one counter per hash of the destination. */
  private readonly counters: Int32Array;
  /** Datagram sockets with SO_REUSEADDR may share a port outright. */
  private readonly datagram: boolean;

  constructor(range: readonly [number, number], random: () => number, datagram: boolean) {
    this.ports = new Map();
    this.low = range[0];
    this.span = range[1] - range[0] + 1;
    this.random = random;
    const key = new Uint8Array(16);
    for (let i = 0; i < 16; i++) key[i] = random();
    this.hash = new SipHash(key);
    this.counters = new Int32Array(256);
    for (let i = 0; i < 256; i++) this.counters[i] = random() & 0xffff;
    this.datagram = datagram;
  }

  /** Binds `port`, or an ephemeral one for 0. Returns the binding, or a negative errno. */
  bind(port: number, request: BindRequest): PortBinding | number {
    if (port !== 0) return this.conflicts(port, request) ? -EADDRINUSE : this.add(port, request);
    const start = this.random() % this.span;
    for (let i = 0; i < this.span; i++) {
      const candidate = this.low + ((start + i) % this.span);
      if (!this.conflicts(candidate, request)) return this.add(candidate, request);
    }
    return -EADDRINUSE;
  }

  /**
   * Picks an ephemeral port for a connection to `remote`: RFC 6056 algorithm 4, until `flows` knows no such flow.
   * Ports that someone bound by number are left out.
   */
  connect(
    local: Address,
    remote: Address,
    remotePort: number,
    request: BindRequest,
    flows: FreeFlows,
  ): PortBinding | number {
    this.hash.begin();
    this.hash.word(local.w3);
    this.hash.word(remote.w0 ^ remote.w1);
    this.hash.word(remote.w2);
    this.hash.word(remote.w3);
    this.hash.word(remotePort);
    const offset = this.hash.end() >>> 0;
    const slot = offset & 0xff;
    for (let i = 0; i < this.span; i++) {
      const step = this.counters[slot]!;
      this.counters[slot] = step + 1;
      const candidate = this.low + ((offset + (step >>> 0)) % this.span);
      if (this.isShared(candidate) && flows.isFree(local, candidate, remote, remotePort)) {
        return this.insert(new AutomaticBinding(candidate, request));
      }
    }
    return -EADDRNOTAVAIL;
  }

  /** One more user with the same rights: a connection accepted from a listener. */
  share(binding: PortBinding): void {
    binding.refs++;
  }

  release(binding: PortBinding): void {
    binding.refs--;
    if (binding.refs > 0) return;
    const list = this.ports.get(binding.port);
    if (list === undefined) return;
    const at = list.indexOf(binding);
    if (at >= 0) list.splice(at, 1);
    if (list.length === 0) this.ports.delete(binding.port);
  }

  /** False: with today's options `own`, whose port it is, could not be bound. */
  mayKeep(own: PortBinding, request: BindRequest): boolean {
    const list = this.ports.get(own.port);
    return list === undefined || !list.some((other) => other !== own && this.conflict(other, request));
  }

  isUsed(port: number): boolean {
    return this.ports.has(port);
  }

  /** True if nobody but automatically bound connections uses the port. */
  private isShared(port: number): boolean {
    const list = this.ports.get(port);
    if (list === undefined) return true;
    for (const binding of list) if (!(binding instanceof AutomaticBinding)) return false;
    return true;
  }

  private add(port: number, request: BindRequest): PortBinding {
    return this.insert(new PortBinding(port, request));
  }

  private insert(binding: PortBinding): PortBinding {
    const list = this.ports.get(binding.port);
    if (list === undefined) this.ports.set(binding.port, [binding]);
    else list.push(binding);
    return binding;
  }

  private conflicts(port: number, request: BindRequest): boolean {
    const list = this.ports.get(port);
    if (list === undefined) return false;
    for (const other of list) if (this.conflict(other, request)) return true;
    return false;
  }

  private conflict(other: PortBinding, request: BindRequest): boolean {
    if (other.device !== 0 && request.device !== 0 && other.device !== request.device) return false;
    if (!addressesOverlap(other, request)) return false;
    const joins = other.reusePort && request.reusePort && !request.ownGroup;
    if (joins && other.uid === request.uid) return false;
    return !(other.reuseAddress && request.reuseAddress && (this.datagram || !other.listening));
  }
}

/** Who knows which flows exist. */
export interface FreeFlows {
  isFree(local: Address, localPort: number, remote: Address, remotePort: number): boolean;
}

function addressesOverlap(other: PortBinding, request: BindRequest): boolean {
  if (other.address !== null && request.address !== null) return other.address.equals(request.address);
  return (
    wildcardCovers(other.address, other.isV6, other.v6Only, request) && wildcardCoversBack(other, request)
  );
}

function wildcardCovers(
  address: Address | null,
  isV6: boolean,
  v6Only: boolean,
  request: BindRequest,
): boolean {
  if (address !== null) return true;
  const v4 = request.address !== null ? request.address.isV4 : !request.isV6;
  if (v4) return !isV6 || !v6Only;
  return isV6 || (request.address === null && !request.v6Only);
}

function wildcardCoversBack(other: PortBinding, request: BindRequest): boolean {
  if (request.address !== null) return true;
  const v4 = other.address !== null ? other.address.isV4 : !other.isV6;
  if (v4) return !request.isV6 || !request.v6Only;
  return request.isV6 || (other.address === null && !other.v6Only);
}
