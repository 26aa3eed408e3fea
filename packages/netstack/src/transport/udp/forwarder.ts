// Datagrams for nobody, handed to a callback: accept makes a connected socket with the datagram as its first, refuse
// answers with an ICMP error, drop says nothing.

import type { Address } from '../../address.js';
import { REFUSE_ADMIN, REFUSE_HOST, REFUSE_PORT, type ReadinessOwner } from '../../roles.js';
import type { PacketBuffer } from '../../storage/packet-buffer.js';
import { UdpEndpoint } from './endpoint.js';
import type { UdpSettings } from './settings.js';
import type { Udp } from './udp.js';

export interface UdpForwarder {
  /** Called for each datagram that no socket takes. Must call one of the flow's verbs, now or later. */
  incomingUdp(flow: ForwardedUdp): void;
}

export class ForwardedUdp {
  private readonly udp: Udp;
  private packet: PacketBuffer | null;
  private readonly payloadOffset: number;
  readonly payloadLength: number;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly interfaceIndex: number;

  constructor(udp: Udp, packet: PacketBuffer, payloadOffset: number, payloadLength: number) {
    this.udp = udp;
    this.packet = packet;
    this.payloadOffset = payloadOffset;
    this.payloadLength = payloadLength;
    this.source = packet.source!;
    this.sourcePort = packet.cookie;
    this.destination = packet.destination!;
    this.destinationPort = packet.cookie2;
    this.interfaceIndex = packet.interfaceIndex;
  }

  /** A copy of the datagram's bytes: for policy that looks inside (DNS). */
  payload(): Uint8Array {
    if (this.packet === null) return new Uint8Array(0);
    return this.packet.bytes.slice(this.payloadOffset, this.payloadOffset + this.payloadLength);
  }

  /** A socket connected to the peer, whose local end is where the peer meant to go. null if the flow is taken by now. */
  accept(owner: ReadinessOwner | null, token: number, settings?: UdpSettings): UdpEndpoint | null {
    const packet = this.take();
    if (packet === null) return null;
    const endpoint = new UdpEndpoint(this.udp, !this.destination.isV4, settings);
    endpoint.setOwner(owner, token);
    if (endpoint.adopt(this.destination, this.destinationPort, this.source, this.sourcePort) < 0) {
      packet.release();
      return null;
    }
    packet.cookie = this.sourcePort;
    packet.cookie2 = this.destinationPort;
    packet.start = this.payloadOffset;
    packet.end = packet.start + this.payloadLength;
    endpoint.enqueue(packet);
    return endpoint;
  }

  refuse(how: 'port' | 'host' | 'admin' = 'port'): void {
    const packet = this.take();
    if (packet === null) return;
    this.udp.host.refuse(packet, how === 'port' ? REFUSE_PORT : how === 'host' ? REFUSE_HOST : REFUSE_ADMIN);
  }

  drop(): void {
    this.take()?.release();
  }

  private take(): PacketBuffer | null {
    const packet = this.packet;
    this.packet = null;
    return packet;
  }
}
