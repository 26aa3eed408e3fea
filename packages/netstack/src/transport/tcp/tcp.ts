// The protocol object: tables of connections and listeners, what arrives from the network layer, pools and counters.
// One per stack, registered for IP protocol 6. All work runs inside deliver(), timers and calls of endpoints; readiness
// callbacks are made when that work is done, so that an owner may call back in.

import type { Address } from '../../address.js';
import type { IcmpError, TransportHost, TransportProtocol } from '../../roles.js';
import { Route } from '../../roles.js';
import { KEEP_BOXED } from '../../storage/boxed.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import type { TimerWheel } from '../../storage/timer-wheel.js';
import { parseTcp, TCP_ACK, TCP_RST, TCP_SYN, TcpSegment } from '../../wire/tcp.js';
import { checksumHolds } from '../checksum.js';
import { FlowTable, type FlowTuple } from '../flow.js';
import { type FreeFlows, PortTable } from '../ports.js';
import { AckSample } from './ack-sample.js';
import { RingPool } from './byte-ring.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig, TcpSettings } from './config.js';
import { type CongestionControl, CongestionRegistry } from './congestion.js';
import { Bbr } from './congestion-bbr.js';
import { Cubic } from './congestion-cubic.js';
import { NewReno } from './congestion-newreno.js';
import { TcpCounters } from './counters.js';
import type { TcpEndpoint } from './endpoint.js';
import { FastOpenCache } from './fast-open.js';
import { forwardSyn, type TcpForwarder } from './forwarder.js';
import { receiveIcmpError, refreshPathMtu } from './icmp.js';
import { receiveSegment } from './input-segment.js';
import { SequenceSource } from './isn.js';
import type { TcpListener, TcpRequest } from './listener.js';
import { ListenerTable } from './listener-table.js';
import { resetStranger } from './raw-output.js';
import { receiveForListener, receiveForRequest } from './request.js';
import { keepsSegment } from './segment-filter.js';
import { SegmentQueuePool } from './segment-queue.js';
import type { Tcb } from './tcb.js';
import { receiveInTimeWait, removeTimeWait, TIME_WAIT_REUSED, type TimeWait } from './time-wait.js';
import { timerExpired } from './timers.js';

const TCP_PROTOCOL = 6;
export const KIND_TCB = 0;
export const KIND_TIME_WAIT = 1;
export const KIND_REQUEST = 2;
export const KIND_FORWARDED = 3;

const SECOND = 1_000_000;

export class Tcp implements TransportProtocol, FreeFlows {
  readonly protocol = TCP_PROTOCOL;
  readonly host: TransportHost;
  readonly config: TcpConfig;
  readonly timers: TimerWheel;
  /** The stack's clock, as of the segment, timer or call in hand. */
  now: number;
  readonly in: TcpSegment;
  readonly out: TcpSegment;
  readonly ack: AckSample;
  /** The packet that `in` was read from. */
  inPacket!: PacketBuffer;
  readonly rings: RingPool;
  readonly queues: SegmentQueuePool;
  readonly flows: FlowTable;
  readonly listeners: ListenerTable;
  readonly ports: PortTable;
  readonly sequences: SequenceSource;
  readonly counters: TcpCounters;
  readonly algorithms: CongestionRegistry;
  readonly fastOpenCache: FastOpenCache;
  readonly scratchRoute: Route;
  readonly defaultSettings: TcpSettings;
  readonly wakeList: Tcb[];
  private readonly endpointWakes: TcpEndpoint[];
  forwarder: TcpForwarder | null;
  forwardedPending: number;
  timeWaitCount: number;
  orphanCount: number;
  /** Set by TIME-WAIT for the connection that takes its place; 0: none. */
  reuseIss: number;
  private challengesLeft: number;
  private challengeSecond: number;
  private depth: number;

  constructor(host: TransportHost, config: Partial<TcpConfig> = {}) {
    this.host = host;
    this.config = { ...DEFAULT_TCP_CONFIG, ...config };
    this.timers = host.timers;
    this.now = KEEP_BOXED;
    this.now = host.now();
    this.in = new TcpSegment();
    this.out = new TcpSegment();
    this.ack = new AckSample();
    this.rings = new RingPool();
    this.queues = new SegmentQueuePool();
    const random = (): number => host.random.next32();
    this.flows = new FlowTable(random());
    this.listeners = new ListenerTable(random());
    this.ports = new PortTable(this.config.portRange, random, false);
    this.sequences = new SequenceSource(random);
    this.counters = new TcpCounters();
    this.algorithms = new CongestionRegistry([new NewReno(), new Cubic(), new Bbr()]);
    this.fastOpenCache = new FastOpenCache();
    this.scratchRoute = new Route(host.addresses.words(0, 0, 0, 0));
    this.defaultSettings = new TcpSettings();
    this.wakeList = [];
    this.endpointWakes = [];
    this.forwarder = null;
    this.forwardedPending = 0;
    this.timeWaitCount = 0;
    this.orphanCount = 0;
    this.reuseIss = 0;
    this.challengesLeft = 0;
    this.challengeSecond = -1;
    this.depth = 0;
  }

  /** Every way in calls this first, and `leave` last: they nest. */
  enter(): void {
    if (this.depth++ === 0) this.now = this.host.now();
  }

  leave(): void {
    if (this.depth === 1) this.runWakes();
    this.depth--;
  }

  deliver(packet: PacketBuffer): void {
    this.enter();
    this.counters.inSegments++;
    if (this.accepts(packet)) {
      this.inPacket = packet;
      if (this.dispatch(packet)) packet.release();
    } else {
      this.counters.inErrors++;
      packet.release();
    }
    this.leave();
  }

  private accepts(packet: PacketBuffer): boolean {
    if (packet.source === null || packet.destination === null) return false;
    if (packet.destination.isMulticast || this.host.isBroadcastAddress(packet.destination)) return false;
    if (!parseTcp(this.in, packet.bytes, packet.start, packet.length)) return false;
    if (checksumHolds(packet, TCP_PROTOCOL)) return true;
    this.counters.checksumErrors++;
    return false;
  }

  /** True if the packet may be released now. */
  private dispatch(packet: PacketBuffer): boolean {
    const s = this.in;
    const flow = this.flows.find(packet.destination!, s.destinationPort, packet.source!, s.sourcePort);
    this.reuseIss = 0;
    if (flow !== null) {
      if (flow.kind === KIND_TCB) {
        const tcb = flow.owner as Tcb;
        if (tcb.settings.filter === null || keepsSegment(tcb.settings.filter, s, packet))
          receiveSegment(tcb, s, packet);
        return true;
      }
      if (this.dispatchMinor(flow, packet)) return true;
    }
    return this.dispatchNew(packet);
  }

  /** Requests, TIME-WAIT and flows that a forwarder ponders. False if a listener is to decide. */
  private dispatchMinor(flow: FlowTuple, packet: PacketBuffer): boolean {
    if (flow.kind === KIND_REQUEST) {
      const request = flow.owner as TcpRequest;
      const { filter } = request.listener.settings;
      if (filter === null || keepsSegment(filter, this.in, packet))
        receiveForRequest(request, this.in, packet);
    } else if (flow.kind === KIND_TIME_WAIT) {
      return receiveInTimeWait(flow.owner as TimeWait, this.in, packet) !== TIME_WAIT_REUSED;
    }
    return true;
  }

  private dispatchNew(packet: PacketBuffer): boolean {
    const s = this.in;
    const listener = this.listeners.find(packet, s.destinationPort, s.sourcePort, s.payloadOffset);
    if (listener !== null) {
      const { filter } = listener.settings;
      if (filter === null || keepsSegment(filter, s, packet)) receiveForListener(listener, s, packet);
      return true;
    }
    if (this.forwarder !== null && (s.flags & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN) {
      return forwardSyn(this, s, packet);
    }
    resetStranger(this, packet);
    return true;
  }

  icmpError(packet: PacketBuffer, error: IcmpError): void {
    this.enter();
    receiveIcmpError(this, packet, error);
    this.leave();
  }

  pmtuChanged(destination: Address, _mtu: number): void {
    this.enter();
    for (const flow of this.flows.list()) {
      if (flow.kind === KIND_TCB && flow.remote.equals(destination)) refreshPathMtu(flow.owner as Tcb);
    }
    this.leave();
  }

  routesChanged(): void {
    for (const flow of this.flows.list()) {
      if (flow.kind === KIND_TCB) (flow.owner as Tcb).route.invalidate();
    }
  }

  timerExpired(tcb: Tcb, kind: number): void {
    this.enter();
    timerExpired(tcb, kind);
    this.leave();
  }

  /** Sends all connections of this stack a reset and forgets everything: the stack is going away. */
  shutDown(): void {
    for (const flow of this.flows.list()) {
      if (flow.kind === KIND_TIME_WAIT) removeTimeWait(flow.owner as TimeWait);
    }
  }

  isFree(local: Address, localPort: number, remote: Address, remotePort: number): boolean {
    return this.flows.find(local, localPort, remote, remotePort) === null;
  }

  algorithm(name: string): CongestionControl {
    const found = this.algorithms.get(name === '' ? this.config.congestion : name);
    return found ?? this.algorithms.get('cubic')!;
  }

  /** The initial number for a passive open: behind a TIME-WAIT that it replaces, or fresh. */
  passiveSequence(flow: FlowTuple): number {
    if (this.reuseIss !== 0) return this.reuseIss;
    return this.sequences.initial(flow.local, flow.localPort, flow.remote, flow.remotePort, this.now);
  }

  /** RFC 6928: ten segments; one if the SYN was lost (RFC 5681). */
  initialWindow(tcb: Tcb): number {
    if (tcb.totalRetransmits > 1) return tcb.mss;
    const segments =
      tcb.route.initialWindow > 0 ? tcb.route.initialWindow : this.config.initialWindowSegments;
    return segments * tcb.mss;
  }

  mayChallenge(): boolean {
    const second = Math.floor(this.now / SECOND);
    if (second !== this.challengeSecond) {
      this.challengeSecond = second;
      // A random share, so that an observer can't count (RFC 5961's successor advice, CVE-2016-5696).
      const half = (this.config.challengeAckLimit + 1) >> 1;
      this.challengesLeft = half + (this.host.random.next32() % Math.max(1, this.config.challengeAckLimit));
    }
    return this.challengesLeft-- > 0;
  }

  tooManyOrphans(): boolean {
    return this.orphanCount > this.config.maxOrphans;
  }

  pathMtuStale(tcb: Tcb): void {
    tcb.route.invalidate();
    refreshPathMtu(tcb);
  }

  releaseBinding(tcb: Tcb): void {
    if (tcb.binding === null) return;
    this.ports.release(tcb.binding);
    tcb.binding = null;
  }

  wakeEndpoint(endpoint: TcpEndpoint, bits: number): void {
    if (endpoint.pendingEvents === 0) this.endpointWakes.push(endpoint);
    endpoint.pendingEvents |= bits;
  }

  /** For dumps: the flow's connection is over. */
  isTimeWait(flow: FlowTuple): boolean {
    return flow.kind === KIND_TIME_WAIT;
  }

  /** What is left of a connection that waits out its time; null while it is none. */
  timeWaitOf(flow: FlowTuple): TimeWait | null {
    return this.isTimeWait(flow) ? (flow.owner as TimeWait) : null;
  }

  /** Listeners, for dumps. */
  listening(): readonly TcpListener[] {
    return this.listeners.all();
  }

  private runWakes(): void {
    while (this.wakeList.length > 0) {
      const tcb = this.wakeList.pop()!;
      const bits = tcb.wakeBits;
      tcb.inWakeList = false;
      tcb.wakeBits = 0;
      tcb.endpoint?.notify(bits);
    }
    while (this.endpointWakes.length > 0) {
      const endpoint = this.endpointWakes.pop()!;
      const bits = endpoint.pendingEvents;
      endpoint.pendingEvents = 0;
      endpoint.notify(bits);
    }
  }
}
