// The forwarder: flows that no listener waits for are handed to a callback before their handshake completes. It may
// accept (a connection in SYN-RECEIVED results), refuse with a reset or an ICMP error, or drop, now or later.

import type { Address } from '../../address.js';
import { REFUSE_ADMIN, REFUSE_HOST, REFUSE_PORT, type ReadinessOwner } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { parseTcp, TCP_ACK, TCP_RST, type TcpSegment } from '../../wire/tcp.js';
import { FlowTuple } from '../flow.js';
import type { TcpSettings } from './config.js';
import { TcpEndpoint } from './endpoint.js';
import { sendSyn } from './handshake.js';
import { beginReply, emitSegment, routeBack } from './raw-output.js';
import { openFromSyn } from './request.js';
import { KIND_FORWARDED, type Tcp } from './tcp.js';

/** More undecided flows than this and further SYNs are dropped: the peer tries again. */
const MAX_PENDING = 1024;

/** Decides about incoming connections. */
export interface TcpForwarder {
  /** Called for the first SYN of a flow. Must, now or later, call one of the flow's verbs, exactly once. */
  incomingTcp(flow: ForwardedTcp): void;
}

export type RefuseTcp = 'reset' | 'port' | 'host' | 'admin';

/** A flow that waits for a decision. Repeated SYNs are ignored meanwhile. */
export class ForwardedTcp {
  private readonly tcp: Tcp;
  private packet: PacketBuffer | null;
  private readonly flow: FlowTuple;

  constructor(tcp: Tcp, packet: PacketBuffer, flow: FlowTuple) {
    this.tcp = tcp;
    this.packet = packet;
    this.flow = flow;
  }

  get source(): Address {
    return this.flow.remote;
  }

  get sourcePort(): number {
    return this.flow.remotePort;
  }

  /** Where the peer wants to go: not one of our addresses, as a rule. */
  get destination(): Address {
    return this.flow.local;
  }

  get destinationPort(): number {
    return this.flow.localPort;
  }

  /** Where it wanted to go before a translation, if there was one. */
  get originalDestination(): Address | null {
    return this.packet === null ? null : this.tcp.host.originalDestination(this.packet);
  }

  get interfaceIndex(): number {
    return this.packet === null ? 0 : this.packet.interfaceIndex;
  }

  /** Answers the SYN. The endpoint becomes writable once the handshake is complete. null: there is no way back. */
  accept(owner: ReadinessOwner | null, token: number, settings?: TcpSettings): TcpEndpoint | null {
    const packet = this.take();
    if (packet === null) return null;
    const tcp = this.tcp;
    tcp.enter();
    parseTcp(tcp.in, packet.bytes, packet.start, packet.length);
    const tcb = openFromSyn(tcp, tcp.in, packet, null);
    let endpoint: TcpEndpoint | null = null;
    if (tcb !== null) {
      if (settings !== undefined) tcb.settings = settings;
      endpoint = TcpEndpoint.over(tcp, tcb);
      endpoint.setOwner(owner, token);
      sendSyn(tcb);
    }
    packet.release();
    tcp.leave();
    return endpoint;
  }

  /** Tells the peer no: a reset, or an ICMP error. */
  refuse(how: RefuseTcp = 'reset'): void {
    const packet = this.take();
    if (packet === null) return;
    if (how === 'reset') this.reset(packet);
    else
      this.tcp.host.refuse(
        packet,
        how === 'port' ? REFUSE_PORT : how === 'host' ? REFUSE_HOST : REFUSE_ADMIN,
      );
  }

  /** Leaves the peer without an answer. */
  drop(): void {
    this.take()?.release();
  }

  private reset(packet: PacketBuffer): void {
    const tcp = this.tcp;
    tcp.enter();
    parseTcp(tcp.in, packet.bytes, packet.start, packet.length);
    const length = tcp.in.payloadLength + 1;
    const s = beginReply(tcp, 0, (tcp.in.seq + length) | 0, TCP_RST | TCP_ACK);
    tcp.counters.outResets++;
    emitSegment(tcp, s, packet.destination!, routeBack(tcp, packet), 0);
    packet.release();
    tcp.leave();
  }

  private take(): PacketBuffer | null {
    const packet = this.packet;
    if (packet === null) return null;
    this.packet = null;
    this.tcp.forwardedPending--;
    this.tcp.flows.remove(this.flow);
    return packet;
  }
}

/** A SYN for nobody. Returns true if the packet may be released. */
export function forwardSyn(tcp: Tcp, s: TcpSegment, packet: PacketBuffer): boolean {
  if (tcp.forwardedPending >= MAX_PENDING) return true;
  const flow = new FlowTuple(
    packet.destination!,
    s.destinationPort,
    packet.source!,
    s.sourcePort,
    KIND_FORWARDED,
  );
  const pending = new ForwardedTcp(tcp, packet, flow);
  flow.owner = pending;
  tcp.flows.insert(flow);
  tcp.forwardedPending++;
  tcp.forwarder!.incomingTcp(pending);
  return false;
}
