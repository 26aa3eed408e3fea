// What the sockets of AF_INET and AF_INET6 have in common (ip(7), ipv6(7), socket(7)): their state and options, the rules for local
// addresses and ports, ioctls. Families of transports subclass it.
import {
  AF_INET,
  AF_INET6,
  CAP_NET_ADMIN,
  CAP_NET_BIND_SERVICE,
  CAP_NET_RAW,
  EACCES,
  EADDRNOTAVAIL,
  EINVAL,
  ENODEV,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  IPPROTO_IP,
  IPPROTO_IPV6,
  MSG_ZEROCOPY,
  POLLERR,
  SO_BINDTODEVICE,
  SO_BINDTOIFINDEX,
  SO_MARK,
  SO_ZEROCOPY,
  SOCK_RAW,
  SOL_RAW,
  SOL_SOCKET,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import { Socket, type Task } from '@sandbox-kernel/kernel';
import type { Address, ReadinessOwner, UdpEndpoint } from '@sandbox-kernel/netstack';
import { interfaceIoctl } from './interface-ioctl.js';
import type { Internet } from './internet.js';
import { getIpOption, setIpOption } from './ip-options.js';
import { IpState } from './ip-state.js';
import { getIpv6Option, setIpv6Option } from './ipv6-options.js';
import { originalDestination, SO_ORIGINAL_DST } from './netfilter/original-destination.js';
import { askXtOption, isXtSetOption, setXtOption } from './netfilter/xt/xt-options.js';
import { intBytes, viewOf } from './option-bytes.js';
import { pollEvents } from './readiness.js';
import type { InetName } from './sockaddr.js';
import { ZeroCopyNotices } from './zero-copy.js';

export abstract class InetSocket extends Socket implements ReadinessOwner {
  readonly internet: Internet;
  readonly kernel: Internet['kernel'];
  readonly isV6: boolean;
  readonly ip: IpState;
  /** Who made it: /proc/net, sock_diag. */
  readonly uid: number;
  readonly gid: number;
  /** SO_BINDTODEVICE: interface index, 0 for none. */
  boundInterface: number;
  mark: number;
  /** Null until the first send with MSG_ZEROCOPY. */
  protected zeroCopy: ZeroCopyNotices | null;

  constructor(internet: Internet, isV6: boolean, type: number, protocol: number, uid: number) {
    super(isV6 ? AF_INET6 : AF_INET, type, protocol);
    this.internet = internet;
    this.kernel = internet.kernel;
    this.isV6 = isV6;
    this.ip = new IpState(internet.settings.v6Only);
    // As on Linux, which sets it for sockets of IPv4 only.
    if (isV6) this.ip.multicastAll = false;
    this.uid = uid;
    this.gid = internet.kernel.current?.credentials.fsgid ?? 0;
    this.boundInterface = 0;
    this.mark = 0;
    this.zeroCopy = null;
    this.sendBuffer = internet.settings.sendDefault;
    this.receiveBuffer = internet.settings.receiveDefault;
    internet.sockets.add(this);
  }

  /** An option that the transport must know has changed. */
  abstract applyOptions(): void;

  abstract get localAddress(): Address;
  abstract get localPort(): number;
  abstract get remoteAddress(): Address | null;
  abstract get remotePort(): number;
  /** Bytes that wait to be read, and that were sent and are not gone yet: /proc/net, sock_diag. */
  abstract get receiveQueue(): number;
  abstract get sendQueue(): number;
  /** TCP_* as Linux numbers states: TCP_ESTABLISHED for a connected datagram socket, TCP_CLOSE for others. */
  abstract get state(): number;

  /** Multicast groups, of sockets that can be in any. */
  get memberships(): UdpEndpoint['memberships'] | null {
    return null;
  }

  override get bufferLimits(): readonly [number, number] {
    const { settings } = this.internet;
    return [settings.sendMost, settings.receiveMost];
  }

  /** A send with MSG_ZEROCOPY has taken its bytes: said in the error queue, where the program has asked for that (SO_ZEROCOPY). */
  protected noteZeroCopy(flags: number): void {
    if ((flags & MSG_ZEROCOPY) === 0 || (this.kept.get(SO_ZEROCOPY) ?? 0) === 0) return;
    this.zeroCopy ??= new ZeroCopyNotices();
    this.zeroCopy.note();
    this.wake(POLLERR);
  }

  get inode(): number {
    return this.file?.inode?.number ?? 0;
  }

  endpointReady(_token: number, ready: number): void {
    if (!this.queue.empty) this.queue.wake(pollEvents(ready));
  }

  /** ip(7): ports below the limit are for CAP_NET_BIND_SERVICE. */
  mayBindPort(task: Task, port: number): boolean {
    const low = this.internet.settings.unprivilegedPort;
    return port === 0 || port >= low || task.credentials.hasCapability(CAP_NET_BIND_SERVICE);
  }

  /** 0, -EADDRNOTAVAIL, -EACCES, -EINVAL: what bind(2) checks before it looks at ports. */
  checkBind(task: Task, name: InetName): number {
    const { address } = name;
    if (!this.isLocalName(name)) return -EADDRNOTAVAIL;
    if (!address.isV4 && address.isLinkLocal && name.scope === 0 && this.boundInterface === 0) return -EINVAL;
    if (this.isV6 && address.isV4 && this.ip.v6Only) return -EINVAL;
    return this.mayBindPort(task, name.port) ? 0 : -EACCES;
  }

  private isLocalName(name: InetName): boolean {
    const { address } = name;
    const { stack, settings } = this.internet;
    if (address.isUnspecified || settings.nonlocalBind || this.ip.freeBind || this.ip.transparent)
      return true;
    if (address.isMulticast || stack.host.isBroadcastAddress(address)) return true;
    return stack.host.isLocalAddress(address, name.scope);
  }

  override askOption(
    task: Task,
    level: number,
    option: number,
    question: Uint8Array,
    room: number,
  ): Uint8Array | number {
    if (!this.isV6 && level === IPPROTO_IPV6) return -ENOPROTOOPT;
    return askXtOption(this.internet.netfilter, task, level, option, question, room);
  }

  override getOption(task: Task, level: number, option: number, room: number): Uint8Array | number {
    if (level === SOL_SOCKET) return this.getSocketOption(option);
    if (!this.isV6 && !this.hasLevel(level)) return -EOPNOTSUPP;
    if (option === SO_ORIGINAL_DST && (level === IPPROTO_IP || level === IPPROTO_IPV6))
      return originalDestination(this, level === IPPROTO_IPV6, room);
    if (level === IPPROTO_IP && (!this.isV6 || this.type !== SOCK_RAW))
      return getIpOption(this, option, room);
    if (level === IPPROTO_IPV6 && this.isV6) return getIpv6Option(this, option, room);
    return this.getTransportOption(task, level, option, room);
  }

  /** Of IPv4's sockets: others are not known at all. */
  private hasLevel(level: number): boolean {
    return level === IPPROTO_IP || level === (this.type === SOCK_RAW ? SOL_RAW : this.protocol);
  }

  override setOption(task: Task, level: number, option: number, value: Uint8Array): number {
    if (level === SOL_SOCKET) return this.setSocketOption(task, option, value);
    if (!this.isV6 && level === IPPROTO_IPV6) return -ENOPROTOOPT;
    if (isXtSetOption(level, option)) return setXtOption(this.internet.netfilter, task, level, option, value);
    if (level === IPPROTO_IP && (!this.isV6 || this.type !== SOCK_RAW))
      return setIpOption(this, task, option, value);
    if (level === IPPROTO_IPV6 && this.isV6) return setIpv6Option(this, task, option, value);
    return this.setTransportOption(task, level, option, value);
  }

  /** Levels of the transport (TCP, UDP, ICMP). */
  getTransportOption(_task: Task, _level: number, _option: number, _room: number): Uint8Array | number {
    return -ENOPROTOOPT;
  }

  setTransportOption(_task: Task, _level: number, _option: number, _value: Uint8Array): number {
    return -ENOPROTOOPT;
  }

  private getSocketOption(option: number): Uint8Array | number {
    if (option === SO_BINDTODEVICE) return this.deviceName();
    if (option === SO_BINDTOIFINDEX) return intBytes(this.boundInterface);
    return option === SO_MARK ? intBytes(this.mark) : -ENOPROTOOPT;
  }

  private setSocketOption(task: Task, option: number, value: Uint8Array): number {
    if (option === SO_BINDTODEVICE) return this.bindToDevice(task, value);
    if (option === SO_BINDTOIFINDEX) return this.bindToIndex(task, viewOf(value).getInt32(0, true));
    if (option === SO_MARK) {
      const allowed =
        task.credentials.hasCapability(CAP_NET_ADMIN) || task.credentials.hasCapability(CAP_NET_RAW);
      if (!allowed) return -EPERM;
      this.mark = viewOf(value).getUint32(0, true);
    }
    this.applyOptions();
    return option === SO_MARK ? 0 : -ENOPROTOOPT;
  }

  private deviceName(): Uint8Array {
    const name = this.internet.stack.network.interfaceByIndex(this.boundInterface)?.name ?? '';
    if (this.boundInterface === 0) return new Uint8Array(0);
    return Uint8Array.from(`${name}\0`, (letter) => letter.charCodeAt(0));
  }

  private bindToDevice(task: Task, value: Uint8Array): number {
    let name = '';
    for (const byte of value.subarray(0, 15)) {
      if (byte === 0) break;
      name += String.fromCharCode(byte);
    }
    const found = this.internet.stack.network.interfaceList().find((iface) => iface.name === name);
    if (name !== '' && found === undefined) return -ENODEV;
    return this.bindToIndex(task, found?.index ?? 0);
  }

  private bindToIndex(task: Task, index: number): number {
    if (this.boundInterface !== 0 && !task.credentials.hasCapability(CAP_NET_RAW)) return -EPERM;
    if (index < 0) return -EINVAL;
    this.boundInterface = index;
    this.applyOptions();
    return 0;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    return interfaceIoctl(this.internet, this.isV6, caller, request, argument);
  }

  override close(): void {
    this.internet.sockets.remove(this);
  }
}
