// ICMP in (RFC 792, RFC 1122 3.2.2): echo and timestamp are answered, errors go to the transport they speak of.
// Redirects change the first hop.

import type { Address } from '../address.js';
import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from '../errno.js';
import {
  CHECKSUM_NONE,
  PACKET_BROADCAST,
  PACKET_MULTICAST,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import { checksum } from '../wire/checksum.js';
import {
  finishIcmp4,
  ICMP_HEADER,
  ICMP4_ECHO,
  ICMP4_ECHO_REPLY,
  ICMP4_PARAMETER_PROBLEM,
  ICMP4_REDIRECT,
  ICMP4_TIME_EXCEEDED,
  ICMP4_TIMESTAMP,
  ICMP4_TIMESTAMP_REPLY,
  ICMP4_UNREACHABLE,
  UNREACH4_FRAGMENTATION,
} from '../wire/icmp.js';
import { IPV4_HEADER, IPV4_OFFSET_MASK } from '../wire/ipv4.js';
import { echoOptions } from '../wire/ipv4-options.js';
import { PROTO_ICMP } from '../wire/protocols.js';
import { countType } from './counters.js';
import type { NetworkLayer } from './network.js';
import { plateauBelow } from './path-mtu.js';
import { receiveRedirect4 } from './redirect.js';

/** Of each "unreachable" code: the errno, and whether it is hard (Linux's icmp_err_convert). */
const UNREACHABLE: readonly (readonly [number, boolean])[] = [
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [ENOPROTOOPT, true],
  [ECONNREFUSED, true],
  [EMSGSIZE, false],
  [EOPNOTSUPP, false],
  [ENETUNREACH, true],
  [EHOSTDOWN, true],
  [ENETUNREACH, true],
  [ENETUNREACH, true],
  [EHOSTUNREACH, true],
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
];

/** Takes ownership. `start` is at the ICMP header. */
export function receiveIcmp4(net: NetworkLayer, packet: PacketBuffer): void {
  const counters = net.counters;
  counters.icmpIn++;
  const view = packet.view;
  const at = packet.start;
  const short = packet.length < ICMP_HEADER;
  if (short || (packet.checksum === CHECKSUM_NONE && checksum(view, at, packet.end) !== 0)) {
    counters.icmpInErrors++;
    packet.release();
    return;
  }
  const type = view.getUint8(at);
  countType(counters.icmpInTypes, type);
  if (type === ICMP4_ECHO) echo(net, packet, ICMP4_ECHO_REPLY);
  else if (type === ICMP4_TIMESTAMP && packet.length >= 20) timestamp(net, packet);
  else {
    if (type === ICMP4_UNREACHABLE || type === ICMP4_TIME_EXCEEDED || type === ICMP4_PARAMETER_PROBLEM) {
      receiveError(net, packet, type, view.getUint8(at + 1));
    } else if (type === ICMP4_REDIRECT) receiveRedirect4(net, packet);
    packet.release();
  }
}

function echo(net: NetworkLayer, packet: PacketBuffer, type: number): void {
  // Broadcast pings are not answered (icmp_echo_ignore_broadcasts).
  if (!net.answerEcho || (packet.flags & (PACKET_BROADCAST | PACKET_MULTICAST)) !== 0) {
    packet.release();
    return;
  }
  packet.unshare();
  const header = packet.networkOffset + IPV4_HEADER;
  if (packet.transportOffset > header)
    packet.options = echoOptions(packet.view, header, packet.transportOffset);
  packet.view.setUint8(packet.start, type);
  finishIcmp4(packet.view, packet.start, packet.end);
  answer(net, packet);
}

/** Sends the packet back where it came from, its own bytes being the message. */
function answer(net: NetworkLayer, packet: PacketBuffer): void {
  const source = packet.source as Address;
  const destination = packet.destination as Address;
  packet.source = null;
  packet.destination = null;
  packet.protocol = PROTO_ICMP;
  packet.ttl = 0;
  packet.flags = 0;
  packet.conntrack = null;
  packet.checksum = CHECKSUM_NONE;
  net.counters.icmpEchosAnswered++;
  net.icmp.send(packet, destination, source);
}

function timestamp(net: NetworkLayer, packet: PacketBuffer): void {
  if (!net.answerEcho || (packet.flags & (PACKET_BROADCAST | PACKET_MULTICAST)) !== 0) {
    packet.release();
    return;
  }
  packet.unshare();
  const view = packet.view;
  const at = packet.start;
  packet.trim(20);
  const time = net.stampTime();
  view.setUint8(at, ICMP4_TIMESTAMP_REPLY);
  view.setUint32(at + 12, time);
  view.setUint32(at + 16, time);
  finishIcmp4(view, at, packet.end);
  answer(net, packet);
}

/** Hands an error to the transport whose packet it quotes. */
function receiveError(net: NetworkLayer, packet: PacketBuffer, type: number, code: number): void {
  const view = packet.view;
  const quoted = packet.start + ICMP_HEADER;
  const header = quotedHeader(packet, quoted);
  if (header === 0) {
    net.counters.icmpInErrors++;
    return;
  }
  const source = net.addresses.readV4(view, quoted + 12);
  const destination = net.addresses.readV4(view, quoted + 16);
  const error = net.icmpError;
  error.type = type;
  error.code = code;
  error.mtu = 0;
  error.offender = packet.source as Address;
  error.origin = 2;
  error.interfaceIndex = packet.interfaceIndex;
  error.errno = EPROTO;
  error.fatal = true;
  if (type === ICMP4_TIME_EXCEEDED) {
    error.errno = EHOSTUNREACH;
    error.fatal = false;
  } else if (type === ICMP4_UNREACHABLE) {
    const known = UNREACHABLE[code];
    if (known === undefined) return;
    error.errno = known[0];
    error.fatal = known[1];
    if (code === UNREACH4_FRAGMENTATION) error.mtu = toldMtu(packet, quoted);
  }
  net.reportIcmpError(packet, error, source, destination, view.getUint8(quoted + 9), quoted + header);
}

/** Length of the quoted IP header when enough is quoted to tell a flow; 0 otherwise. */
function quotedHeader(packet: PacketBuffer, quoted: number): number {
  const view = packet.view;
  if (packet.end - quoted < IPV4_HEADER) return 0;
  const first = view.getUint8(quoted);
  const header = (first & 15) * 4;
  if (first >>> 4 !== 4 || header < IPV4_HEADER || packet.end - quoted < header + 8) return 0;
  return (view.getUint16(quoted + 6) & IPV4_OFFSET_MASK) === 0 ? header : 0;
}

function toldMtu(packet: PacketBuffer, quoted: number): number {
  const told = packet.view.getUint16(packet.start + 6);
  if (told >= 68) return told;
  return plateauBelow(packet.view.getUint16(quoted + 2));
}
