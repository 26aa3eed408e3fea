// Neighbour solicitation and advertisement (RFC 4861 7) and duplicate address detection (RFC 4862 5.4, RFC 7527 left out).

import { type Address, ALL_NODES_V6, ANY_V6, solicitedNode } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import { finishIcmp6, ICMP6_NEIGHBOUR_ADVERT, ICMP6_NEIGHBOUR_SOLICIT, writeIcmp } from '../wire/icmp.js';
import { IPV6_HEADER, writeIpv6 } from '../wire/ipv6.js';
import {
  emitLinkAddress,
  findLinkAddress,
  findNdpOption,
  NA_OVERRIDE,
  NA_ROUTER,
  NA_SOLICITED,
  NDP_SOURCE_LINK,
  NDP_TARGET_LINK,
} from '../wire/ndp.js';
import { PROTO_ICMPV6 } from '../wire/protocols.js';
import { countIcmpOut } from './counters.js';
import type { NetInterface } from './interface.js';
import {
  ADDRESS_DUPLICATE,
  ADDRESS_PREFERRED,
  ADDRESS_TENTATIVE,
  type InterfaceAddress,
} from './interface-address.js';

/** RFC 4861 7.1: hop limit 255 (nothing came through a router), code 0, long enough. */
function isSound(packet: PacketBuffer): boolean {
  return packet.ttl === 255 && packet.length >= 24 && packet.view.getUint8(packet.start + 1) === 0;
}

/** Keeps the packet. */
export function receiveNeighbourSolicit(iface: NetInterface, packet: PacketBuffer): void {
  const view = packet.view;
  const at = packet.start;
  if (!isSound(packet)) return;
  const source = packet.source as Address;
  const target = iface.net.addresses.readV6(view, at + 8);
  const mac = findLinkAddress(view, at + 24, packet.end, NDP_SOURCE_LINK);
  if (target.isMulticast || mac === -2) return;
  const held = iface.findAddress(target);
  if (source.isUnspecified) {
    if (mac >= 0 || !(packet.destination as Address).isMulticast) return;
    if (held?.state === ADDRESS_TENTATIVE) addressIsDuplicate(iface, held);
    else if (held !== null) advertise(iface, target, ALL_NODES_V6, false, null);
    return;
  }
  if ((held === null || !held.isUsable) && !(iface.acceptAny && !iface.net.isTentative(target, iface)))
    return;
  if (mac >= 0) iface.neighbours.heard(source, mac);
  advertise(iface, target, source, true, mac >= 0 ? mac : null);
}

/** Keeps the packet. */
export function receiveNeighbourAdvert(iface: NetInterface, packet: PacketBuffer): void {
  const view = packet.view;
  const at = packet.start;
  if (!isSound(packet)) return;
  const target = iface.net.addresses.readV6(view, at + 8);
  const flags = view.getUint32(at + 4);
  const mac = findLinkAddress(view, at + 24, packet.end, NDP_TARGET_LINK);
  const solicited = (flags & NA_SOLICITED) !== 0;
  if (target.isMulticast || mac === -2 || (solicited && (packet.destination as Address).isMulticast)) return;
  const held = iface.findAddress(target);
  if (held !== null) {
    if (held.state === ADDRESS_TENTATIVE) addressIsDuplicate(iface, held);
    return;
  }
  iface.neighbours.advertised(target, mac, solicited, (flags & NA_OVERRIDE) !== 0, (flags & NA_ROUTER) !== 0);
}

/** Asks for `target`; by multicast when `mac` is negative. `wish` is the source of the packet that waits. */
export function solicitNeighbour(
  iface: NetInterface,
  target: Address,
  mac: number,
  wish: Address | null,
): void {
  let source = wish !== null && iface.findAddress(wish)?.isUsable === true ? wish : iface.linkLocalAddress();
  source ??= iface.primaryAddress(false);
  if (source === null) return;
  const destination = mac < 0 ? solicitedNode(target) : target;
  sendSolicit(iface, source, destination, target, true);
}

function sendSolicit(
  iface: NetInterface,
  source: Address,
  to: Address,
  target: Address,
  withLink: boolean,
): void {
  const length = withLink && iface.isEthernet ? 32 : 24;
  const packet = iface.net.pool.allocate(length);
  packet.append(length);
  const at = packet.start;
  writeIcmp(packet.view, at, ICMP6_NEIGHBOUR_SOLICIT, 0, 0);
  target.write16(packet.view, at + 8);
  if (length === 32) emitLinkAddress(packet.view, at + 24, NDP_SOURCE_LINK, iface.device.address);
  sendNdp(iface, packet, source, to);
}

function advertise(
  iface: NetInterface,
  target: Address,
  to: Address,
  solicited: boolean,
  mac: number | null,
): void {
  const length = iface.isEthernet ? 32 : 24;
  const packet = iface.net.pool.allocate(length);
  packet.append(length);
  const at = packet.start;
  // For addresses that we only stand in for, others' advertisements go before ours (RFC 4861 7.2.8).
  const override = iface.findAddress(target) !== null ? NA_OVERRIDE : 0;
  const flags = (iface.forwarding ? NA_ROUTER : 0) + (solicited ? NA_SOLICITED : 0) + override;
  writeIcmp(packet.view, at, ICMP6_NEIGHBOUR_ADVERT, 0, flags);
  target.write16(packet.view, at + 8);
  if (length === 32) emitLinkAddress(packet.view, at + 24, NDP_TARGET_LINK, iface.device.address);
  sendNdp(iface, packet, target, to, mac);
}

/** Sends a neighbour or router discovery message (start at its type): hop limit 255, no filters. Takes ownership. */
export function sendNdp(
  iface: NetInterface,
  packet: PacketBuffer,
  source: Address,
  to: Address,
  _mac: number | null = null,
): void {
  const length = packet.length;
  finishIcmp6(packet.view, packet.start, packet.end, source, to);
  countIcmpOut(iface.net.counters6, packet, packet.start);
  packet.prepend(IPV6_HEADER);
  writeIpv6(packet.view, packet.start, 0, 0, length, PROTO_ICMPV6, 255, source, to);
  packet.networkOffset = packet.start;
  packet.source = source;
  packet.destination = to;
  iface.transmitIp(packet, to, null);
}

function addressIsDuplicate(iface: NetInterface, held: InterfaceAddress): void {
  held.state = ADDRESS_DUPLICATE;
  iface.net.addressFailed(iface, held);
}

/** Whether any NDP option of the message is malformed. For router discovery. */
export function hasBrokenOptions(packet: PacketBuffer, from: number): boolean {
  return findNdpOption(packet.view, packet.start + from, packet.end, -1) === -2;
}

/** Runs duplicate address detection for one address: solicitations from nobody, then it may be used. */
export class AddressProbe implements TimerOwner {
  private readonly iface: NetInterface;
  private readonly held: InterfaceAddress;
  private readonly timer: Timer;

  constructor(iface: NetInterface, held: InterfaceAddress) {
    this.iface = iface;
    this.held = held;
    this.timer = new Timer(this, 0);
    // RFC 4862 5.4.2: a random delay of up to a second, so that hosts that start together don't speak together.
    const delay = iface.net.random.next32() % 1_000_000;
    iface.net.timers.arm(this.timer, iface.net.now() + delay);
  }

  timerExpired(_timer: Timer, now: number): void {
    const held = this.held;
    if (held.state !== ADDRESS_TENTATIVE || this.iface.findAddress(held.address) !== held) return;
    if (held.dadLeft === 0) {
      held.state = ADDRESS_PREFERRED;
      this.iface.net.addressReady(this.iface, held);
      return;
    }
    held.dadLeft--;
    sendSolicit(this.iface, ANY_V6, solicitedNode(held.address), held.address, false);
    this.iface.net.timers.arm(this.timer, now + this.iface.neighbours.retransTimer);
  }
}
