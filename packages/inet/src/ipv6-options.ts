// Options at IPPROTO_IPV6 (ipv6(7), RFC 3493, RFC 3542): ranges and errors as Linux has them.
import {
  CAP_NET_ADMIN,
  CAP_NET_RAW,
  EADDRNOTAVAIL,
  EINVAL,
  ENODEV,
  ENOPROTOOPT,
  ENOTCONN,
  EPERM,
  IPV6_2292HOPLIMIT,
  IPV6_2292PKTINFO,
  IPV6_ADD_MEMBERSHIP,
  IPV6_ADDR_PREFERENCES,
  IPV6_AUTOFLOWLABEL,
  IPV6_DONTFRAG,
  IPV6_DROP_MEMBERSHIP,
  IPV6_FLOWINFO,
  IPV6_FLOWINFO_SEND,
  IPV6_FREEBIND,
  IPV6_HDRINCL,
  IPV6_MINHOPCOUNT,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_MULTICAST_ALL,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_RECVDSTOPTS,
  IPV6_RECVERR,
  IPV6_RECVFRAGSIZE,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVHOPOPTS,
  IPV6_RECVORIGDSTADDR,
  IPV6_RECVPATHMTU,
  IPV6_RECVPKTINFO,
  IPV6_RECVRTHDR,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_TRANSPARENT,
  IPV6_UNICAST_HOPS,
  IPV6_UNICAST_IF,
  IPV6_V6ONLY,
  MCAST_JOIN_GROUP,
  MCAST_LEAVE_GROUP,
  SOCK_RAW,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { isExtensionOption, keepHeader } from './extension-options.js';
import type { InetSocket } from './inet-socket.js';
import { mtuOf } from './ip-options.js';
import { groupRequest, ipv6Membership } from './memberships.js';
import { intBytes, viewOf, wholeInt } from './option-bytes.js';

const ECN_MASK = 3;
const RECEIVE = [
  IPV6_RECVPKTINFO,
  IPV6_2292PKTINFO,
  IPV6_RECVHOPLIMIT,
  IPV6_2292HOPLIMIT,
  IPV6_RECVRTHDR,
  IPV6_RECVHOPOPTS,
  IPV6_RECVDSTOPTS,
  IPV6_RECVTCLASS,
  IPV6_RECVPATHMTU,
  IPV6_RECVORIGDSTADDR,
  IPV6_RECVFRAGSIZE,
  IPV6_FLOWINFO,
];

/** Numbers that are nothing's, or can only be asked for. */
const UNKNOWN = [7, 9, 10, 12, 13, 14, 15, 36, 37, 38, 39, 40, 41, 52, 61, 63, 68, 69, 71];
/** Too short a value is none: off. */
const LENIENT = [IPV6_DONTFRAG, IPV6_AUTOFLOWLABEL, IPV6_RECVFRAGSIZE];

export function setIpv6Option(socket: InetSocket, task: Task, option: number, bytes: Uint8Array): number {
  if (option === IPV6_ADD_MEMBERSHIP || option === IPV6_DROP_MEMBERSHIP) {
    if (socket.type === SOCK_STREAM) return -EINVAL;
    return ipv6Membership(socket, option === IPV6_ADD_MEMBERSHIP, bytes);
  }
  if (option === MCAST_JOIN_GROUP || option === MCAST_LEAVE_GROUP) {
    return groupRequest(socket, option === MCAST_JOIN_GROUP, bytes);
  }
  if (isExtensionOption(option)) {
    const kept = keepHeader(socket.ip.headers6, task, option, bytes);
    if (kept === 0) socket.applyOptions();
    return kept;
  }
  if (bytes.length < 4 && !LENIENT.includes(option)) return isKnown(socket, option) ? -EINVAL : -ENOPROTOOPT;
  const value = bytes.length < 4 ? 0 : wholeInt(bytes);
  if (RECEIVE.includes(option)) {
    if (value !== 0) socket.ip.receive6.add(option);
    else socket.ip.receive6.delete(option);
    return 0;
  }
  const result = assign(socket, task, option, value);
  if (result === 0) socket.applyOptions();
  return result;
}

function isKnown(socket: InetSocket, option: number): boolean {
  const multicast = option === IPV6_MULTICAST_IF || option === IPV6_MULTICAST_HOPS;
  if (multicast && socket.type === SOCK_STREAM) return false;
  return RECEIVE.includes(option) || (option >= 1 && option <= 78 && !UNKNOWN.includes(option));
}

function assign(socket: InetSocket, task: Task, option: number, value: number): number {
  const { ip } = socket;
  const on = value !== 0;
  switch (option) {
    case IPV6_V6ONLY:
      if (socket.localPort !== 0) return -EINVAL;
      ip.v6Only = on;
      return 0;
    case IPV6_UNICAST_HOPS:
      if (value < -1 || value > 255) return -EINVAL;
      ip.unicastHops = value;
      return 0;
    case IPV6_TCLASS:
      if (value < -1 || value > 255) return -EINVAL;
      ip.trafficClass = trafficClass(socket, value === -1 ? 0 : value);
      return 0;
    case IPV6_MTU_DISCOVER:
      if (value < 0 || value > 5) return -EINVAL;
      ip.mtuDiscover6 = value;
      return 0;
    case IPV6_MTU:
      if (value !== 0 && value < 1280) return -EINVAL;
      ip.mtu6 = value;
      return 0;
    case IPV6_RECVERR:
      ip.receiveErrors6 = on;
      return 0;
    case IPV6_DONTFRAG:
      ip.dontFragment = on;
      return 0;
    case IPV6_MINHOPCOUNT:
      if (value < 0 || value > 255) return -EINVAL;
      ip.minHopCount = value;
      return 0;
    default:
      return assignRare(socket, task, option, value);
  }
}

function assignRare(socket: InetSocket, task: Task, option: number, value: number): number {
  const { ip } = socket;
  const on = value !== 0;
  switch (option) {
    case IPV6_MULTICAST_HOPS:
      if (socket.type === SOCK_STREAM) return -ENOPROTOOPT;
      if (value < -1 || value > 255) return -EINVAL;
      ip.multicastHops = value;
      return 0;
    case IPV6_MULTICAST_LOOP:
      if (value !== 0 && value !== 1) return -EINVAL;
      ip.multicastLoop6 = on;
      return 0;
    case IPV6_MULTICAST_ALL:
      ip.multicastAll6 = on;
      return 0;
    case IPV6_MULTICAST_IF:
      if (socket.type === SOCK_STREAM) return -ENOPROTOOPT;
      if (on && socket.internet.stack.network.interfaceByIndex(value) === null) return -ENODEV;
      ip.multicastInterface6 = value;
      return 0;
    case IPV6_UNICAST_IF: {
      const index = viewOf(intBytes(value)).getUint32(0);
      if (index !== 0 && socket.internet.stack.network.interfaceByIndex(index) === null)
        return -EADDRNOTAVAIL;
      ip.unicastInterface6 = index;
      return 0;
    }
    case IPV6_HDRINCL:
      if (socket.type !== SOCK_RAW) return -ENOPROTOOPT;
      ip.headerIncluded = on;
      return 0;
    case IPV6_TRANSPARENT:
      if (
        on &&
        !task.credentials.hasCapability(CAP_NET_ADMIN) &&
        !task.credentials.hasCapability(CAP_NET_RAW)
      ) {
        return -EPERM;
      }
      ip.transparent = on;
      return 0;
    case IPV6_FREEBIND:
      ip.freeBind = on;
      return 0;
    case IPV6_AUTOFLOWLABEL:
      ip.autoFlowLabel = on;
      return 0;
    case IPV6_FLOWINFO_SEND:
      ip.flowInfoSend = on;
      return 0;
    case IPV6_ADDR_PREFERENCES:
      ip.addressPreferences = value;
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

export function getIpv6Option(socket: InetSocket, option: number, _room: number): Uint8Array | number {
  if (RECEIVE.includes(option)) return intBytes(socket.ip.receive6.has(option) ? 1 : 0);
  if (isExtensionOption(option)) return socket.ip.headers6.get(option) ?? new Uint8Array(0);
  if (option === IPV6_MTU) {
    const mtu = mtuOf(socket);
    return mtu === 0 ? -ENOTCONN : intBytes(mtu);
  }
  const value = currentValue(socket, option);
  return value === null ? -ENOPROTOOPT : intBytes(value);
}

function currentValue(socket: InetSocket, option: number): number | null {
  const { ip } = socket;
  const { settings } = socket.internet;
  switch (option) {
    case IPV6_V6ONLY:
      return ip.v6Only ? 1 : 0;
    case IPV6_UNICAST_HOPS:
      return ip.unicastHops < 0 ? settings.hopLimit : ip.unicastHops;
    case IPV6_MULTICAST_HOPS:
      return ip.multicastHops < 0 ? 1 : ip.multicastHops;
    case IPV6_TCLASS:
      return ip.trafficClass;
    case IPV6_MTU_DISCOVER:
      return ip.mtuDiscover6;
    case IPV6_RECVERR:
      return ip.receiveErrors6 ? 1 : 0;
    case IPV6_DONTFRAG:
      return ip.dontFragment ? 1 : 0;
    case IPV6_MINHOPCOUNT:
      return ip.minHopCount;
    case IPV6_MULTICAST_LOOP:
      return ip.multicastLoop6 ? 1 : 0;
    case IPV6_MULTICAST_ALL:
      return ip.multicastAll6 ? 1 : 0;
    case IPV6_MULTICAST_IF:
      return ip.multicastInterface6;
    case IPV6_UNICAST_IF:
      return viewOf(intBytes(ip.unicastInterface6)).getInt32(0);
    case IPV6_HDRINCL:
      return socket.type === SOCK_RAW ? (ip.headerIncluded ? 1 : 0) : null;
    case IPV6_TRANSPARENT:
      return ip.transparent ? 1 : 0;
    case IPV6_FREEBIND:
      return ip.freeBind ? 1 : 0;
    case IPV6_AUTOFLOWLABEL:
      return ip.autoFlowLabel ? 1 : 0;
    case IPV6_FLOWINFO_SEND:
      return ip.flowInfoSend ? 1 : 0;
    case IPV6_ADDR_PREFERENCES:
      return ip.addressPreferences === 0x0800 ? 0x0002 : ip.addressPreferences;
    default:
      return null;
  }
}

/** The bits of congestion notification are TCP's own. */
function trafficClass(socket: InetSocket, value: number): number {
  if (socket.type !== SOCK_STREAM) return value;
  return (value & ~ECN_MASK) | (socket.ip.trafficClass & ECN_MASK);
}
