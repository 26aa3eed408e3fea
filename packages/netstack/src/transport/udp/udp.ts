// UDP: RFC 768, RFC 8085's advice on checksums. Finds the socket for a datagram (connected flow, then the most specific
// binding, a SO_REUSEPORT group by the flow's hash), copies multicasts and broadcasts to all, and hands strangers to a
// forwarder or answers them with an ICMP error.

import type { Address } from '../../address.js';
import type { IcmpError, TransportHost, TransportProtocol } from '../../roles.js';
import { REFUSE_PORT } from '../../roles.js';
import { PACKET_BROADCAST, PACKET_MULTICAST, type PacketBuffer } from '../../storage/packet-buffer.js';
import { parseUdp, UDP_HEADER_LENGTH, UdpHeader } from '../../wire/udp.js';
import { checksumHolds } from '../checksum.js';
import { FlowTable } from '../flow.js';
import { type FreeFlows, PortTable } from '../ports.js';
import type { UdpEndpoint } from './endpoint.js';
import { ForwardedUdp, type UdpForwarder } from './forwarder.js';
import { UdpSettings } from './settings.js';
import { UdpTable } from './udp-table.js';

export const UDP_PROTOCOL = 17;

export interface UdpConfig {
  readonly portRange: readonly [number, number];
}

export class UdpCounters {
  inDatagrams = 0;
  outDatagrams = 0;
  noPorts = 0;
  inErrors = 0;
  checksumErrors = 0;
  receiveBufferErrors = 0;
  sendBufferErrors = 0;
}

export class Udp implements TransportProtocol, FreeFlows {
  readonly protocol = UDP_PROTOCOL;
  readonly host: TransportHost;
  readonly header: UdpHeader;
  /** Connected sockets. */
  readonly flows: FlowTable;
  readonly table: UdpTable;
  readonly ports: PortTable;
  readonly counters: UdpCounters;
  /** Of IPv6. */
  readonly counters6: UdpCounters;
  readonly defaultSettings: UdpSettings;
  forwarder: UdpForwarder | null;
  private readonly wakes: UdpEndpoint[];
  private depth: number;

  constructor(host: TransportHost, config: Partial<UdpConfig> = {}) {
    this.host = host;
    this.header = new UdpHeader();
    const random = (): number => host.random.next32();
    this.flows = new FlowTable(random());
    this.table = new UdpTable(random());
    this.ports = new PortTable(config.portRange ?? [32768, 60999], random, true);
    this.counters = new UdpCounters();
    this.counters6 = new UdpCounters();
    this.defaultSettings = new UdpSettings();
    this.forwarder = null;
    this.wakes = [];
    this.depth = 0;
  }

  deliver(packet: PacketBuffer): void {
    this.depth++;
    if (this.accepts(packet)) this.dispatch(packet);
    else {
      this.countersFor(packet.destination).inErrors++;
      packet.release();
    }
    if (--this.depth === 0) this.runWakes();
  }

  countersFor(address: Address | null): UdpCounters {
    return address === null || address.isV4 ? this.counters : this.counters6;
  }

  private accepts(packet: PacketBuffer): boolean {
    const header = this.header;
    if (packet.source === null || packet.destination === null) return false;
    if (packet.gsoSize === 0 && !parseUdp(header, packet.bytes, packet.start, packet.length)) return false;
    if (packet.gsoSize > 0 && !this.parseTrain(packet)) return false;
    if (header.checksum === 0) {
      if (packet.destination.isV4) return true;
    } else {
      packet.end = header.payloadOffset + header.payloadLength;
      if (checksumHolds(packet, UDP_PROTOCOL)) return true;
    }
    this.countersFor(packet.destination).checksumErrors++;
    return false;
  }

  /** A train's length field is that of the whole, which may not fit the field. */
  private parseTrain(packet: PacketBuffer): boolean {
    const header = this.header;
    if (packet.length < UDP_HEADER_LENGTH) return false;
    header.sourcePort = packet.view.getUint16(packet.start);
    header.destinationPort = packet.view.getUint16(packet.start + 2);
    header.checksum = packet.view.getUint16(packet.start + 6);
    header.payloadOffset = packet.start + UDP_HEADER_LENGTH;
    header.payloadLength = packet.length - UDP_HEADER_LENGTH;
    return true;
  }

  private dispatch(packet: PacketBuffer): void {
    const header = this.header;
    const many = packet.flags & (PACKET_MULTICAST | PACKET_BROADCAST);
    if (many !== 0 || packet.destination!.isMulticast || packet.destination!.isLimitedBroadcast) {
      this.deliverToAll(packet);
      return;
    }
    const flow = this.flows.find(
      packet.destination!,
      header.destinationPort,
      packet.source!,
      header.sourcePort,
    );
    const endpoint =
      flow !== null
        ? (flow.owner as UdpEndpoint)
        : this.table.find(packet, header.destinationPort, header.sourcePort, header.payloadOffset);
    if (endpoint !== null) this.hand(endpoint, packet);
    else this.stranger(packet);
  }

  private hand(endpoint: UdpEndpoint, packet: PacketBuffer): void {
    packet.cookie = this.header.sourcePort;
    packet.cookie2 = this.header.destinationPort;
    packet.start = this.header.payloadOffset;
    packet.end = packet.start + this.header.payloadLength;
    endpoint.enqueue(packet);
  }

  /** RFC 1122 section 4.1.3.3: a copy for every socket that wants it; no ICMP error in answer. */
  private deliverToAll(packet: PacketBuffer): void {
    const list = this.table.onPort(this.header.destinationPort);
    for (const endpoint of list) {
      if (!endpoint.wantsGroup(packet, this.header.sourcePort)) continue;
      const copy = packet.clone();
      copy.source = packet.source;
      copy.destination = packet.destination;
      this.hand(endpoint, copy);
    }
    packet.release();
  }

  private stranger(packet: PacketBuffer): void {
    const header = this.header;
    if (this.forwarder !== null) {
      packet.cookie = header.sourcePort;
      packet.cookie2 = header.destinationPort;
      this.forwarder.incomingUdp(new ForwardedUdp(this, packet, header.payloadOffset, header.payloadLength));
      return;
    }
    this.countersFor(packet.destination).noPorts++;
    this.host.refuse(packet, REFUSE_PORT);
  }

  icmpError(packet: PacketBuffer, error: IcmpError): void {
    if (packet.source === null || packet.destination === null || packet.length < UDP_HEADER_LENGTH) return;
    const localPort = packet.view.getUint16(packet.start);
    const remotePort = packet.view.getUint16(packet.start + 2);
    const flow = this.flows.find(packet.source, localPort, packet.destination, remotePort);
    const endpoint =
      flow !== null ? (flow.owner as UdpEndpoint) : this.table.sender(packet.source, localPort);
    if (endpoint === null) return;
    this.depth++;
    endpoint.noteError(packet, error, remotePort);
    if (--this.depth === 0) this.runWakes();
  }

  pmtuChanged(_destination: Address, _mtu: number): void {}

  routesChanged(): void {
    for (const flow of this.flows.list()) (flow.owner as UdpEndpoint).routeGone();
  }

  isFree(local: Address, localPort: number, remote: Address, remotePort: number): boolean {
    return this.flows.find(local, localPort, remote, remotePort) === null;
  }

  /** Tells an owner of `events`, now or when the packet in hand is done with. */
  wake(endpoint: UdpEndpoint, events: number): void {
    if (endpoint.pendingEvents === 0) this.wakes.push(endpoint);
    endpoint.pendingEvents |= events;
    if (this.depth === 0) this.runWakes();
  }

  private runWakes(): void {
    while (this.wakes.length > 0) {
      const endpoint = this.wakes.pop()!;
      const events = endpoint.pendingEvents;
      endpoint.pendingEvents = 0;
      endpoint.notify(events);
    }
  }
}
