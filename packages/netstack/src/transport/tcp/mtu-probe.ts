// Path MTU without ICMP: RFC 4821. When retransmissions time out a black hole is suspected and segments shrink to
// tcp_base_mss; later, and always with tcp_mtu_probing 2, single larger segments try how much gets through.
// Search: a binary one between what worked and what did not, ended when they are close.

import { markHeadLost } from './scoreboard.js';
import { seqBefore, seqDiff } from './seq.js';
import { CA_OPEN } from './state.js';
import type { Tcb } from './tcb.js';

const SEARCH_ENDS = 8;
const MIN_WINDOW_SEGMENTS = 11;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const TIMESTAMPS = 12;

/** Bytes of headers around a full segment's payload. */
export function headerBytes(tcb: Tcb): number {
  const { ipOptions, extensions } = tcb.settings;
  const network = tcb.flow.remote.isV4
    ? IPV4_HEADER + (ipOptions?.length ?? 0)
    : IPV6_HEADER + (extensions?.bytes.length ?? 0);
  return network + TCP_HEADER + (tcb.timestampsOk ? TIMESTAMPS : 0);
}

/** Recomputes segment sizes from the path MTU and what the peer accepts. */
export function syncMss(tcb: Tcb): void {
  const config = tcb.tcp.config;
  const headers = headerBytes(tcb);
  let mtu = tcb.route.mtu > 0 ? tcb.route.mtu : 576;
  if (tcb.blackHole) mtu = Math.min(mtu, tcb.mtuProbeLow);
  const options = tcb.timestampsOk ? TIMESTAMPS : 0;
  let mss = Math.min(mtu - headers, tcb.peerMss - options);
  if (tcb.settings.maxSegment > 0) mss = Math.min(mss, tcb.settings.maxSegment - options);
  // RFC 9293 section 3.7.1: never so small that headers are most of the traffic; half the peer's largest window at most.
  if (tcb.maxSndWnd > 0) mss = Math.min(mss, Math.max(tcb.maxSndWnd >> 1, config.minSendMss));
  tcb.mss = Math.max(mss, config.minSendMss - options);
  tcb.pathMtu = mtu;
  const gso = tcb.route.gsoMaxSize - headers;
  tcb.gsoSize = Math.max(tcb.mss, gso - (gso % tcb.mss));
}

export function initializeProbing(tcb: Tcb): void {
  const headers = headerBytes(tcb);
  tcb.mtuProbeLow = tcb.tcp.config.baseMss + headers;
  tcb.mtuProbeHigh = tcb.peerMss + headers - (tcb.timestampsOk ? TIMESTAMPS : 0);
  tcb.blackHole = tcb.tcp.config.mtuProbing === 2;
}

/** Timeouts without progress: assume that large packets vanish. Shrinks again on each further timeout. */
export function suspectBlackHole(tcb: Tcb): void {
  const config = tcb.tcp.config;
  if (config.mtuProbing === 0 || isSizeProven(tcb)) return;
  const headers = headerBytes(tcb);
  if (!tcb.blackHole) {
    tcb.blackHole = true;
    tcb.mtuProbeHigh = tcb.pathMtu - 1;
    tcb.mtuProbeLow = Math.min(tcb.mtuProbeLow, tcb.pathMtu);
  } else {
    const smaller = Math.min((tcb.mtuProbeLow - headers) >> 1, config.baseMss);
    tcb.mtuProbeLow = Math.max(smaller, config.mtuProbeFloor, config.minSendMss) + headers;
  }
  tcb.mtuProbeAt = tcb.tcp.now;
  syncMss(tcb);
}

// Segments of this size got through not long ago: what is lost now is more likely lost to congestion or noise.
function isSizeProven(tcb: Tcb): boolean {
  if (tcb.fullSizeAt === 0 || tcb.retransmits > 2 * tcb.tcp.config.retries1) return false;
  return tcb.tcp.now - tcb.fullSizeAt < tcb.tcp.config.mtuProbeInterval;
}

/** Payload bytes of a probe to send now; 0: none. A probe carries real data, so enough must wait behind it. */
export function mtuProbeLength(tcb: Tcb, unsent: number, room: number): number {
  if (!tcb.blackHole || tcb.mtuProbeSize > 0 || tcb.caState !== CA_OPEN) return 0;
  if (tcb.cwnd < MIN_WINDOW_SEGMENTS * tcb.mss || tcb.sackedBytes > 0) return 0;
  if (tcb.mtuProbeHigh - tcb.mtuProbeLow < SEARCH_ENDS) {
    reopenSearch(tcb);
    return 0;
  }
  const mtu = (tcb.mtuProbeLow + tcb.mtuProbeHigh + 1) >> 1;
  const length = mtu - headerBytes(tcb);
  if (length <= tcb.mss || unsent < length + tcb.reordering * tcb.mss || room < length) return 0;
  mtuProbeSent(tcb, length);
  return length;
}

export function mtuProbeSent(tcb: Tcb, length: number): void {
  tcb.mtuProbeSize = length + headerBytes(tcb);
  tcb.mtuProbeStart = tcb.sndNxt;
  tcb.mtuProbeEnd = (tcb.sndNxt + length) | 0;
}

// Paths change: after a while the whole range is open again.
function reopenSearch(tcb: Tcb): void {
  if (tcb.tcp.now - tcb.mtuProbeAt < tcb.tcp.config.mtuProbeInterval) return;
  tcb.mtuProbeAt = tcb.tcp.now;
  tcb.mtuProbeHigh = Math.max(tcb.mtuProbeHigh, Math.min(tcb.route.mtu, tcb.peerMss + headerBytes(tcb)));
}

/** After the cumulative acknowledgement moved: the probe may have got through. */
export function noteProbeDelivered(tcb: Tcb): void {
  if (tcb.mtuProbeSize === 0 || seqBefore(tcb.sndUna, tcb.mtuProbeEnd)) return;
  const before = tcb.mss;
  tcb.mtuProbeLow = tcb.mtuProbeSize;
  tcb.mtuProbeSize = 0;
  tcb.tcp.host.probedMtu(tcb.route, tcb.mtuProbeLow, true);
  syncMss(tcb);
  // The window is meant in segments: RFC 4821 section 7.7 keeps their number.
  tcb.cwnd = Math.floor((tcb.cwnd * tcb.mss) / before);
}

/** A loss that may be the probe's alone: then it is no sign of congestion. True if so. */
export function noteLossOfProbe(tcb: Tcb): boolean {
  if (tcb.mtuProbeSize === 0 || tcb.sndUna !== tcb.mtuProbeStart) return false;
  if (tcb.lostBytes > seqDiff(tcb.mtuProbeEnd, tcb.mtuProbeStart)) return false;
  tcb.mtuProbeHigh = tcb.mtuProbeSize - 1;
  tcb.mtuProbeSize = 0;
  markHeadLost(tcb);
  return true;
}

export function probeFailed(tcb: Tcb): void {
  if (tcb.mtuProbeSize === 0) return;
  tcb.mtuProbeHigh = tcb.mtuProbeSize - 1;
  tcb.mtuProbeSize = 0;
}
