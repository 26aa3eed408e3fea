// Payload and FIN of arriving segments: trimmed to the window, copied once into the ring at its place in the stream,
// duplicates reported by D-SACK (RFC 2883), the urgent byte noticed (RFC 6093). Nothing is queued as packets, so tiny
// out-of-order segments cost no more memory than their bytes.

import { READY_PRIORITY, READY_READ } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { TCP_FIN, TCP_URG, type TcpSegment } from '../../wire/tcp.js';
import { dataArrived, enterQuickAck, mustAckNow } from './acknowledge.js';
import { finArrived } from './close.js';
import { skipUrgent } from './read.js';
import { Reassembly } from './reassembly.js';
import { seqAfter, seqBefore, seqDiff } from './seq.js';
import { type Tcb, URGENT_AWAITED, URGENT_NONE, URGENT_VALID, wake } from './tcb.js';
import { measureReceiverRtt } from './window.js';

/** Takes payload and FIN of a segment whose sequence number was found acceptable. */
export function receiveData(tcb: Tcb, s: TcpSegment, packet: PacketBuffer): void {
  if ((s.flags & TCP_URG) !== 0) noteUrgent(tcb, s);
  let fin = (s.flags & TCP_FIN) !== 0;
  if (s.payloadLength === 0 && !fin) return;
  let seq = s.seq;
  let at = s.payloadOffset;
  let end = (seq + s.payloadLength) | 0;
  const limit = (tcb.rcvWup + tcb.rcvWnd) | 0;
  if (seqAfter(end, limit)) {
    end = seqBefore(limit, tcb.rcvNxt) ? tcb.rcvNxt : limit;
    fin = false;
    mustAckNow(tcb);
    if (!seqAfter(end, seq)) return;
  }
  if (seqBefore(seq, tcb.rcvNxt)) {
    noteDuplicate(tcb, seq, seqBefore(end, tcb.rcvNxt) ? end : tcb.rcvNxt);
    if (seqBefore(end, tcb.rcvNxt) || (end === tcb.rcvNxt && !fin)) return;
    at += seqDiff(tcb.rcvNxt, seq);
    seq = tcb.rcvNxt;
  }
  const length = seqDiff(end, seq);
  const unit = packet.gsoSize > 0 ? Math.min(packet.gsoSize, length) : length;
  if (seq === tcb.rcvNxt) takeInSequence(tcb, packet, at, length, unit, fin);
  else takeOutOfOrder(tcb, packet, at, seq, end, fin);
}

/** A whole or a part of a segment was here before: the sender retransmitted needlessly. */
export function noteDuplicate(tcb: Tcb, start: number, end: number): void {
  enterQuickAck(tcb);
  mustAckNow(tcb);
  if (!tcb.sackOk || !tcb.tcp.config.dsack || !seqBefore(start, end)) return;
  tcb.dsackPending = true;
  tcb.dsackStart = start;
  tcb.dsackEnd = end;
}

function takeInSequence(
  tcb: Tcb,
  packet: PacketBuffer,
  at: number,
  length: number,
  unit: number,
  fin: boolean,
): void {
  tcb.dataSegmentsIn += Math.ceil(length / Math.max(1, unit));
  catchUrgent(tcb, packet, at, tcb.rcvNxt, length);
  tcb.receiveRing.appendPacket(packet, at, length);
  tcb.rcvNxt = (tcb.rcvNxt + length) | 0;
  tcb.bytesReceived += length;
  if (tcb.reassembly !== null && tcb.reassembly.count > 0) joinQueued(tcb, tcb.reassembly);
  if (length > 0) {
    measureReceiverRtt(tcb);
    dataArrived(tcb, unit);
    if (tcb.receiveRing.length >= tcb.settings.receiveLowWater || fin) wake(tcb, READY_READ);
  }
  if (fin || (tcb.finSeen && tcb.rcvNxt === tcb.finSeq)) finArrived(tcb);
}

// A hole was filled: what lay behind it is in sequence now.
function joinQueued(tcb: Tcb, reassembly: Reassembly): void {
  const before = reassembly.count;
  const reached = reassembly.advance(tcb.rcvNxt);
  const joined = seqDiff(reached, tcb.rcvNxt);
  if (joined > 0) {
    tcb.receiveRing.extend(joined);
    tcb.rcvNxt = reached;
    tcb.bytesReceived += joined;
  }
  if (reassembly.count < before || before > 0) mustAckNow(tcb);
}

function takeOutOfOrder(
  tcb: Tcb,
  packet: PacketBuffer,
  at: number,
  seq: number,
  end: number,
  fin: boolean,
): void {
  enterQuickAck(tcb);
  mustAckNow(tcb);
  tcb.outOfOrderIn++;
  if (fin) {
    tcb.finSeen = true;
    tcb.finSeq = end;
  }
  if (seq === end) return;
  tcb.reassembly ??= new Reassembly();
  if (tcb.reassembly.contains(seq, end)) noteDuplicate(tcb, seq, end);
  else if (tcb.reassembly.add(seq, end)) {
    const position = tcb.receiveRing.length + seqDiff(seq, tcb.rcvNxt);
    tcb.receiveRing.storePacket(position, packet, at, seqDiff(end, seq));
    catchUrgent(tcb, packet, at, seq, seqDiff(end, seq));
  }
}

/** The segment points at urgent data that is not yet known. The pointer names the byte behind it, as BSD has it. */
function noteUrgent(tcb: Tcb, s: TcpSegment): void {
  if (s.urgent === 0) return;
  const pointer = (s.seq + s.urgent - 1) | 0;
  if (seqBefore(pointer, tcb.readSeq) || seqBefore(pointer, tcb.rcvNxt)) return;
  if (tcb.urgentState !== URGENT_NONE && !seqAfter(pointer, tcb.urgentSeq)) return;
  skipUrgent(tcb);
  tcb.urgentSeq = pointer;
  tcb.urgentState = URGENT_AWAITED;
  wake(tcb, READY_PRIORITY);
}

function catchUrgent(tcb: Tcb, packet: PacketBuffer, at: number, seq: number, length: number): void {
  if (tcb.urgentState !== URGENT_AWAITED) return;
  const offset = seqDiff(tcb.urgentSeq, seq);
  if (offset < 0 || offset >= length) return;
  tcb.urgentByte = packet.bytes[at + offset]!;
  tcb.urgentState = URGENT_VALID;
  wake(tcb, READY_PRIORITY);
}
