// Joining and leaving multicast groups: struct ip_mreq(n), ip_mreq_source, ipv6_mreq and group_req (ip(7), ipv6(7), RFC 3678).
import {
  AF_INET,
  AF_INET6,
  EADDRNOTAVAIL,
  EINVAL,
  ENODEV,
  EPROTO,
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_BLOCK_SOURCE,
  IP_DROP_MEMBERSHIP,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import { Address } from '@sandbox-kernel/netstack';
import type { InetSocket } from './inet-socket.js';
import { viewOf } from './option-bytes.js';

/** The interface for a group: by index, by one of its addresses, or by route. 0 when there is none. */
function interfaceFor(socket: InetSocket, group: Address, index: number, address: number): number {
  const { network } = socket.internet.stack;
  if (index !== 0) return network.interfaceByIndex(index) === null ? 0 : index;
  if (address !== 0) return network.interfaceForSource(Address.v4(address));
  const route = network.borrowRoute(group);
  const found = network.resolve(route) < 0 ? 0 : route.interfaceIndex;
  network.returnRoute(route);
  return found;
}

/** Leaving by interface 0 is leaving wherever the group was joined. */
function change(socket: InetSocket, join: boolean, group: Address, index: number, address: number): number {
  if (!group.isMulticast) return join ? -EINVAL : -EADDRNOTAVAIL;
  const { memberships } = socket;
  if (memberships === null) return socket.type === SOCK_STREAM ? -EINVAL : 0;
  const found = interfaceFor(socket, group, index, address);
  if (found === 0 && (join || index !== 0 || address !== 0)) return -ENODEV;
  socket.internet.touch();
  return join
    ? memberships.join(group, found)
    : memberships.leave(group, index === 0 && address === 0 ? 0 : found);
}

export function ipMembership(socket: InetSocket, option: number, bytes: Uint8Array): number {
  const plain = option === IP_ADD_MEMBERSHIP || option === IP_DROP_MEMBERSHIP;
  if (bytes.length < (plain ? 8 : 12) && !(plain && socket.type === SOCK_STREAM)) return -EINVAL;
  if (socket.type === SOCK_STREAM && plain) return -EPROTO;
  const view = viewOf(bytes);
  const group = Address.v4(view.getInt32(0));
  if (plain) {
    const index = bytes.length >= 12 ? view.getInt32(8, true) : 0;
    return change(socket, option === IP_ADD_MEMBERSHIP, group, index, view.getInt32(4));
  }
  const { memberships } = socket;
  if (!group.isMulticast || memberships === null) return -EINVAL;
  const source = Address.v4(view.getInt32(8));
  const found = interfaceFor(socket, group, 0, view.getInt32(4));
  if (found === 0) return -ENODEV;
  socket.internet.touch();
  if (option === IP_ADD_SOURCE_MEMBERSHIP) return memberships.joinSource(group, found, source);
  if (option === IP_BLOCK_SOURCE) return memberships.block(group, found, source);
  return memberships.dropSource(group, found, source);
}

/** struct ipv6_mreq. */
export function ipv6Membership(socket: InetSocket, join: boolean, bytes: Uint8Array): number {
  if (bytes.length < 20) return -EINVAL;
  const group = Address.fromBytes(bytes.subarray(0, 16));
  return group === null ? -EINVAL : change(socket, join, group, viewOf(bytes).getInt32(16, true), 0);
}

/** struct group_req: an interface index and a sockaddr_storage. */
export function groupRequest(socket: InetSocket, join: boolean, bytes: Uint8Array): number {
  if (bytes.length < 136) return -EINVAL;
  const view = viewOf(bytes);
  const family = view.getUint16(8, true);
  if (family !== (socket.isV6 ? AF_INET6 : AF_INET)) return -EADDRNOTAVAIL;
  const at = family === AF_INET6 ? 16 : 12;
  const group = Address.fromBytes(bytes.subarray(at, at + (family === AF_INET6 ? 16 : 4)));
  return group === null ? -EINVAL : change(socket, join, group, view.getInt32(0, true), 0);
}
