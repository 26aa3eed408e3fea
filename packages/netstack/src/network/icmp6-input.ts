// ICMPv6 in (RFC 4443): echo is answered, errors go to their transport, neighbour discovery and MLD to their modules.

import type { Address } from '../address.js';
import { EACCES, ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, EPROTO } from '../errno.js';
import { CHECKSUM_NONE, PACKET_MULTICAST, type PacketBuffer } from '../storage/packet-buffer.js';
import { verifyTransport } from '../wire/checksum.js';
import {
  ICMP_HEADER,
  ICMP6_ECHO,
  ICMP6_ECHO_REPLY,
  ICMP6_MLD_QUERY,
  ICMP6_MLD_REPORT,
  ICMP6_NEIGHBOUR_ADVERT,
  ICMP6_NEIGHBOUR_SOLICIT,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_REDIRECT,
  ICMP6_ROUTER_ADVERT,
  ICMP6_ROUTER_SOLICIT,
  ICMP6_TIME_EXCEEDED,
  ICMP6_TOO_BIG,
  ICMP6_UNREACHABLE,
} from '../wire/icmp.js';
import { IPV6_HEADER } from '../wire/ipv6.js';
import { extensionLength, isExtension } from '../wire/ipv6-extension.js';
import { PROTO_FRAGMENT, PROTO_ICMPV6 } from '../wire/protocols.js';
import { countType } from './counters.js';
import type { NetInterface } from './interface.js';
import { receiveNeighbourAdvert, receiveNeighbourSolicit } from './ndp.js';
import type { NetworkLayer } from './network.js';
import { receiveRedirect6 } from './redirect.js';

/** Of each "unreachable" code: errno and whether it is hard (Linux's tab_unreach). */
const UNREACHABLE: readonly (readonly [number, boolean])[] = [
  [ENETUNREACH, false],
  [EACCES, true],
  [EHOSTUNREACH, false],
  [EHOSTUNREACH, false],
  [ECONNREFUSED, true],
  [EACCES, true],
  [EACCES, true],
];

/** Takes ownership. `start` is at the ICMPv6 header. */
export function receiveIcmp6(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  net.counters6.icmpIn++;
  if (!isSound(packet)) {
    net.counters6.icmpInErrors++;
    packet.release();
    return;
  }
  const type = packet.view.getUint8(packet.start);
  countType(net.counters6.icmpInTypes, type);
  if (type === ICMP6_ECHO) {
    echo(net, packet);
    return;
  }
  if (type === ICMP6_NEIGHBOUR_SOLICIT) receiveNeighbourSolicit(iface, packet);
  else if (type === ICMP6_NEIGHBOUR_ADVERT) receiveNeighbourAdvert(iface, packet);
  else if (type === ICMP6_ROUTER_ADVERT) iface.routers.receiveAdvertisement(packet);
  else if (type === ICMP6_ROUTER_SOLICIT) iface.advertiser.receiveSolicitation(packet);
  else if (type === ICMP6_REDIRECT) receiveRedirect6(net, iface, packet);
  else if (type === ICMP6_MLD_QUERY) iface.groups.receiveMldQuery(packet);
  else if (type === ICMP6_MLD_REPORT) iface.groups.receiveMldReport(packet);
  else if (type <= ICMP6_PARAMETER_PROBLEM) receiveError(net, packet, type);
  packet.release();
}

function isSound(packet: PacketBuffer): boolean {
  if (packet.length < ICMP_HEADER) return false;
  if (packet.checksum !== CHECKSUM_NONE) return true;
  const source = packet.source as Address;
  const destination = packet.destination as Address;
  return verifyTransport(packet.view, packet.start, packet.end, source, destination, PROTO_ICMPV6);
}

function echo(net: NetworkLayer, packet: PacketBuffer): void {
  const source = packet.source as Address;
  const destination = packet.destination as Address;
  if (!net.answerEcho || source.isUnspecified) {
    packet.release();
    return;
  }
  packet.unshare();
  packet.view.setUint8(packet.start, ICMP6_ECHO_REPLY);
  const multicast = (packet.flags & PACKET_MULTICAST) !== 0;
  packet.source = null;
  packet.destination = null;
  packet.ttl = 0;
  packet.flags = 0;
  packet.conntrack = null;
  packet.checksum = CHECKSUM_NONE;
  packet.protocol = PROTO_ICMPV6;
  net.counters6.icmpEchosAnswered++;
  net.icmp.send(packet, multicast ? null : destination, source);
}

function receiveError(net: NetworkLayer, packet: PacketBuffer, type: number): void {
  const view = packet.view;
  const code = view.getUint8(packet.start + 1);
  const quoted = packet.start + ICMP_HEADER;
  if (packet.end - quoted < IPV6_HEADER || view.getUint8(quoted) >>> 4 !== 6) {
    net.counters6.icmpInErrors++;
    return;
  }
  const error = net.icmpError;
  error.type = type;
  error.code = code;
  error.mtu = type === ICMP6_TOO_BIG ? view.getUint32(packet.start + 4) : 0;
  error.offender = packet.source as Address;
  error.origin = 3;
  error.interfaceIndex = packet.interfaceIndex;
  setErrno(error, type, code);
  let protocol = view.getUint8(quoted + 6);
  let at = quoted + IPV6_HEADER;
  while (isExtension(protocol)) {
    const length = extensionLength(view, protocol, at, packet.end);
    if (length === 0 || (protocol === PROTO_FRAGMENT && (view.getUint16(at + 2) & 0xfff8) !== 0)) return;
    protocol = view.getUint8(at);
    at += length;
  }
  if (packet.end - at < 8) return;
  const source = net.addresses.readV6(view, quoted + 8);
  const destination = net.addresses.readV6(view, quoted + 24);
  net.reportIcmpError(packet, error, source, destination, protocol, at);
}

function setErrno(error: { errno: number; fatal: boolean }, type: number, code: number): void {
  error.fatal = false;
  if (type === ICMP6_TOO_BIG) error.errno = EMSGSIZE;
  else if (type === ICMP6_TIME_EXCEEDED) error.errno = EHOSTUNREACH;
  else if (type === ICMP6_UNREACHABLE) {
    const known = UNREACHABLE[code] ?? UNREACHABLE[0];
    error.errno = known?.[0] ?? ENETUNREACH;
    error.fatal = known?.[1] ?? false;
  } else {
    error.errno = EPROTO;
    error.fatal = true;
  }
}
