// An ICMP error about a datagram that is gone: the host's socket tells of a closed port later than the guest sent. The quoted datagram
// (RFC 792, RFC 4443 3.1) is made again from the flow's two ends, which is all that a receiver looks at.
import { type Address, REFUSE_PORT, type Stack } from '@sandbox-kernel/netstack';

const UDP = 17;
const UDP_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** Tells the guest that nobody listens at `to`:`toPort`. */
export function refuseDatagram(
  stack: Stack,
  from: Address,
  fromPort: number,
  to: Address,
  toPort: number,
): void {
  const header = to.isV4 ? IPV4_HEADER : IPV6_HEADER;
  const packet = stack.pool.allocate(header + UDP_HEADER);
  const at = packet.append(header + UDP_HEADER);
  packet.bytes.fill(0, at, packet.end);
  const { view } = packet;
  if (to.isV4) {
    view.setUint8(at, 0x45);
    view.setUint16(at + 2, header + UDP_HEADER);
    view.setUint8(at + 8, 64);
    view.setUint8(at + 9, UDP);
  } else {
    view.setUint8(at, 0x60);
    view.setUint16(at + 4, UDP_HEADER);
    view.setUint8(at + 6, UDP);
    view.setUint8(at + 7, 64);
  }
  from.write(view, at + (to.isV4 ? 12 : 8));
  to.write(view, at + (to.isV4 ? 16 : 24));
  view.setUint16(at + header, fromPort);
  view.setUint16(at + header + 2, toPort);
  view.setUint16(at + header + 4, UDP_HEADER);
  packet.networkOffset = at;
  packet.transportOffset = at + header;
  packet.protocol = UDP;
  packet.source = from;
  packet.destination = to;
  packet.interfaceIndex =
    stack.network.interfaceForSource(from) || stack.network.firstInterface()?.index || 0;
  stack.network.refuse(packet, REFUSE_PORT);
}
