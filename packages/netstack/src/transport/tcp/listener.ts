// Passive opens: a listener, the small records of handshakes under way (so that a SYN flood costs little), SYN cookies
// when they are too many (RFC 4987), the accept queue, TCP_DEFER_ACCEPT and Fast Open on the server's side.

import { ECONNABORTED } from '../../errno.js';
import { READY_READ, type Route } from '../../roles.js';
import { Timer, type TimerOwner } from '../../storage/timer-wheel.js';
import type { FlowTuple } from '../flow.js';
import type { PortBinding } from '../ports.js';
import type { GroupMember, ReuseGroup } from '../reuse-group.js';
import { abort } from './close.js';
import type { TcpSettings } from './config.js';
import type { TcpEndpoint } from './endpoint.js';
import { retransmitSynAck } from './request.js';
import type { Tcb } from './tcb.js';
import type { Tcp } from './tcp.js';

/** A handshake that a SYN began: RFC 9293's SYN-RECEIVED in a few words. */
export class TcpRequest implements TimerOwner {
  readonly tcp: Tcp;
  readonly listener: TcpListener;
  readonly flow: FlowTuple;
  readonly route: Route;
  readonly timer: Timer;
  irs = 0;
  iss = 0;
  peerMss = 0;
  /** -1: the peer does not scale. */
  peerWindowScale = -1;
  windowScale = 0;
  timestampsOk = false;
  tsRecent = 0;
  tsOffset = 0;
  sackOk = false;
  ecnOk = false;
  window = 0;
  retransmits = 0;
  sentAt = 0;
  /** The handshake is complete but data is awaited (TCP_DEFER_ACCEPT), or the accept queue was full. */
  acked = false;
  startedAt = 0;

  constructor(tcp: Tcp, listener: TcpListener, flow: FlowTuple, route: Route) {
    this.tcp = tcp;
    this.listener = listener;
    this.flow = flow;
    this.route = route;
    this.timer = new Timer(this, 0);
  }

  timerExpired(): void {
    retransmitSynAck(this);
  }
}

export class TcpListener implements GroupMember {
  readonly tcp: Tcp;
  readonly endpoint: TcpEndpoint;
  readonly binding: PortBinding;
  settings: TcpSettings;
  backlog: number;
  /** Connections ready for accept(2), oldest first, as a ring. */
  private queue: (Tcb | null)[];
  private first: number;
  /** Length of the accept queue. */
  ready: number;
  /** Handshakes under way. */
  requests: number;
  /** Fast Open connections whose handshake is not complete. */
  fastOpenPending: number;
  /** Cookies are believed for a while after the last one went out. */
  lastCookieAt: number;
  closed: boolean;
  accepted: number;
  /** Who shares the port with it; kept by the table of listeners. */
  group: ReuseGroup | null;

  constructor(tcp: Tcp, endpoint: TcpEndpoint, binding: PortBinding, settings: TcpSettings, backlog: number) {
    this.tcp = tcp;
    this.endpoint = endpoint;
    this.binding = binding;
    this.settings = settings;
    this.backlog = backlog;
    this.queue = new Array<Tcb | null>(8).fill(null);
    this.first = 0;
    this.ready = 0;
    this.requests = 0;
    this.fastOpenPending = 0;
    this.lastCookieAt = -1;
    this.closed = false;
    this.accepted = 0;
    this.group = null;
  }

  get isFull(): boolean {
    return this.ready > this.backlog;
  }

  /** A connection of this listener has completed its handshake. Fast Open ones were queued before. */
  childReady(tcb: Tcb): void {
    this.enqueue(tcb);
  }

  enqueue(tcb: Tcb): void {
    if (this.ready === this.queue.length) this.grow();
    this.queue[(this.first + this.ready) & (this.queue.length - 1)] = tcb;
    this.ready++;
    this.tcp.counters.passiveOpens++;
    this.tcp.wakeEndpoint(this.endpoint, READY_READ);
  }

  dequeue(): Tcb | null {
    if (this.ready === 0) return null;
    const tcb = this.queue[this.first] as Tcb;
    this.queue[this.first] = null;
    this.first = (this.first + 1) & (this.queue.length - 1);
    this.ready--;
    this.accepted++;
    tcb.listener = null;
    return tcb;
  }

  /** A connection died before it was accepted: it stays queued, and accept(2) hands out its error. */
  childGone(tcb: Tcb): void {
    if (tcb.error === 0) tcb.error = ECONNABORTED;
  }

  /** The listening socket is closed: nobody will take what is queued. */
  close(): void {
    this.closed = true;
    for (let tcb = this.dequeue(); tcb !== null; tcb = this.dequeue()) {
      tcb.orphaned = true;
      abort(tcb);
    }
  }

  private grow(): void {
    const bigger = new Array<Tcb | null>(this.queue.length * 2).fill(null);
    for (let i = 0; i < this.ready; i++) {
      bigger[i] = this.queue[(this.first + i) & (this.queue.length - 1)] as Tcb | null;
    }
    this.queue = bigger;
    this.first = 0;
  }
}
