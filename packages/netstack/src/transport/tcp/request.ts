// Handshakes that a SYN began: answering it, repeating the answer, checking what comes back, and making a connection of
// it. Also the stateless form: a SYN cookie answered and later believed.

import { Route } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.js';
import { FlowTuple } from '../flow.js';
import { enterQuickAck } from './acknowledge.js';
import { established } from './connect.js';
import { FAST_OPEN_SERVER, FAST_OPEN_SERVER_NO_COOKIE } from './fast-open.js';
import { applySynOptions, beginTransfer, prepareHandshake, sendSyn, takePeerSequence } from './handshake.js';
import { receiveSegment } from './input-segment.js';
import { cookieEcn, cookieSackOk, cookieWindowScale, encodeCookieTimestamp } from './isn.js';
import { type TcpListener, TcpRequest } from './listener.js';
import { beginReply, emitSegment, resetStranger, routeBack } from './raw-output.js';
import { receiveData } from './receive-data.js';
import { seqBefore, seqDiff } from './seq.js';
import { TCP_ESTABLISHED, TCP_SYN_RECV } from './state.js';
import { Tcb, windowFromSpace } from './tcb.js';
import { KIND_REQUEST, KIND_TCB, type Tcp } from './tcp.js';

const DEFAULT_MSS_V4 = 536;
const DEFAULT_MSS_V6 = 1220;
const COOKIE_LIFETIME = 128_000_000;
const MAX_TIMEOUT = 120_000_000;

/** A segment for a listener that belongs to no flow. */
export function receiveForListener(listener: TcpListener, s: TcpSegment, packet: PacketBuffer): void {
  const tcp = listener.tcp;
  if ((s.flags & TCP_RST) !== 0) return;
  if ((s.flags & TCP_ACK) !== 0) {
    if ((s.flags & TCP_SYN) !== 0 || !acceptCookie(listener, s, packet)) resetStranger(tcp, packet);
    return;
  }
  if ((s.flags & TCP_SYN) === 0 || (s.flags & TCP_FIN) !== 0) return;
  receiveSyn(listener, s, packet);
}

function receiveSyn(listener: TcpListener, s: TcpSegment, packet: PacketBuffer): void {
  const tcp = listener.tcp;
  const config = tcp.config;
  const crowded = listener.requests >= Math.min(Math.max(listener.backlog, 8), config.maxSynBacklog);
  if (listener.isFull) {
    tcp.counters.listenOverflows++;
    tcp.counters.listenDrops++;
    return;
  }
  if (config.synCookies === 2 || (crowded && config.synCookies === 1)) {
    sendCookie(listener, s, packet);
    return;
  }
  if (crowded) {
    tcp.counters.listenDrops++;
    return;
  }
  if (tryFastOpen(listener, s, packet)) return;
  startRequest(listener, s, packet);
}

/** A route of its own back to the sender of `packet`. */
export function routeTo(listener: TcpListener | null, packet: PacketBuffer): Route {
  const route = new Route(packet.source!);
  route.source = packet.destination;
  route.anySource = true;
  route.boundInterface = packet.source!.needsScope ? packet.interfaceIndex : 0;
  if (listener !== null) {
    route.tos = listener.settings.typeOfService;
    route.mark = listener.settings.mark !== 0 ? listener.settings.mark : packet.mark;
    if (listener.settings.device !== 0) route.boundInterface = listener.settings.device;
  }
  return route;
}

function startRequest(listener: TcpListener, s: TcpSegment, packet: PacketBuffer): void {
  const tcp = listener.tcp;
  const route = routeTo(listener, packet);
  if (tcp.host.resolve(route) < 0) return;
  const flow = new FlowTuple(
    packet.destination!,
    s.destinationPort,
    packet.source!,
    s.sourcePort,
    KIND_REQUEST,
  );
  const request = new TcpRequest(tcp, listener, flow, route);
  flow.owner = request;
  fillRequest(request, s);
  listener.requests++;
  tcp.flows.insert(flow);
  sendSynAck(request);
  tcp.timers.armAfter(request.timer, tcp.now, tcp.config.rtoInitial);
}

function fillRequest(request: TcpRequest, s: TcpSegment): void {
  const tcp = request.tcp;
  const config = tcp.config;
  const flow = request.flow;
  request.irs = s.seq;
  request.iss = tcp.passiveSequence(flow);
  request.peerMss = s.mss > 0 ? s.mss : flow.remote.isV4 ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6;
  request.timestampsOk = config.timestamps && s.hasTimestamps;
  request.tsRecent = s.timestamp;
  request.tsOffset = tcp.sequences.timestampOffset(flow.local, flow.remote);
  request.sackOk = config.sack && s.sackPermitted;
  request.ecnOk = config.ecn !== 0 && (s.flags & (TCP_ECE | TCP_CWR)) === (TCP_ECE | TCP_CWR);
  request.peerWindowScale = config.windowScaling ? s.windowScale : -1;
  request.startedAt = tcp.now;
}

function sendSynAck(request: TcpRequest): void {
  const tcp = request.tcp;
  const flow = request.flow;
  const s = tcp.out;
  s.clearOptions();
  s.sourcePort = flow.localPort;
  s.destinationPort = flow.remotePort;
  s.seq = request.iss;
  s.ack = (request.irs + 1) | 0;
  s.flags = TCP_SYN | TCP_ACK | (request.ecnOk ? TCP_ECE : 0);
  s.urgent = 0;
  fillSynAckOptions(tcp, s, request.listener, request.route);
  if (request.timestampsOk) {
    s.hasTimestamps = true;
    s.timestamp = (Math.floor(tcp.now / 1000) + request.tsOffset) | 0;
    s.timestampEcho = request.tsRecent;
  }
  s.sackPermitted = request.sackOk;
  if (request.peerWindowScale < 0) s.windowScale = -1;
  request.windowScale = Math.max(0, s.windowScale);
  request.window = s.window;
  request.sentAt = tcp.now;
  const { typeOfService, extensions } = request.listener.settings;
  emitSegment(tcp, s, flow.local, request.route, typeOfService, extensions);
}

function fillSynAckOptions(tcp: Tcp, s: TcpSegment, listener: TcpListener, route: Route): void {
  const settings = listener.settings;
  const headers = route.destination.isV4 ? 40 : 60;
  let mss = Math.min(route.mtu - headers, 65535);
  if (route.advertisedMss > 0) mss = Math.min(mss, route.advertisedMss);
  if (settings.maxSegment > 0) mss = Math.min(mss, settings.maxSegment);
  s.mss = Math.max(mss, tcp.config.minSendMss);
  const space = settings.receiveBuffer || tcp.config.receiveMemory[1];
  s.window = Math.min(windowFromSpace(space), 65535);
  if (settings.windowClamp > 0) s.window = Math.min(s.window, settings.windowClamp);
  s.windowScale = tcp.config.windowScaling ? scaleFor(tcp, settings.receiveBuffer, settings.windowClamp) : -1;
}

function scaleFor(tcp: Tcp, locked: number, clamp: number): number {
  let space = locked > 0 ? locked : Math.max(tcp.config.receiveMemory[2], tcp.config.receiveMemory[1]);
  if (clamp > 0) space = Math.min(space, clamp);
  let scale = 0;
  for (; space > 65535 && scale < 14; scale++) space >>= 1;
  return scale;
}

/** The timer of a request: the SYN-ACK again, until tcp_synack_retries. */
export function retransmitSynAck(request: TcpRequest): void {
  const tcp = request.tcp;
  const settings = request.listener.settings;
  const limit = settings.synRetries || tcp.config.synAckRetries;
  const deferring = request.acked && settings.deferAccept > 0;
  const expired = deferring
    ? tcp.now - request.startedAt > settings.deferAccept
    : request.retransmits >= limit;
  if (expired && !deferring) {
    dropRequest(request);
    return;
  }
  if (!deferring || expired) {
    request.retransmits++;
    sendSynAck(request);
    tcp.counters.retransmittedSegments++;
  }
  if (expired && request.retransmits > limit) {
    dropRequest(request);
    return;
  }
  const wait = Math.min(tcp.config.rtoInitial * 2 ** Math.max(1, request.retransmits), MAX_TIMEOUT);
  tcp.timers.armAfter(request.timer, tcp.now, wait);
}

export function dropRequest(request: TcpRequest): void {
  if (request.flow.owner !== request) return;
  request.flow.owner = null;
  request.tcp.flows.remove(request.flow);
  request.tcp.timers.cancel(request.timer);
  request.listener.requests--;
}

/** A segment for a handshake under way. */
export function receiveForRequest(request: TcpRequest, s: TcpSegment, packet: PacketBuffer): void {
  const tcp = request.tcp;
  const next = (request.irs + 1) | 0;
  if (request.listener.closed) {
    dropRequest(request);
    resetStranger(tcp, packet);
    return;
  }
  if (isRepeatedSyn(request, s)) {
    sendSynAck(request);
    return;
  }
  const stale = request.timestampsOk && s.hasTimestamps && seqBefore(s.timestamp, request.tsRecent);
  if ((s.flags & TCP_ACK) !== 0 && s.ack !== ((request.iss + 1) | 0)) {
    resetStranger(tcp, packet);
    return;
  }
  const inWindow = !seqBefore(s.seq, next) && seqBefore(s.seq, (next + Math.max(1, request.window)) | 0);
  if (stale || !inWindow) {
    if ((s.flags & TCP_RST) === 0) sendSynAck(request);
    return;
  }
  if ((s.flags & (TCP_RST | TCP_SYN)) !== 0) {
    if (s.seq === next && (s.flags & TCP_RST) !== 0) dropRequest(request);
    return;
  }
  if ((s.flags & TCP_ACK) !== 0) completeRequest(request, s, packet);
}

function isRepeatedSyn(request: TcpRequest, s: TcpSegment): boolean {
  return (s.flags & (TCP_SYN | TCP_RST | TCP_ACK | TCP_FIN)) === TCP_SYN && s.seq === request.irs;
}

function completeRequest(request: TcpRequest, s: TcpSegment, packet: PacketBuffer): void {
  const listener = request.listener;
  const tcp = request.tcp;
  if (listener.settings.deferAccept > 0 && s.payloadLength === 0 && (s.flags & TCP_FIN) === 0) {
    if (tcp.now - request.startedAt <= listener.settings.deferAccept) {
      request.acked = true;
      return;
    }
  }
  if (listener.isFull) {
    tcp.counters.listenOverflows++;
    request.acked = true;
    if (!tcp.config.abortOnOverflow) return;
    dropRequest(request);
    resetStranger(tcp, packet);
    return;
  }
  const flow = request.flow;
  tcp.timers.cancel(request.timer);
  listener.requests--;
  const tcb = new Tcb(tcp, flow, listener.settings, request.route);
  flow.owner = tcb;
  flow.kind = KIND_TCB;
  prepareHandshake(tcb, request.iss);
  copyRequest(tcb, request);
  if (request.retransmits === 0) {
    tcb.rtt.sample(tcp.now - request.sentAt, tcp.now, tcp.config.rtoMin, tcp.config.rtoMax);
  } else tcb.totalRetransmits = request.retransmits;
  adopt(tcb, listener, s, packet);
}

function copyRequest(tcb: Tcb, request: TcpRequest): void {
  setPeer(tcb, request.irs, request.peerMss, request.peerWindowScale);
  tcb.timestampsOk = request.timestampsOk;
  tcb.tsRecent = request.tsRecent;
  tcb.tsRecentAt = tcb.tcp.now;
  tcb.sackOk = request.sackOk;
  tcb.ecnOk = request.ecnOk;
  tcb.rcvWnd = request.window;
}

function setPeer(tcb: Tcb, irs: number, mss: number, windowScale: number): void {
  const next = (irs + 1) | 0;
  tcb.irs = irs;
  tcb.rcvNxt = next;
  tcb.rcvWup = next;
  tcb.readSeq = next;
  tcb.rcvSpaceSeq = next;
  tcb.rcvSpaceAt = tcb.tcp.now;
  tcb.lastAckSent = next;
  tcb.peerMss = Math.max(mss, tcb.tcp.config.minSendMss);
  if (windowScale >= 0) tcb.sndWindowScale = windowScale;
  else {
    tcb.rcvWindowScale = 0;
    tcb.windowClamp = Math.min(tcb.windowClamp, 65535);
  }
}

/** The handshake's last segment is here: the connection starts, and the segment is processed as its first. */
function adopt(tcb: Tcb, listener: TcpListener, s: TcpSegment, packet: PacketBuffer): void {
  const tcp = tcb.tcp;
  tcb.sndUna = (tcb.iss + 1) | 0;
  tcb.sndNxt = tcb.sndUna;
  tcb.sndWnd = s.window << tcb.sndWindowScale;
  tcb.sndWl1 = s.seq;
  tcb.state = TCP_ESTABLISHED;
  tcb.isPassive = true;
  tcb.listener = listener;
  tcb.binding = listener.binding;
  tcp.ports.share(listener.binding);
  beginTransfer(tcb);
  enterQuickAck(tcb);
  established(tcb);
  receiveSegment(tcb, s, packet);
}

/** Answers a SYN without keeping anything: RFC 4987 section 3.6. */
function sendCookie(listener: TcpListener, incoming: TcpSegment, packet: PacketBuffer): void {
  const tcp = listener.tcp;
  const local = packet.destination!;
  const remote = packet.source!;
  const mss = incoming.mss > 0 ? incoming.mss : DEFAULT_MSS_V4;
  const ports = [incoming.destinationPort, incoming.sourcePort] as const;
  const iss = tcp.sequences.cookie(local, ports[0], remote, ports[1], incoming.seq, mss, tcp.now);
  const route = routeBack(tcp, packet);
  if (tcp.host.resolve(route) < 0) return;
  const ecn = tcp.config.ecn !== 0 && (incoming.flags & (TCP_ECE | TCP_CWR)) === (TCP_ECE | TCP_CWR);
  const s = beginReply(tcp, iss, (incoming.seq + 1) | 0, TCP_SYN | TCP_ACK);
  fillSynAckOptions(tcp, s, listener, route);
  const scale = s.windowScale;
  s.windowScale = -1;
  if (tcp.config.timestamps && incoming.hasTimestamps) {
    if (incoming.windowScale >= 0) s.windowScale = scale;
    s.sackPermitted = tcp.config.sack && incoming.sackPermitted;
    if (ecn) s.flags |= TCP_ECE;
    s.hasTimestamps = true;
    s.timestampEcho = incoming.timestamp;
    const clock = Math.floor(tcp.now / 1000) | 0;
    const peerScale = s.windowScale >= 0 ? incoming.windowScale : -1;
    const encoded = encodeCookieTimestamp(clock, peerScale, s.sackPermitted, ecn);
    s.timestamp = (encoded + tcp.sequences.timestampOffset(local, remote)) | 0;
  }
  listener.lastCookieAt = tcp.now;
  tcp.counters.synCookiesSent++;
  emitSegment(tcp, s, local, route, listener.settings.typeOfService, listener.settings.extensions);
}

/** The acknowledgement of a cookie makes a connection. False if it is none of ours. */
function acceptCookie(listener: TcpListener, s: TcpSegment, packet: PacketBuffer): boolean {
  const tcp = listener.tcp;
  const recent = listener.lastCookieAt >= 0 && tcp.now - listener.lastCookieAt < COOKIE_LIFETIME;
  if (tcp.config.synCookies === 0 || !recent) return false;
  const local = packet.destination!;
  const remote = packet.source!;
  const cookie = (s.ack - 1) | 0;
  const irs = (s.seq - 1) | 0;
  const mss = tcp.sequences.checkCookie(cookie, local, s.destinationPort, remote, s.sourcePort, irs, tcp.now);
  if (mss === 0) {
    tcp.counters.synCookiesFailed++;
    return false;
  }
  tcp.counters.synCookiesReceived++;
  if (listener.isFull) {
    tcp.counters.listenOverflows++;
    return true;
  }
  makeFromCookie(listener, s, packet, cookie, irs, mss);
  return true;
}

function makeFromCookie(
  listener: TcpListener,
  s: TcpSegment,
  packet: PacketBuffer,
  iss: number,
  irs: number,
  mss: number,
): void {
  const tcp = listener.tcp;
  const route = routeTo(listener, packet);
  if (tcp.host.resolve(route) < 0) return;
  const flow = new FlowTuple(packet.destination!, s.destinationPort, packet.source!, s.sourcePort, KIND_TCB);
  const tcb = new Tcb(tcp, flow, listener.settings, route);
  flow.owner = tcb;
  tcp.flows.insert(flow);
  prepareHandshake(tcb, iss);
  let scale = -1;
  tcb.timestampsOk = s.hasTimestamps && tcp.config.timestamps;
  tcb.sackOk = false;
  if (tcb.timestampsOk) {
    const echo = seqDiff(s.timestampEcho, tcb.tsOffset);
    scale = cookieWindowScale(echo);
    tcb.sackOk = cookieSackOk(echo);
    tcb.ecnOk = cookieEcn(echo);
    tcb.tsRecent = s.timestamp;
    tcb.tsRecentAt = tcp.now;
  }
  setPeer(tcb, irs, mss, scale);
  adopt(tcb, listener, s, packet);
}

/** RFC 7413 section 4.2.2: data on a SYN with a valid cookie is accepted at once. */
function tryFastOpen(listener: TcpListener, s: TcpSegment, packet: PacketBuffer): boolean {
  const tcp = listener.tcp;
  const limit = listener.settings.fastOpenQueue;
  if (s.cookieLength < 0 || limit === 0 || (tcp.config.fastOpen & FAST_OPEN_SERVER) === 0) return false;
  if (listener.fastOpenPending >= limit) return false;
  const valid = isOwnCookie(tcp, s, packet) || (tcp.config.fastOpen & FAST_OPEN_SERVER_NO_COOKIE) !== 0;
  if (s.cookieLength === 0) tcp.counters.fastOpenCookieRequests++;
  else if (!valid) tcp.counters.fastOpenPassiveFail++;
  const tcb = openFromSyn(tcp, s, packet, listener);
  if (tcb === null) return true;
  // A cookie is given to who has no good one; the handshake is then an ordinary one that carries it back.
  tcb.fastOpenRequested = !valid;
  tcb.listener = listener;
  if (valid && s.payloadLength > 0) {
    tcp.counters.fastOpenPassive++;
    s.seq = (s.seq + 1) | 0;
    receiveData(tcb, s, packet);
  }
  sendSyn(tcb);
  tcb.fastOpenRequested = false;
  if (!valid) return true;
  listener.fastOpenPending++;
  tcb.fastOpenListener = listener;
  beginTransfer(tcb);
  listener.enqueue(tcb);
  return true;
}

function isOwnCookie(tcp: Tcp, s: TcpSegment, packet: PacketBuffer): boolean {
  if (s.cookieLength !== 8) return false;
  tcp.sequences.fastOpenCookie(tcp.out.cookie, packet.source!);
  let difference = 0;
  for (let i = 0; i < 8; i++) difference |= s.cookie[i]! ^ tcp.out.cookie[i]!;
  return difference === 0;
}

/** A full connection in SYN-RECEIVED from the SYN in hand; the caller sends the SYN-ACK. null if there is no way back. */
export function openFromSyn(
  tcp: Tcp,
  s: TcpSegment,
  packet: PacketBuffer,
  listener: TcpListener | null,
): Tcb | null {
  const route = routeTo(listener, packet);
  if (tcp.host.resolve(route) < 0) return null;
  const flow = new FlowTuple(packet.destination!, s.destinationPort, packet.source!, s.sourcePort, KIND_TCB);
  const tcb = new Tcb(tcp, flow, listener === null ? tcp.defaultSettings : listener.settings, route);
  flow.owner = tcb;
  tcp.flows.insert(flow);
  prepareHandshake(tcb, tcp.passiveSequence(flow));
  takePeerSequence(tcb, s);
  applySynOptions(tcb, s);
  tcb.isPassive = true;
  tcb.sndWnd = s.window;
  tcb.maxSndWnd = s.window;
  const ecn = (s.flags & (TCP_ECE | TCP_CWR)) === (TCP_ECE | TCP_CWR);
  tcb.ecnOk = tcp.config.ecn !== 0 && ecn;
  tcb.state = TCP_SYN_RECV;
  if (listener !== null) {
    tcb.binding = listener.binding;
    tcp.ports.share(listener.binding);
  }
  return tcb;
}
