// The last step in: raw endpoints get copies, then the protocol gets the packet, or its sender an ICMP error.
import type { Address } from '../address.js';
import { PACKET_INTERCEPTED, type PacketBuffer } from '../storage/packet-buffer.js';
import { ICMP4_UNREACHABLE, ICMP6_PARAMETER_PROBLEM, UNREACH4_PROTOCOL } from '../wire/icmp.js';
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_IGMP } from '../wire/protocols.js';
import { receiveIcmp4 } from './icmp4-input.js';
import { receiveIcmp6 } from './icmp6-input.js';
import type { NetInterface } from './interface.js';
import type { NetworkLayer } from './network.js';

/** Takes ownership. `start` is at the network header, transportOffset and protocol are set. */
export function deliverLocally(net: NetworkLayer, iface: NetInterface, packet: PacketBuffer): void {
  const taken = net.rawEndpoints.isActive && net.rawEndpoints.deliver(packet);
  const protocol = packet.protocol;
  const v4 = (packet.destination as Address).isV4;
  packet.start = packet.transportOffset;
  const transport = net.transports[protocol] ?? null;
  const known = v4 ? protocol === PROTO_ICMP || protocol === PROTO_IGMP : protocol === PROTO_ICMPV6;
  if (transport !== null || known) net.countersFor(v4).inDelivers++;
  if (transport !== null) {
    transport.deliver(packet);
  } else if (v4 && protocol === PROTO_ICMP) receiveIcmp4(net, packet);
  else if (!v4 && protocol === PROTO_ICMPV6) receiveIcmp6(net, iface, packet);
  else if (v4 && protocol === PROTO_IGMP) {
    iface.groups.receiveIgmp(packet);
    packet.release();
  } else unknownProtocol(net, packet, taken, v4);
}

function unknownProtocol(net: NetworkLayer, packet: PacketBuffer, taken: boolean, v4: boolean): void {
  if (!taken && (packet.flags & PACKET_INTERCEPTED) === 0) {
    net.countersFor(v4).inUnknownProtocols++;
    if (v4) net.icmp.sendError4(packet, ICMP4_UNREACHABLE, UNREACH4_PROTOCOL, 0);
    else net.icmp.sendError6(packet, ICMP6_PARAMETER_PROBLEM, 1, nextHeaderPointer(packet));
  }
  packet.release();
}

/** Offset of the field that named the unknown protocol. */
function nextHeaderPointer(packet: PacketBuffer): number {
  const view = packet.view;
  let pointer = 6;
  let at = packet.networkOffset + 40;
  while (at < packet.transportOffset) {
    pointer = at - packet.networkOffset;
    at += (view.getUint8(at + 1) + 1) * 8;
  }
  return pointer;
}
