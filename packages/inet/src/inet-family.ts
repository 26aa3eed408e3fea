// socket(2) for AF_INET and AF_INET6: which types and protocols there are, and who may have them.
import {
  CAP_NET_RAW,
  EACCES,
  EINVAL,
  ENOBUFS,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_MAX,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import type { Socket, SocketFamily, Task } from '@sandbox-kernel/kernel';
import type { Internet } from './internet.js';
import { PingSocket, RawSocket } from './raw-socket.js';
import { TcpSocket } from './tcp-socket.js';
import { UdpSocket } from './udp-socket.js';

export class InetFamily implements SocketFamily {
  readonly #internet: Internet;
  readonly #isV6: boolean;

  constructor(internet: Internet, isV6: boolean) {
    this.#internet = internet;
    this.#isV6 = isV6;
  }

  create(task: Task, type: number, protocol: number): Socket | number {
    if (protocol < 0 || protocol >= IPPROTO_MAX) return -EINVAL;
    if (this.#internet.sockets.full) return -ENOBUFS;
    const uid = task.credentials.fsuid;
    switch (type) {
      case SOCK_STREAM:
        if (protocol !== 0 && protocol !== IPPROTO_TCP) return -EPROTONOSUPPORT;
        return new TcpSocket(this.#internet, this.#isV6, uid);
      case SOCK_DGRAM:
        return this.datagram(task, protocol, uid);
      case SOCK_RAW:
        if (protocol === 0) return -EPROTONOSUPPORT;
        if (!task.credentials.hasCapability(CAP_NET_RAW)) return -EPERM;
        return new RawSocket(this.#internet, this.#isV6, uid, protocol & 0xff);
      default:
        return -ESOCKTNOSUPPORT;
    }
  }

  private datagram(task: Task, protocol: number, uid: number): Socket | number {
    if (protocol === 0 || protocol === IPPROTO_UDP) {
      return new UdpSocket(this.#internet, this.#isV6, uid, IPPROTO_UDP);
    }
    if (protocol !== (this.#isV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) return -EPROTONOSUPPORT;
    return this.mayPing(task) ? new PingSocket(this.#internet, this.#isV6, uid) : -EACCES;
  }

  /** net.ipv4.ping_group_range. */
  private mayPing(task: Task): boolean {
    const { pingGroupLow, pingGroupHigh } = this.#internet.settings;
    const inside = (gid: number): boolean => gid >= pingGroupLow && gid <= pingGroupHigh;
    return inside(task.credentials.egid) || task.credentials.groups.some(inside);
  }

  createPair(): number {
    return -EOPNOTSUPP;
  }
}
