// TCP Fast Open: RFC 7413. The client keeps a cookie per server address and sends data with its SYN; a server with a
// Fast Open queue hands such data to a connection before the handshake completes.

import type { Address } from '../../address.js';
import type { TcpSegment } from '../../wire/tcp.js';
import { stampSent } from './rate.js';
import { markLost, queueOf } from './scoreboard.js';
import { seqBefore } from './seq.js';
import type { Tcb } from './tcb.js';

export const FAST_OPEN_CLIENT = 1;
export const FAST_OPEN_SERVER = 2;
export const FAST_OPEN_CLIENT_NO_COOKIE = 4;
export const FAST_OPEN_SERVER_NO_COOKIE = 0x200;

const MAX_CACHED = 1024;

/** Cookies by server address; the oldest goes when it is full. */
export class FastOpenCache {
  private readonly cookies: Map<string, Uint8Array>;
  private readonly sizes: Map<string, number>;

  constructor() {
    this.cookies = new Map();
    this.sizes = new Map();
  }

  get(server: Address): Uint8Array | undefined {
    return this.cookies.get(server.toString());
  }

  mss(server: Address): number {
    return this.sizes.get(server.toString()) ?? 0;
  }

  set(server: Address, cookie: Uint8Array, mss: number): void {
    const key = server.toString();
    this.cookies.delete(key);
    const oldest = this.cookies.size >= MAX_CACHED ? this.cookies.keys().next() : null;
    if (oldest !== null && oldest.done !== true) this.forgetKey(oldest.value);
    this.cookies.set(key, cookie);
    this.sizes.set(key, mss);
  }

  forget(server: Address): void {
    this.forgetKey(server.toString());
  }

  private forgetKey(key: string): void {
    this.cookies.delete(key);
    this.sizes.delete(key);
  }
}

/** Whether the SYN of this connection should wait for the first write: data can go with it. */
export function defersSyn(tcb: Tcb): boolean {
  if (!tcb.fastOpenRequested) return false;
  const { config, fastOpenCache } = tcb.tcp;
  if (tcb.settings.fastOpenNoCookie || (config.fastOpen & FAST_OPEN_CLIENT_NO_COOKIE) !== 0) return true;
  return fastOpenCache.get(tcb.flow.remote) !== undefined;
}

/** Puts the Fast Open option on a SYN or SYN-ACK; returns how many bytes of the send ring go with it. */
export function fastOpenCookieFor(tcb: Tcb, s: TcpSegment, answering: boolean): number {
  if (!tcb.fastOpenRequested) return 0;
  const tcp = tcb.tcp;
  if (answering) {
    tcp.sequences.fastOpenCookie(s.cookie, tcb.flow.remote);
    s.cookieLength = 8;
    return 0;
  }
  const noCookie = tcb.settings.fastOpenNoCookie || (tcp.config.fastOpen & FAST_OPEN_CLIENT_NO_COOKIE) !== 0;
  const cookie = tcp.fastOpenCache.get(tcb.flow.remote);
  if (cookie === undefined && !noCookie) {
    s.cookieLength = 0;
    return 0;
  }
  if (cookie !== undefined) {
    s.cookie.set(cookie);
    s.cookieLength = cookie.length;
  }
  return queueSynData(tcb, tcp.fastOpenCache.mss(tcb.flow.remote) || tcb.peerMss);
}

function queueSynData(tcb: Tcb, mss: number): number {
  const length = Math.min(tcb.sendRing.length, mss - 40);
  if (length <= 0) return 0;
  const queue = queueOf(tcb);
  const start = tcb.sndNxt;
  tcb.sndNxt = (start + length) | 0;
  stampSent(tcb, queue, queue.push(start, tcb.sndNxt, 0));
  tcb.fastOpenSent = true;
  tcb.bytesSent += length;
  return length;
}

/** The SYN-ACK is here: keep its cookie, and send again what it did not acknowledge of the SYN's data. */
export function settleFastOpen(tcb: Tcb, s: TcpSegment): void {
  if (!tcb.fastOpenRequested) return;
  if (s.cookieLength > 0) {
    tcb.tcp.fastOpenCache.set(tcb.flow.remote, s.cookie.slice(0, s.cookieLength), s.mss);
  }
  if (!tcb.fastOpenSent) return;
  tcb.synData = !seqBefore(tcb.sndUna, tcb.sndNxt);
  const queue = tcb.queue;
  if (queue === null) return;
  for (let i = queue.head; i < queue.tail; i++) markLost(tcb, queue, i);
}

/** A connection that a SYN with data made has finished its handshake, or is dead. */
export function settleEarly(tcb: Tcb): void {
  const listener = tcb.fastOpenListener;
  if (listener !== null) listener.fastOpenPending--;
  tcb.fastOpenListener = null;
}

/** The SYN was lost: its data goes separately, and the path may not like the option. */
export function abandonFastOpen(tcb: Tcb): void {
  if (!tcb.fastOpenSent) return;
  tcb.tcp.fastOpenCache.forget(tcb.flow.remote);
}
