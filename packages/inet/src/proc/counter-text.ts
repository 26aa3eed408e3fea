// /proc/net/{snmp,snmp6,netstat,sockstat,sockstat6,protocols}: counters in the terms of the SNMP MIBs, and sockets in use.
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, SOCK_RAW, SOCK_STREAM } from '@sandbox-kernel/abi';
import type { UdpCounters } from '@sandbox-kernel/netstack';
import { InetSocket } from '../inet-socket.js';
import type { Internet } from '../internet.js';

type Pair = readonly [string, number];

function group(name: string, pairs: readonly Pair[]): string {
  return `${name}: ${pairs.map(([key]) => key).join(' ')}\n${name}: ${pairs.map(([, value]) => value).join(' ')}\n`;
}

function ipPairs(internet: Internet): Pair[] {
  const c = internet.stack.network.counters;
  return [
    ['Forwarding', internet.stack.network.interfaceList().some((iface) => iface.forwarding) ? 1 : 2],
    ['DefaultTTL', internet.settings.ttl],
    ['InReceives', c.inReceives],
    ['InHdrErrors', c.inHeaderErrors],
    ['InAddrErrors', c.inAddressErrors],
    ['ForwDatagrams', c.forwarded],
    ['InUnknownProtos', c.inUnknownProtocols],
    ['InDiscards', c.inDiscards],
    ['InDelivers', c.inDelivers],
    ['OutRequests', c.outRequests],
    ['OutDiscards', c.outDiscards],
    ['OutNoRoutes', c.outNoRoutes],
    ['ReasmTimeout', c.reassemblyTimeouts],
    ['ReasmReqds', c.reassembliesRequired],
    ['ReasmOKs', c.reassembliesOk],
    ['ReasmFails', c.reassembliesFailed],
    ['FragOKs', c.fragmentsOk],
    ['FragFails', c.fragmentsFailed],
    ['FragCreates', c.fragmentsCreated],
    ['OutTransmits', c.outRequests],
  ];
}

const ICMP_KINDS = [
  'DestUnreachs',
  'TimeExcds',
  'ParmProbs',
  'SrcQuenchs',
  'Redirects',
  'Echos',
  'EchoReps',
  'Timestamps',
  'TimestampReps',
  'AddrMasks',
  'AddrMaskReps',
];

/** Their types, in the same order. */
const ICMP_TYPES = [3, 11, 12, 4, 5, 8, 0, 13, 14, 17, 18];

const ICMP6_KINDS: readonly (readonly [string, number])[] = [
  ['DestUnreachs', 1],
  ['PktTooBigs', 2],
  ['TimeExcds', 3],
  ['ParmProblems', 4],
  ['Echos', 128],
  ['EchoReplies', 129],
  ['GroupMembQueries', 130],
  ['GroupMembResponses', 131],
  ['GroupMembReductions', 132],
  ['RouterSolicits', 133],
  ['RouterAdvertisements', 134],
  ['NeighborSolicits', 135],
  ['NeighborAdvertisements', 136],
  ['Redirects', 137],
  ['MLDv2Reports', 143],
];

/** One line for each type that occurred. */
function typePairs(name: string, types: Uint32Array): Pair[] {
  return [...types].flatMap((count, type): Pair[] => (count === 0 ? [] : [[`${name}${type}`, count]]));
}

function icmpPairs(internet: Internet): Pair[] {
  const c = internet.stack.network.counters;
  return [
    ['InMsgs', c.icmpIn],
    ['InErrors', c.icmpInErrors],
    ['InCsumErrors', 0],
    ...ICMP_KINDS.map((kind, i): Pair => [`In${kind}`, c.icmpInTypes[ICMP_TYPES[i] as number] as number]),
    ['OutMsgs', c.icmpOut],
    ['OutErrors', 0],
    ['OutRateLimitGlobal', c.icmpRateLimited],
    ['OutRateLimitHost', 0],
    ...ICMP_KINDS.map((kind, i): Pair => [`Out${kind}`, c.icmpOutTypes[ICMP_TYPES[i] as number] as number]),
  ];
}

function tcpPairs(internet: Internet): Pair[] {
  const c = internet.tcp.counters;
  const { config } = internet.tcp;
  return [
    ['RtoAlgorithm', 1],
    ['RtoMin', config.rtoMin / 1000],
    ['RtoMax', config.rtoMax / 1000],
    ['MaxConn', -1],
    ['ActiveOpens', c.activeOpens],
    ['PassiveOpens', c.passiveOpens],
    ['AttemptFails', c.failedAttempts],
    ['EstabResets', 0],
    ['CurrEstab', c.established],
    ['InSegs', c.inSegments],
    ['OutSegs', c.outSegments],
    ['RetransSegs', c.retransmittedSegments],
    ['InErrs', c.inErrors],
    ['OutRsts', c.outResets],
    ['InCsumErrors', c.checksumErrors],
  ];
}

function udpPairs(c: UdpCounters): Pair[] {
  return [
    ['InDatagrams', c.inDatagrams],
    ['NoPorts', c.noPorts],
    ['InErrors', c.inErrors],
    ['OutDatagrams', c.outDatagrams],
    ['RcvbufErrors', c.receiveBufferErrors],
    ['SndbufErrors', c.sendBufferErrors],
    ['InCsumErrors', c.checksumErrors],
    ['IgnoredMulti', 0],
    ['MemErrors', 0],
  ];
}

export function snmpText(internet: Internet): string {
  const udp = udpPairs(internet.udp.counters);
  const network = internet.stack.network.counters;
  const types = [...typePairs('InType', network.icmpInTypes), ...typePairs('OutType', network.icmpOutTypes)];
  return (
    group('Ip', ipPairs(internet)) +
    group('Icmp', icmpPairs(internet)) +
    (types.length === 0 ? '' : group('IcmpMsg', types)) +
    group('Tcp', tcpPairs(internet)) +
    group('Udp', udp) +
    group(
      'UdpLite',
      udp.map(([key]): Pair => [key, 0]),
    )
  );
}

/** One counter a line. What nobody counts is left out, rather than told as 0. */
export function snmp6Text(internet: Internet): string {
  const c = internet.stack.network.counters6;
  const pairs: Pair[] = [
    ['Ip6InReceives', c.inReceives],
    ['Ip6InHdrErrors', c.inHeaderErrors],
    ['Ip6InNoRoutes', c.inNoRoutes],
    ['Ip6InAddrErrors', c.inAddressErrors],
    ['Ip6InUnknownProtos', c.inUnknownProtocols],
    ['Ip6InTruncatedPkts', c.inTruncated],
    ['Ip6InDiscards', c.inDiscards],
    ['Ip6InDelivers', c.inDelivers],
    ['Ip6OutForwDatagrams', c.forwarded],
    ['Ip6OutRequests', c.outRequests],
    ['Ip6OutDiscards', c.outDiscards],
    ['Ip6OutNoRoutes', c.outNoRoutes],
    ['Ip6ReasmTimeout', c.reassemblyTimeouts],
    ['Ip6ReasmReqds', c.reassembliesRequired],
    ['Ip6ReasmOKs', c.reassembliesOk],
    ['Ip6ReasmFails', c.reassembliesFailed],
    ['Ip6FragOKs', c.fragmentsOk],
    ['Ip6FragFails', c.fragmentsFailed],
    ['Ip6FragCreates', c.fragmentsCreated],
    ['Ip6OutTransmits', c.outRequests],
    ['Icmp6InMsgs', c.icmpIn],
    ['Icmp6InErrors', c.icmpInErrors],
    ['Icmp6OutMsgs', c.icmpOut],
    ['Icmp6OutRateLimitHost', c.icmpRateLimited],
    ...ICMP6_KINDS.map(([kind, type]): Pair => [`Icmp6In${kind}`, c.icmpInTypes[type] as number]),
    ...ICMP6_KINDS.map(([kind, type]): Pair => [`Icmp6Out${kind}`, c.icmpOutTypes[type] as number]),
    ...typePairs('Icmp6InType', c.icmpInTypes),
    ...typePairs('Icmp6OutType', c.icmpOutTypes),
    ...udpPairs(internet.udp.counters6).map(([key, value]): Pair => [`Udp6${key}`, value]),
  ];
  return pairs.map(([key, value]) => `${key.padEnd(32)}\t${value}\n`).join('');
}

export function netstatText(internet: Internet): string {
  const c = internet.tcp.counters;
  const { interfaceList } = { interfaceList: internet.stack.network.interfaceList() };
  const received = interfaceList.reduce((sum, iface) => sum + iface.counters.rxBytes, 0);
  const sent = interfaceList.reduce((sum, iface) => sum + iface.counters.txBytes, 0);
  return (
    group('TcpExt', [
      ['SyncookiesSent', c.synCookiesSent],
      ['SyncookiesRecv', c.synCookiesReceived],
      ['SyncookiesFailed', c.synCookiesFailed],
      ['TW', c.timeWaits],
      ['TWRecycled', c.timeWaitRecycled],
      ['PAWSEstab', c.pawsRejected],
      ['DelayedACKs', c.delayedAcks],
      ['ListenOverflows', c.listenOverflows],
      ['ListenDrops', c.listenDrops],
      ['TCPTimeouts', c.timeouts],
      ['TCPLossProbes', c.lossProbes],
      ['TCPLossProbeRecovery', c.lossProbeRecoveries],
      ['TCPAbortOnData', c.abortOnData],
      ['TCPAbortOnClose', c.abortOnClose],
      ['TCPAbortOnTimeout', c.abortOnTimeout],
      ['TCPChallengeACK', c.challengeAcks],
      ['TCPFastOpenPassive', c.fastOpenPassive],
      ['TCPFastOpenPassiveFail', c.fastOpenPassiveFail],
      ['TCPFastOpenCookieReqd', c.fastOpenCookieRequests],
    ]) +
    group('IpExt', [
      ['InNoRoutes', internet.stack.network.counters.inNoRoutes],
      ['InTruncatedPkts', internet.stack.network.counters.inTruncated],
      ['InOctets', received],
      ['OutOctets', sent],
    ])
  );
}

interface Tally {
  tcp: number;
  udp: number;
  raw: number;
}

function tally(internet: Internet, domain: number): Tally {
  const found: Tally = { tcp: 0, udp: 0, raw: 0 };
  for (const each of internet.sockets) {
    if (!(each instanceof InetSocket) || each.domain !== domain) continue;
    if (each.type === SOCK_STREAM) found.tcp += each.localPort === 0 ? 0 : 1;
    else if (each.type === SOCK_RAW) found.raw++;
    else found.udp += each.localPort === 0 ? 0 : 1;
  }
  return found;
}

export function sockstatText(internet: Internet): string {
  const v4 = tally(internet, AF_INET);
  const v6 = tally(internet, AF_INET6);
  const used = internet.sockets.size + internet.kernel.unixSockets.size;
  const { tcp } = internet;
  return (
    `sockets: used ${used}\n` +
    `TCP: inuse ${v4.tcp} orphan ${tcp.orphanCount} tw ${tcp.timeWaitCount} alloc ${v4.tcp + v6.tcp} mem 0\n` +
    `UDP: inuse ${v4.udp} mem 0\nUDPLITE: inuse 0\nRAW: inuse ${v4.raw}\nFRAG: inuse 0 memory 0\n`
  );
}

export function sockstat6Text(internet: Internet): string {
  const v6 = tally(internet, AF_INET6);
  return `TCP6: inuse ${v6.tcp}\nUDP6: inuse ${v6.udp}\nUDPLITE6: inuse 0\nRAW6: inuse ${v6.raw}\nFRAG6: inuse 0 memory 0\n`;
}

export function protocolsText(internet: Internet): string {
  const v4 = tally(internet, AF_INET);
  const v6 = tally(internet, AF_INET6);
  const count = (domain: number): number => {
    let found = 0;
    for (const each of internet.sockets) if (each.domain === domain) found++;
    return found;
  };
  const rows: readonly (readonly [string, number, number])[] = [
    ['PACKET', 1600, count(AF_PACKET)],
    ['RAWv6', 1344, v6.raw],
    ['UDPv6', 1472, v6.udp],
    ['TCPv6', 2432, v6.tcp],
    ['UNIX', 1152, internet.kernel.unixSockets.size],
    ['RAW', 1152, v4.raw],
    ['UDP', 1344, v4.udp],
    ['TCP', 2304, v4.tcp],
    ['NETLINK', 1096, count(AF_NETLINK)],
  ];
  let text =
    'protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n';
  for (const [name, size, sockets] of rows) {
    text += `${name.padEnd(9)} ${String(size).padStart(4)} ${String(sockets).padStart(6)}      -1   NI       0   yes  kernel      y  y  y  n  y  y  y  n  y  y  y  y  y  n  y  y  y  n\n`;
  }
  return text;
}
