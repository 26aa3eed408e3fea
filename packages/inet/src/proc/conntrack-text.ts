// /proc/net/nf_conntrack: the flows that are tracked, once a rule of iptables or nft has asked for that.
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '@sandbox-kernel/abi';
import { FLOW_ASSURED, FLOW_SEEN_REPLY, type Flow, type FlowTuple } from '@sandbox-kernel/netstack';
import type { Internet } from '../internet.js';

/** By the tracker's state. */
const TCP_STATES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
];
const NAMES: Readonly<Record<number, string>> = {
  [IPPROTO_ICMP]: 'icmp',
  [IPPROTO_TCP]: 'tcp',
  [IPPROTO_UDP]: 'udp',
  [IPPROTO_ICMPV6]: 'icmpv6',
};

export function conntrackText(internet: Internet): string {
  const now = internet.stack.network.now();
  const flows = internet.netfilter.activeTracker?.list() ?? [];
  return flows.map((flow) => `${line(flow, now)}\n`).join('');
}

export function conntrackCount(internet: Internet): number {
  return internet.netfilter.activeTracker?.count ?? 0;
}

function line(flow: Flow, now: number): string {
  const { protocol, original, reply } = flow;
  const family = original.source.isV4 ? 'ipv4     2' : 'ipv6     10';
  const left = Math.max(0, Math.floor((flow.timer.deadline - now) / 1e6));
  const state = protocol === IPPROTO_TCP ? ` ${TCP_STATES[flow.tcpState] ?? 'NONE'}` : '';
  const parts = [
    `${family} ${(NAMES[protocol] ?? 'unknown').padEnd(8)} ${protocol} ${left}${state}`,
    tuple(flow, original),
    ...(flow.has(FLOW_SEEN_REPLY) ? [] : ['[UNREPLIED]']),
    tuple(flow, reply),
    ...(flow.has(FLOW_ASSURED) ? ['[ASSURED]'] : []),
    `mark=${flow.mark >>> 0} zone=0 use=2`,
  ];
  return parts.join(' ');
}

function tuple({ protocol }: Flow, ends: FlowTuple): string {
  const { source, destination, sourcePort, destinationPort, direction } = ends;
  const addresses = source.isV4 ? [source, destination] : [full(`${source}`), full(`${destination}`)];
  const text = `src=${addresses[0]} dst=${addresses[1]}`;
  if (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP)
    return `${text} sport=${sourcePort} dport=${destinationPort}`;
  if (protocol === IPPROTO_ICMP) return `${text} type=${direction === 0 ? 8 : 0} code=0 id=${sourcePort}`;
  if (protocol === IPPROTO_ICMPV6)
    return `${text} type=${direction === 0 ? 128 : 129} code=0 id=${sourcePort}`;
  return text;
}

/** All eight groups of an IPv6 address, with their zeros. */
function full(text: string): string {
  const [head = '', tail = ''] = text.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return [...front, ...zeros, ...back].map((group) => group.padStart(4, '0')).join(':');
}
