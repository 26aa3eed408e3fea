// NETLINK_SOCK_DIAG (sock_diag(7)): what ss(8) asks of internet and Unix sockets.
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  INET_DIAG_CONG,
  INET_DIAG_INFO,
  INET_DIAG_MEMINFO,
  INET_DIAG_REQ_V2_SIZE,
  INET_DIAG_SHUTDOWN,
  INET_DIAG_SKMEMINFO,
  INET_DIAG_SKV6ONLY,
  INET_DIAG_TCLASS,
  INET_DIAG_TOS,
  IPPROTO_TCP,
  NLM_F_DUMP,
  NLM_F_MULTI,
  SOCK_DIAG_BY_FAMILY,
  SOCK_RAW,
  SOCK_STREAM,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_LISTEN,
  UDIAG_SHOW_ICONS,
  UDIAG_SHOW_NAME,
  UDIAG_SHOW_PEER,
  UDIAG_SHOW_RQLEN,
  UDIAG_SHOW_VFS,
  UNIX_DIAG_ICONS,
  UNIX_DIAG_NAME,
  UNIX_DIAG_PEER,
  UNIX_DIAG_REQ_SIZE,
  UNIX_DIAG_RQLEN,
  UNIX_DIAG_SHUTDOWN,
  UNIX_DIAG_VFS,
} from '@sandbox-kernel/abi';
import type { Task, UnixSocket } from '@sandbox-kernel/kernel';
import { type Address, ANY_V4, ANY_V6, TCP_TIME_WAIT, type TimeWait } from '@sandbox-kernel/netstack';
import { InetSocket } from '../inet-socket.js';
import type { Internet } from '../internet.js';
import { viewOf } from '../option-bytes.js';
import { infoBytes } from '../tcp-options.js';
import { TcpSocket } from '../tcp-socket.js';
import { MessageWriter, type NetlinkRequest } from './message.js';
import type { NetlinkProtocol, NetlinkSocket } from './netlink-socket.js';

/** idiag_timer. */
const TIMER_TIME_WAIT = 3;

export class SockDiagProtocol implements NetlinkProtocol {
  readonly groups = 4;
  readonly privileged = false;
  readonly #internet: Internet;

  constructor(internet: Internet) {
    this.#internet = internet;
  }

  handle(_task: Task, socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.type !== SOCK_DIAG_BY_FAMILY) return -EINVAL;
    if (request.body.length < 2) return -EINVAL;
    const dump = (request.flags & NLM_F_DUMP) !== 0;
    switch (request.body[0]) {
      case AF_INET:
      case AF_INET6:
        return dump ? this.dumpInet(socket, request) : this.getInet(socket, request);
      case AF_UNIX:
        return dump ? this.dumpUnix(socket, request) : -EOPNOTSUPP;
      default:
        return -ENOENT;
    }
  }

  private dumpInet(socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < INET_DIAG_REQ_V2_SIZE) return -EINVAL;
    const view = viewOf(request.body);
    const states = view.getUint32(4, true);
    const extensions = request.body[2] as number;
    const sport = view.getUint16(8);
    const dport = view.getUint16(10);
    const parts: ((writer: MessageWriter) => void)[] = [];
    for (const each of this.matching(request.body[0] as number, request.body[1] as number)) {
      if (((states >>> each.state) & 1) === 0) continue;
      if ((sport !== 0 && sport !== each.localPort) || (dport !== 0 && dport !== each.remotePort)) continue;
      parts.push((writer) => {
        writer.begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, request.seq, socket.portId);
        writeInet(writer, each, extensions);
        writer.end();
      });
    }
    if (request.body[1] === IPPROTO_TCP && ((states >>> TCP_TIME_WAIT) & 1) !== 0) {
      for (const record of this.timeWaits(request.body[0] as number)) {
        const { localPort, remotePort } = record.flow;
        if ((sport !== 0 && sport !== localPort) || (dport !== 0 && dport !== remotePort)) continue;
        parts.push((writer) => this.tellTimeWait(writer, record, NLM_F_MULTI, request, socket));
      }
    }
    return socket.dump(request, parts);
  }

  private *timeWaits(family: number): Generator<TimeWait> {
    const { tcp } = this.#internet;
    this.#internet.touch();
    for (const flow of tcp.flows.list()) {
      const record = tcp.timeWaitOf(flow);
      if (record !== null && flow.local.isV4 === (family === AF_INET)) yield record;
    }
  }

  /** struct inet_diag_msg of a connection that waits out its time: nobody's, with that timer. */
  private tellTimeWait(
    writer: MessageWriter,
    record: TimeWait,
    flags: number,
    request: NetlinkRequest,
    socket: NetlinkSocket,
  ): void {
    const { local, localPort, remote, remotePort } = record.flow;
    const micros = Math.max(record.timer.deadline - this.#internet.stack.network.now(), 0);
    writer
      .begin(SOCK_DIAG_BY_FAMILY, flags, request.seq, socket.portId)
      .u8(local.isV4 ? AF_INET : AF_INET6, TCP_TIME_WAIT, TIMER_TIME_WAIT, 0)
      .u8(...portBytes(localPort), ...portBytes(remotePort))
      .raw(sixteen(local))
      .raw(sixteen(remote))
      .u32(0, 0, 0)
      .u32(Math.floor(micros / 1000), 0, 0, 0, 0)
      .end();
  }

  private *matching(family: number, protocol: number): Generator<InetSocket> {
    for (const each of this.#internet.sockets) {
      if (!(each instanceof InetSocket) || each.domain !== family) continue;
      if (protocol === 255 ? each.type === SOCK_RAW : each.protocol === protocol && each.type !== SOCK_RAW) {
        // A fresh socket is in no table of Linux's.
        if (each.localPort !== 0) yield each;
      }
    }
  }

  private getInet(socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < INET_DIAG_REQ_V2_SIZE) return -EINVAL;
    const view = viewOf(request.body);
    for (const each of this.matching(request.body[0] as number, request.body[1] as number)) {
      if (each.localPort !== view.getUint16(8) || each.remotePort !== view.getUint16(10)) continue;
      const writer = new MessageWriter().begin(SOCK_DIAG_BY_FAMILY, 0, request.seq, socket.portId);
      writeInet(writer, each, request.body[2] as number);
      socket.answer(writer.end());
      return 0;
    }
    return request.body[1] === IPPROTO_TCP ? this.getTimeWait(socket, request) : -ENOENT;
  }

  private getTimeWait(socket: NetlinkSocket, request: NetlinkRequest): number {
    const view = viewOf(request.body);
    for (const record of this.timeWaits(request.body[0] as number)) {
      const { localPort, remotePort } = record.flow;
      if (localPort !== view.getUint16(8) || remotePort !== view.getUint16(10)) continue;
      const writer = new MessageWriter();
      this.tellTimeWait(writer, record, 0, request, socket);
      socket.answer(writer);
      return 0;
    }
    return -ENOENT;
  }

  private dumpUnix(socket: NetlinkSocket, request: NetlinkRequest): number {
    if (request.body.length < UNIX_DIAG_REQ_SIZE) return -EINVAL;
    const view = viewOf(request.body);
    const states = view.getUint32(4, true);
    const show = view.getUint32(12, true);
    const parts: ((writer: MessageWriter) => void)[] = [];
    for (const each of this.#internet.kernel.unixSockets) {
      if (((states >>> unixState(each)) & 1) === 0) continue;
      parts.push((writer) => {
        writer.begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, request.seq, socket.portId);
        writeUnix(writer, each, show);
        writer.end();
      });
    }
    return socket.dump(request, parts);
  }
}

function sixteen(address: Address): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(address.toBytes());
  return bytes;
}

/** In an IPv6 socket IPv4 addresses stand v4-mapped. */
function wide(address: Address, isV6: boolean): Uint8Array {
  if (!isV6) return sixteen(address);
  const bytes = new Uint8Array(16);
  address.write16(viewOf(bytes), 0);
  return bytes;
}

function portBytes(port: number): readonly [number, number] {
  return [port >> 8, port & 0xff];
}

/** struct inet_diag_msg and the extensions that were asked for. */
function writeInet(writer: MessageWriter, socket: InetSocket, extensions: number): void {
  const { isV6, state } = socket;
  const remote = socket.remoteAddress ?? (isV6 ? ANY_V6 : ANY_V4);
  writer
    .u8(socket.domain, state, 0, 0)
    .u8(...portBytes(socket.localPort), ...portBytes(socket.remotePort))
    .raw(wide(socket.localAddress, isV6))
    .raw(wide(remote, isV6))
    .u32(socket.boundInterface, socket.inode, 0)
    .u32(0, socket.receiveQueue, socket.sendQueue, socket.uid, socket.inode);
  const asked = (extension: number): boolean => (extensions & (1 << (extension - 1))) !== 0;
  writer.attribute8(INET_DIAG_SHUTDOWN, (socket.shutRead ? 1 : 0) | (socket.shutWrite ? 2 : 0));
  if (asked(INET_DIAG_TOS)) writer.attribute8(INET_DIAG_TOS, socket.ip.tos);
  if (isV6 && asked(INET_DIAG_TCLASS)) writer.attribute8(INET_DIAG_TCLASS, socket.ip.trafficClass);
  if (isV6 && (state === TCP_LISTEN || state === TCP_CLOSE)) {
    writer.attribute8(INET_DIAG_SKV6ONLY, socket.ip.v6Only ? 1 : 0);
  }
  const [sendBuffer, receiveBuffer] = socket.bufferSizes;
  if (asked(INET_DIAG_MEMINFO))
    writer.attribute32(INET_DIAG_MEMINFO, socket.receiveQueue, 0, 0, socket.sendQueue);
  if (asked(INET_DIAG_SKMEMINFO)) {
    writer.attribute32(
      INET_DIAG_SKMEMINFO,
      socket.receiveQueue,
      receiveBuffer,
      0,
      sendBuffer,
      0,
      socket.sendQueue,
      0,
      0,
      0,
    );
  }
  if (!(socket instanceof TcpSocket) || socket.protocol !== IPPROTO_TCP) return;
  if (asked(INET_DIAG_INFO)) writer.attribute(INET_DIAG_INFO, infoBytes(socket));
  if (asked(INET_DIAG_CONG)) {
    writer.attributeText(INET_DIAG_CONG, socket.keptTcp.congestion || socket.internet.settings.congestion);
  }
}

function unixState(socket: UnixSocket): number {
  if (socket.listening) return TCP_LISTEN;
  return socket.peer !== null ? TCP_ESTABLISHED : TCP_CLOSE;
}

/** struct unix_diag_msg and what was asked for. */
function writeUnix(writer: MessageWriter, socket: UnixSocket, show: number): void {
  const state =
    socket.type === SOCK_STREAM && socket.peer === null && !socket.listening ? TCP_CLOSE : unixState(socket);
  writer.u8(AF_UNIX, socket.type, state, 0).u32(inodeOf(socket), inodeOf(socket), 0);
  const { address } = socket;
  if ((show & UDIAG_SHOW_NAME) !== 0 && address !== null && address.kind !== 'unnamed') {
    const name = address.kind === 'abstract' ? `\0${address.name}` : `${address.name}\0`;
    writer.attribute(
      UNIX_DIAG_NAME,
      Uint8Array.from(name, (letter) => letter.charCodeAt(0)),
    );
  }
  if ((show & UDIAG_SHOW_VFS) !== 0 && socket.inode !== null)
    writer.attribute32(UNIX_DIAG_VFS, socket.inode.number, 0);
  if ((show & UDIAG_SHOW_PEER) !== 0 && socket.peer !== null)
    writer.attribute32(UNIX_DIAG_PEER, inodeOf(socket.peer));
  if ((show & UDIAG_SHOW_ICONS) !== 0 && socket.listening && socket.pendingConnections.length > 0) {
    writer.attribute32(UNIX_DIAG_ICONS, ...socket.pendingConnections.map(inodeOf));
  }
  if ((show & UDIAG_SHOW_RQLEN) !== 0) {
    const waiting = socket.listening
      ? socket.pendingConnections.length
      : socket.incoming.reduce((sum, parcel) => sum + parcel.bytes.length - parcel.at, 0);
    writer.attribute32(UNIX_DIAG_RQLEN, waiting, socket.listening ? socket.backlog : socket.outstanding);
  }
  writer.attribute8(UNIX_DIAG_SHUTDOWN, (socket.shutRead ? 1 : 0) | (socket.shutWrite ? 2 : 0));
}

function inodeOf(socket: UnixSocket): number {
  return socket.file?.inode?.number ?? 0;
}
