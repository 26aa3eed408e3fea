// Packet scripts in packetdrill's manner: one endpoint under test, the peer played by the script. Steps are in time order;
// what the stack sends is compared with what the script expects, in order and completely. Sequence numbers are relative to
// each side's initial one, as in `tcpdump`.

import { expect } from 'vitest';
import { Address } from '../../src/address.js';
import { CHECKSUM_VERIFIED, type PacketBuffer } from '../../src/storage/packet-buffer.js';
import type { TcpConfig, TcpSettings } from '../../src/transport/tcp/config.js';
import { TcpEndpoint } from '../../src/transport/tcp/endpoint.js';
import { Tcp } from '../../src/transport/tcp/tcp.js';
import {
  emitTcp,
  parseTcp,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  TcpSegment,
  tcpHeaderLength,
} from '../../src/wire/tcp.js';
import { type TestHost, TestNetwork } from './network.js';

const LETTERS: readonly (readonly [string, number])[] = [
  ['S', TCP_SYN],
  ['F', TCP_FIN],
  ['R', TCP_RST],
  ['P', TCP_PSH],
  ['.', TCP_ACK],
  ['U', TCP_URG],
  ['E', TCP_ECE],
  ['W', TCP_CWR],
];

export interface Packet {
  /** Letters as in tcpdump: S F R P . U E W. */
  flags: string;
  seq?: number;
  ack?: number;
  length?: number;
  window?: number;
  mss?: number;
  scale?: number;
  sackOk?: boolean;
  /** Value; the echo is filled with what the stack sent last unless `echo` is given. */
  ts?: number;
  echo?: number;
  sack?: readonly (readonly [number, number])[];
  urgent?: number;
  cookie?: number;
  /** The cookie itself; for what the peer sends. */
  cookieBytes?: Uint8Array;
  /** Seconds: RFC 5482. */
  userTimeout?: number;
  /** IP ECN bits. */
  ecn?: number;
}

/** What was seen on the wire, numbers made relative. */
export interface Seen extends Packet {
  raw: { seq: number; ack: number; timestamp: number };
  at: number;
}

export const PEER = Address.of('192.0.2.1');
const PEER_ISN = 1_000_000;

export class Script {
  readonly network: TestNetwork;
  readonly host: TestHost;
  readonly tcp: Tcp;
  endpoint: TcpEndpoint;
  listener: TcpEndpoint | null = null;
  readonly sent: Seen[] = [];
  private readonly segment = new TcpSegment();
  localIsn: number | null = null;
  peerIsn = PEER_ISN;
  localPort = 80;
  peerPort = 4000;
  lastTimestamp = 0;
  peerTimestamps = false;
  peerClock = 5000;

  constructor(config: Partial<TcpConfig> = {}, settings?: TcpSettings, seed = 7) {
    this.network = new TestNetwork(seed);
    this.host = this.network.host('192.0.2.2');
    this.tcp = new Tcp(this.host, config);
    this.host.attach(this.tcp);
    this.endpoint = new TcpEndpoint(this.tcp, false, settings);
    this.network.onSend = (packet) => this.record(packet);
  }

  private record(packet: PacketBuffer): boolean {
    const s = new TcpSegment();
    if (!parseTcp(s, packet.bytes, packet.start, packet.length))
      throw new Error('the stack sent no TCP segment');
    if ((s.flags & TCP_SYN) !== 0) {
      this.localIsn = s.seq;
      this.localPort = s.sourcePort;
    }
    this.lastTimestamp = s.timestamp;
    const base = this.localIsn ?? 0;
    const seen: Seen = {
      flags: LETTERS.filter(([, bit]) => (s.flags & bit) !== 0)
        .map(([letter]) => letter)
        .join(''),
      seq: (s.seq - base) >>> 0,
      ack: (s.flags & TCP_ACK) !== 0 ? (s.ack - this.peerIsn) >>> 0 : 0,
      length: s.payloadLength,
      window: s.window,
      raw: { seq: s.seq, ack: s.ack, timestamp: s.timestamp },
      at: this.network.time,
    };
    if (s.mss > 0) seen.mss = s.mss;
    if (s.windowScale >= 0) seen.scale = s.windowScale;
    if (s.sackPermitted) seen.sackOk = true;
    if (s.hasTimestamps) {
      seen.ts = s.timestamp;
      seen.echo = s.timestampEcho;
    }
    if (s.sackCount > 0) {
      seen.sack = Array.from({ length: s.sackCount }, (_, i) => [
        (s.sackStart[i]! - this.peerIsn) >>> 0,
        (s.sackEnd[i]! - this.peerIsn) >>> 0,
      ]);
    }
    if ((s.flags & TCP_URG) !== 0) seen.urgent = s.urgent;
    if (s.cookieLength >= 0) seen.cookie = s.cookieLength;
    if (s.userTimeout >= 0) seen.userTimeout = s.userTimeout;
    if ((packet.tos & 3) !== 0) seen.ecn = packet.tos & 3;
    this.sent.push(seen);
    return true;
  }

  /** The peer sends a segment. */
  inject(p: Packet): this {
    const s = this.segment;
    s.clearOptions();
    s.sourcePort = this.peerPort;
    s.destinationPort = this.localPort;
    s.seq = (this.peerIsn + (p.seq ?? 0)) | 0;
    s.flags = LETTERS.filter(([letter]) => p.flags.includes(letter)).reduce((bits, [, bit]) => bits | bit, 0);
    s.ack = (s.flags & TCP_ACK) !== 0 ? ((this.localIsn ?? 0) + (p.ack ?? 0)) | 0 : 0;
    s.window = p.window ?? 65535;
    s.urgent = p.urgent ?? 0;
    if (p.mss !== undefined) s.mss = p.mss;
    if (p.scale !== undefined) s.windowScale = p.scale;
    s.sackPermitted = p.sackOk === true;
    if (p.ts !== undefined || this.peerTimestamps) {
      s.hasTimestamps = true;
      s.timestamp = p.ts ?? this.peerClock + Math.floor(this.network.time / 1000);
      s.timestampEcho = p.echo ?? this.lastTimestamp;
    }
    for (const [start, end] of p.sack ?? []) {
      s.sackStart[s.sackCount] = ((this.localIsn ?? 0) + start) | 0;
      s.sackEnd[s.sackCount++] = ((this.localIsn ?? 0) + end) | 0;
    }
    if (p.cookie !== undefined) s.cookieLength = p.cookie;
    if (p.cookieBytes !== undefined) {
      s.cookie.set(p.cookieBytes);
      s.cookieLength = p.cookieBytes.length;
    }
    if (p.userTimeout !== undefined) s.userTimeout = p.userTimeout;
    const length = p.length ?? 0;
    const header = tcpHeaderLength(s);
    const packet = this.host.pool.allocate(header + length);
    const at = packet.append(header + length);
    emitTcp(s, packet.bytes, at);
    for (let i = 0; i < length; i++) packet.bytes[at + header + i] = ((p.seq ?? 0) + i) & 0xff;
    packet.source = PEER;
    packet.destination = this.host.address;
    packet.protocol = 6;
    packet.tos = p.ecn ?? 0;
    packet.checksum = CHECKSUM_VERIFIED;
    this.host.receive(packet);
    return this;
  }

  /** The next segment that the stack sent must match, in the fields given. */
  expect(p: Partial<Packet>): this {
    const seen = this.sent.shift();
    expect(seen, `expected ${JSON.stringify(p)}, nothing was sent`).toBeDefined();
    expect(seen).toMatchObject(p);
    return this;
  }

  /** Everything that was sent has been expected. */
  quiet(): this {
    expect(this.sent).toEqual([]);
    return this;
  }

  /** Time passes, timers fire. */
  after(milliseconds: number): this {
    this.network.run(milliseconds * 1000);
    return this;
  }

  /** Time passes until the stack sends something, for at most so long. */
  untilSent(milliseconds: number): this {
    this.network.run(milliseconds * 1000, () => this.sent.length > 0);
    return this;
  }

  connect(): this {
    const result = this.endpoint.connect(PEER, this.peerPort);
    expect(result).toBe(-115);
    return this;
  }

  listen(backlog = 8): this {
    this.listener = this.endpoint;
    this.listener.bind(null, this.localPort);
    this.listener.listen(backlog);
    return this;
  }

  accept(): this {
    const child = this.listener!.accept();
    expect(child).not.toBeNull();
    this.endpoint = child!;
    return this;
  }

  write(length: number, flags = 0): this {
    expect(this.endpoint.write(new Uint8Array(length), 0, length, flags)).toBe(length);
    return this;
  }

  read(length: number): this {
    const into = new Uint8Array(Math.max(length, 1));
    expect(this.endpoint.read(into, 0, into.length)).toBe(length);
    return this;
  }
}

export interface EstablishOptions {
  mss?: number;
  scale?: number;
  sackOk?: boolean;
  timestamps?: boolean;
  window?: number;
}

/** A connection in ESTABLISHED by an active open; the handshake's segments are consumed. */
export function established(
  options: EstablishOptions = {},
  config: Partial<TcpConfig> = {},
  settings?: TcpSettings,
): Script {
  const script = new Script(config, settings).connect();
  script.sent.length = 0;
  script.peerTimestamps = options.timestamps === true;
  const syn: Packet = {
    flags: 'S.',
    seq: 0,
    ack: 1,
    mss: options.mss ?? 1000,
    window: options.window ?? 65535,
  };
  if (options.scale !== undefined) syn.scale = options.scale;
  if (options.sackOk !== false) syn.sackOk = true;
  script.after(10).inject(syn);
  script.expect({ flags: '.', seq: 1, ack: 1 }).quiet();
  return script;
}
