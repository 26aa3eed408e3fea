// The bodies of rtnetlink(7) messages: links, addresses, routes, neighbours, rules as the stack has them.
import {
  AF_INET,
  AF_INET6,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_CACHEINFO,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_PERMANENT,
  IFA_F_TENTATIVE,
  IFA_FLAGS,
  IFA_LABEL,
  IFA_LOCAL,
  IFLA_ADDRESS,
  IFLA_AF_SPEC,
  IFLA_BROADCAST,
  IFLA_CARRIER,
  IFLA_GROUP,
  IFLA_IFNAME,
  IFLA_LINKMODE,
  IFLA_MAX_MTU,
  IFLA_MIN_MTU,
  IFLA_MTU,
  IFLA_NUM_RX_QUEUES,
  IFLA_NUM_TX_QUEUES,
  IFLA_OPERSTATE,
  IFLA_PROMISCUITY,
  IFLA_QDISC,
  IFLA_STATS64,
  IFLA_TXQLEN,
  NDA_DST,
  NDA_LLADDR,
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PREF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_SRC,
  RTA_TABLE,
  RTA_UID,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTPROT_BOOT,
  RTPROT_KERNEL,
  RTPROT_RA,
} from '@sandbox-kernel/abi';
import type {
  Address,
  InterfaceAddress,
  NeighbourEntry,
  NetInterface,
  PolicyRule,
  RouteEntry,
} from '@sandbox-kernel/netstack';
import { hardwareAddress, hardwareType, linkFlags } from '../interface-ioctl.js';
import type { MessageWriter } from './message.js';

/** IF_OPER_*. */
/** Of linux/pkt_sched.h, rtnetlink.h and if_addrlabel.h. */
const TC_H_ROOT = 0xffffffff;
const TCA_KIND = 1;
const TCA_HW_OFFLOAD = 12;
const IFAL_ADDRESS = 1;
const IFAL_LABEL = 2;
const OPER_UNKNOWN = 0;
const OPER_DOWN = 2;
const OPER_UP = 6;
const FOREVER = 0xffffffff;
const ADDRESS_TENTATIVE = 0;
const ADDRESS_DEPRECATED = 2;
const ADDRESS_DUPLICATE = 3;
/** linux/fib_rules.h. */
const FR_ACT_TO_TBL = 1;
const FRA_PRIORITY = 6;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_SRC = 2;
const FRA_DST = 1;
const FRA_FWMARK = 10;

/** rtm_flags: made for this question; RTCF_LOCAL of the cache. */
const ROUTE_CLONED = 0x200;
const ROUTE_LOCAL = 0x80000000;

export function familyNumber(address: Address): number {
  return address.isV4 ? AF_INET : AF_INET6;
}

/** struct ifinfomsg and its attributes. */
export function writeLink(writer: MessageWriter, iface: NetInterface): void {
  const operState = iface.isLoopback
    ? OPER_UNKNOWN
    : iface.isUp && iface.device.carrier
      ? OPER_UP
      : OPER_DOWN;
  const mac = hardwareAddress(iface.device.address);
  writer
    .u8(0, 0)
    .u16(hardwareType(iface))
    .u32(iface.index, linkFlags(iface), 0)
    .attributeText(IFLA_IFNAME, iface.name)
    .attribute32(IFLA_TXQLEN, 1000)
    .attribute8(IFLA_OPERSTATE, operState)
    .attribute8(IFLA_LINKMODE, 0)
    .attribute32(IFLA_MTU, iface.mtu)
    .attribute32(IFLA_MIN_MTU, iface.isLoopback ? 0 : 68)
    .attribute32(IFLA_MAX_MTU, iface.isLoopback ? 0 : iface.device.mtu)
    .attribute32(IFLA_GROUP, 0)
    .attribute32(IFLA_PROMISCUITY, 0)
    .attribute32(IFLA_NUM_TX_QUEUES, 1)
    .attribute32(IFLA_NUM_RX_QUEUES, 1)
    .attribute8(IFLA_CARRIER, iface.device.carrier ? 1 : 0)
    .attributeText(IFLA_QDISC, iface.isLoopback ? 'noqueue' : 'fq_codel');
  if (iface.isEthernet || iface.isLoopback) {
    writer.attribute(IFLA_ADDRESS, mac);
    writer.attribute(IFLA_BROADCAST, iface.isLoopback ? mac : new Uint8Array(6).fill(0xff));
  }
  const { counters: count } = iface;
  const stats = new Array<number>(24).fill(0);
  stats[0] = count.rxPackets;
  stats[1] = count.txPackets;
  stats[2] = count.rxBytes;
  stats[3] = count.txBytes;
  stats[4] = count.rxErrors;
  stats[5] = count.txErrors;
  stats[6] = count.rxDropped;
  stats[7] = count.txDropped;
  stats[8] = count.multicast;
  writer.attribute64(IFLA_STATS64, ...stats);
  writer.endNest(writer.nest(IFLA_AF_SPEC));
}

function scopeOf(held: InterfaceAddress): number {
  const { address } = held;
  if (address.isLoopback) return RT_SCOPE_HOST;
  return address.isLinkLocal ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

function addressFlags(held: InterfaceAddress): number {
  let flags = held.autoconfigured ? 0 : IFA_F_PERMANENT;
  if (held.state === ADDRESS_TENTATIVE) flags |= IFA_F_TENTATIVE;
  if (held.state === ADDRESS_DEPRECATED) flags |= IFA_F_DEPRECATED;
  if (held.state === ADDRESS_DUPLICATE) flags |= IFA_F_DADFAILED | IFA_F_TENTATIVE;
  return flags;
}

function secondsUntil(time: number, now: number): number {
  return time === Number.POSITIVE_INFINITY ? FOREVER : Math.max(0, Math.floor((time - now) / 1e6));
}

/** struct ifaddrmsg and its attributes. `now`: microseconds of the stack. */
export function writeAddress(
  writer: MessageWriter,
  iface: NetInterface,
  held: InterfaceAddress,
  now: number,
): void {
  const { address } = held;
  const flags = addressFlags(held);
  writer
    .u8(familyNumber(address), held.prefixLength, flags & 0xff, scopeOf(held))
    .u32(iface.index)
    .attribute(IFA_ADDRESS, address.toBytes());
  if (address.isV4) {
    writer.attribute(IFA_LOCAL, address.toBytes());
    if (held.broadcast !== null && !iface.isLoopback)
      writer.attribute(IFA_BROADCAST, held.broadcast.toBytes());
    writer.attributeText(IFA_LABEL, iface.name);
  }
  const preferred = secondsUntil(held.preferredUntil, now);
  writer
    .attribute32(IFA_CACHEINFO, preferred, secondsUntil(held.validUntil, now), 0, 0)
    .attribute32(IFA_FLAGS, flags);
}

const ROUTE_TYPES: Readonly<Record<RouteEntry['kind'], number>> = {
  unicast: RTN_UNICAST,
  local: RTN_LOCAL,
  blackhole: RTN_BLACKHOLE,
  unreachable: RTN_UNREACHABLE,
  prohibit: RTN_PROHIBIT,
  throw: RTN_THROW,
};

/** struct rtmsg and its attributes. */
export function writeRoute(writer: MessageWriter, route: RouteEntry, table: number): void {
  const { destination, gateway, preferredSource } = route;
  const protocol =
    route.origin === 'kernel' ? RTPROT_KERNEL : route.origin === 'ra' ? RTPROT_RA : RTPROT_BOOT;
  const direct = gateway === null && route.kind === 'unicast' && destination.isV4;
  writer
    .u8(familyNumber(destination), route.prefixLength, 0, 0)
    .u8(table & 0xff, protocol, direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, ROUTE_TYPES[route.kind])
    .u32(0)
    .attribute32(RTA_TABLE, table);
  if (route.prefixLength > 0) writer.attribute(RTA_DST, destination.toBytes());
  if (route.metric !== 0) writer.attribute32(RTA_PRIORITY, route.metric);
  if (gateway !== null) writer.attribute(RTA_GATEWAY, gateway.toBytes());
  if (preferredSource !== null) writer.attribute(RTA_PREFSRC, preferredSource.toBytes());
  // IPv6's routes that refuse hang on lo.
  const outward =
    route.interfaceIndex === 0 && !destination.isV4 && route.kind !== 'unicast' ? 1 : route.interfaceIndex;
  if (outward !== 0) writer.attribute32(RTA_OIF, outward);
  // Medium: what routers without a word about it announce (RFC 4191).
  if (!destination.isV4) writer.attribute8(RTA_PREF, 0);
}

/** The local table's entry for an address of our own, or for a subnet's broadcast. */
export function writeLocalRoute(
  writer: MessageWriter,
  interfaceIndex: number,
  destination: Address,
  prefixLength: number,
  source: Address,
  broadcast: boolean,
): void {
  writer
    .u8(familyNumber(destination), prefixLength, 0, 0)
    .u8(
      RT_TABLE_LOCAL,
      RTPROT_KERNEL,
      broadcast ? RT_SCOPE_LINK : destination.isV4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
    )
    .u8(broadcast ? RTN_BROADCAST : RTN_LOCAL)
    .u32(0)
    .attribute32(RTA_TABLE, RT_TABLE_LOCAL)
    .attribute(RTA_DST, destination.toBytes());
  if (destination.isV4) writer.attribute(RTA_PREFSRC, source.toBytes());
  else writer.attribute32(RTA_PRIORITY, 0);
  writer.attribute32(RTA_OIF, interfaceIndex);
  if (!destination.isV4) writer.attribute8(RTA_PREF, 0);
}

/** The way that a packet would take; `entry`: the route of it, where it is known. */
export interface FoundWay {
  readonly destination: Address;
  readonly nextHop: Address | null;
  readonly source: Address | null;
  readonly interfaceIndex: number;
  readonly isLocal: boolean;
  readonly entry: RouteEntry | null;
}

/** The answer of `ip route get`: IPv4 tells of a cache and of the asker, IPv6 of the route. */
export function writeWay(writer: MessageWriter, way: FoundWay, uid: number): void {
  const { destination, nextHop, source, isLocal, entry } = way;
  const v4 = destination.isV4;
  const table = isLocal && !v4 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
  const kernel = !v4 && (isLocal || entry?.origin === 'kernel');
  writer
    .u8(familyNumber(destination), destination.bits, v4 ? 0 : destination.bits, 0)
    .u8(table, kernel ? RTPROT_KERNEL : v4 ? 0 : RTPROT_BOOT, 0, isLocal ? RTN_LOCAL : RTN_UNICAST)
    .u32(v4 ? (isLocal ? ROUTE_LOCAL : 0) + ROUTE_CLONED : 0)
    .attribute32(RTA_TABLE, table)
    .attribute(RTA_DST, destination.toBytes());
  if (!v4) writer.attribute(RTA_SRC, new Uint8Array(16));
  if (nextHop !== null && !nextHop.equals(destination)) writer.attribute(RTA_GATEWAY, nextHop.toBytes());
  writer.attribute32(RTA_OIF, way.interfaceIndex);
  if (source !== null) writer.attribute(RTA_PREFSRC, source.toBytes());
  if (v4) writer.attribute32(RTA_UID, uid);
  else writer.attribute32(RTA_PRIORITY, isLocal ? 0 : (entry?.metric ?? 0)).attribute8(RTA_PREF, 0);
}

/** struct ndmsg and its attributes. */
export function writeNeighbour(writer: MessageWriter, iface: NetInterface, entry: NeighbourEntry): void {
  const state = neighbourState(entry.state);
  writer
    .u8(familyNumber(entry.address), 0, 0, 0)
    .u32(iface.index)
    .u16(state)
    .u8(0, RTN_UNICAST)
    .attribute(NDA_DST, entry.address.toBytes());
  if (entry.mac > 0) writer.attribute(NDA_LLADDR, hardwareAddress(entry.mac));
}

/** By netstack's numbering of the states of RFC 4861. */
const NUMBERED = [
  0,
  NUD_INCOMPLETE,
  NUD_REACHABLE,
  NUD_STALE,
  NUD_DELAY,
  NUD_PROBE,
  NUD_FAILED,
  NUD_PERMANENT,
];

export function neighbourState(state: number): number {
  return NUMBERED[state] ?? 0;
}

/** struct fib_rule_hdr and its attributes. */
export function writeRule(writer: MessageWriter, rule: PolicyRule, family: number): void {
  writer
    .u8(family, rule.toLength ?? 0, rule.fromLength ?? 0, 0)
    .u8(rule.table & 0xff, 0, 0, FR_ACT_TO_TBL)
    .u32(0)
    .attribute32(FRA_TABLE, rule.table)
    .attribute32(FRA_SUPPRESS_PREFIXLEN, rule.suppressPrefixLength ?? FOREVER);
  if (rule.priority !== 0) writer.attribute32(FRA_PRIORITY, rule.priority);
  if (rule.from !== undefined) writer.attribute(FRA_SRC, rule.from.toBytes());
  if (rule.to !== undefined) writer.attribute(FRA_DST, rule.to.toBytes());
  if (rule.mark !== undefined) writer.attribute32(FRA_FWMARK, rule.mark);
}

/** struct tcmsg of an interface without a queue. */
export function writeQueue(writer: MessageWriter, iface: NetInterface): void {
  writer.u8(0, 0).u16(0).u32(iface.index, 0, TC_H_ROOT, 2).attributeText(TCA_KIND, 'noqueue');
  writer.attribute8(TCA_HW_OFFLOAD, 0);
}

/** RFC 6724's policy with Linux's additions, in the order of its list: prefix, its length, label. */
export const ADDRESS_LABELS: readonly (readonly [readonly number[], number, number])[] = [
  [[0, 0, 0, 1], 128, 0],
  [[0, 0, 0, 0], 96, 3],
  [[0, 0, 0xffff, 0], 96, 4],
  [[0x20010000, 0, 0, 0], 32, 6],
  [[0x20010010, 0, 0, 0], 28, 7],
  [[0x3ffe0000, 0, 0, 0], 16, 12],
  [[0x20020000, 0, 0, 0], 16, 2],
  [[0xfec00000, 0, 0, 0], 10, 11],
  [[0xfc000000, 0, 0, 0], 7, 5],
  [[0, 0, 0, 0], 0, 1],
];

/** struct ifaddrlblmsg. */
export function writeLabel(
  writer: MessageWriter,
  prefix: readonly number[],
  length: number,
  label: number,
): void {
  const bytes = new Uint8Array(16);
  prefix.forEach((word, i) => {
    new DataView(bytes.buffer).setUint32(i * 4, word);
  });
  writer.u8(AF_INET6, 0, length, 0).u32(0, 0).attribute(IFAL_ADDRESS, bytes).attribute32(IFAL_LABEL, label);
}
