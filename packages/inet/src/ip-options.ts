// Options at IPPROTO_IP (ip(7)): ranges, short values and errors as Linux has them.
import {
  CAP_NET_ADMIN,
  CAP_NET_RAW,
  EADDRNOTAVAIL,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  EPERM,
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_BIND_ADDRESS_NO_PORT,
  IP_BLOCK_SOURCE,
  IP_CHECKSUM,
  IP_DROP_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP,
  IP_FREEBIND,
  IP_HDRINCL,
  IP_LOCAL_PORT_RANGE,
  IP_MINTTL,
  IP_MTU,
  IP_MTU_DISCOVER,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_NODEFRAG,
  IP_OPTIONS,
  IP_PASSSEC,
  IP_PKTINFO,
  IP_PKTOPTIONS,
  IP_PROTOCOL,
  IP_RECVERR,
  IP_RECVFRAGSIZE,
  IP_RECVOPTS,
  IP_RECVORIGDSTADDR,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_RETOPTS,
  IP_ROUTER_ALERT,
  IP_TOS,
  IP_TRANSPARENT,
  IP_TTL,
  IP_UNBLOCK_SOURCE,
  IP_UNICAST_IF,
  MCAST_JOIN_GROUP,
  MCAST_LEAVE_GROUP,
  SOCK_RAW,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { Address } from '@sandbox-kernel/netstack';
import type { InetSocket } from './inet-socket.js';
import { parseIpOptions } from './ip-option-bytes.js';
import { groupRequest, ipMembership } from './memberships.js';
import { intBytes, shortBytes, shortInt, viewOf } from './option-bytes.js';

/** Flags that ask for ancillary data. */
const RECEIVE = [
  IP_PKTINFO,
  IP_RECVTTL,
  IP_RECVTOS,
  IP_RECVOPTS,
  IP_RETOPTS,
  IP_PASSSEC,
  IP_RECVORIGDSTADDR,
  IP_CHECKSUM,
  IP_RECVFRAGSIZE,
];
const ECN_MASK = 3;

export function setIpOption(socket: InetSocket, task: Task, option: number, bytes: Uint8Array): number {
  if (option === IP_RECVFRAGSIZE && socket.type === SOCK_STREAM) return -EINVAL;
  if (RECEIVE.includes(option)) {
    if (shortInt(bytes) !== 0) socket.ip.receive4.add(option);
    else socket.ip.receive4.delete(option);
    return 0;
  }
  const result =
    option === IP_OPTIONS ? setHeaderOptions(socket, task, bytes) : assign(socket, task, option, bytes);
  if (result === 0) socket.applyOptions();
  return result;
}

function setHeaderOptions(socket: InetSocket, task: Task, bytes: Uint8Array): number {
  const parsed = parseIpOptions(bytes, task.credentials.hasCapability(CAP_NET_RAW));
  if (typeof parsed === 'number') return parsed;
  socket.ip.options = parsed;
  return 0;
}

function assign(socket: InetSocket, task: Task, option: number, bytes: Uint8Array): number {
  const { ip } = socket;
  const value = shortInt(bytes);
  switch (option) {
    case IP_TOS:
      ip.tos = socket.type === SOCK_STREAM ? (value & 0xff & ~ECN_MASK) | (ip.tos & ECN_MASK) : value & 0xff;
      return 0;
    case IP_TTL:
      if (bytes.length < 1 || (value !== -1 && (value < 1 || value > 255))) return -EINVAL;
      ip.ttl = value;
      return 0;
    case IP_MTU_DISCOVER:
      if (value < 0 || value > 5) return -EINVAL;
      ip.mtuDiscover = value;
      return 0;
    case IP_RECVERR:
      ip.receiveErrors = value !== 0;
      return 0;
    case IP_HDRINCL:
      if (socket.type !== SOCK_RAW) return -ENOPROTOOPT;
      ip.headerIncluded = value !== 0;
      return 0;
    case IP_MINTTL:
      if (bytes.length < 1 || value < 0 || value > 255) return -EINVAL;
      ip.minTtl = value;
      return 0;
    case IP_FREEBIND:
      if (bytes.length < 1) return -EINVAL;
      ip.freeBind = value !== 0;
      return 0;
    case IP_TRANSPARENT:
      return setTransparent(socket, task, bytes, value);
    default:
      return assignMulticast(socket, option, bytes, value);
  }
}

function setTransparent(socket: InetSocket, task: Task, bytes: Uint8Array, value: number): number {
  const allowed =
    task.credentials.hasCapability(CAP_NET_RAW) || task.credentials.hasCapability(CAP_NET_ADMIN);
  if (value !== 0 && !allowed) return -EPERM;
  if (bytes.length < 1) return -EINVAL;
  socket.ip.transparent = value !== 0;
  return 0;
}

function assignMulticast(socket: InetSocket, option: number, bytes: Uint8Array, value: number): number {
  const { ip } = socket;
  switch (option) {
    case IP_MULTICAST_TTL:
      if (socket.type === SOCK_STREAM || bytes.length < 1 || value < -1 || value > 255) return -EINVAL;
      ip.multicastTtl = value === -1 ? 1 : value;
      return 0;
    case IP_MULTICAST_LOOP:
      if (bytes.length < 1) return -EINVAL;
      ip.multicastLoop = value !== 0;
      return 0;
    case IP_MULTICAST_ALL:
      if (bytes.length < 1 || (value !== 0 && value !== 1)) return -EINVAL;
      ip.multicastAll = value !== 0;
      return 0;
    case IP_MULTICAST_IF:
      return socket.type === SOCK_STREAM ? -EINVAL : setMulticastInterface(socket, bytes);
    case IP_ADD_MEMBERSHIP:
    case IP_DROP_MEMBERSHIP:
    case IP_ADD_SOURCE_MEMBERSHIP:
    case IP_DROP_SOURCE_MEMBERSHIP:
    case IP_BLOCK_SOURCE:
    case IP_UNBLOCK_SOURCE:
      return ipMembership(socket, option, bytes);
    case MCAST_JOIN_GROUP:
    case MCAST_LEAVE_GROUP:
      return groupRequest(socket, option === MCAST_JOIN_GROUP, bytes);
    default:
      return assignRare(socket, option, bytes, value);
  }
}

function assignRare(socket: InetSocket, option: number, bytes: Uint8Array, value: number): number {
  const { ip } = socket;
  switch (option) {
    case IP_NODEFRAG:
      if (socket.type !== SOCK_RAW) return -ENOPROTOOPT;
      ip.noDefrag = value !== 0;
      return 0;
    case IP_BIND_ADDRESS_NO_PORT:
      ip.bindAddressNoPort = value !== 0;
      return 0;
    case IP_LOCAL_PORT_RANGE:
      if (bytes.length !== 4) return -EINVAL;
      if ((value & 0xffff) > value >>> 16 && value >>> 16 !== 0 && (value & 0xffff) !== 0) return -EINVAL;
      ip.portRange = value;
      return 0;
    case IP_UNICAST_IF:
      if (bytes.length !== 4) return -EINVAL;
      return setUnicastInterface(socket, viewOf(bytes).getUint32(0));
    case IP_ROUTER_ALERT:
      return socket.type === SOCK_RAW ? 0 : -EINVAL;
    default:
      return -ENOPROTOOPT;
  }
}

function setUnicastInterface(socket: InetSocket, index: number): number {
  if (index !== 0 && socket.internet.stack.network.interfaceByIndex(index) === null) return -EADDRNOTAVAIL;
  socket.ip.unicastInterface = index;
  return 0;
}

/** struct ip_mreqn, ip_mreq or in_addr. */
function setMulticastInterface(socket: InetSocket, bytes: Uint8Array): number {
  const { network } = socket.internet.stack;
  const { ip } = socket;
  if (bytes.length < 4) return -EINVAL;
  const view = viewOf(bytes);
  const index = bytes.length >= 12 ? view.getInt32(8, true) : 0;
  const word = bytes.length >= 8 ? view.getInt32(4) : view.getInt32(0);
  if (index !== 0) {
    if (network.interfaceByIndex(index) === null) return -EADDRNOTAVAIL;
    ip.multicastInterface = index;
    ip.multicastAddress = word;
    return 0;
  }
  const found = word === 0 ? 0 : network.interfaceForSource(Address.v4(word));
  if (word !== 0 && found === 0) return -EADDRNOTAVAIL;
  ip.multicastInterface = found;
  ip.multicastAddress = word;
  return 0;
}

export function getIpOption(socket: InetSocket, option: number, room: number): Uint8Array | number {
  if (RECEIVE.includes(option)) return shortBytes(socket.ip.receive4.has(option) ? 1 : 0, room);
  if (option === IP_MULTICAST_IF) {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setInt32(0, socket.ip.multicastAddress);
    return bytes;
  }
  if (option === IP_OPTIONS) return socket.ip.options ?? new Uint8Array(0);
  if (option === IP_PKTOPTIONS) return socket.type === SOCK_STREAM ? new Uint8Array(0) : -ENOPROTOOPT;
  if (option === IP_MTU) {
    const mtu = mtuOf(socket);
    return mtu === 0 ? -ENOTCONN : shortBytes(mtu, room);
  }
  const value = currentValue(socket, option);
  return value === null ? -ENOPROTOOPT : shortBytes(value, room);
}

/** Of the route of a connected socket; 0 when there is none. */
export function mtuOf(socket: InetSocket): number {
  const remote = socket.remoteAddress;
  if (remote === null) return 0;
  const { network } = socket.internet.stack;
  const route = network.borrowRoute(remote);
  const found = network.resolve(route) < 0 ? 0 : route.mtu;
  network.returnRoute(route);
  return found;
}

function currentValue(socket: InetSocket, option: number): number | null {
  const { ip } = socket;
  const { settings } = socket.internet;
  switch (option) {
    case IP_TOS:
      return ip.tos;
    case IP_TTL:
      return ip.ttl < 0 ? settings.ttl : ip.ttl;
    case IP_MTU_DISCOVER:
      return ip.mtuDiscover;
    case IP_RECVERR:
      return ip.receiveErrors ? 1 : 0;
    case IP_HDRINCL:
      return ip.headerIncluded ? 1 : 0;
    case IP_MINTTL:
      return ip.minTtl;
    case IP_FREEBIND:
      return ip.freeBind ? 1 : 0;
    case IP_TRANSPARENT:
      return ip.transparent ? 1 : 0;
    case IP_MULTICAST_TTL:
      return ip.multicastTtl;
    case IP_MULTICAST_LOOP:
      return ip.multicastLoop ? 1 : 0;
    case IP_MULTICAST_ALL:
      return ip.multicastAll ? 1 : 0;
    case IP_NODEFRAG:
      return ip.noDefrag ? 1 : 0;
    case IP_BIND_ADDRESS_NO_PORT:
      return ip.bindAddressNoPort ? 1 : 0;
    case IP_LOCAL_PORT_RANGE:
      return ip.portRange;
    case IP_UNICAST_IF:
      return new DataView(intBytes(ip.unicastInterface).buffer).getInt32(0);
    case IP_PROTOCOL:
      // Linux tells the number that the socket is known by: of others than raw ones the port.
      return socket.type === SOCK_RAW ? socket.protocol : socket.localPort;
    default:
      return null;
  }
}
