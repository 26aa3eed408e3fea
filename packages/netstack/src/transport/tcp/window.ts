// The receive window: how much is offered (RFC 9293 section 3.8.6, never taken back), how the buffer behind it grows with
// what the application reads per round trip (dynamic right-sizing, Fisk and Feng 2001), and the initial values.

import { seqDiff } from './seq.js';
import { type Tcb, windowFromSpace } from './tcb.js';

const MAX_UNSCALED = 65535;

/** What is left of the window that was advertised last. */
export function remainingWindow(tcb: Tcb): number {
  return Math.max(0, (tcb.rcvWup + tcb.rcvWnd - tcb.rcvNxt) | 0);
}

/** Bytes that could still be taken into the buffer. */
export function freeReceiveSpace(tcb: Tcb): number {
  return Math.max(0, windowFromSpace(tcb.receiveBuffer) - tcb.receiveRing.length);
}

/** The window that a segment leaving now would offer, in bytes: a multiple of the scale's unit. */
export function offeredWindow(tcb: Tcb): number {
  const unit = 1 << tcb.rcvWindowScale;
  const full = windowFromSpace(tcb.receiveBuffer);
  const free = Math.min(freeReceiveSpace(tcb), tcb.windowClamp);
  const remaining = remainingWindow(tcb);
  let offer = free;
  // Silly window avoidance: not below half the buffer or a segment, whichever is less.
  if (free < Math.min(full >> 1, tcb.rcvMss) || free < unit) offer = 0;
  offer = Math.min(offer - (offer & (unit - 1)), MAX_UNSCALED * unit);
  if (offer >= remaining) return offer;
  return Math.min((remaining + unit - 1) & ~(unit - 1), MAX_UNSCALED * unit);
}

/** Picks the window for a segment that leaves now, and returns the header field. */
export function advertiseWindow(tcb: Tcb): number {
  const window = offeredWindow(tcb);
  tcb.rcvWnd = window;
  tcb.rcvWup = tcb.rcvNxt;
  return Math.min(window >>> tcb.rcvWindowScale, MAX_UNSCALED);
}

/** The scale that lets the largest buffer that this connection may grow to be offered. */
export function windowScaleFor(tcb: Tcb): number {
  const config = tcb.tcp.config;
  if (!config.windowScaling) return 0;
  let space = tcb.receiveBufferLocked
    ? tcb.receiveBuffer
    : Math.max(config.receiveMemory[2], tcb.receiveBuffer);
  if (tcb.settings.windowClamp > 0) space = Math.min(space, tcb.settings.windowClamp);
  let scale = 0;
  while (space > MAX_UNSCALED && scale < 14) {
    space >>= 1;
    scale++;
  }
  return scale;
}

/** Called once, before the first window goes out. */
export function initializeReceiveWindow(tcb: Tcb): void {
  const clamp = tcb.settings.windowClamp;
  tcb.windowClamp = clamp > 0 ? clamp : 0x3fffffff;
  tcb.rcvWindowScale = windowScaleFor(tcb);
  tcb.rcvWnd = Math.min(windowFromSpace(tcb.receiveBuffer), tcb.windowClamp, MAX_UNSCALED);
  tcb.rcvSpace = Math.min(tcb.rcvWnd, 10 * tcb.advertisedMss);
}

/** The peer offered no window scale: neither side may use one (RFC 7323 section 2.2). */
export function dropWindowScaling(tcb: Tcb): void {
  tcb.sndWindowScale = 0;
  tcb.rcvWindowScale = 0;
  tcb.windowClamp = Math.min(tcb.windowClamp, MAX_UNSCALED);
}

/** The round trip as the receiver sees it: the time in which one window arrives. */
export function measureReceiverRtt(tcb: Tcb): void {
  const now = tcb.tcp.now;
  if (tcb.rcvRttAt > 0) {
    if (seqDiff(tcb.rcvNxt, tcb.rcvRttSeq) < 0) return;
    const sample = Math.max(1, Math.floor(now - tcb.rcvRttAt));
    tcb.rcvRtt = tcb.rcvRtt === 0 ? sample : Math.min(sample, tcb.rcvRtt + ((sample - tcb.rcvRtt) >> 3));
  }
  tcb.rcvRttSeq = (tcb.rcvNxt + tcb.rcvWnd) | 0;
  tcb.rcvRttAt = now;
}

/** The application took bytes: once per round trip, doubles the buffer if it reads as fast as the window allows. */
export function adjustReceiveSpace(tcb: Tcb): void {
  const now = tcb.tcp.now;
  const rtt = tcb.rcvRtt > 0 ? tcb.rcvRtt : tcb.rtt.smoothed;
  if (rtt === 0 || now - tcb.rcvSpaceAt < rtt) return;
  const copied = seqDiff(tcb.readSeq, tcb.rcvSpaceSeq);
  if (copied > tcb.rcvSpace) {
    growReceiveBuffer(tcb, copied);
    tcb.rcvSpace = copied;
  }
  tcb.rcvSpaceSeq = tcb.readSeq;
  tcb.rcvSpaceAt = now;
}

// Room for twice what was read in a round trip (slow start doubles), and for the sender's growth beyond it.
function growReceiveBuffer(tcb: Tcb, copied: number): void {
  const config = tcb.tcp.config;
  if (tcb.receiveBufferLocked || !config.moderateReceiveBuffer) return;
  const growth = tcb.rcvSpace > 0 ? (2 * copied * (copied - tcb.rcvSpace)) / tcb.rcvSpace : 0;
  const window = 2 * copied + 16 * tcb.advertisedMss + Math.min(growth, 4 * copied);
  const space = Math.min(2 * Math.floor(window), config.receiveMemory[2]);
  if (space > tcb.receiveBuffer) tcb.receiveBuffer = space;
}

/** Grows the send buffer so that it holds two congestion windows, as the window opens. */
export function expandSendBuffer(tcb: Tcb): void {
  if (tcb.sendBufferLocked) return;
  const wanted = 2 * Math.max(tcb.cwnd, 10 * tcb.mss) + 2 * tcb.gsoSize;
  const limit = tcb.tcp.config.sendMemory[2];
  if (wanted > tcb.sendBuffer) tcb.sendBuffer = Math.min(wanted, limit);
}
