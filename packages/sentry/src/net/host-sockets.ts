// Network mode `host`: the guest's internet sockets are sockets of this machine, one behind each (ip(7), ipv6(7), netlink(7)). The sandbox's
// own stack is left alone, and no rule applies. What passes is a list: options, ioctls, control messages and netlink requests that are
// not on it get the errors of a kernel that lacks them.
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  CAP_NET_RAW,
  EAFNOSUPPORT,
  EINVAL,
  ENFILE,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  NETLINK_ROUTE,
  NETLINK_SOCK_DIAG,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import type { HostGuestSockets, HostInetSockets } from '@sandbox-kernel/host';
import type { Kernel, Socket, SocketFamily, Task } from '@sandbox-kernel/kernel';
import { HostNet, type LinkPlan, parseNameServer } from '@sandbox-kernel/network';
import type { HostSide } from '../boot/machine.js';
import { HostSocket } from './host-socket.js';
import { FIRST_NETWORK_TOKEN } from './outside.js';

/** Descriptors for the guest's sockets: the sandbox's own process needs some too. */
const MOST_SOCKETS = 16_384;

export class HostSockets {
  readonly net: HostNet;
  readonly calls: HostInetSockets;
  readonly guest: HostGuestSockets;
  readonly kernel: Kernel;

  constructor({ host, watcher }: HostSide, kernel: Kernel) {
    this.calls = host.inet;
    this.guest = host.guestSockets;
    this.net = new HostNet(host.inet, watcher, FIRST_NETWORK_TOKEN);
    this.kernel = kernel;
    const families = kernel.socketFamilies;
    families.set(AF_INET, new HostFamily(this, AF_INET));
    families.set(AF_INET6, new HostFamily(this, AF_INET6));
    families.set(AF_NETLINK, new HostFamily(this, AF_NETLINK));
    families.set(AF_PACKET, new RefusedFamily());
  }

  get isFull(): boolean {
    return this.net.open >= MOST_SOCKETS;
  }

  deliver(token: number, events: number): void {
    this.net.deliver(token, events);
  }

  /** A socket over a new descriptor, or -errno. */
  open(family: number, type: number, protocol: number): HostSocket | number {
    if (this.isFull) return -ENFILE;
    const fd = this.calls.open(family, type, protocol);
    return fd < 0 ? fd : this.adopt(fd, family, type, protocol);
  }

  /** A socket over a descriptor, which belongs to it from now on. */
  adopt(fd: number, family: number, type: number, protocol: number): HostSocket | number {
    const socket = new HostSocket(this, fd, family, type, protocol);
    const watched = this.net.watch(fd, socket);
    return watched < 0 ? watched : socket;
  }
}

class HostFamily implements SocketFamily {
  readonly #sockets: HostSockets;
  readonly #family: number;

  constructor(sockets: HostSockets, family: number) {
    this.#sockets = sockets;
    this.#family = family;
  }

  create(task: Task, type: number, protocol: number): Socket | number {
    if (this.#family === AF_NETLINK) {
      if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
      if (protocol !== NETLINK_ROUTE && protocol !== NETLINK_SOCK_DIAG) return -EPROTONOSUPPORT;
    } else {
      if (protocol < 0 || protocol > 0x1ff) return -EINVAL;
      if (type !== SOCK_STREAM && type !== SOCK_DGRAM && type !== SOCK_RAW) return -ESOCKTNOSUPPORT;
      if (type === SOCK_RAW && !task.credentials.hasCapability(CAP_NET_RAW)) return -EPERM;
    }
    return this.#sockets.open(this.#family, type, protocol);
  }

  createPair(): number {
    return -EOPNOTSUPP;
  }
}

class RefusedFamily implements SocketFamily {
  create(): number {
    return -EAFNOSUPPORT;
  }

  createPair(): number {
    return -EAFNOSUPPORT;
  }
}

/** What /etc/resolv.conf of the guest says: this machine's name servers. */
export function hostPlan(nameServers: readonly string[]): LinkPlan {
  const servers = nameServers.flatMap((text) => parseNameServer(text)?.address ?? []);
  return { name: 'host', addresses: [], routes: [], nameServers: servers, hosts: [] };
}
