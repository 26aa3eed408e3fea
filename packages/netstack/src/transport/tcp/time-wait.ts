// TIME-WAIT: RFC 9293 section 3.10.7.4 and 3.6.1, with the reuse rules of RFC 6191 (a newer timestamp or sequence number
// may open a new connection) and RFC 1337 as an option. A small record takes the connection's place in the table.

import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { Timer, type TimerOwner } from '../../storage/timer-wheel.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.js';
import type { FlowTuple } from '../flow.js';
import type { PortBinding } from '../ports.js';
import { finish } from './close.js';
import { beginReply, emitSegment, routeBack } from './raw-output.js';
import { seqAfter, seqBefore, seqDiff } from './seq.js';
import type { Tcb } from './tcb.js';
import { KIND_TIME_WAIT, type Tcp } from './tcp.js';
import { remainingWindow } from './window.js';

/** How far the new connection's numbers start behind the old ones: more than the largest unscaled window. */
const REUSE_GAP = 65537;
const SECOND = 1_000_000;

export class TimeWait implements TimerOwner {
  readonly tcp: Tcp;
  readonly flow: FlowTuple;
  readonly timer: Timer;
  readonly binding: PortBinding | null;
  readonly sndNxt: number;
  readonly rcvNxt: number;
  readonly rcvWnd: number;
  readonly rcvWindowScale: number;
  readonly timestampsOk: boolean;
  readonly tsOffset: number;
  tsRecent: number;
  tsRecentAt: number;
  readonly typeOfService: number;
  lastAnswerAt: number;

  constructor(tcb: Tcb) {
    this.tcp = tcb.tcp;
    this.flow = tcb.flow;
    this.timer = new Timer(this, 0);
    this.binding = tcb.binding;
    this.sndNxt = tcb.sndNxt;
    this.rcvNxt = tcb.rcvNxt;
    this.rcvWnd = remainingWindow(tcb);
    this.rcvWindowScale = tcb.rcvWindowScale;
    this.timestampsOk = tcb.timestampsOk;
    this.tsOffset = tcb.tsOffset;
    this.tsRecent = tcb.tsRecent;
    this.tsRecentAt = tcb.tsRecentAt;
    this.typeOfService = tcb.settings.typeOfService;
    this.lastAnswerAt = 0;
  }

  timerExpired(): void {
    removeTimeWait(this);
  }
}

/** The connection is over; its record holds the flow for two segment lifetimes. */
export function enterTimeWait(tcb: Tcb): void {
  const tcp = tcb.tcp;
  if (tcp.timeWaitCount >= tcp.config.maxTimeWait) {
    finish(tcb);
    return;
  }
  const record = new TimeWait(tcb);
  tcb.flow.owner = record;
  tcb.flow.kind = KIND_TIME_WAIT;
  tcb.binding = null;
  tcp.timeWaitCount++;
  tcp.counters.timeWaits++;
  tcp.timers.armAfter(record.timer, tcp.now, tcp.config.timeWait);
  finish(tcb);
}

export function removeTimeWait(record: TimeWait): void {
  const tcp = record.tcp;
  if (record.flow.owner !== record) return;
  record.flow.owner = null;
  tcp.timers.cancel(record.timer);
  tcp.flows.remove(record.flow);
  tcp.timeWaitCount--;
  if (record.binding !== null) tcp.ports.release(record.binding);
}

export const TIME_WAIT_HANDLED = 0;
/** The segment is a SYN that may open a new connection: the record is gone, a listener decides. */
export const TIME_WAIT_REUSED = 1;

/** A segment for a flow in TIME-WAIT. */
export function receiveInTimeWait(record: TimeWait, s: TcpSegment, packet: PacketBuffer): number {
  const tcp = record.tcp;
  const stale =
    record.timestampsOk &&
    s.hasTimestamps &&
    seqBefore(s.timestamp, record.tsRecent) &&
    tcp.now - record.tsRecentAt < 24 * 3600 * SECOND;
  const end = (s.seq + s.payloadLength + ((s.flags & TCP_FIN) !== 0 ? 1 : 0)) | 0;
  if (!stale && s.seq === record.rcvNxt && (end === s.seq || (s.flags & TCP_RST) !== 0)) {
    return takeExpected(record, s);
  }
  if (isReuse(record, s, stale)) {
    tcp.reuseIss = (record.sndNxt + REUSE_GAP) | 0;
    tcp.counters.timeWaitRecycled++;
    removeTimeWait(record);
    return TIME_WAIT_REUSED;
  }
  if ((s.flags & TCP_RST) === 0) {
    if (!stale && (s.flags & TCP_FIN) !== 0) tcp.timers.armAfter(record.timer, tcp.now, tcp.config.timeWait);
    answer(record, packet);
  }
  return TIME_WAIT_HANDLED;
}

// RFC 1337: a reset may assassinate the state unless we are told to protect it.
function takeExpected(record: TimeWait, s: TcpSegment): number {
  const tcp = record.tcp;
  if ((s.flags & TCP_RST) !== 0) {
    if (!tcp.config.rfc1337) removeTimeWait(record);
    return TIME_WAIT_HANDLED;
  }
  tcp.timers.armAfter(record.timer, tcp.now, tcp.config.timeWait);
  if (record.timestampsOk && s.hasTimestamps) {
    record.tsRecent = s.timestamp;
    record.tsRecentAt = tcp.now;
  }
  return TIME_WAIT_HANDLED;
}

function isReuse(record: TimeWait, s: TcpSegment, stale: boolean): boolean {
  if ((s.flags & TCP_SYN) === 0 || (s.flags & (TCP_RST | TCP_ACK)) !== 0 || stale) return false;
  if (seqAfter(s.seq, record.rcvNxt)) return true;
  return record.timestampsOk && s.hasTimestamps && seqBefore(record.tsRecent, s.timestamp);
}

/** The last acknowledgement again; twice a second at most. */
function answer(record: TimeWait, packet: PacketBuffer): void {
  const tcp = record.tcp;
  if (record.lastAnswerAt !== 0 && tcp.now - record.lastAnswerAt < tcp.config.invalidRateLimit) return;
  record.lastAnswerAt = tcp.now;
  const s = beginReply(tcp, record.sndNxt, record.rcvNxt, TCP_ACK);
  s.window = Math.min(record.rcvWnd >>> record.rcvWindowScale, 0xffff);
  if (record.timestampsOk) {
    s.hasTimestamps = true;
    s.timestamp = (Math.floor(tcp.now / 1000) + record.tsOffset) | 0;
    s.timestampEcho = record.tsRecent;
  }
  emitSegment(tcp, s, record.flow.local, routeBack(tcp, packet), record.typeOfService);
}

/** An active open may take the flow over (tcp_tw_reuse): timestamps of the new one will be later by a second. */
export function mayReuseActively(record: TimeWait): boolean {
  const mode = record.tcp.config.timeWaitReuse;
  if (mode === 0 || (mode === 2 && !record.flow.local.isLoopback)) return false;
  return record.timestampsOk && record.tcp.now - record.tsRecentAt > SECOND;
}

/** The number that a reusing active open starts from. */
export function reuseSequence(record: TimeWait): number {
  return (record.sndNxt + REUSE_GAP) | 0;
}

export function isNewer(a: number, b: number): boolean {
  return seqDiff(a, b) > 0;
}
