// Options at IPPROTO_TCP (tcp(7)), with Linux's ranges and errors, and struct tcp_info.
import {
  CAP_NET_ADMIN,
  EINVAL,
  ENOENT,
  ENOPROTOOPT,
  EPERM,
  set64,
  TCP_CC_INFO,
  TCP_CONGESTION,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_FASTOPEN,
  TCP_FASTOPEN_CONNECT,
  TCP_FASTOPEN_KEY,
  TCP_FASTOPEN_NO_COOKIE,
  TCP_INFO,
  TCP_INFO_SIZE,
  TCP_INQ,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LINGER2,
  TCP_MAXSEG,
  TCP_MD5SIG,
  TCP_MD5SIG_EXT,
  TCP_NODELAY,
  TCP_NOTSENT_LOWAT,
  TCP_QUEUE_SEQ,
  TCP_QUICKACK,
  TCP_REPAIR,
  TCP_REPAIR_OPTIONS,
  TCP_REPAIR_QUEUE,
  TCP_REPAIR_WINDOW,
  TCP_SAVE_SYN,
  TCP_SAVED_SYN,
  TCP_SYNCNT,
  TCP_THIN_DUPACK,
  TCP_THIN_LINEAR_TIMEOUTS,
  TCP_TIMESTAMP,
  TCP_ULP,
  TCP_USER_TIMEOUT,
  TCP_WINDOW_CLAMP,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { TCP_CLOSE, TCP_LISTEN, TcpInfo, type TcpSettings } from '@sandbox-kernel/netstack';
import { intBytes, wholeInt } from './option-bytes.js';
import type { TcpSocket } from './tcp-socket.js';

const SECOND = 1_000_000;
const MILLI = 1000;
const MSS_DEFAULT = 536;
const MOST_WINDOW = 32767;
/** Newer than the headers. */
const TCP_IS_MPTCP = 43;
/** TCP_MIN_MSS. */
const LEAST_SEGMENT = 88;
/** TCP_CA_NAME_MAX. */
const NAME_MOST = 16;
const ALGORITHMS: readonly string[] = ['reno', 'cubic', 'bbr'];
/** What an ordinary process may choose (net.ipv4.tcp_allowed_congestion_control). */
const FREE_ALGORITHMS: readonly string[] = ['reno', 'cubic'];

/** What IPPROTO_TCP options keep on a socket, in the units in which they are set. */
export class TcpKept {
  backlog: number;
  noDelay: boolean;
  cork: boolean;
  maxSegment: number;
  keepIdle: number;
  keepInterval: number;
  keepCount: number;
  synCount: number;
  /** Seconds; 0: default, -1: off. */
  linger2: number;
  /** Retransmissions of the SYN-ACK that data may take, as Linux keeps it. */
  deferAccept: number;
  windowClamp: number;
  quickAck: boolean;
  congestion: string;
  userTimeout: number;
  notSentLowWater: number;
  fastOpen: number;
  fastOpenConnect: boolean;
  fastOpenNoCookie: boolean;
  thinTimeouts: boolean;
  saveSyn: number;
  inQueue: boolean;

  constructor() {
    this.backlog = 0;
    this.noDelay = false;
    this.cork = false;
    this.maxSegment = 0;
    this.keepIdle = 0;
    this.keepInterval = 0;
    this.keepCount = 0;
    this.synCount = 0;
    this.linger2 = 0;
    this.deferAccept = 0;
    this.windowClamp = 0;
    this.quickAck = true;
    this.congestion = '';
    this.userTimeout = 0;
    this.notSentLowWater = 0;
    this.fastOpen = 0;
    this.fastOpenConnect = false;
    this.fastOpenNoCookie = false;
    this.thinTimeouts = false;
    this.saveSyn = 0;
    this.inQueue = false;
  }

  inherit(from: TcpKept): void {
    Object.assign(this, from);
    this.backlog = 0;
    this.fastOpen = 0;
  }

  applyTo(settings: TcpSettings): void {
    settings.noDelay = this.noDelay;
    settings.cork = this.cork;
    settings.maxSegment = this.maxSegment;
    settings.keepIdle = this.keepIdle * SECOND;
    settings.keepInterval = this.keepInterval * SECOND;
    settings.keepCount = this.keepCount;
    settings.synRetries = this.synCount;
    settings.finTimeout = this.linger2 < 0 ? -1 : this.linger2 * SECOND;
    settings.deferAccept = secondsOfRetries(this.deferAccept) * SECOND;
    settings.windowClamp = this.windowClamp;
    settings.congestion = this.congestion;
    settings.userTimeout = this.userTimeout * MILLI;
    settings.notSentLowWater = this.notSentLowWater;
    settings.fastOpenQueue = this.fastOpen;
    settings.fastOpenConnect = this.fastOpenConnect;
    settings.fastOpenNoCookie = this.fastOpenNoCookie;
  }
}

/** TCP_DEFER_ACCEPT is kept as a number of SYN-ACK retransmissions, each twice as far from the last (at most 120 s). */
function retriesOfSeconds(seconds: number): number {
  let retries = 0;
  for (let timeout = 1, period = 1; seconds > 0; ) {
    retries++;
    if (seconds <= period || retries >= 255) break;
    timeout = Math.min(timeout * 2, 120);
    period += timeout;
  }
  return retries;
}

function secondsOfRetries(retries: number): number {
  let period = 0;
  for (let i = 0, timeout = 1; i < retries; i++) {
    period += timeout;
    timeout = Math.min(timeout * 2, 120);
  }
  return period;
}

function nameOf(value: Uint8Array): string {
  let name = '';
  for (const byte of value.subarray(0, NAME_MOST - 1)) {
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  return name;
}

function setCongestion(socket: TcpSocket, task: Task, value: Uint8Array): number {
  if (value.length < 1) return -EINVAL;
  const name = nameOf(value);
  if (!ALGORITHMS.includes(name)) return -ENOENT;
  if (!FREE_ALGORITHMS.includes(name) && !task.credentials.hasCapability(CAP_NET_ADMIN)) return -EPERM;
  socket.keptTcp.congestion = name;
  socket.applyOptions();
  return 0;
}

function within(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

export function setTcpOption(socket: TcpSocket, task: Task, option: number, bytes: Uint8Array): number {
  if (option === TCP_CONGESTION) return setCongestion(socket, task, bytes);
  if (option === TCP_ULP) return bytes.length < 1 ? -EINVAL : -ENOENT;
  if (bytes.length < 4) return -EINVAL;
  const result = assign(socket, task, option, wholeInt(bytes));
  if (result === 0) socket.applyOptions();
  return result;
}

function assign(socket: TcpSocket, task: Task, option: number, value: number): number {
  const kept = socket.keptTcp;
  const on = value !== 0;
  switch (option) {
    case TCP_NODELAY:
      kept.noDelay = on;
      return 0;
    case TCP_CORK:
      kept.cork = on;
      return 0;
    case TCP_QUICKACK:
      return setQuickAck(socket, on);
    case TCP_KEEPIDLE:
      if (!within(value, 1, 32767)) return -EINVAL;
      kept.keepIdle = value;
      return 0;
    case TCP_KEEPINTVL:
      if (!within(value, 1, 32767)) return -EINVAL;
      kept.keepInterval = value;
      return 0;
    case TCP_KEEPCNT:
      if (!within(value, 1, 127)) return -EINVAL;
      kept.keepCount = value;
      return 0;
    case TCP_SYNCNT:
      if (!within(value, 1, 127)) return -EINVAL;
      kept.synCount = value;
      return 0;
    case TCP_MAXSEG:
      if (value !== 0 && !within(value, LEAST_SEGMENT, MOST_WINDOW)) return -EINVAL;
      kept.maxSegment = value;
      return 0;
    default:
      return assignRare(socket, task, option, value);
  }
}

function setQuickAck(socket: TcpSocket, on: boolean): number {
  socket.keptTcp.quickAck = on;
  const settings = socket.endpoint.settings.clone();
  settings.quickAck = on;
  socket.internet.touch();
  socket.endpoint.configure(settings);
  return 0;
}

function assignRare(socket: TcpSocket, task: Task, option: number, value: number): number {
  const kept = socket.keptTcp;
  const { state } = socket.endpoint;
  switch (option) {
    case TCP_LINGER2:
      kept.linger2 = value < 0 ? -1 : value > 120 ? 120 : value;
      return 0;
    case TCP_DEFER_ACCEPT:
      kept.deferAccept = retriesOfSeconds(value);
      return 0;
    case TCP_WINDOW_CLAMP:
      if (value === 0 && state !== TCP_CLOSE) return -EINVAL;
      kept.windowClamp = value === 0 ? 0 : Math.max(value, 1152);
      return 0;
    case TCP_USER_TIMEOUT:
      if (value < 0) return -EINVAL;
      kept.userTimeout = value;
      return 0;
    case TCP_NOTSENT_LOWAT:
      kept.notSentLowWater = value >>> 0;
      return 0;
    case TCP_FASTOPEN:
      if (value < 0 || (state !== TCP_CLOSE && state !== TCP_LISTEN)) return -EINVAL;
      kept.fastOpen = value;
      return 0;
    case TCP_FASTOPEN_CONNECT:
      if (value < 0 || value > 1 || state !== TCP_CLOSE) return -EINVAL;
      kept.fastOpenConnect = value === 1;
      return 0;
    case TCP_FASTOPEN_NO_COOKIE:
      if (value < 0 || value > 1 || (state !== TCP_CLOSE && state !== TCP_LISTEN)) return -EINVAL;
      kept.fastOpenNoCookie = value === 1;
      return 0;
    default:
      return assignLegacy(socket, task, option, value);
  }
}

function assignLegacy(socket: TcpSocket, task: Task, option: number, value: number): number {
  const kept = socket.keptTcp;
  switch (option) {
    case TCP_THIN_LINEAR_TIMEOUTS:
      if (value < 0 || value > 1) return -EINVAL;
      kept.thinTimeouts = value === 1;
      return 0;
    case TCP_THIN_DUPACK:
      return value < 0 || value > 1 ? -EINVAL : 0;
    case TCP_SAVE_SYN:
      if (value < 0 || value > 2) return -EINVAL;
      kept.saveSyn = value;
      return 0;
    case TCP_INQ:
      if (value < 0 || value > 1) return -EINVAL;
      kept.inQueue = value === 1;
      return 0;
    case TCP_REPAIR:
      return task.credentials.hasCapability(CAP_NET_ADMIN) ? -ENOPROTOOPT : -EPERM;
    // For sockets under repair, which none is, and keys, which none has.
    case TCP_TIMESTAMP:
    case TCP_REPAIR_QUEUE:
    case TCP_REPAIR_WINDOW:
      return -EPERM;
    case TCP_QUEUE_SEQ:
      return socket.endpoint.state === TCP_CLOSE ? -EINVAL : -EPERM;
    case TCP_REPAIR_OPTIONS:
    case TCP_MD5SIG:
    case TCP_MD5SIG_EXT:
    case TCP_FASTOPEN_KEY:
      return -EINVAL;
    default:
      return -ENOPROTOOPT;
  }
}

export function getTcpOption(socket: TcpSocket, option: number, room: number): Uint8Array | number {
  switch (option) {
    case TCP_INFO:
      return infoBytes(socket);
    case TCP_CONGESTION:
      return textBytes(socket.keptTcp.congestion || socket.internet.settings.congestion, NAME_MOST);
    case TCP_CC_INFO:
    case TCP_ULP:
    case TCP_SAVED_SYN:
    case TCP_FASTOPEN_KEY:
      return new Uint8Array(0);
    case TCP_REPAIR_QUEUE:
    case TCP_REPAIR_WINDOW:
    case TCP_QUEUE_SEQ:
      return -EINVAL;
    case TCP_IS_MPTCP:
      return intBytes(0).subarray(0, room);
    default: {
      const value = currentValue(socket, option);
      if (value === null) return -ENOPROTOOPT;
      return room < 4 ? intBytes(value).subarray(0, room) : intBytes(value);
    }
  }
}

function textBytes(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function currentValue(socket: TcpSocket, option: number): number | null {
  const kept = socket.keptTcp;
  const { config } = socket.internet.tcp;
  const { tcb } = socket.endpoint;
  switch (option) {
    case TCP_NODELAY:
      return kept.noDelay ? 1 : 0;
    case TCP_CORK:
      return kept.cork ? 1 : 0;
    case TCP_MAXSEG:
      return tcb !== null ? tcb.mss : kept.maxSegment !== 0 ? kept.maxSegment : MSS_DEFAULT;
    case TCP_KEEPIDLE:
      return kept.keepIdle || config.keepIdle / SECOND;
    case TCP_KEEPINTVL:
      return kept.keepInterval || config.keepInterval / SECOND;
    case TCP_KEEPCNT:
      return kept.keepCount || config.keepCount;
    case TCP_SYNCNT:
      return kept.synCount || config.synRetries;
    case TCP_LINGER2:
      return kept.linger2 < 0 ? -1 : kept.linger2 || config.finTimeout / SECOND;
    case TCP_DEFER_ACCEPT:
      return secondsOfRetries(kept.deferAccept);
    case TCP_WINDOW_CLAMP:
      return kept.windowClamp;
    case TCP_QUICKACK:
      return kept.quickAck ? 1 : 0;
    default:
      return rareValueOf(socket, option);
  }
}

function rareValueOf(socket: TcpSocket, option: number): number | null {
  const kept = socket.keptTcp;
  switch (option) {
    case TCP_USER_TIMEOUT:
      return kept.userTimeout;
    case TCP_NOTSENT_LOWAT:
      return kept.notSentLowWater | 0;
    case TCP_FASTOPEN:
      return kept.fastOpen;
    case TCP_FASTOPEN_CONNECT:
      return kept.fastOpenConnect ? 1 : 0;
    case TCP_FASTOPEN_NO_COOKIE:
      return kept.fastOpenNoCookie ? 1 : 0;
    case TCP_THIN_LINEAR_TIMEOUTS:
      return kept.thinTimeouts ? 1 : 0;
    case TCP_THIN_DUPACK:
      return 0;
    case TCP_SAVE_SYN:
      return kept.saveSyn;
    case TCP_INQ:
      return kept.inQueue ? 1 : 0;
    case TCP_REPAIR:
      return 0;
    case TCP_TIMESTAMP:
      return Math.floor(socket.internet.tcp.host.now() / MILLI) | 0;
    default:
      return null;
  }
}

/** Fields in the order of linux/tcp.h behind the first eight bytes: 32-bit ones, then the 64-bit and mixed tail. */
const WORDS: readonly (keyof TcpInfo)[] = [
  'rto',
  'ato',
  'sndMss',
  'rcvMss',
  'unacked',
  'sacked',
  'lost',
  'retrans',
  'fackets',
  'lastDataSent',
  'lastAckSent',
  'lastDataRecv',
  'lastAckRecv',
  'pmtu',
  'rcvSsthresh',
  'rtt',
  'rttvar',
  'sndSsthresh',
  'sndCwnd',
  'advmss',
  'reordering',
  'rcvRtt',
  'rcvSpace',
  'totalRetrans',
];
const TAIL: readonly (readonly [keyof TcpInfo, number])[] = [
  ['pacingRate', 8],
  ['maxPacingRate', 8],
  ['bytesAcked', 8],
  ['bytesReceived', 8],
  ['segsOut', 4],
  ['segsIn', 4],
  ['notsentBytes', 4],
  ['minRtt', 4],
  ['dataSegsIn', 4],
  ['dataSegsOut', 4],
  ['deliveryRate', 8],
  ['busyTime', 8],
  ['rwndLimited', 8],
  ['sndbufLimited', 8],
  ['delivered', 4],
  ['deliveredCe', 4],
  ['bytesSent', 8],
  ['bytesRetrans', 8],
  ['dsackDups', 4],
  ['reordSeen', 4],
  ['rcvOoopack', 4],
  ['sndWnd', 4],
];

/** struct tcp_info. */
export function infoBytes(socket: TcpSocket): Uint8Array {
  const info = new TcpInfo();
  socket.endpoint.info(info);
  const bytes = new Uint8Array(TCP_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = info.state;
  bytes[1] = info.caState;
  bytes[2] = info.retransmits;
  bytes[3] = info.probes;
  bytes[4] = info.backoff;
  bytes[5] = info.options;
  bytes[6] = (info.sndWscale & 15) | ((info.rcvWscale & 15) << 4);
  bytes[7] = (info.deliveryRateAppLimited & 1) | ((info.fastopenClientFail & 3) << 1);
  let at = 8;
  for (const field of WORDS) {
    view.setUint32(at, info[field] >>> 0, true);
    at += 4;
  }
  for (const [field, size] of TAIL) {
    const value = info[field];
    if (size === 4) view.setUint32(at, value >>> 0, true);
    else set64(view, at, value < 0 ? 2 ** 64 : Math.floor(value));
    at += size;
  }
  return bytes;
}
