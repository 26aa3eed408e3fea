// /proc/net/{tcp,tcp6,udp,udp6,raw,raw6,icmp,icmp6,unix,packet,netlink}: proc_pid_net(5). Kernel pointers are zeros for everybody.
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from '@sandbox-kernel/abi';
import type { UnixSocket } from '@sandbox-kernel/kernel';
import { type Address, ANY_V4, ANY_V6, TCP_LISTEN, TCP_TIME_WAIT } from '@sandbox-kernel/netstack';
import { InetSocket } from '../inet-socket.js';
import type { Internet } from '../internet.js';
import { NetlinkSocket } from '../netlink/netlink-socket.js';
import { PacketSocket } from '../packet-socket.js';

const POINTER = '0000000000000000';

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(digits, '0');
}

function swap(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** Words in the machine's order, as Linux prints them. */
function endpointText(address: Address, port: number, isV6: boolean): string {
  const words = isV6 ? [address.w0, address.w1, address.w2, address.w3] : [address.w3];
  return `${words.map((word) => hex(swap(word), 8)).join('')}:${hex(port, 4)}`;
}

function pad(text: string, width: number): string {
  return text.padEnd(width);
}

interface Line {
  readonly local: string;
  readonly remote: string;
  readonly state: number;
  readonly sendQueue: number;
  readonly receiveQueue: number;
  readonly uid: number;
  readonly inode: number;
}

function lineOf(socket: InetSocket): Line {
  const { isV6 } = socket;
  const remote = socket.remoteAddress ?? (isV6 ? ANY_V6 : ANY_V4);
  return {
    local: endpointText(socket.localAddress, socket.localPort, isV6),
    remote: endpointText(remote, socket.remotePort, isV6),
    state: socket.state,
    sendQueue: socket.state === TCP_LISTEN ? 0 : socket.sendQueue,
    receiveQueue: socket.receiveQueue,
    uid: socket.uid,
    inode: socket.inode,
  };
}

function common(index: number, width: number, line: Line): string {
  return (
    `${String(index).padStart(width)}: ${line.local} ${line.remote} ${hex(line.state, 2)} ` +
    `${hex(line.sendQueue, 8)}:${hex(line.receiveQueue, 8)} 00:00000000 00000000 ` +
    `${String(line.uid).padStart(5)}        0 ${line.inode}`
  );
}

function selected(internet: Internet, domain: number, wanted: (socket: InetSocket) => boolean): InetSocket[] {
  const found: InetSocket[] = [];
  for (const each of internet.sockets) {
    if (each instanceof InetSocket && each.domain === domain && each.localPort !== 0 && wanted(each))
      found.push(each);
  }
  return found;
}

/** Connections that are over and wait out their time. */
function timeWaits(internet: Internet, isV6: boolean): Line[] {
  const lines: Line[] = [];
  for (const flow of internet.tcp.flows.list()) {
    if (!internet.tcp.isTimeWait(flow) || flow.local.isV4 === isV6) continue;
    lines.push({
      local: endpointText(flow.local, flow.localPort, isV6),
      remote: endpointText(flow.remote, flow.remotePort, isV6),
      state: TCP_TIME_WAIT,
      sendQueue: 0,
      receiveQueue: 0,
      uid: 0,
      inode: 0,
    });
  }
  return lines;
}

export function tcpText(internet: Internet, isV6: boolean): string {
  const sockets = selected(
    internet,
    isV6 ? AF_INET6 : AF_INET,
    (each) => each.protocol === IPPROTO_TCP && each.type === SOCK_STREAM,
  );
  const lines = [...sockets.map(lineOf), ...timeWaits(internet, isV6)];
  const head = isV6
    ? '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
    : pad(
        '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
        149,
      );
  const body = lines.map((line, i) => {
    const text = `${common(i, 4, line)} 1 ${POINTER} 100 0 0 10 0`;
    return isV6 ? text : pad(text, 149);
  });
  return `${[head, ...body].join('\n')}\n`;
}

function datagramText(sockets: readonly InetSocket[], isV6: boolean): string {
  const head = isV6
    ? '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops'
    : pad(
        '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
        127,
      );
  const body = sockets.map((socket, i) => {
    const text = `${common(i, 5, lineOf(socket))} 2 ${POINTER} 0`;
    return isV6 ? text : pad(text, 127);
  });
  return `${[head, ...body].join('\n')}\n`;
}

export function udpText(internet: Internet, isV6: boolean): string {
  const domain = isV6 ? AF_INET6 : AF_INET;
  return datagramText(
    selected(internet, domain, (each) => each.protocol === IPPROTO_UDP && each.type === SOCK_DGRAM),
    isV6,
  );
}

export function rawText(internet: Internet, isV6: boolean): string {
  return datagramText(
    selected(internet, isV6 ? AF_INET6 : AF_INET, (each) => each.type === SOCK_RAW),
    isV6,
  );
}

export function pingText(internet: Internet, isV6: boolean): string {
  const domain = isV6 ? AF_INET6 : AF_INET;
  return datagramText(
    selected(internet, domain, (each) => each.type === SOCK_DGRAM && each.protocol !== IPPROTO_UDP),
    isV6,
  );
}

/** Nothing is UDP-Lite. */
export function udpLiteText(_internet: Internet, isV6: boolean): string {
  return datagramText([], isV6);
}

function unixName(socket: UnixSocket): string {
  const { address } = socket;
  if (address === null || address.kind === 'unnamed') return '';
  return address.kind === 'path' ? ` ${address.name}` : ` @${address.name.replaceAll('\0', '@')}`;
}

/** SS_UNCONNECTED 1, SS_CONNECTED 3; __SO_ACCEPTCON for listeners. */
export function unixText(internet: Internet): string {
  const lines = ['Num       RefCount Protocol Flags    Type St Inode Path'];
  for (const socket of internet.kernel.unixSockets) {
    const flags = socket.listening ? '00010000' : '00000000';
    const state = socket.peer !== null ? '03' : '01';
    const inode = String(socket.file?.inode?.number ?? 0).padStart(5);
    lines.push(
      `${POINTER}: 00000002 00000000 ${flags} ${hex(socket.type, 4)} ${state} ${inode}${unixName(socket)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export function packetText(internet: Internet): string {
  const lines = ['sk               RefCnt Type Proto  Iface R Rmem   User   Inode'];
  for (const each of internet.sockets) {
    if (!(each instanceof PacketSocket)) continue;
    lines.push(
      `${POINTER} 3      ${pad(String(each.type), 4)} ${hex(each.etherType, 4).toLowerCase()}   ` +
        `${pad(String(each.interfaceIndex), 5)} 1 ${pad(String(each.receiveQueue), 6)} ${pad(String(each.uid), 6)} ${pad(String(each.inode), 6)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export function netlinkText(internet: Internet): string {
  const lines = ['sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode'];
  for (const each of internet.sockets) {
    if (!(each instanceof NetlinkSocket)) continue;
    let groups = 0;
    for (const group of each.groups) if (group <= 32) groups |= 1 << (group - 1);
    lines.push(
      `${POINTER} ${pad(String(each.protocol), 3)} ${pad(String(each.portId), 10)} ${hex(groups, 8).toLowerCase()} ` +
        `${pad('0', 8)} ${pad('0', 8)} ${pad('0', 5)} ${pad('2', 8)} ${pad('0', 8)} ${pad(String(each.file?.inode?.number ?? 0), 8)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
