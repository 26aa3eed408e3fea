// TCP segments on the wire: RFC 9293 section 3.1 header, and the options of RFC 7323, 2018, 7413 and 5482.
// `TcpSegment` is one reusable record per stack: parsing fills it, emitting reads it, neither allocates.
// Sequence numbers are signed 32-bit integers throughout, so that V8 keeps them unboxed.

export const TCP_HEADER_LENGTH = 20;
export const TCP_MAX_HEADER_LENGTH = 60;
export const TCP_MAX_SACK_BLOCKS = 4;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
const OPTION_SACK_PERMITTED = 4;
const OPTION_SACK = 5;
const OPTION_TIMESTAMPS = 8;
const OPTION_USER_TIMEOUT = 28;
const OPTION_FAST_OPEN = 34;

/** Timestamps preceded by two NOPs: the form every stack sends on established connections. */
const ALIGNED_TIMESTAMPS = 0x0101080a;
const MAX_WINDOW_SCALE = 14;
const MAX_COOKIE = 16;

export class TcpSegment {
  sourcePort = 0;
  destinationPort = 0;
  seq = 0;
  ack = 0;
  flags = 0;
  /** The 16 bits of the header; scaling is the connection's business. */
  window = 0;
  urgent = 0;
  /** Filled by the parser: where the payload starts in the buffer and how long it is. */
  payloadOffset = 0;
  payloadLength = 0;
  /** 0 when absent. */
  mss = 0;
  /** -1 when absent; capped at 14 as RFC 7323 section 2.3 asks. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  sackCount = 0;
  readonly sackStart = new Int32Array(TCP_MAX_SACK_BLOCKS);
  readonly sackEnd = new Int32Array(TCP_MAX_SACK_BLOCKS);
  /** -1 when absent; 0 is a request for a cookie. */
  cookieLength = -1;
  readonly cookie = new Uint8Array(MAX_COOKIE);
  /** Seconds advertised by RFC 5482, -1 when absent. */
  userTimeout = -1;

  /** Forgets all options: for the next segment to be emitted or parsed. */
  clearOptions(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.timestamp = 0;
    this.timestampEcho = 0;
    this.sackCount = 0;
    this.cookieLength = -1;
    this.userTimeout = -1;
  }
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function readI32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function writeI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/**
 * Reads the segment at `offset` into `segment`. The checksum is not looked at.
 * Returns false if the bytes are no TCP segment: shorter than the header says, or a header shorter than 20.
 * Malformed options end the option list; what was read before them stands (RFC 9293, MUST-68).
 */
export function parseTcp(segment: TcpSegment, bytes: Uint8Array, offset: number, length: number): boolean {
  if (length < TCP_HEADER_LENGTH) return false;
  const headerLength = (bytes[offset + 12]! >>> 4) * 4;
  if (headerLength < TCP_HEADER_LENGTH || headerLength > length) return false;
  segment.sourcePort = readU16(bytes, offset);
  segment.destinationPort = readU16(bytes, offset + 2);
  segment.seq = readI32(bytes, offset + 4);
  segment.ack = readI32(bytes, offset + 8);
  segment.flags = bytes[offset + 13]!;
  segment.window = readU16(bytes, offset + 14);
  segment.urgent = readU16(bytes, offset + 18);
  segment.payloadOffset = offset + headerLength;
  segment.payloadLength = length - headerLength;
  segment.clearOptions();
  if (headerLength === 32 && readI32(bytes, offset + 20) === ALIGNED_TIMESTAMPS) {
    setTimestamps(segment, bytes, offset + 24);
  } else if (headerLength > TCP_HEADER_LENGTH) {
    parseOptions(segment, bytes, offset + TCP_HEADER_LENGTH, offset + headerLength);
  }
  return true;
}

function setTimestamps(segment: TcpSegment, bytes: Uint8Array, at: number): void {
  segment.hasTimestamps = true;
  segment.timestamp = readI32(bytes, at);
  segment.timestampEcho = readI32(bytes, at + 4);
}

function parseOptions(segment: TcpSegment, bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === OPTION_END) return;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 2 > end) return;
    const length = bytes[at + 1]!;
    if (length < 2 || at + length > end) return;
    parseOption(segment, kind, bytes, at + 2, length - 2);
    at += length;
  }
}

function parseOption(s: TcpSegment, kind: number, bytes: Uint8Array, at: number, size: number): void {
  const onSyn = (s.flags & TCP_SYN) !== 0;
  switch (kind) {
    case OPTION_MSS:
      if (onSyn && size === 2) s.mss = readU16(bytes, at);
      break;
    case OPTION_WINDOW_SCALE:
      if (onSyn && size === 1) s.windowScale = Math.min(bytes[at]!, MAX_WINDOW_SCALE);
      break;
    case OPTION_SACK_PERMITTED:
      if (onSyn && size === 0) s.sackPermitted = true;
      break;
    case OPTION_SACK:
      if (!onSyn) parseSack(s, bytes, at, size);
      break;
    case OPTION_TIMESTAMPS:
      if (size === 8) setTimestamps(s, bytes, at);
      break;
    case OPTION_USER_TIMEOUT:
      if (size === 2) s.userTimeout = decodeUserTimeout(readU16(bytes, at));
      break;
    case OPTION_FAST_OPEN:
      if (onSyn) parseCookie(s, bytes, at, size);
      break;
    default:
      break;
  }
}

function parseSack(segment: TcpSegment, bytes: Uint8Array, at: number, size: number): void {
  if (size % 8 !== 0 || size === 0) return;
  const count = Math.min(size / 8, TCP_MAX_SACK_BLOCKS);
  for (let i = 0; i < count; i++) {
    segment.sackStart[i] = readI32(bytes, at + i * 8);
    segment.sackEnd[i] = readI32(bytes, at + i * 8 + 4);
  }
  segment.sackCount = count;
}

// RFC 7413 section 4.1.1: a cookie is 4 to 16 bytes, even; an empty option asks for one.
function parseCookie(segment: TcpSegment, bytes: Uint8Array, at: number, size: number): void {
  if (size !== 0 && (size < 4 || size > MAX_COOKIE || size % 2 !== 0)) return;
  segment.cookieLength = size;
  for (let i = 0; i < size; i++) segment.cookie[i] = bytes[at + i]!;
}

// RFC 5482 section 3: the top bit selects minutes.
function decodeUserTimeout(raw: number): number {
  return raw & 0x8000 ? (raw & 0x7fff) * 60 : raw;
}

function encodeUserTimeout(seconds: number): number {
  if (seconds < 0x8000) return seconds;
  return 0x8000 | Math.min(Math.ceil(seconds / 60), 0x7fff);
}

/** Length of the header, options included and padded, that `emitTcp` would write for this segment. */
export function tcpHeaderLength(segment: TcpSegment): number {
  let options = 0;
  if (segment.mss !== 0) options += 4;
  if (segment.hasTimestamps) options += 12;
  else if (segment.sackPermitted) options += 4;
  if (segment.windowScale >= 0) options += 4;
  if (segment.userTimeout >= 0) options += 4;
  if (segment.sackCount > 0) options += 4 + 8 * segment.sackCount;
  if (segment.cookieLength >= 0) options += (segment.cookieLength + 2 + 3) & ~3;
  return TCP_HEADER_LENGTH + options;
}

/**
 * Writes header and options at `offset`, the checksum as zero; the payload is not touched. Returns the header's length.
 * Preconditions: the options fit 40 bytes and the buffer has room for them.
 */
export function emitTcp(segment: TcpSegment, bytes: Uint8Array, offset: number): number {
  let at = offset + TCP_HEADER_LENGTH;
  if (segment.mss !== 0) at = emitMss(segment, bytes, at);
  if (segment.hasTimestamps) at = emitTimestamps(segment, bytes, at);
  else if (segment.sackPermitted) at = emitSackPermitted(bytes, at);
  if (segment.windowScale >= 0) at = emitWindowScale(segment, bytes, at);
  if (segment.userTimeout >= 0) at = emitUserTimeout(segment, bytes, at);
  if (segment.sackCount > 0) at = emitSack(segment, bytes, at);
  if (segment.cookieLength >= 0) at = emitCookie(segment, bytes, at);
  const headerLength = at - offset;
  writeU16(bytes, offset, segment.sourcePort);
  writeU16(bytes, offset + 2, segment.destinationPort);
  writeI32(bytes, offset + 4, segment.seq);
  writeI32(bytes, offset + 8, segment.ack);
  bytes[offset + 12] = (headerLength >>> 2) << 4;
  bytes[offset + 13] = segment.flags;
  writeU16(bytes, offset + 14, segment.window);
  writeU16(bytes, offset + 16, 0);
  writeU16(bytes, offset + 18, segment.urgent);
  return headerLength;
}

function emitMss(segment: TcpSegment, bytes: Uint8Array, at: number): number {
  writeU16(bytes, at, 0x0204);
  writeU16(bytes, at + 2, segment.mss);
  return at + 4;
}

// SACK-permitted takes the place of the two NOPs before the timestamps, as Linux does, to save four bytes.
function emitTimestamps(segment: TcpSegment, bytes: Uint8Array, at: number): number {
  writeU16(bytes, at, segment.sackPermitted ? 0x0402 : 0x0101);
  writeU16(bytes, at + 2, 0x080a);
  writeI32(bytes, at + 4, segment.timestamp);
  writeI32(bytes, at + 8, segment.timestampEcho);
  return at + 12;
}

function emitSackPermitted(bytes: Uint8Array, at: number): number {
  writeI32(bytes, at, 0x01010402);
  return at + 4;
}

function emitWindowScale(segment: TcpSegment, bytes: Uint8Array, at: number): number {
  writeI32(bytes, at, 0x01030300 | segment.windowScale);
  return at + 4;
}

function emitUserTimeout(segment: TcpSegment, bytes: Uint8Array, at: number): number {
  writeU16(bytes, at, (OPTION_USER_TIMEOUT << 8) | 4);
  writeU16(bytes, at + 2, encodeUserTimeout(segment.userTimeout));
  return at + 4;
}

function emitSack(segment: TcpSegment, bytes: Uint8Array, at: number): number {
  const count = segment.sackCount;
  writeI32(bytes, at, 0x01010500 | (2 + 8 * count));
  for (let i = 0; i < count; i++) {
    writeI32(bytes, at + 4 + i * 8, segment.sackStart[i]!);
    writeI32(bytes, at + 8 + i * 8, segment.sackEnd[i]!);
  }
  return at + 4 + 8 * count;
}

function emitCookie(segment: TcpSegment, bytes: Uint8Array, at: number): number {
  const size = segment.cookieLength;
  const padded = (size + 2 + 3) & ~3;
  let to = at;
  for (let pad = padded - size - 2; pad > 0; pad--) bytes[to++] = OPTION_NOP;
  bytes[to++] = OPTION_FAST_OPEN;
  bytes[to++] = size + 2;
  for (let i = 0; i < size; i++) bytes[to++] = segment.cookie[i]!;
  return to;
}
