// Builds segments and hands them to the network layer: the header's fields and options in every state, and the
// bookkeeping of what a segment that leaves acknowledges. Headers are written in place, payload is copied once.

import { EMSGSIZE, ENOBUFS } from '../../errno.js';
import { GSO_TCP, PACKET_DONT_FRAGMENT, type PacketBuffer } from '../../storage/packet-buffer.js';
import {
  emitTcp,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_MAX_SACK_BLOCKS,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  type TcpSegment,
  tcpHeaderLength,
} from '../../wire/tcp.js';
import { requestChecksum } from '../checksum.js';
import { seqAfter, seqDiff } from './seq.js';
import { ACK_NONE, type Tcb, timestampNow } from './tcb.js';
import { advertiseWindow, offeredWindow } from './window.js';
import { enterCwr } from './window-reduction.js';

export const TCP_PROTOCOL = 6;
const CHECKSUM_OFFSET = 16;
const ECT0 = 2;
const TIMESTAMP_OPTION = 12;
const OPTION_SPACE = 40;

/** Starts a segment of this connection in the stack's output record: ports, numbers, and no options. */
export function beginSegment(tcb: Tcb, seq: number, flags: number): TcpSegment {
  const s = tcb.tcp.out;
  s.clearOptions();
  s.sourcePort = tcb.flow.localPort;
  s.destinationPort = tcb.flow.remotePort;
  s.seq = seq;
  s.ack = (flags & TCP_ACK) !== 0 ? tcb.rcvNxt : 0;
  s.flags = flags;
  s.window = 0;
  s.urgent = 0;
  return s;
}

/** Options of every segment but SYNs. */
function addOptions(tcb: Tcb, s: TcpSegment): void {
  let space = OPTION_SPACE;
  if (tcb.timestampsOk) {
    s.hasTimestamps = true;
    s.timestamp = timestampNow(tcb);
    s.timestampEcho = tcb.tsRecent;
    space -= TIMESTAMP_OPTION;
  }
  if (tcb.sackOk) addSackBlocks(tcb, s, Math.min(TCP_MAX_SACK_BLOCKS, (space - 4) >> 3));
}

function addSackBlocks(tcb: Tcb, s: TcpSegment, max: number): void {
  if (tcb.dsackPending) {
    s.sackStart[0] = tcb.dsackStart;
    s.sackEnd[0] = tcb.dsackEnd;
    s.sackCount = 1;
    tcb.dsackPending = false;
  }
  if (tcb.reassembly !== null) tcb.reassembly.fillSack(s, max);
}

/** Bytes that options beside the timestamps would take from a full segment sent now. */
export function extraOptionBytes(tcb: Tcb): number {
  if (!tcb.sackOk) return 0;
  const blocks =
    (tcb.dsackPending ? 1 : 0) + (tcb.reassembly === null ? 0 : Math.min(tcb.reassembly.count, 3));
  return blocks === 0 ? 0 : 4 + 8 * Math.min(blocks, tcb.timestampsOk ? 3 : 4);
}

/** Sends `length` bytes of the send ring from `seq` on. `fresh` data (not retransmitted) may carry ECN marks. */
export function sendData(tcb: Tcb, seq: number, length: number, flags: number, fresh: boolean): number {
  const s = beginSegment(tcb, seq, flags);
  addOptions(tcb, s);
  addUrgent(tcb, s, length);
  const ect = tcb.ecnOk && fresh && length > 0;
  if (ect && tcb.ecnReduced) {
    s.flags |= TCP_CWR;
    tcb.ecnReduced = false;
  }
  if (tcb.ecnOk && tcb.ecnEcho) s.flags |= TCP_ECE;
  s.window = advertiseWindow(tcb);
  tcb.bytesSent += length;
  if (length > 0) tcb.dataSegmentsOut += Math.ceil(length / tcb.mss);
  return transmit(tcb, s, seq, length, ect);
}

/** RFC 6093: the pointer names the byte after the urgent one. */
function addUrgent(tcb: Tcb, s: TcpSegment, length: number): void {
  if (!tcb.urgentMode) return;
  const distance = seqDiff(tcb.sndUrgent, s.seq);
  if (distance <= 0 || (distance > 0xffff && length === 0)) return;
  s.flags |= TCP_URG;
  s.urgent = Math.min(distance, 0xffff);
}

/** An acknowledgement without data. */
export function sendAck(tcb: Tcb): void {
  sendControl(tcb, tcb.sndNxt, TCP_ACK);
}

/** A segment without data, with the options of the connection: acknowledgements, keepalives and window probes. */
export function sendControl(tcb: Tcb, seq: number, flags: number): void {
  const s = beginSegment(tcb, seq, flags);
  addOptions(tcb, s);
  addUrgent(tcb, s, 0);
  if (tcb.ecnOk && tcb.ecnEcho) s.flags |= TCP_ECE;
  s.window = advertiseWindow(tcb);
  transmit(tcb, s, 0, 0, false);
}

export function sendReset(tcb: Tcb): void {
  const s = beginSegment(tcb, tcb.sndNxt, TCP_RST | TCP_ACK);
  s.window = Math.min(offeredWindow(tcb) >>> tcb.rcvWindowScale, 0xffff);
  tcb.tcp.counters.outResets++;
  transmit(tcb, s, 0, 0, false);
}

/** Emits `s` with `length` bytes of the send ring behind it. */
export function transmit(tcb: Tcb, s: TcpSegment, seq: number, length: number, ect: boolean): number {
  const tcp = tcb.tcp;
  const headerLength = tcpHeaderLength(s);
  const packet = tcp.host.pool.allocate(headerLength + length);
  const at = packet.append(headerLength + length);
  emitTcp(s, packet.bytes, at);
  if (length > 0) copyPayload(tcb, seq, packet, at + headerLength, length);
  fillMetadata(tcb, packet, length, ect);
  if (tcb.flow.remote.isV4) packet.options = tcb.settings.ipOptions;
  else packet.extensions = tcb.settings.extensions;
  if ((s.flags & TCP_ACK) !== 0) acknowledgementLeft(tcb);
  tcb.segmentsOut++;
  tcb.lastSentAt = tcp.now;
  tcp.counters.outSegments++;
  return afterSend(tcb, tcp.host.send(packet, tcb.route), s.flags);
}

function copyPayload(tcb: Tcb, seq: number, packet: PacketBuffer, at: number, length: number): void {
  const first = (tcb.writeSeq - tcb.sendRing.length) | 0;
  tcb.sendRing.copy(seqDiff(seq, first), packet.bytes, at, length);
}

function fillMetadata(tcb: Tcb, packet: PacketBuffer, payload: number, ect: boolean): void {
  const settings = tcb.settings;
  const flow = tcb.flow;
  requestChecksum(packet, TCP_PROTOCOL, flow.local, flow.remote, CHECKSUM_OFFSET);
  packet.ttl = settings.hopLimit;
  packet.tos = (settings.typeOfService & 0xfc) | (ect ? ECT0 : 0);
  packet.mark = settings.mark;
  if (!settings.ignorePathMtu) packet.flags = PACKET_DONT_FRAGMENT;
  if (payload > tcb.mss) {
    packet.gsoSize = tcb.mss;
    packet.gsoType = GSO_TCP;
  }
}

/** What had to be acknowledged has been. */
function acknowledgementLeft(tcb: Tcb): void {
  tcb.lastAckSent = tcb.rcvNxt;
  if (tcb.ackState === ACK_NONE) return;
  if (tcb.quickAcks > 0) tcb.quickAcks--;
  tcb.ackState = ACK_NONE;
  tcb.tcp.timers.cancel(tcb.ackTimer);
}

function afterSend(tcb: Tcb, result: number, flags: number): number {
  if (result === 0 || (flags & (TCP_RST | TCP_SYN)) !== 0) return result;
  if (result === -ENOBUFS) enterCwr(tcb);
  else if (result === -EMSGSIZE) tcb.tcp.pathMtuStale(tcb);
  else tcb.softError = -result;
  return result;
}

/** True if some of [seq, …) has never been sent. */
export function isUnsent(tcb: Tcb, seq: number): boolean {
  return !seqAfter(tcb.sndNxt, seq);
}
