// NETLINK_GET_STRICT_CHK (netlink(7)): what Linux refuses in the header of a dump request, and the reason that it gives.
import {
  AF_INET6,
  EINVAL,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETROUTE,
  RTM_GETRULE,
} from '@sandbox-kernel/abi';
import { viewOf } from '../option-bytes.js';
import type { NetlinkRequest } from './message.js';
import type { NetlinkSocket } from './netlink-socket.js';

interface Shape {
  readonly size: number;
  /** Bytes that must be zero. */
  readonly zero: readonly number[];
  readonly what: string;
}

const LINK: Shape = { size: 16, zero: [1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15], what: 'link dump' };
const ADDRESS: Shape = { size: 8, zero: [1, 2, 3], what: 'address dump request' };
const ROUTE: Shape = { size: 12, zero: [1, 2, 3, 6], what: 'FIB dump request' };
const NEIGHBOUR: Shape = { size: 12, zero: [1, 2, 3, 8, 9, 11], what: 'neighbor dump request' };
const RULE: Shape = { size: 12, zero: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], what: 'fib rule dump request' };

function shapeOf(type: number): Shape | null {
  switch (type) {
    case RTM_GETLINK:
      return LINK;
    case RTM_GETADDR:
      return ADDRESS;
    case RTM_GETROUTE:
      return ROUTE;
    case RTM_GETNEIGH:
      return NEIGHBOUR;
    case RTM_GETRULE:
      return RULE;
    default:
      return null;
  }
}

/** False: the dump has been refused. */
export function checkDump(socket: NetlinkSocket, request: NetlinkRequest): boolean {
  const reason = faultOf(request);
  if (reason !== '') socket.refuseDump(request, -EINVAL, reason);
  return reason === '';
}

function faultOf({ body, type }: NetlinkRequest): string {
  const shape = shapeOf(type);
  if (shape === null) return '';
  const family = type === RTM_GETADDR ? (body[0] === AF_INET6 ? 'ipv6: ' : 'ipv4: ') : '';
  if (body.length < shape.size) return `${family}Invalid header for ${shape.what}`;
  const what = type === RTM_GETLINK ? 'link dump request' : shape.what;
  if (shape.zero.some((at) => body[at] !== 0)) return `${family}Invalid values in header for ${what}`;
  if (type === RTM_GETLINK && viewOf(body).getInt32(4, true) !== 0)
    return 'Filter by device index not supported for link dumps';
  return '';
}
