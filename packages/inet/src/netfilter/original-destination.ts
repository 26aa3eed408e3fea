// SO_ORIGINAL_DST (netfilter_ipv4.h): where a connection that was redirected here was going. Transparent proxies ask for it.
import { EINVAL, ENOENT, ENOPROTOOPT, IPPROTO_TCP } from '@sandbox-kernel/abi';
import type { InetSocket } from '../inet-socket.js';
import { encodeName } from '../sockaddr.js';

export const SO_ORIGINAL_DST = 80;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;

/** A sockaddr of the option's level, or -errno. */
export function originalDestination(socket: InetSocket, isV6: boolean, room: number): Uint8Array | number {
  if (socket.protocol !== IPPROTO_TCP) return -ENOPROTOOPT;
  if (room < (isV6 ? SOCKADDR_IN6 : SOCKADDR_IN)) return -EINVAL;
  const remote = socket.remoteAddress;
  const tracker = socket.internet.netfilter.activeTracker;
  if (remote === null || tracker === null) return -ENOENT;
  const { localAddress: local, localPort, remotePort } = socket;
  const found = tracker.find(local, remote, localPort, remotePort, IPPROTO_TCP);
  if (found === null || local.isV4 === isV6) return -ENOENT;
  const { destination, destinationPort } = found.flow.original;
  return encodeName(destination, destinationPort, isV6);
}
