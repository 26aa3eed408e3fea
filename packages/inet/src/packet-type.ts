// To whom a packet went (packet(7), sll_pkttype).
import {
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  PACKET_OUTGOING,
} from '@sandbox-kernel/abi';
import {
  PACKET_BROADCAST as FLAG_BROADCAST,
  PACKET_MULTICAST as FLAG_MULTICAST,
  PACKET_OTHERHOST as FLAG_OTHERHOST,
  type PacketBuffer,
} from '@sandbox-kernel/netstack';

export function packetType(packet: PacketBuffer, outgoing: boolean): number {
  if (outgoing) return PACKET_OUTGOING;
  if ((packet.flags & FLAG_BROADCAST) !== 0) return PACKET_BROADCAST;
  if ((packet.flags & FLAG_MULTICAST) !== 0) return PACKET_MULTICAST;
  return (packet.flags & FLAG_OTHERHOST) !== 0 ? PACKET_OTHERHOST : PACKET_HOST;
}
