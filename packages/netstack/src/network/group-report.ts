// Writing IGMP and MLD reports: version 3 and 2 records, or the older single-group messages. They carry a Router Alert option and
// a hop limit of 1, and go past the filters.
import { Address, ALL_ROUTERS_V4, ALL_ROUTERS_V6, ANY_V4, ANY_V6 } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { finishIcmp6, ICMP6_MLD_DONE, ICMP6_MLD_REPORT, ICMP6_MLD2_REPORT, writeIcmp } from '../wire/icmp.js';
import {
  emitIgmp,
  finishIgmp,
  IGMP_LEAVE,
  IGMP_V2_REPORT,
  RECORD_TO_INCLUDE,
  writeIgmp3Report,
} from '../wire/igmp.js';
import { finishIpv4, writeIpv4 } from '../wire/ipv4.js';
import { IPV6_HEADER, writeIpv6 } from '../wire/ipv6.js';
import { writeMld2Report } from '../wire/mld.js';
import { PROTO_HOPOPTS, PROTO_ICMPV6, PROTO_IGMP } from '../wire/protocols.js';
import type { GroupMembership } from './groups.js';
import type { NetInterface } from './interface.js';

const IGMPV3_ROUTERS = Address.of('224.0.0.22');
const MLDV2_ROUTERS = Address.of('ff02::16');

export function sendGroupReport(
  iface: NetInterface,
  member: GroupMembership,
  record: number,
  older: boolean,
): void {
  if (member.group.isV4) report4(iface, member, record, older);
  else report6(iface, member, record, older);
}

/** The last of us left. */
export function sendGroupLeave(iface: NetInterface, member: GroupMembership, older: boolean): void {
  const { group } = member;
  if (!older) {
    member.sources = [];
    sendGroupReport(iface, member, RECORD_TO_INCLUDE, false);
  } else if (group.isV4) sendOlder4(iface, IGMP_LEAVE, group, ALL_ROUTERS_V4);
  else sendOlder6(iface, ICMP6_MLD_DONE, group, ALL_ROUTERS_V6);
}

function report4(iface: NetInterface, member: GroupMembership, record: number, older: boolean): void {
  const { group, sources } = member;
  if (older) {
    sendOlder4(iface, IGMP_V2_REPORT, group, group);
    return;
  }
  const packet = iface.net.pool.allocate(16 + sources.length * 4);
  const at = packet.start;
  packet.append(writeIgmp3Report(packet.view, at, record, group.w3, sources.length));
  for (let i = 0; i < sources.length; i++) (sources[i] as Address).write(packet.view, at + 16 + i * 4);
  finishIgmp(packet.view, at, packet.end);
  send4(iface, packet, IGMPV3_ROUTERS);
}

function sendOlder4(iface: NetInterface, type: number, group: Address, to: Address): void {
  const packet = iface.net.pool.allocate(8);
  packet.append(8);
  const message = { type, maxResponse: 0, group: group.w3 >>> 0, sources: [], version3: false };
  emitIgmp(message, packet.view, packet.start);
  send4(iface, packet, to);
}

function send4(iface: NetInterface, packet: PacketBuffer, to: Address): void {
  const source = iface.primaryAddress(true) ?? ANY_V4;
  const at = packet.prepend(24);
  const view = packet.view;
  writeIpv4(view, at, 0xc0, packet.length, 0, 0x4000, 1, PROTO_IGMP, source.w3, to.w3);
  view.setUint8(at, 0x46);
  view.setUint32(at + 20, 0x94040000);
  finishIpv4(view, at);
  emitControl(iface, packet, source, to);
}

function report6(iface: NetInterface, member: GroupMembership, record: number, older: boolean): void {
  const { group, sources } = member;
  if (older) {
    sendOlder6(iface, ICMP6_MLD_REPORT, group, group);
    return;
  }
  const packet = iface.net.pool.allocate(28 + sources.length * 16);
  const at = packet.start;
  packet.append(28 + sources.length * 16);
  writeIcmp(packet.view, at, ICMP6_MLD2_REPORT, 0, 0);
  writeMld2Report(packet.view, at, record, group, sources.length);
  for (let i = 0; i < sources.length; i++) (sources[i] as Address).write16(packet.view, at + 28 + i * 16);
  send6(iface, packet, MLDV2_ROUTERS);
}

function sendOlder6(iface: NetInterface, type: number, group: Address, to: Address): void {
  const packet = iface.net.pool.allocate(24);
  packet.append(24);
  writeIcmp(packet.view, packet.start, type, 0, 0);
  group.write16(packet.view, packet.start + 8);
  send6(iface, packet, to);
}

function send6(iface: NetInterface, packet: PacketBuffer, to: Address): void {
  const source = iface.linkLocalAddress() ?? ANY_V6;
  finishIcmp6(packet.view, packet.start, packet.end, source, to);
  const options = packet.prepend(8);
  packet.view.setUint32(options, (PROTO_ICMPV6 << 24) | 0x0502);
  packet.view.setUint32(options + 4, 0x00000100);
  const length = packet.length;
  const at = packet.prepend(IPV6_HEADER);
  writeIpv6(packet.view, at, 0, 0, length, PROTO_HOPOPTS, 1, source, to);
  emitControl(iface, packet, source, to);
}

function emitControl(iface: NetInterface, packet: PacketBuffer, source: Address, to: Address): void {
  packet.networkOffset = packet.start;
  packet.source = source;
  packet.destination = to;
  iface.transmitIp(packet, to, null);
}
