// Packet endpoints, packet(7): frames as they come in and go out, with or without their link header, and sending of frames.
import { ENETDOWN, ENODEV } from '../errno.js';
import { type PacketFilter, READY_READ, type ReadinessOwner } from '../roles.js';
import { PACKET_LOOPBACK, type PacketBuffer } from '../storage/packet-buffer.js';
import { PacketQueue } from '../storage/packet-queue.js';
import { ETHERNET_HEADER, writeEthernet } from '../wire/ethernet.js';
import { ETHERTYPE_ALL, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/protocols.js';
import type { NetInterface } from './interface.js';
import type { NetworkLayer } from './network.js';
import { type PacketFanout, ROOM_LOW, ROOM_NONE, ROOM_NORMAL } from './packet-fanout.js';

export interface PacketEndpointOptions {
  /** EtherType, or ETHERTYPE_ALL, which sees outgoing frames too. */
  readonly etherType: number;
  /** 0: all interfaces. */
  readonly interfaceIndex?: number;
  /** SOCK_DGRAM: the link header is taken off and put on by the stack. */
  readonly cooked?: boolean;
  readonly filter?: PacketFilter;
  readonly owner?: ReadinessOwner;
  readonly token?: number;
  readonly receiveLimit?: number;
}

/** Where packets of an endpoint end up. */
export interface PacketStore {
  /** ROOM_*. */
  readonly room: number;
}

export class PacketEndpoint {
  readonly etherType: number;
  readonly cooked: boolean;
  interfaceIndex: number;
  filter: PacketFilter | null;
  packets: number;
  dropped: number;
  /** Who shares its traffic. */
  fanout: PacketFanout | null;
  /** Where it last found room for what it had none for, and how often it did and did not. */
  rollover: number;
  rolled: number;
  rollFailed: number;
  /** Where its packets go, if not in its queue. */
  store: PacketStore | null;
  private readonly net: NetworkLayer;
  private readonly owner: ReadinessOwner | null;
  private readonly token: number;
  private readonly queue: PacketQueue;

  /** Made by Stack.packetEndpoint. */
  constructor(net: NetworkLayer, options: PacketEndpointOptions) {
    this.net = net;
    this.etherType = options.etherType;
    this.cooked = options.cooked ?? false;
    this.interfaceIndex = options.interfaceIndex ?? 0;
    this.filter = options.filter ?? null;
    this.packets = 0;
    this.dropped = 0;
    this.fanout = null;
    this.rollover = 0;
    this.rolled = 0;
    this.rollFailed = 0;
    this.store = null;
    this.owner = options.owner ?? null;
    this.token = options.token ?? 0;
    this.queue = new PacketQueue(65536, options.receiveLimit ?? 212_992);
  }

  /** The next frame, which the caller must release. linkOffset tells where its link header is. */
  receive(): PacketBuffer | null {
    return this.queue.shift();
  }

  get readable(): boolean {
    return this.queue.packets > 0;
  }

  /** Sends a frame, or with `cooked` its payload to `mac`. Takes ownership. */
  send(packet: PacketBuffer, interfaceIndex: number, mac = 0, etherType = this.etherType): number {
    const iface = this.net.interfaceByIndex(interfaceIndex === 0 ? this.interfaceIndex : interfaceIndex);
    if (iface === null || !iface.isUp) {
      packet.release();
      return iface === null ? -ENODEV : -ENETDOWN;
    }
    if (this.cooked && iface.isEthernet) return iface.frame(packet, mac, etherType);
    return iface.transmit(packet);
  }

  /** ROOM_*: for fanout groups. */
  get room(): number {
    if (this.store !== null) return this.store.room;
    const left = this.queue.maxBytes - this.queue.bytes;
    return left > this.queue.maxBytes >> 2 ? ROOM_NORMAL : left > 0 ? ROOM_LOW : ROOM_NONE;
  }

  close(): void {
    this.fanout?.leave(this);
    this.queue.clear();
    this.net.packetEndpoints.remove(this);
  }

  offer(packet: PacketBuffer, iface: NetInterface, etherType: number, outgoing: boolean): void {
    if (!this.wants(iface, etherType, outgoing)) return;
    if (this.fanout === null) this.take(packet, iface, etherType, outgoing);
    else this.shareOut(this.fanout, packet, iface, etherType, outgoing);
  }

  private wants(iface: NetInterface, etherType: number, outgoing: boolean): boolean {
    if (this.interfaceIndex !== 0 && this.interfaceIndex !== iface.index) return false;
    return this.etherType === ETHERTYPE_ALL || (!outgoing && this.etherType === etherType);
  }

  /** The first member stands for the group. A group does not see what one of it sends. */
  private shareOut(
    group: PacketFanout,
    packet: PacketBuffer,
    iface: NetInterface,
    etherType: number,
    outgoing: boolean,
  ): void {
    if (group.members[0] !== this) return;
    if (outgoing && group.ignoresOutgoing) return;
    const sender = packet.endpoint;
    if (outgoing && sender instanceof PacketEndpoint && sender.fanout === group) return;
    // A program sees what the network layer sees of what comes in, and the whole frame of what goes out.
    const start = packet.start + (iface.isEthernet && !outgoing ? ETHERNET_HEADER : 0);
    group.choose(packet, start, iface.index, etherType).take(packet, iface, etherType, outgoing);
  }

  private take(packet: PacketBuffer, iface: NetInterface, etherType: number, outgoing: boolean): void {
    if (!this.cooked && iface.isLoopback) {
      this.offerFramed(packet, iface, etherType, outgoing);
      return;
    }
    // A cooked endpoint's filter does not see the link header.
    const header = this.cooked && iface.isEthernet ? Math.min(ETHERNET_HEADER, packet.length) : 0;
    const keep = this.kept(packet, header, iface, etherType, outgoing);
    if (keep === 0) return;
    // Outgoing frames are still being written to by lower layers and offloads: they are copied.
    const copy = outgoing ? packet.copy() : packet.clone();
    if (header + keep < copy.length) copy.trim(header + keep);
    if (header > 0) copy.pull(header);
    copy.interfaceIndex = iface.index;
    copy.etherType = etherType;
    if (outgoing) copy.flags |= PACKET_LOOPBACK;
    this.enqueue(copy);
  }

  /** Packets of lo carry no link header; who asks for one gets that of Linux's lo: no addresses, and the type. */
  private offerFramed(packet: PacketBuffer, iface: NetInterface, etherType: number, outgoing: boolean): void {
    const copy = packet.copy();
    const at = copy.prepend(ETHERNET_HEADER);
    writeEthernet(copy.view, at, 0, 0, etherType);
    copy.linkOffset = at;
    copy.networkOffset = at + ETHERNET_HEADER;
    const keep = this.kept(copy, 0, iface, etherType, outgoing);
    if (keep === 0) {
      copy.release();
      return;
    }
    if (keep < copy.length) copy.trim(keep);
    copy.interfaceIndex = iface.index;
    copy.etherType = etherType;
    if (outgoing) copy.flags |= PACKET_LOOPBACK;
    this.enqueue(copy);
  }

  private kept(
    packet: PacketBuffer,
    header: number,
    iface: NetInterface,
    etherType: number,
    outgoing: boolean,
  ): number {
    if (this.filter === null) return packet.length;
    return this.filter.acceptPacket(packet, packet.start + header, iface.index, etherType, outgoing);
  }

  private enqueue(packet: PacketBuffer): void {
    this.packets++;
    if (this.queue.push(packet)) this.owner?.endpointReady(this.token, READY_READ);
    else {
      this.dropped++;
      packet.release();
    }
  }
}

/** All packet endpoints of a stack. */
export class PacketEndpoints {
  private readonly list: PacketEndpoint[];
  isActive: boolean;

  constructor() {
    this.list = [];
    this.isActive = false;
  }

  add(endpoint: PacketEndpoint): void {
    this.list.push(endpoint);
    this.isActive = true;
  }

  remove(endpoint: PacketEndpoint): void {
    const at = this.list.indexOf(endpoint);
    if (at >= 0) this.list.splice(at, 1);
    this.isActive = this.list.length > 0;
  }

  /** An incoming frame; the caller keeps it. */
  received(packet: PacketBuffer, iface: NetInterface): void {
    for (let i = 0; i < this.list.length; i++) {
      (this.list[i] as PacketEndpoint).offer(packet, iface, packet.etherType, false);
    }
  }

  /** An outgoing frame; the caller keeps it. */
  sent(packet: PacketBuffer, iface: NetInterface): void {
    const type = outgoingType(packet, iface);
    for (let i = 0; i < this.list.length; i++) {
      const endpoint = this.list[i] as PacketEndpoint;
      // A sender does not see its own.
      if (endpoint !== packet.endpoint) endpoint.offer(packet, iface, type, true);
    }
  }
}

function outgoingType(packet: PacketBuffer, iface: NetInterface): number {
  if (iface.isEthernet)
    return packet.length >= ETHERNET_HEADER ? packet.view.getUint16(packet.start + 12) : 0;
  return packet.length > 0 && packet.view.getUint8(packet.start) >>> 4 === 4
    ? ETHERTYPE_IPV4
    : ETHERTYPE_IPV6;
}
