// The face of TCP: an endpoint as a socket needs it. Nothing blocks or returns a promise; calls return a count or a
// negative errno, readiness is told to an owner object. Semantics are those of tcp(7), connect(2), recv(2) and send(2).

import { type Address, ANY_V4, ANY_V6 } from '../../address.js';
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
} from '../../errno.js';
import {
  READY_ERROR,
  READY_HANGUP,
  READY_PRIORITY,
  READY_READ,
  READY_READ_HANGUP,
  READY_WRITE,
  type ReadinessOwner,
  Route,
} from '../../roles.js';
import { FlowTuple } from '../flow.js';
import { BindRequest, type PortBinding } from '../ports.js';
import { applySettings } from './apply-settings.js';
import { abort, closeConnection, shutdownHalves } from './close.js';
import type { TcpSettings } from './config.js';
import { startConnect } from './connect.js';
import { FAST_OPEN_CLIENT } from './fast-open.js';
import { fillInfo, type TcpInfo } from './info.js';
import { endLinger, startLinger } from './linger.js';
import { TcpListener } from './listener.js';
import { consumeBytes, isReadable, readStream, readUrgent } from './read.js';
import { TCP_CLOSE, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from './state.js';
import { SHUTDOWN_RECEIVE, SHUTDOWN_SEND, Tcb, URGENT_VALID } from './tcb.js';
import { KIND_TCB, KIND_TIME_WAIT, type Tcp } from './tcp.js';
import { mayReuseActively, removeTimeWait, reuseSequence, type TimeWait } from './time-wait.js';
import { commitBytes, reserveBytes, writeSpace, writeStream } from './write.js';

export const READ_PEEK = 1;
/** The urgent byte (MSG_OOB). */
export const READ_URGENT = 2;
/** Throw bytes away instead of copying them (MSG_TRUNC on a stream). */
export const READ_DISCARD = 4;
/** More will follow at once (MSG_MORE). */
export const WRITE_MORE = 1;
/** The last byte is urgent (MSG_OOB). */
export const WRITE_URGENT = 2;

export class TcpEndpoint {
  readonly tcp: Tcp;
  /** Of the v6 family: a wildcard takes IPv4 too, unless settings.v6Only. */
  readonly isV6: boolean;
  private current: TcpSettings;
  tcb: Tcb | null;
  private listener: TcpListener | null;
  private binding: PortBinding | null;
  private owner: ReadinessOwner | null;
  private token: number;
  /** Events to be told when the work in hand is done; belongs to the protocol object. */
  pendingEvents: number;
  private error: number;
  private closed: boolean;

  constructor(tcp: Tcp, isV6 = false, settings?: TcpSettings) {
    this.tcp = tcp;
    this.isV6 = isV6;
    this.current = settings ?? tcp.defaultSettings;
    this.tcb = null;
    this.listener = null;
    this.binding = null;
    this.owner = null;
    this.token = 0;
    this.pendingEvents = 0;
    this.error = 0;
    this.closed = false;
  }

  /** An endpoint for a connection that exists: accepted, or taken from a forwarder. */
  static over(tcp: Tcp, tcb: Tcb): TcpEndpoint {
    const endpoint = new TcpEndpoint(tcp, !tcb.flow.local.isV4, tcb.settings);
    endpoint.tcb = tcb;
    tcb.endpoint = endpoint;
    return endpoint;
  }

  setOwner(owner: ReadinessOwner | null, token: number): void {
    this.owner = owner;
    this.token = token;
  }

  notify(events: number): void {
    this.owner?.endpointReady(this.token, events);
  }

  get settings(): TcpSettings {
    return this.current;
  }

  /** Changes options: `settings` is a clone of the current ones, modified. What can take effect at once does. */
  configure(settings: TcpSettings): void {
    this.tcp.enter();
    this.current = settings;
    if (this.binding !== null) this.binding.allowSharing(settings.reuseAddress, settings.reusePort);
    if (this.listener !== null) this.listener.settings = settings;
    if (this.tcb !== null) applySettings(this.tcb, settings);
    this.tcp.leave();
  }

  get state(): number {
    if (this.listener !== null) return TCP_LISTEN;
    return this.tcb === null ? TCP_CLOSE : this.tcb.state;
  }

  get localPort(): number {
    return this.tcb?.flow.localPort ?? this.binding?.port ?? 0;
  }

  get localAddress(): Address {
    if (this.tcb !== null) return this.tcb.flow.local;
    return this.binding?.address ?? (this.isV6 ? ANY_V6 : ANY_V4);
  }

  get remoteAddress(): Address | null {
    return this.tcb === null ? null : this.tcb.flow.remote;
  }

  get remotePort(): number {
    return this.tcb === null ? 0 : this.tcb.flow.remotePort;
  }

  /** Port 0 picks one. 0, -EINVAL (bound already), -EADDRINUSE, -EADDRNOTAVAIL, -EAFNOSUPPORT. */
  bind(address: Address | null, port: number): number {
    if (this.binding !== null || this.tcb !== null) return -EINVAL;
    if (address !== null && !address.isV4 && !this.isV6) return -EAFNOSUPPORT;
    const wildcard = address === null || address.isUnspecified;
    const free = this.current.freeBind || this.current.transparent;
    if (!wildcard && !free && !this.tcp.host.isLocalAddress(address, this.current.device))
      return -EADDRNOTAVAIL;
    const binding = this.tcp.ports.bind(port, this.bindRequest(wildcard ? null : address));
    if (typeof binding === 'number') return binding;
    this.binding = binding;
    return 0;
  }

  private bindRequest(address: Address | null): BindRequest {
    const request = new BindRequest();
    request.address = address;
    request.isV6 = this.isV6 && (address === null || !address.isV4);
    request.v6Only = this.current.v6Only;
    request.device = this.current.device;
    request.reuseAddress = this.current.reuseAddress;
    request.reusePort = this.current.reusePort;
    return request;
  }

  /** 0, -EINVAL (connected), -EADDRINUSE. Listening again changes the backlog. */
  listen(backlog: number): number {
    const limit = Math.max(0, Math.min(backlog >>> 0, this.tcp.config.maxBacklog));
    if (this.listener !== null) {
      this.listener.backlog = limit;
      return 0;
    }
    if (this.tcb !== null && this.tcb.state !== TCP_CLOSE) return -EINVAL;
    if (this.binding === null) {
      const result = this.bind(null, 0);
      if (result < 0) return result;
    }
    const binding = this.binding!;
    if (!this.mayListen(binding)) return -EADDRINUSE;
    binding.listening = true;
    this.tcb = null;
    this.listener = new TcpListener(this.tcp, this, binding, this.current, limit);
    this.tcp.listeners.add(this.listener);
    return 0;
  }

  // Two sockets may share a port by SO_REUSEADDR, but only one of them may listen.
  private mayListen(binding: PortBinding): boolean {
    for (const other of this.tcp.listening()) {
      if (other.binding.port !== binding.port || (other.binding.reusePort && binding.reusePort)) continue;
      const same = other.binding.address === null || binding.address === null;
      const families = other.binding.isV6 === binding.isV6;
      if (same ? families : other.binding.address!.equals(binding.address!)) return false;
    }
    return true;
  }

  /** The oldest connection that is ready, or null (-EAGAIN). */
  accept(): TcpEndpoint | null {
    const tcb = this.listener?.dequeue() ?? null;
    return tcb === null ? null : TcpEndpoint.over(this.tcp, tcb);
  }

  /**
   * Starts a connection: -EINPROGRESS, after which the endpoint becomes writable or has an error. -EISCONN, -EALREADY, -EAFNOSUPPORT,
   * -EADDRNOTAVAIL (no port left, or the flow exists), or what the route says.
   */
  connect(remote: Address, port: number): number {
    if (this.listener !== null) return -EISCONN;
    if (this.tcb !== null) return this.connectAgain(this.tcb);
    if (!remote.isV4 && !this.isV6) return -EAFNOSUPPORT;
    if (remote.isMulticast || remote.isLimitedBroadcast) return -ENETUNREACH;
    this.tcp.enter();
    const result = this.open(remote.isUnspecified ? loopbackFor(this.tcp, remote) : remote, port);
    this.tcp.leave();
    return result;
  }

  private connectAgain(tcb: Tcb): number {
    if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) return -EALREADY;
    if (tcb.error !== 0) return -this.takeError();
    return -EISCONN;
  }

  private open(remote: Address, port: number): number {
    const route = this.routeTo(remote);
    const resolved = this.tcp.host.resolve(route);
    if (resolved < 0) return resolved;
    if (route.isBroadcast || route.isMulticast || route.chosenSource === null) return -ENETUNREACH;
    const local = route.chosenSource;
    route.source = local;
    const made = this.claimFlow(local, remote, port);
    if (typeof made === 'number') return made;
    const tcb = new Tcb(this.tcp, made, this.current, route);
    made.owner = tcb;
    this.tcp.flows.insert(made);
    tcb.binding = this.binding;
    this.binding = null;
    tcb.endpoint = this;
    tcb.fastOpenRequested =
      this.current.fastOpenConnect && (this.tcp.config.fastOpen & FAST_OPEN_CLIENT) !== 0;
    this.tcb = tcb;
    startConnect(tcb, this.firstSequence(made));
    return tcb.synDeferred ? 0 : -EINPROGRESS;
  }

  private routeTo(remote: Address): Route {
    const route = new Route(remote);
    const bound = this.binding?.address ?? null;
    route.source = bound;
    route.boundInterface = this.current.device;
    route.mark = this.current.mark;
    route.tos = this.current.typeOfService;
    route.anySource = this.current.transparent || this.current.freeBind;
    return route;
  }

  /** A flow that nobody has: with the bound port, or an ephemeral one. */
  private claimFlow(local: Address, remote: Address, port: number): FlowTuple | number {
    const tcp = this.tcp;
    if (this.binding === null) {
      const binding = tcp.ports.connect(local, remote, port, this.bindRequest(local), tcp);
      if (typeof binding === 'number') return binding;
      this.binding = binding;
      return new FlowTuple(local, binding.port, remote, port, KIND_TCB);
    }
    const existing = tcp.flows.find(local, this.binding.port, remote, port);
    if (existing === null) return new FlowTuple(local, this.binding.port, remote, port, KIND_TCB);
    if (existing.kind !== KIND_TIME_WAIT) return -EADDRNOTAVAIL;
    const record = existing.owner as TimeWait;
    if (!mayReuseActively(record)) return -EADDRNOTAVAIL;
    tcp.reuseIss = reuseSequence(record);
    removeTimeWait(record);
    return new FlowTuple(local, this.binding.port, remote, port, KIND_TCB);
  }

  private firstSequence(flow: FlowTuple): number {
    const tcp = this.tcp;
    const reused = tcp.reuseIss;
    tcp.reuseIss = 0;
    if (reused !== 0) return reused;
    return tcp.sequences.initial(flow.local, flow.localPort, flow.remote, flow.remotePort, tcp.now);
  }

  /**
   * Copies up to `length` received bytes. 0: the peer has finished. -EAGAIN, -ENOTCONN, or the connection's error once.
   * With READ_URGENT: the urgent byte, -EINVAL if there is none.
   */
  read(into: Uint8Array, offset: number, length: number, flags = 0): number {
    const tcb = this.tcb;
    if (tcb === null || tcb.state === TCP_LISTEN) return -ENOTCONN;
    this.tcp.enter();
    const count =
      (flags & READ_URGENT) !== 0
        ? readUrgent(tcb, into, offset, length, (flags & READ_PEEK) !== 0)
        : readStream(tcb, into, offset, length, (flags & READ_PEEK) !== 0, (flags & READ_DISCARD) !== 0);
    const result = count === -EAGAIN ? this.emptyRead(tcb) : count;
    this.tcp.leave();
    return result;
  }

  private emptyRead(tcb: Tcb): number {
    if (tcb.finTaken) return 0;
    if (tcb.error !== 0) return -this.takeError();
    if ((tcb.shutdown & SHUTDOWN_RECEIVE) !== 0) return 0;
    if (tcb.state === TCP_CLOSE) return -ENOTCONN;
    return -EAGAIN;
  }

  /** Bytes that can be read without waiting: FIONREAD. */
  get readable(): number {
    return this.tcb === null ? 0 : this.tcb.receiveRing.length;
  }

  /** Zero copy reading: bytes readView()[readViewOffset .. + readViewLength) are next. Valid until the next call. */
  readView(): Uint8Array {
    return this.tcb!.receiveRing.view();
  }

  get readViewOffset(): number {
    return this.tcb === null ? 0 : this.tcb.receiveRing.viewOffset(0);
  }

  get readViewLength(): number {
    return this.tcb === null ? 0 : this.tcb.receiveRing.viewLength(0);
  }

  /** Takes `count` bytes off the front after readView. */
  consume(count: number): void {
    if (this.tcb === null) return;
    this.tcp.enter();
    consumeBytes(this.tcb, Math.min(count, this.tcb.receiveRing.length));
    this.tcp.leave();
  }

  /**
   * Takes up to `length` bytes into the send buffer and sends what may go. Returns how many; -EAGAIN (buffer full, or the
   * handshake is not complete), -EPIPE, -ENOTCONN, or the connection's error once.
   */
  write(from: Uint8Array, offset: number, length: number, flags = 0): number {
    const tcb = this.tcb;
    if (tcb === null) return -ENOTCONN;
    this.tcp.enter();
    if (tcb.error !== 0) {
      const error = -this.takeError();
      this.tcp.leave();
      return error;
    }
    const count = writeStream(
      tcb,
      from,
      offset,
      length,
      (flags & WRITE_MORE) !== 0,
      (flags & WRITE_URGENT) !== 0,
    );
    this.tcp.leave();
    return count;
  }

  /** Zero copy writing: room for up to `length` bytes at writeView()[writeViewOffset …]; returns how many fit in one piece. */
  reserve(length: number): number {
    return this.tcb === null ? -ENOTCONN : reserveBytes(this.tcb, length);
  }

  writeView(): Uint8Array {
    return this.tcb!.sendRing.view();
  }

  get writeViewOffset(): number {
    return this.tcb === null ? 0 : this.tcb.sendRing.viewOffset(this.tcb.sendRing.length);
  }

  /** Sends `count` bytes that were written into the reserved room. */
  commit(count: number): void {
    if (this.tcb === null) return;
    this.tcp.enter();
    commitBytes(this.tcb, count);
    this.tcp.leave();
  }

  /** Free room in the send buffer. */
  get writable(): number {
    return this.tcb === null ? 0 : writeSpace(this.tcb);
  }

  /** Bytes written but not acknowledged (SIOCOUTQ), and those not yet sent (SIOCOUTQNSD). */
  get unacknowledged(): number {
    return this.tcb === null ? 0 : (this.tcb.writeSeq - this.tcb.sndUna) | 0;
  }

  get unsent(): number {
    return this.tcb === null ? 0 : Math.max(0, (this.tcb.writeSeq - this.tcb.sndNxt) | 0);
  }

  /** `halves`: SHUTDOWN_RECEIVE, SHUTDOWN_SEND or both. 0, -ENOTCONN, -EINVAL. */
  shutdown(halves: number): number {
    if (halves === 0 || (halves & ~(SHUTDOWN_RECEIVE | SHUTDOWN_SEND)) !== 0) return -EINVAL;
    if (this.listener !== null && (halves & SHUTDOWN_RECEIVE) !== 0) {
      this.stopListening();
      return 0;
    }
    const tcb = this.tcb;
    if (tcb === null || tcb.state === TCP_CLOSE) return -ENOTCONN;
    this.tcp.enter();
    shutdownHalves(tcb, halves);
    this.tcp.leave();
    return 0;
  }

  /**
   * Gives the endpoint up: 0. What was written is still delivered, unless data lies unread or linger is 0. -EAGAIN with a linger
   * time above zero while the peer has not acknowledged everything: the owner is told when `lingering` may have become false.
   */
  close(): number {
    if (this.closed) return 0;
    this.closed = true;
    const owner = this.owner;
    this.owner = null;
    this.tcp.enter();
    this.stopListening();
    if (this.tcb !== null) closeConnection(this.tcb);
    const waits = this.tcb !== null && startLinger(this.tcb, this);
    if (waits) this.owner = owner;
    if (this.binding !== null) this.tcp.ports.release(this.binding);
    this.binding = null;
    this.tcp.leave();
    return waits ? -EAGAIN : 0;
  }

  /** After close(): the peer has not acknowledged everything, and the linger time is not over. */
  get lingering(): boolean {
    return this.closed && this.tcb !== null && this.tcb.lingerTimer !== null;
  }

  /** Waits no longer after close(): a signal came. The connection ends by itself. */
  stopLingering(): void {
    this.owner = null;
    if (this.tcb !== null) endLinger(this.tcb);
  }

  /** Resets the connection. */
  abort(): void {
    const tcb = this.tcb;
    if (tcb === null) return;
    this.tcp.enter();
    abort(tcb);
    this.tcp.leave();
  }

  /** connect(2) with AF_UNSPEC: the connection is reset and the endpoint can be used anew. */
  disconnect(): number {
    if (this.listener !== null) return -EOPNOTSUPP;
    this.abort();
    if (this.tcb !== null) this.tcb.endpoint = null;
    this.tcb = null;
    return 0;
  }

  private stopListening(): void {
    if (this.listener === null) return;
    this.tcp.listeners.remove(this.listener);
    this.listener.binding.listening = false;
    this.listener.close();
    this.listener = null;
  }

  /** SO_ERROR: the positive errno that ended the connection, once. */
  takeError(): number {
    const tcb = this.tcb;
    const error = this.error !== 0 ? this.error : (tcb?.error ?? 0);
    this.error = 0;
    if (tcb !== null) tcb.error = 0;
    return error;
  }

  /** READY_* bits, as poll(2) sees them. */
  get ready(): number {
    if (this.listener !== null) return this.listener.ready > 0 ? READY_READ : 0;
    const tcb = this.tcb;
    if (tcb === null) return READY_HANGUP | READY_WRITE;
    let bits = 0;
    const both = SHUTDOWN_RECEIVE | SHUTDOWN_SEND;
    if ((tcb.shutdown & both) === both || tcb.state === TCP_CLOSE) bits |= READY_HANGUP;
    if ((tcb.shutdown & SHUTDOWN_RECEIVE) !== 0) bits |= READY_READ | READY_READ_HANGUP;
    if (tcb.error !== 0) bits |= READY_ERROR;
    if (tcb.synDeferred) return bits | READY_WRITE;
    if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) return bits;
    if (isReadable(tcb)) bits |= READY_READ;
    if ((tcb.shutdown & SHUTDOWN_SEND) !== 0 || writeSpace(tcb) * 3 >= tcb.sendBuffer) bits |= READY_WRITE;
    else tcb.writeBlocked = true;
    if (tcb.urgentState === URGENT_VALID) bits |= READY_PRIORITY;
    return bits;
  }

  /** SIOCATMARK: the next byte to read is the urgent one. */
  get atMark(): boolean {
    return this.tcb !== null && this.tcb.urgentState !== 0 && this.tcb.urgentSeq === this.tcb.readSeq;
  }

  /** Connections waiting to be accepted, and handshakes under way. */
  get backlogLength(): number {
    return this.listener === null ? 0 : this.listener.ready;
  }

  /** TCP_INFO into a record that the caller keeps. */
  info(into: TcpInfo): void {
    fillInfo(this, into);
  }
}

function loopbackFor(tcp: Tcp, remote: Address): Address {
  if (remote.isV4) return tcp.host.addresses.words(0, 0, 0xffff, 0x7f000001);
  return tcp.host.addresses.words(0, 0, 0, 1);
}
