// Raw endpoints, raw(7): copies of incoming packets of one protocol, and sending with or without an own IP header. IPv4 endpoints
// read packets with the IP header, IPv6 ones without (RFC 3542).
import { type Address, ANY_V4, ANY_V6 } from '../address.js';
import { EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EINVAL } from '../errno.js';
import { type PacketFilter, READY_READ, type ReadinessOwner, Route } from '../roles.js';
import { PACKET_HEADER_INCLUDED, type PacketBuffer } from '../storage/packet-buffer.js';
import { PacketQueue } from '../storage/packet-queue.js';
import { finishIcmp6 } from '../wire/icmp.js';
import { finishIpv4, IPV4_HEADER } from '../wire/ipv4.js';
import type { ExtensionHeaders } from '../wire/ipv6-extension.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, PROTO_ICMP, PROTO_ICMPV6, PROTO_RAW } from '../wire/protocols.js';
import type { NetworkLayer } from './network.js';
import { sendIncluded } from './output.js';

export interface RawOptions {
  readonly v4: boolean;
  /** IP protocol; 255 only sends, with its own header. */
  readonly protocol: number;
  readonly owner?: ReadinessOwner;
  readonly token?: number;
  /** IP_HDRINCL. */
  readonly headerIncluded?: boolean;
  /** Bytes of received packets kept; default 212,992 as Linux's rmem_default. */
  readonly receiveLimit?: number;
}

export class RawEndpoint {
  readonly v4: boolean;
  readonly protocol: number;
  headerIncluded: boolean;
  local: Address;
  remote: Address | null;
  boundInterface: number;
  ttl: number;
  tos: number;
  /** ICMP_FILTER: bit set for IPv4 types (below 32) that are not wanted. */
  icmpFilter: number;
  /** ICMP6_FILTER: 256 bits, set: not wanted. */
  readonly icmp6Filter: Uint32Array;
  dropped: number;
  filter: PacketFilter | null;
  /** IP_OPTIONS: of IPv4, a multiple of four bytes. */
  options: Uint8Array | null;
  extensions: ExtensionHeaders | null;
  private readonly net: NetworkLayer;
  private readonly owner: ReadinessOwner | null;
  private readonly token: number;
  private readonly queue: PacketQueue;
  private readonly route: Route;

  /** Made by Stack.rawEndpoint. */
  constructor(net: NetworkLayer, options: RawOptions) {
    this.net = net;
    this.v4 = options.v4;
    this.protocol = options.protocol;
    this.headerIncluded = options.headerIncluded ?? options.protocol === PROTO_RAW;
    this.local = options.v4 ? ANY_V4 : ANY_V6;
    this.remote = null;
    this.boundInterface = 0;
    this.ttl = 0;
    this.tos = 0;
    this.icmpFilter = 0;
    this.icmp6Filter = new Uint32Array(8);
    this.dropped = 0;
    this.filter = null;
    this.options = null;
    this.extensions = null;
    this.owner = options.owner ?? null;
    this.token = options.token ?? 0;
    this.queue = new PacketQueue(65536, options.receiveLimit ?? 212_992);
    this.route = new Route(this.local);
  }

  /** 0, -EAFNOSUPPORT, -EADDRNOTAVAIL. */
  bind(local: Address): number {
    if (local.isV4 !== this.v4) return -EAFNOSUPPORT;
    const ours = local.isUnspecified || local.isMulticast || this.net.isLocalAddress(local, 0);
    if (!ours) return -EADDRNOTAVAIL;
    this.local = local;
    return 0;
  }

  /** Only packets from `remote` are received. */
  connect(remote: Address): number {
    if (remote.isV4 !== this.v4) return -EAFNOSUPPORT;
    this.remote = remote;
    return 0;
  }

  /** Sends bytes[start..end) of `packet`: a payload, or a whole packet with headerIncluded. Takes ownership. */
  send(packet: PacketBuffer, destination: Address): number {
    const route = this.route;
    if (destination.isV4 !== this.v4) {
      packet.release();
      return -EAFNOSUPPORT;
    }
    route.destination = destination;
    route.source = this.local.isUnspecified || this.local.isMulticast ? null : this.local;
    route.boundInterface = this.boundInterface;
    route.broadcastAllowed = true;
    route.invalidate();
    if (this.headerIncluded) return this.sendWithHeader(packet, destination);
    packet.protocol = this.protocol;
    packet.ttl = this.ttl;
    packet.tos = this.tos;
    if (this.v4) packet.options = this.options;
    else packet.extensions = this.extensions;
    if (!this.v4 && this.protocol === PROTO_ICMPV6) return this.sendIcmp6(packet);
    return this.net.send(packet, route);
  }

  /** The stack writes the ICMPv6 checksum (RFC 3542 3.1). */
  private sendIcmp6(packet: PacketBuffer): number {
    const error = packet.length < 4 ? -EINVAL : this.net.resolve(this.route);
    if (error < 0) {
      packet.release();
      return error;
    }
    packet.unshare();
    const source = this.route.chosenSource as Address;
    finishIcmp6(packet.view, packet.start, packet.end, source, this.route.destination);
    return this.net.send(packet, this.route);
  }

  /** ip(7), IP_HDRINCL: total length and checksum are always written; source and identification when zero. */
  private sendWithHeader(packet: PacketBuffer, destination: Address): number {
    const view = packet.view;
    const at = packet.start;
    const error = this.net.resolve(this.route);
    const header = packet.length >= IPV4_HEADER ? (view.getUint8(at) & 15) * 4 : 0;
    const bad = this.v4 ? header < IPV4_HEADER || header > packet.length : packet.length < 40;
    if (error < 0 || bad) {
      packet.release();
      return error < 0 ? error : -EINVAL;
    }
    packet.unshare();
    packet.networkOffset = packet.start;
    packet.flags |= PACKET_HEADER_INCLUDED;
    packet.destination = destination;
    if (this.v4) this.completeHeader(packet, header);
    else {
      packet.source = this.net.addresses.readV6(packet.view, packet.start + 8);
      packet.transportOffset = packet.start + 40;
      packet.protocol = packet.view.getUint8(packet.start + 6);
    }
    return sendIncluded(this.net, packet, this.route);
  }

  private completeHeader(packet: PacketBuffer, header: number): void {
    const view = packet.view;
    const at = packet.start;
    view.setUint16(at + 2, packet.length);
    if (view.getInt32(at + 12) === 0) view.setInt32(at + 12, (this.route.chosenSource as Address).w3);
    if (view.getUint16(at + 4) === 0)
      view.setUint16(at + 4, this.net.nextIdentification(this.route.destination, 1));
    finishIpv4(view, at);
    packet.source = this.net.addresses.readV4(view, at + 12);
    packet.transportOffset = at + header;
    packet.protocol = view.getUint8(at + 9);
    packet.ttl = view.getUint8(at + 8);
  }

  /** The next packet, which the caller must release; null when there is none (-EAGAIN for a socket). */
  receive(): PacketBuffer | null {
    return this.queue.shift();
  }

  get readable(): boolean {
    return this.queue.packets > 0;
  }

  /** Error number of an empty queue, for sockets. */
  static readonly wouldBlock = -EAGAIN;

  close(): void {
    this.queue.clear();
    this.net.rawEndpoints.remove(this);
  }

  wants(packet: PacketBuffer): boolean {
    if (packet.protocol !== this.protocol) return false;
    const destination = packet.destination as Address;
    if (destination.isV4 !== this.v4) return false;
    if (this.boundInterface !== 0 && this.boundInterface !== packet.interfaceIndex) return false;
    if (!this.local.isUnspecified && !this.local.equals(destination)) return false;
    if (this.remote !== null && !this.remote.equals(packet.source as Address)) return false;
    return !this.isFiltered(packet);
  }

  private isFiltered(packet: PacketBuffer): boolean {
    if (packet.transportOffset >= packet.end) return false;
    const type = packet.view.getUint8(packet.transportOffset);
    if (this.v4) return this.protocol === PROTO_ICMP && type < 32 && (this.icmpFilter & (1 << type)) !== 0;
    if (this.protocol !== PROTO_ICMPV6) return false;
    return ((this.icmp6Filter[type >>> 5] as number) & (1 << (type & 31))) !== 0;
  }

  /** Takes ownership. */
  enqueue(packet: PacketBuffer): void {
    if (!this.v4) packet.start = packet.transportOffset;
    if (this.filter !== null && !this.passes(packet, this.filter)) {
      packet.release();
      return;
    }
    if (this.queue.push(packet)) {
      this.owner?.endpointReady(this.token, READY_READ);
      return;
    }
    this.dropped++;
    packet.release();
  }

  private passes(packet: PacketBuffer, filter: PacketFilter): boolean {
    const type = this.v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    const keep = filter.acceptPacket(packet, packet.start, packet.interfaceIndex, type, false);
    if (keep < packet.length) packet.trim(keep);
    return keep > 0;
  }
}

/** All raw endpoints of a stack. */
export class RawEndpoints {
  private readonly list: RawEndpoint[];
  isActive: boolean;

  constructor() {
    this.list = [];
    this.isActive = false;
  }

  add(endpoint: RawEndpoint): void {
    this.list.push(endpoint);
    this.isActive = true;
  }

  remove(endpoint: RawEndpoint): void {
    const at = this.list.indexOf(endpoint);
    if (at >= 0) this.list.splice(at, 1);
    this.isActive = this.list.length > 0;
  }

  /** Gives copies to all who want the packet; true when someone did. The caller keeps the packet. */
  deliver(packet: PacketBuffer): boolean {
    let taken = false;
    for (let i = 0; i < this.list.length; i++) {
      const endpoint = this.list[i] as RawEndpoint;
      if (!endpoint.wants(packet)) continue;
      taken = true;
      endpoint.enqueue(packet.clone());
    }
    return taken;
  }
}
