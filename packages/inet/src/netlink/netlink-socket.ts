// AF_NETLINK sockets (netlink(7)): requests are answered at once into the socket's queue; notifications of groups are queued beside them.
import {
  AF_NETLINK,
  type BpfProgram,
  CAP_NET_ADMIN,
  CAP_NET_BROADCAST,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  FIONREAD,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_BROADCAST_ERROR,
  NETLINK_CAP_ACK,
  NETLINK_DROP_MEMBERSHIP,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_LIST_MEMBERSHIPS,
  NETLINK_LISTEN_ALL_NSID,
  NETLINK_NO_ENOBUFS,
  NETLINK_PKTINFO,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_MIN_TYPE,
  POLLERR,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  runSocketFilter,
  SOCK_DGRAM,
  SOCK_RAW,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import { Socket, type SocketFamily, type SocketMessage, type Task } from '@sandbox-kernel/kernel';
import { gather, scatter } from '@sandbox-kernel/vfs';
import { interfaceIoctl } from '../interface-ioctl.js';
import type { Internet } from '../internet.js';
import { intBytes, viewOf } from '../option-bytes.js';
import { MessageWriter, type NetlinkRequest, parseRequests } from './message.js';

const SOL_NETLINK = 270;
const SOCKADDR_NL = 12;
const MOST_REQUEST = 65536;
/** Bytes of one datagram of a dump. */
const DUMP_PIECE = 8192;
const FLAGS = [
  NETLINK_PKTINFO,
  NETLINK_BROADCAST_ERROR,
  NETLINK_NO_ENOBUFS,
  NETLINK_LISTEN_ALL_NSID,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
];

/** What a netlink protocol does with requests. */
export interface NetlinkProtocol {
  /** Highest group that can be joined. */
  readonly groups: number;
  /** Joining and reading needs CAP_NET_ADMIN. */
  readonly privileged: boolean;
  /** Takes a whole datagram when it is a batch; false leaves its messages to `handle`. */
  handleBatch?(task: Task, socket: NetlinkSocket, requests: readonly NetlinkRequest[]): boolean;
  /** Bytes of one datagram, when not the usual ones. */
  readonly mostRequest?: number;
  /** 0 or -errno for the acknowledgement; answers go out by `socket.answer`. */
  handle(task: Task, socket: NetlinkSocket, request: NetlinkRequest): number;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly group: number;
}

export class NetlinkSocket extends Socket {
  readonly internet: Internet;
  readonly kernel: Internet['kernel'];
  readonly handler: NetlinkProtocol;
  readonly groups: Set<number>;
  portId: number;
  private peer: number;
  private peerGroups: number;
  private readonly incoming: Entry[];
  private queued: number;
  private readonly flags: Set<number>;
  /** Why the request in hand is refused, in words, for who asks for them (NETLINK_EXT_ACK). */
  private reason: string;

  constructor(internet: Internet, type: number, protocol: number, handler: NetlinkProtocol) {
    super(AF_NETLINK, type, protocol);
    this.internet = internet;
    this.kernel = internet.kernel;
    this.handler = handler;
    this.groups = new Set();
    this.portId = 0;
    this.peer = 0;
    this.peerGroups = 0;
    this.incoming = [];
    this.queued = 0;
    this.flags = new Set();
    this.reason = '';
    internet.sockets.add(this);
    internet.netlink.join(this);
  }

  override bind(task: Task, address: Uint8Array): number {
    if (address.length < SOCKADDR_NL) return -EINVAL;
    const view = viewOf(address);
    if (view.getUint16(0, true) !== AF_NETLINK) return -EINVAL;
    const pid = view.getUint32(4, true);
    const groups = view.getUint32(8, true);
    if (groups !== 0 && this.handler.privileged && !task.credentials.hasCapability(CAP_NET_ADMIN))
      return -EPERM;
    if (this.portId !== 0 && pid !== this.portId) return -EINVAL;
    if (this.portId === 0) {
      const result = pid === 0 ? this.autobind(task) : this.take(pid);
      if (result !== 0) return result;
    }
    for (let group = 1; group <= 32; group++) {
      if (((groups >>> (group - 1)) & 1) !== 0) this.groups.add(group);
      else this.groups.delete(group);
    }
    return 0;
  }

  /** The process's number for its first socket of the protocol, as programs expect; others count down from the top. */
  private autobind(task: Task): number {
    if (this.portId !== 0) return 0;
    if (this.take(task.group.pid) === 0) return 0;
    for (let candidate = 2 ** 32 - 4097; candidate > 2 ** 31; candidate--)
      if (this.take(candidate) === 0) return 0;
    return -EADDRINUSE;
  }

  private take(pid: number): number {
    for (const other of this.internet.sockets) {
      if (other instanceof NetlinkSocket && other.protocol === this.protocol && other.portId === pid) {
        return -EADDRINUSE;
      }
    }
    this.portId = pid;
    return 0;
  }

  override connect(task: Task, address: Uint8Array): number {
    if (address.length < 2) return -EINVAL;
    const view = viewOf(address);
    if (view.getUint16(0, true) === 0) {
      this.peer = 0;
      this.peerGroups = 0;
      return 0;
    }
    if (view.getUint16(0, true) !== AF_NETLINK || address.length < SOCKADDR_NL) return -EINVAL;
    const result = this.autobind(task);
    if (result !== 0) return result;
    this.peer = view.getUint32(4, true);
    this.peerGroups = view.getUint32(8, true);
    return 0;
  }

  override name(): Uint8Array {
    let mask = 0;
    for (const group of this.groups) if (group <= 32) mask |= 1 << (group - 1);
    return netlinkName(this.portId, mask);
  }

  override peerName(): Uint8Array {
    return netlinkName(this.peer, this.peerGroups);
  }

  // ── requests ──

  override send(task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const size = message.io?.total ?? 0;
    if (size > Math.min(this.sendBuffer - 32, this.handler.mostRequest ?? MOST_REQUEST)) return -EMSGSIZE;
    let to = this.peer;
    if (message.address !== null) {
      if (message.address.length < SOCKADDR_NL) return -EINVAL;
      const view = viewOf(message.address);
      if (view.getUint16(0, true) !== AF_NETLINK) return -EINVAL;
      to = view.getUint32(4, true);
    }
    const bound = this.autobind(task);
    if (bound !== 0) return bound;
    if (to !== 0) return -ECONNREFUSED;
    const bytes = new Uint8Array(size);
    if (message.io !== null) gather(message.io, 0, bytes, 0, size);
    const requests = parseRequests(bytes);
    if (this.handler.handleBatch?.(task, this, requests) !== true)
      for (const request of requests) this.perform(task, request);
    message.done = size;
    return size;
  }

  private perform(task: Task, request: NetlinkRequest): void {
    if ((request.flags & NLM_F_REQUEST) === 0) return;
    let result = 0;
    this.reason = '';
    if (request.type >= NLMSG_MIN_TYPE) result = this.handler.handle(task, this, request);
    const dumped =
      (request.flags & NLM_F_DUMP) === NLM_F_DUMP && result === 0 && request.type >= NLMSG_MIN_TYPE;
    if (result === 0 && ((request.flags & NLM_F_ACK) === 0 || dumped)) return;
    this.acknowledge(request, result, 0);
  }

  /** NLMSG_ERROR; `offset` of the attribute that is to blame, from the message's beginning, or 0. */
  acknowledge(request: NetlinkRequest, result: number, offset: number): void {
    const capped = this.flags.has(NETLINK_CAP_ACK);
    const blame = this.flags.has(NETLINK_EXT_ACK) ? offset : 0;
    const reason = this.flags.has(NETLINK_EXT_ACK) ? this.reason : '';
    this.answer(new MessageWriter().error(result, request, this.portId, capped, blame, reason));
    this.reason = '';
  }

  /** `error`, to be told with its reason. */
  refuse(error: number, reason: string): number {
    this.reason = reason;
    return error;
  }

  /** A dump that ends before it begins. */
  refuseDump(request: NetlinkRequest, error: number, reason: string): void {
    const told = this.flags.has(NETLINK_EXT_ACK) ? reason : '';
    this.answer(new MessageWriter().refusedDump(error, request.seq, this.portId, told));
  }

  /** NETLINK_GET_STRICT_CHK: headers of dumps hold nothing that is not asked for. */
  get isStrict(): boolean {
    return this.flags.has(NETLINK_GET_STRICT_CHK);
  }

  /** Queues what a writer holds. */
  answer(writer: MessageWriter): void {
    if (writer.length > 0) this.enqueue(writer.take(), 0);
  }

  /** Queues a dump in pieces, closed by NLMSG_DONE. */
  dump(request: NetlinkRequest, parts: Iterable<(writer: MessageWriter) => void>): number {
    let writer = new MessageWriter();
    for (const part of parts) {
      part(writer);
      if (writer.length < DUMP_PIECE) continue;
      this.answer(writer);
      writer = new MessageWriter();
    }
    this.answer(writer.done(request.seq, this.portId));
    return 0;
  }

  deliver(bytes: Uint8Array, group: number): void {
    this.enqueue(bytes, group);
  }

  override useFilter(program: BpfProgram | null): number {
    this.filter = program;
    return 0;
  }

  private enqueue(message: Uint8Array, group: number): void {
    const keep = this.filter === null ? message.length : runSocketFilter(this.filter, message);
    if (keep === 0) return;
    const bytes = message.subarray(0, keep);
    if (this.queued > 0 && this.queued + bytes.length > this.receiveBuffer * 4) {
      if (!this.flags.has(NETLINK_NO_ENOBUFS)) this.error = ENOBUFS;
      this.wake(POLLERR);
      return;
    }
    this.incoming.push({ bytes, group });
    this.queued += bytes.length;
    this.wake(POLLIN | POLLRDNORM);
  }

  // ── receiving ──

  override receive(_task: Task, message: SocketMessage): number {
    if ((message.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    if (this.error !== 0) return -this.takeError();
    const entry = this.incoming[0];
    if (entry === undefined) return this.shutRead ? 0 : -EAGAIN;
    const { bytes, group } = entry;
    const count = Math.min(bytes.length, message.io?.total ?? 0);
    if (message.io !== null) scatter(message.io, 0, bytes, 0, count);
    if (count < bytes.length) message.outFlags |= MSG_TRUNC;
    message.done = count;
    message.fullLength = bytes.length;
    message.address = netlinkName(0, group === 0 || group > 32 ? 0 : (1 << (group - 1)) >>> 0);
    if (this.flags.has(NETLINK_PKTINFO)) message.addControl(SOL_NETLINK, NETLINK_PKTINFO, intBytes(group));
    if ((message.flags & MSG_PEEK) === 0) {
      this.incoming.shift();
      this.queued -= bytes.length;
    }
    return (message.flags & MSG_TRUNC) !== 0 ? bytes.length : count;
  }

  override events(): number {
    let events = POLLOUT | POLLWRNORM;
    if (this.incoming.length > 0) events |= POLLIN | POLLRDNORM;
    if (this.error !== 0) events |= POLLERR;
    return events;
  }

  override close(): void {
    this.internet.sockets.remove(this);
    this.internet.netlink.leave(this);
    this.incoming.length = 0;
    this.wake(-1);
  }

  // ── options ──

  override getOption(_task: Task, level: number, option: number, room: number): Uint8Array | number {
    if (level !== SOL_NETLINK) return -ENOPROTOOPT;
    if (option === NETLINK_LIST_MEMBERSHIPS) return this.memberships(room);
    if (!FLAGS.includes(option)) return -ENOPROTOOPT;
    return room < 4 ? -EINVAL : intBytes(this.flags.has(option) ? 1 : 0);
  }

  private memberships(room: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(this.handler.groups / 32));
    for (const group of this.groups) words[(group - 1) >> 5]! |= 1 << ((group - 1) & 31);
    return new Uint8Array(words.buffer).subarray(0, room);
  }

  override setOption(task: Task, level: number, option: number, value: Uint8Array): number {
    if (level !== SOL_NETLINK) return -ENOPROTOOPT;
    const number = value.length >= 4 ? viewOf(value).getUint32(0, true) : 0;
    if (option === NETLINK_ADD_MEMBERSHIP || option === NETLINK_DROP_MEMBERSHIP) {
      if (this.handler.privileged && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
      if (number < 1 || number > this.handler.groups) return -EINVAL;
      if (option === NETLINK_ADD_MEMBERSHIP) this.groups.add(number);
      else this.groups.delete(number);
      return 0;
    }
    if (!FLAGS.includes(option)) return -ENOPROTOOPT;
    if (option === NETLINK_LISTEN_ALL_NSID && !task.credentials.hasCapability(CAP_NET_BROADCAST))
      return -EPERM;
    if (number !== 0) this.flags.add(option);
    else this.flags.delete(option);
    return 0;
  }

  override ioctl(caller: Caller, request: number, argument: number): number {
    if (request === FIONREAD) return caller.memory.writeU32(argument, this.incoming[0]?.bytes.length ?? 0);
    return interfaceIoctl(this.internet, false, caller, request, argument);
  }
}

function netlinkName(pid: number, groups: number): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_NL);
  const view = viewOf(bytes);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, pid, true);
  view.setUint32(8, groups >>> 0, true);
  return bytes;
}

export class NetlinkFamily implements SocketFamily {
  readonly #internet: Internet;
  readonly #protocols: ReadonlyMap<number, NetlinkProtocol>;

  constructor(internet: Internet, protocols: ReadonlyMap<number, NetlinkProtocol>) {
    this.#internet = internet;
    this.#protocols = protocols;
  }

  create(_task: Task, type: number, protocol: number): Socket | number {
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    const handler = this.#protocols.get(protocol);
    if (handler === undefined) return -EPROTONOSUPPORT;
    if (this.#internet.sockets.full) return -ENOBUFS;
    return new NetlinkSocket(this.#internet, type, protocol, handler);
  }

  createPair(): number {
    return -EOPNOTSUPP;
  }
}
