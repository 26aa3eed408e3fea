// TCP_INFO: everything that Linux's struct tcp_info (linux/tcp.h) reports, under its names without the prefix, so that a
// kernel can fill the struct field by field. Times are microseconds, windows are segments, where Linux has it so.

import type { TcpEndpoint } from './endpoint.js';
import { LIMIT_IDLE, LIMIT_RECEIVER, LIMIT_SEND_BUFFER } from './limits.js';
import { seqDiff } from './seq.js';
import type { Tcb } from './tcb.js';
import { freeReceiveSpace, offeredWindow } from './window.js';
import { retransmissionTimeout } from './xmit-timer.js';

const OPTION_TIMESTAMPS = 1;
const OPTION_SACK = 2;
const OPTION_WINDOW_SCALE = 4;
const OPTION_ECN = 8;
const OPTION_ECN_SEEN = 16;
const OPTION_SYN_DATA = 32;

export class TcpInfo {
  state = 0;
  caState = 0;
  retransmits = 0;
  probes = 0;
  backoff = 0;
  options = 0;
  sndWscale = 0;
  rcvWscale = 0;
  deliveryRateAppLimited = 0;
  fastopenClientFail = 0;
  rto = 0;
  ato = 0;
  sndMss = 0;
  rcvMss = 0;
  unacked = 0;
  sacked = 0;
  lost = 0;
  retrans = 0;
  fackets = 0;
  /** Milliseconds since; as Linux, the second is never filled. */
  lastDataSent = 0;
  lastAckSent = 0;
  lastDataRecv = 0;
  lastAckRecv = 0;
  pmtu = 0;
  rcvSsthresh = 0;
  rtt = 0;
  rttvar = 0;
  sndSsthresh = 0;
  sndCwnd = 0;
  advmss = 0;
  reordering = 0;
  rcvRtt = 0;
  rcvSpace = 0;
  totalRetrans = 0;
  /** Bytes per second; ~0 (as -1) when unlimited. */
  pacingRate = -1;
  maxPacingRate = -1;
  bytesAcked = 0;
  bytesReceived = 0;
  segsOut = 0;
  segsIn = 0;
  notsentBytes = 0;
  minRtt = 0;
  dataSegsIn = 0;
  dataSegsOut = 0;
  deliveryRate = 0;
  busyTime = 0;
  rwndLimited = 0;
  sndbufLimited = 0;
  delivered = 0;
  deliveredCe = 0;
  bytesSent = 0;
  bytesRetrans = 0;
  dsackDups = 0;
  reordSeen = 0;
  rcvOoopack = 0;
  sndWnd = 0;
  rcvWnd = 0;
  rehash = 0;
  totalRto = 0;
  totalRtoRecoveries = 0;
  totalRtoTime = 0;
}

const UNLIMITED = 0x7fffffff;

export function fillInfo(endpoint: TcpEndpoint, info: TcpInfo): void {
  Object.assign(info, new TcpInfo());
  info.state = endpoint.state;
  const tcb = endpoint.tcb;
  if (tcb === null) {
    info.unacked = endpoint.backlogLength;
    return;
  }
  fillOptions(tcb, info);
  fillRecovery(tcb, info);
  fillTimes(tcb, info);
  fillSizes(tcb, info);
  fillCounters(tcb, info);
  fillRates(tcb, info);
}

function segments(bytes: number, mss: number): number {
  return Math.ceil(Math.max(0, bytes) / Math.max(1, mss));
}

function fillOptions(tcb: Tcb, info: TcpInfo): void {
  if (tcb.timestampsOk) info.options |= OPTION_TIMESTAMPS;
  if (tcb.sackOk) info.options |= OPTION_SACK;
  if (tcb.sndWindowScale > 0 || tcb.rcvWindowScale > 0) info.options |= OPTION_WINDOW_SCALE;
  if (tcb.ecnOk) info.options |= OPTION_ECN;
  if (tcb.ecnSeen) info.options |= OPTION_ECN_SEEN;
  if (tcb.synData) info.options |= OPTION_SYN_DATA;
  info.sndWscale = tcb.sndWindowScale;
  info.rcvWscale = tcb.rcvWindowScale;
}

function fillRecovery(tcb: Tcb, info: TcpInfo): void {
  info.caState = tcb.caState;
  info.retransmits = tcb.retransmits;
  info.probes = Math.max(tcb.probesOut, tcb.keepProbes);
  info.backoff = tcb.backoff;
  info.unacked = segments(seqDiff(tcb.sndNxt, tcb.sndUna), tcb.mss);
  info.sacked = segments(tcb.sackedBytes, tcb.mss);
  info.lost = segments(tcb.lostBytes, tcb.mss);
  info.retrans = segments(tcb.retransmittedBytes, tcb.mss);
  info.sndSsthresh = tcb.ssthresh >= UNLIMITED ? UNLIMITED : Math.floor(tcb.ssthresh / tcb.mss);
  info.sndCwnd = Math.max(1, Math.floor(tcb.cwnd / tcb.mss));
  info.reordering = tcb.reordering;
  info.totalRetrans = tcb.totalRetransmits;
}

function fillTimes(tcb: Tcb, info: TcpInfo): void {
  const now = tcb.tcp.now;
  info.rto = retransmissionTimeout(tcb);
  info.ato = tcb.ackTimeout;
  info.lastDataSent = since(now, tcb.lastSentAt);
  info.lastDataRecv = since(now, tcb.lastReceivedAt);
  info.lastAckRecv = since(now, tcb.lastAckReceivedAt);
  info.rtt = tcb.rtt.smoothed;
  info.rttvar = tcb.rtt.variance;
  info.minRtt = Math.max(0, tcb.rtt.minimum);
  info.rcvRtt = tcb.rcvRtt;
  const running = tcb.limitKind === LIMIT_IDLE ? 0 : now - tcb.limitSince;
  info.busyTime = tcb.busyTime + running;
  info.rwndLimited = tcb.receiveWindowLimitedTime + (tcb.limitKind === LIMIT_RECEIVER ? running : 0);
  info.sndbufLimited = tcb.sendBufferLimitedTime + (tcb.limitKind === LIMIT_SEND_BUFFER ? running : 0);
}

function since(now: number, then: number): number {
  return then === 0 ? 0 : Math.floor((now - then) / 1000);
}

function fillSizes(tcb: Tcb, info: TcpInfo): void {
  info.sndMss = tcb.mss;
  info.rcvMss = tcb.rcvMss;
  info.pmtu = tcb.pathMtu;
  info.rcvSsthresh = freeReceiveSpace(tcb);
  info.advmss = tcb.advertisedMss - (tcb.timestampsOk ? 12 : 0);
  info.rcvSpace = tcb.rcvSpace;
  info.sndWnd = tcb.sndWnd;
  info.rcvWnd = offeredWindow(tcb);
  info.notsentBytes = Math.max(0, seqDiff(tcb.writeSeq, tcb.sndNxt));
}

function fillCounters(tcb: Tcb, info: TcpInfo): void {
  info.bytesAcked = tcb.bytesAcked;
  info.bytesReceived = tcb.bytesReceived;
  info.segsOut = tcb.segmentsOut;
  info.segsIn = tcb.segmentsIn;
  info.dataSegsIn = tcb.dataSegmentsIn;
  info.dataSegsOut = tcb.dataSegmentsOut;
  info.delivered = tcb.deliveredSegments;
  info.deliveredCe = tcb.deliveredCe;
  info.bytesSent = tcb.bytesSent;
  info.bytesRetrans = tcb.bytesRetransmitted;
  info.dsackDups = tcb.dsackDups;
  info.reordSeen = tcb.reorderingSeen;
  info.rcvOoopack = tcb.outOfOrderIn;
  info.totalRto = tcb.totalTimeouts;
  info.totalRtoRecoveries = tcb.timeoutRecoveries;
  info.totalRtoTime = Math.floor(tcb.timeoutTime / 1000);
}

function fillRates(tcb: Tcb, info: TcpInfo): void {
  if (tcb.pacingRate > 0) info.pacingRate = tcb.pacingRate;
  if (tcb.settings.maxPacingRate > 0) info.maxPacingRate = tcb.settings.maxPacingRate;
  if (tcb.rateInterval > 0) info.deliveryRate = Math.floor((tcb.rateDelivered * 1e6) / tcb.rateInterval);
  info.deliveryRateAppLimited = tcb.rateAppLimited ? 1 : 0;
}
