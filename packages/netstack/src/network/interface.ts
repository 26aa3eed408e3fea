// A network interface: a link device with a name, addresses, neighbours and groups. It puts link headers on and takes them
// off, and hands packets to the network layer.
import type { Address } from '../address.js';
import { ENETDOWN } from '../errno.js';
import { FEATURE_LOOPBACK, type LinkDevice, type LinkSink, MEDIUM_ETHERNET } from '../link/device.js';
import { transmitFrame } from '../link/offload.js';
import {
  PACKET_BROADCAST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import type { Timer } from '../storage/timer-wheel.js';
import {
  ETHERNET_HEADER,
  ipv4MulticastMac,
  ipv6MulticastMac,
  isGroupMac,
  MAC_BROADCAST,
  readMac,
  writeEthernet,
} from '../wire/ethernet.js';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../wire/protocols.js';
import { isVlanType } from '../wire/vlan.js';
import { receiveArp, sendArpRequest } from './arp.js';
import { InterfaceCounters } from './counters.js';
import { GroupTable } from './groups.js';
import type { InterfaceAddress } from './interface-address.js';
import { receiveIpv4 } from './ipv4-input.js';
import { receiveIpv6 } from './ipv6-input.js';
import { solicitNeighbour } from './ndp.js';
import {
  type NeighbourEntry,
  type NeighbourLink,
  type NeighbourOptions,
  NeighbourTable,
  NUD_FAILED,
} from './neighbour.js';
import type { NetworkLayer } from './network.js';
import { type AdvertiserOptions, RouterAdvertiser } from './router-advertiser.js';
import { RouterDiscovery } from './router-discovery.js';

export interface InterfaceOptions {
  /** Default ethN or ipN. */
  readonly name?: string;
  readonly forwarding?: boolean;
  /** Takes packets for any destination as if they were for us (promiscuous IP), as forwarders and proxies need. */
  readonly acceptAny?: boolean;
  /** IPv6: heed router advertisements. Default true on Ethernet when not forwarding. */
  readonly acceptRouterAdvertisements?: boolean;
  /** IPv6: make a link-local address by itself. Default true on Ethernet. */
  readonly linkLocal?: boolean;
  /** Heed redirects. Default true when not forwarding. */
  readonly acceptRedirects?: boolean;
  /** Tell senders on the link of a better first hop. Default true; without forwarding there is nothing to tell. */
  readonly sendRedirects?: boolean;
  /** Be an IPv6 router that advertises itself. Default: silent. */
  readonly advertise?: AdvertiserOptions;
  /** Solicitations of duplicate address detection; 0 turns it off. Default 1. */
  readonly dadTransmits?: number;
  readonly neighbours?: NeighbourOptions;
}

export class NetInterface implements LinkSink, NeighbourLink {
  readonly net: NetworkLayer;
  readonly index: number;
  readonly name: string;
  readonly device: LinkDevice;
  readonly isLoopback: boolean;
  readonly isEthernet: boolean;
  isUp: boolean;
  mtu: number;
  forwarding: boolean;
  acceptAny: boolean;
  dadTransmits: number;
  readonly autoLinkLocal: boolean;
  /** Hop limit that a router told, 0 for none. */
  hopLimit: number;
  readonly addresses: InterfaceAddress[];
  readonly neighbours: NeighbourTable;
  readonly groups: GroupTable;
  readonly routers: RouterDiscovery;
  readonly advertiser: RouterAdvertiser;
  acceptRedirects: boolean;
  sendRedirects: boolean;
  readonly counters: InterfaceCounters;

  /** Made by NetworkLayer.addInterface. */
  constructor(net: NetworkLayer, index: number, device: LinkDevice, options: InterfaceOptions) {
    this.net = net;
    this.index = index;
    this.device = device;
    this.isEthernet = device.medium === MEDIUM_ETHERNET;
    this.isLoopback = (device.features & FEATURE_LOOPBACK) !== 0;
    this.name = options.name ?? `${this.isEthernet ? 'eth' : 'ip'}${index}`;
    this.isUp = false;
    this.mtu = device.mtu;
    this.forwarding = options.forwarding ?? false;
    this.acceptAny = options.acceptAny ?? false;
    this.dadTransmits = options.dadTransmits ?? 1;
    this.autoLinkLocal = options.linkLocal ?? this.isEthernet;
    this.hopLimit = 0;
    this.addresses = [];
    this.neighbours = new NeighbourTable(this, options.neighbours ?? {});
    this.groups = new GroupTable(this);
    this.routers = new RouterDiscovery(this, options.acceptRouterAdvertisements ?? this.isEthernet);
    this.advertiser = new RouterAdvertiser(this);
    this.acceptRedirects = options.acceptRedirects ?? !this.forwarding;
    this.sendRedirects = options.sendRedirects ?? true;
    this.counters = new InterfaceCounters();
    if (options.advertise !== undefined) this.advertiser.start(options.advertise);
  }

  // --- towards the device ---

  /** Sends an IP packet (start at its header) to `nextHop`. `entry` may be a remembered neighbour. Takes ownership. */
  transmitIp(packet: PacketBuffer, nextHop: Address, entry: NeighbourEntry | null): number {
    if (!this.isUp) {
      packet.release();
      return -ENETDOWN;
    }
    if (!this.isEthernet) return this.transmit(packet);
    if (nextHop.isMulticast) {
      const mac = nextHop.isV4 ? ipv4MulticastMac(nextHop.w3) : ipv6MulticastMac(nextHop.w3);
      return this.frame(packet, mac, nextHop.isV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    }
    if (nextHop.isV4 && this.isBroadcast(nextHop)) return this.frame(packet, MAC_BROADCAST, ETHERTYPE_IPV4);
    const neighbour = entry ?? this.neighbours.obtain(nextHop);
    if (neighbour === null) {
      packet.release();
      return -ENETDOWN;
    }
    return this.neighbours.send(neighbour, packet);
  }

  /** Puts an Ethernet header before the packet and sends it. */
  frame(packet: PacketBuffer, mac: number, etherType: number): number {
    const at = packet.prepend(ETHERNET_HEADER);
    writeEthernet(packet.view, at, mac, this.device.address, etherType);
    return this.transmit(packet);
  }

  /** Sends a frame that has its link header. Takes ownership. */
  transmit(packet: PacketBuffer): number {
    packet.linkOffset = packet.start;
    if (this.net.packetEndpoints.isActive) this.net.packetEndpoints.sent(packet, this);
    const length = packet.length;
    const result = transmitFrame(this.device, packet, this.net.now());
    if (result < 0) this.counters.txDropped++;
    else {
      this.counters.txPackets++;
      this.counters.txBytes += length;
    }
    return result;
  }

  // --- from the device ---

  linkInput(packet: PacketBuffer): void {
    this.counters.rxPackets++;
    this.counters.rxBytes += packet.length;
    packet.interfaceIndex = this.index;
    packet.linkOffset = packet.start;
    packet.timestamp = this.net.now();
    if (!this.isUp) packet.release();
    else if (this.isEthernet) this.receiveFrame(packet);
    else this.receiveBare(packet);
  }

  linkChanged(): void {
    this.mtu = this.device.mtu;
    this.net.interfaceChanged(this);
  }

  linkWork(): void {
    this.net.noteWork();
  }

  private receiveBare(packet: PacketBuffer): void {
    const version = packet.length > 0 ? packet.view.getUint8(packet.start) >>> 4 : 0;
    const type = version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    // A packet endpoint may have sent something else through lo.
    const other = packet.etherType !== type && packet.etherType !== 0;
    if (!other) packet.etherType = type;
    if (this.net.packetEndpoints.isActive) this.net.packetEndpoints.received(packet, this);
    if (other) packet.release();
    else if (version === 4) receiveIpv4(this.net, this, packet);
    else if (version === 6) receiveIpv6(this.net, this, packet);
    else this.discard(packet);
  }

  private receiveFrame(packet: PacketBuffer): void {
    if (packet.length < ETHERNET_HEADER) {
      this.discard(packet);
      return;
    }
    const mac = readMac(packet.view, packet.start);
    if (mac !== this.device.address) this.classify(packet, mac);
    const type = packet.view.getUint16(packet.start + 12);
    packet.etherType = type;
    if (this.net.packetEndpoints.isActive) this.net.packetEndpoints.received(packet, this);
    packet.pull(ETHERNET_HEADER);
    if ((packet.flags & PACKET_OTHERHOST) !== 0) packet.release();
    else if (type === ETHERTYPE_IPV4) receiveIpv4(this.net, this, packet);
    else if (type === ETHERTYPE_IPV6) receiveIpv6(this.net, this, packet);
    else if (type === ETHERTYPE_ARP) receiveArp(this, packet);
    else this.unknownType(packet, type);
  }

  private classify(packet: PacketBuffer, mac: number): void {
    if (mac === MAC_BROADCAST) packet.flags |= PACKET_BROADCAST;
    else if (isGroupMac(mac)) {
      packet.flags |= PACKET_MULTICAST;
      this.counters.multicast++;
    } else if (!this.acceptAny) packet.flags |= PACKET_OTHERHOST;
  }

  private unknownType(packet: PacketBuffer, type: number): void {
    if (!isVlanType(type)) this.counters.rxDropped++;
    packet.release();
  }

  private discard(packet: PacketBuffer): void {
    this.counters.rxErrors++;
    packet.release();
  }

  // --- addresses ---

  /** True for 255.255.255.255 and the broadcast addresses of this interface's subnets. */
  isBroadcast(address: Address): boolean {
    if (address.w3 === -1) return true;
    for (let i = 0; i < this.addresses.length; i++) {
      const broadcast = (this.addresses[i] as InterfaceAddress).broadcast;
      if (broadcast !== null && broadcast.w3 === address.w3) return true;
    }
    return false;
  }

  findAddress(address: Address): InterfaceAddress | null {
    for (let i = 0; i < this.addresses.length; i++) {
      const held = this.addresses[i] as InterfaceAddress;
      if (held.address.equals(address)) return held;
    }
    return null;
  }

  /** The first usable address of the family; IPv6 global before link-local. */
  primaryAddress(v4: boolean): Address | null {
    let found: Address | null = null;
    for (let i = 0; i < this.addresses.length; i++) {
      const held = this.addresses[i] as InterfaceAddress;
      if (held.address.isV4 !== v4 || !held.isUsable) continue;
      if (v4 || !held.address.isLinkLocal) return held.address;
      found ??= held.address;
    }
    return found;
  }

  linkLocalAddress(): Address | null {
    for (const held of this.addresses) {
      if (!held.address.isV4 && held.isUsable && held.address.isLinkLocal) return held.address;
    }
    return null;
  }

  // --- for the neighbour table ---

  now(): number {
    return this.net.now();
  }

  random32(): number {
    return this.net.random.next32();
  }

  armTimer(timer: Timer, deadline: number): void {
    this.net.timers.arm(timer, deadline);
  }

  cancelTimer(timer: Timer): void {
    this.net.timers.cancel(timer);
  }

  solicit(target: Address, mac: number, packet: PacketBuffer | null): void {
    if (target.isV4) sendArpRequest(this, target, mac, packet?.source ?? null);
    else solicitNeighbour(this, target, mac, packet?.source ?? null);
  }

  transmitTo(packet: PacketBuffer, mac: number): void {
    const v4 = packet.view.getUint8(packet.start) >>> 4 === 4;
    this.frame(packet, mac, v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  }

  unreachable(packet: PacketBuffer): void {
    this.net.neighbourUnreachable(packet);
  }

  reachabilityChanged(entry: NeighbourEntry): void {
    this.routers.neighbourChanged(entry);
    if (entry.state !== NUD_FAILED) return;
    this.net.redirects.forget(entry.address, this.index);
    if (this.net.routing.hasPaths) this.net.changed();
  }

  entryRemoved(): void {
    this.net.changed();
  }
}
