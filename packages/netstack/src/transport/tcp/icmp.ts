// ICMP errors about our segments: RFC 9293 section 3.9.2.2, RFC 5461 and RFC 5927. Only errors that quote a number in
// flight are believed; hard ones end a connection only while it is being opened; the path MTU shrinks segments.

import { EMSGSIZE } from '../../errno.js';
import type { IcmpError } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { fail } from './close.js';
import type { TcpRequest } from './listener.js';
import { syncMss } from './mtu-probe.js';
import { pushPending } from './output.js';
import { dropRequest } from './request.js';
import { retransmitLost } from './retransmit.js';
import { markLost } from './scoreboard.js';
import { SEGMENT_SACKED, SEGMENT_SYN } from './segment-queue.js';
import { seqBetween } from './seq.js';
import { TCP_CLOSE, TCP_SYN_RECV, TCP_SYN_SENT } from './state.js';
import type { Tcb } from './tcb.js';
import { KIND_REQUEST, KIND_TCB, type Tcp } from './tcp.js';

/** `packet.start` is at the quoted TCP header; its source is ours. */
export function receiveIcmpError(tcp: Tcp, packet: PacketBuffer, error: IcmpError): void {
  if (packet.source === null || packet.destination === null || packet.length < 8) return;
  const view = packet.view;
  const at = packet.start;
  const localPort = view.getUint16(at);
  const remotePort = view.getUint16(at + 2);
  const seq = view.getInt32(at + 4);
  const flow = tcp.flows.find(packet.source, localPort, packet.destination, remotePort);
  if (flow === null) return;
  if (flow.kind === KIND_TCB) errorForConnection(flow.owner as Tcb, seq, error);
  else if (flow.kind === KIND_REQUEST) errorForRequest(flow.owner as TcpRequest, seq, error);
}

function errorForRequest(request: TcpRequest, seq: number, error: IcmpError): void {
  if (seq !== request.iss || error.errno === EMSGSIZE) return;
  if (error.fatal) dropRequest(request);
}

function errorForConnection(tcb: Tcb, seq: number, error: IcmpError): void {
  if (tcb.state === TCP_CLOSE || !seqBetween(seq, tcb.sndUna, tcb.sndNxt)) return;
  if (error.errno === EMSGSIZE) {
    tcb.route.invalidate();
    refreshPathMtu(tcb);
    return;
  }
  // While a connection is being opened Linux takes every unreachability for final (RFC 1122 4.2.3.9 would go on trying).
  if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) fail(tcb, error.errno);
  else tcb.softError = error.errno;
}

/** The path MTU may have changed: what was sent too large is lost, and goes again in smaller pieces (RFC 1191, 6.4). */
export function refreshPathMtu(tcb: Tcb): void {
  if (tcb.tcp.host.resolve(tcb.route) < 0) return;
  const before = tcb.mss;
  syncMss(tcb);
  if (tcb.mss >= before || tcb.queue === null) return;
  const queue = tcb.queue;
  tcb.tcp.ack.reset(tcb.sndUna, 0);
  for (let i = queue.head; i < queue.tail; i++) {
    const flags = queue.flags(i);
    if ((flags & (SEGMENT_SACKED | SEGMENT_SYN)) === 0 && queue.bytes(i) > tcb.mss) markLost(tcb, queue, i);
  }
  if (tcb.lostBytes === 0) return;
  // Not congestion: the window stays, in bytes.
  tcb.cwnd = Math.max(tcb.cwnd, tcb.mss);
  retransmitLost(tcb);
  pushPending(tcb);
}
