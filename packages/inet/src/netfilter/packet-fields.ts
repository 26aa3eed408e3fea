// Fields of a packet as filters ask for them: nothing outside of the packet is ever read.
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '@sandbox-kernel/abi';
import type { Address, PacketBuffer } from '@sandbox-kernel/netstack';

const IPPROTO_DCCP = 33;
const FRAGMENT_OFFSET = 0x1fff;

export const PORT_PROTOCOLS: readonly number[] = [
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPPROTO_SCTP,
  IPPROTO_DCCP,
];

/** True of a later fragment of an IPv4 packet: it has no transport header. */
export function isLaterFragment(packet: PacketBuffer): boolean {
  const { view, networkOffset: at } = packet;
  return (packet.destination as Address).isV4 && (view.getUint16(at + 6) & FRAGMENT_OFFSET) !== 0;
}

/** A byte of the transport header; -1 where there is none. */
export function transportByte(packet: PacketBuffer, offset: number): number {
  const at = packet.transportOffset + offset;
  return at >= packet.end || isLaterFragment(packet) ? -1 : packet.view.getUint8(at);
}

/** The source port, or the destination port; -1 for protocols without, and where the header is cut short. */
export function portOf(packet: PacketBuffer, isSource: boolean): number {
  const at = packet.transportOffset + (isSource ? 0 : 2);
  if (at + 2 > packet.end || !PORT_PROTOCOLS.includes(packet.protocol) || isLaterFragment(packet)) return -1;
  return packet.view.getUint16(at);
}

export function isIcmp(packet: PacketBuffer): boolean {
  return packet.protocol === IPPROTO_ICMP || packet.protocol === IPPROTO_ICMPV6;
}

/** Length of the IP packet. */
export function lengthOf(packet: PacketBuffer): number {
  return packet.end - packet.networkOffset;
}
