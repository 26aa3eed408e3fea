// The host's sockets as flows see them: addresses of netstack in, descriptors out, readiness to an owner object. Interest is
// edge-triggered: an owner who is told must go on until EAGAIN, or remember that it stopped before.
import { EINPROGRESS, ENOTCONN, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '@sandbox-kernel/abi';
import type { HostInetSockets } from '@sandbox-kernel/host';
import type { Address } from '@sandbox-kernel/netstack';
import { readSocketAddress, type SocketAddress, writeSocketAddress } from './socket-address.js';

const AF_INET = 2;
const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const TCP_NODELAY = 1;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const BACKLOG = 512;

/** What readiness is told to. Told too often is harmless; `events` are EPOLL* bits. */
export interface HostOwner {
  hostReady(events: number): void;
}

/** The watcher's part that is used here: host's EventWatcher, or a scripted one. */
export interface Watcher {
  add(fd: number, events: number, token: number): number;
  remove(fd: number): number;
}

/** Host calls that flows make; a role, so that tests can lead public addresses to loopback. */
export type HostCalls = Pick<
  HostInetSockets,
  | 'open'
  | 'connect'
  | 'bind'
  | 'listen'
  | 'accept'
  | 'receive'
  | 'receiveFrom'
  | 'send'
  | 'sendTo'
  | 'shutdown'
  | 'close'
  | 'reset'
  | 'takeError'
  | 'setOption'
  | 'localAddress'
  | 'peerAddress'
  | 'bytes'
  | 'peer'
  | 'peerLength'
>;

export class HostNet {
  readonly calls: HostCalls;
  readonly #watcher: Watcher;
  readonly #firstToken: number;
  /** By descriptor: whom to tell. */
  readonly #owners: (HostOwner | null)[] = [];
  /** Descriptors open. */
  open = 0;

  /** Tokens are `firstToken` + descriptor. */
  constructor(calls: HostCalls, watcher: Watcher, firstToken: number) {
    this.calls = calls;
    this.#watcher = watcher;
    this.#firstToken = firstToken;
  }

  /** True when the event was for a descriptor of this object. */
  deliver(token: number, events: number): boolean {
    const fd = token - this.#firstToken;
    if (fd < 0) return false;
    this.#owners[fd]?.hostReady(events);
    return true;
  }

  /** A stream socket on its way to `address`, or -errno. */
  connectStream(address: Address, port: number, owner: HostOwner): number {
    const fd = this.calls.open(familyOf(address), SOCK_STREAM, 0);
    if (fd < 0) return fd;
    this.calls.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return this.#start(fd, this.calls.connect(fd, writeSocketAddress(address, port)), owner);
  }

  connectDatagram(address: Address, port: number, owner: HostOwner): number {
    const fd = this.calls.open(familyOf(address), SOCK_DGRAM, 0);
    if (fd < 0) return fd;
    return this.#start(fd, this.calls.connect(fd, writeSocketAddress(address, port)), owner);
  }

  /** An ICMP echo socket, which the host may refuse (EACCES, EPERM). */
  connectEcho(address: Address, owner: HostOwner): number {
    const protocol = address.isV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    const fd = this.calls.open(familyOf(address), SOCK_DGRAM, protocol);
    if (fd < 0) return fd;
    return this.#start(fd, this.calls.connect(fd, writeSocketAddress(address, 0)), owner);
  }

  /** A listening stream socket (or a bound datagram socket), or -errno. Port 0 lets the host choose. */
  bind(address: Address, port: number, type: number, owner: HostOwner): number {
    const fd = this.calls.open(familyOf(address), type, 0);
    if (fd < 0) return fd;
    if (type === SOCK_STREAM) this.calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!address.isV4) this.calls.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    let result = this.calls.bind(fd, writeSocketAddress(address, port));
    if (result >= 0 && type === SOCK_STREAM) result = this.calls.listen(fd, BACKLOG);
    return this.#start(fd, result, owner);
  }

  /** A connection from a listening socket, whose peer is then told by `lastPeer`. -EAGAIN: none. */
  accept(fd: number, owner: HostOwner): number {
    const accepted = this.calls.accept(fd);
    if (accepted < 0) return accepted;
    this.calls.setOption(accepted, IPPROTO_TCP, TCP_NODELAY, 1);
    return accepted < 0 ? accepted : this.watch(accepted, owner);
  }

  /** Who `accept` or `calls.receiveFrom` was about. */
  lastPeer(): SocketAddress | null {
    return readSocketAddress(this.calls.peer, this.calls.peerLength);
  }

  localAddress(fd: number): SocketAddress | null {
    return this.calls.localAddress(fd) < 0 ? null : this.lastPeer();
  }

  /** 0: connected. -EINPROGRESS: not decided. Else why not. */
  connected(fd: number): number {
    const error = this.calls.takeError(fd);
    if (error !== 0) return error < 0 ? error : -error;
    return this.calls.peerAddress(fd) === -ENOTCONN ? -EINPROGRESS : 0;
  }

  /** Tells `owner` of a descriptor's readiness from now on; the descriptor, or -errno when it can't be (it is closed then). */
  watch(fd: number, owner: HostOwner): number {
    const events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    const result = this.#watcher.add(fd, events, this.#firstToken + fd);
    if (result < 0) {
      this.calls.close(fd);
      return result;
    }
    while (this.#owners.length <= fd) this.#owners.push(null);
    this.#owners[fd] = owner;
    this.open++;
    return fd;
  }

  /** Closing a descriptor takes it out of the watcher. With `reset` a stream's peer sees one. */
  close(fd: number, reset = false): void {
    this.#owners[fd] = null;
    this.open--;
    if (reset) this.calls.reset(fd);
    else this.calls.close(fd);
  }

  #start(fd: number, result: number, owner: HostOwner): number {
    if (result >= 0 || result === -EINPROGRESS) return this.watch(fd, owner);
    this.calls.close(fd);
    return result;
  }
}

/** An address that no socket takes gives its error from the host: this is only the family. */
function familyOf(address: Address): number {
  return address.isV4 ? AF_INET : AF_INET6;
}
