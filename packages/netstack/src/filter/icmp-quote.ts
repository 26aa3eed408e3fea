// The packet that an ICMP error quotes: its ends, and changing them when the flow is translated (RFC 5508 4.2).
import { type Address, type AddressCache, ANY_V4 } from '../address.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { addressSum, fold, update16 } from '../wire/checksum.js';
import { finishIcmp4, finishIcmp6 } from '../wire/icmp.js';
import { finishIpv4 } from '../wire/ipv4.js';
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';

export class IcmpQuote {
  source: Address;
  destination: Address;
  sourcePort: number;
  destinationPort: number;
  protocol: number;
  /** Absolute offsets. */
  network: number;
  transport: number;

  constructor() {
    this.source = ANY_V4;
    this.destination = ANY_V4;
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.protocol = 0;
    this.network = 0;
    this.transport = 0;
  }

  /** Reads the quote of an ICMP error; false when it is too short, a later fragment, or has extension headers. */
  read(packet: PacketBuffer, addresses: AddressCache): boolean {
    const { view } = packet;
    const at = packet.transportOffset + 8;
    this.network = at;
    if (packet.protocol === PROTO_ICMP) {
      if (packet.end - at < 28 || view.getUint8(at) >>> 4 !== 4 || (view.getUint16(at + 6) & 0x1fff) !== 0)
        return false;
      this.transport = at + (view.getUint8(at) & 15) * 4;
      this.protocol = view.getUint8(at + 9);
      this.source = addresses.readV4(view, at + 12);
      this.destination = addresses.readV4(view, at + 16);
    } else {
      if (packet.end - at < 48 || view.getUint8(at) >>> 4 !== 6) return false;
      this.transport = at + 40;
      this.protocol = view.getUint8(at + 6);
      this.source = addresses.readV6(view, at + 8);
      this.destination = addresses.readV6(view, at + 24);
    }
    return this.transport >= at + 20 && this.transport + 8 <= packet.end && this.readPorts(view);
  }

  private readPorts(view: DataView): boolean {
    const { protocol, transport } = this;
    this.sourcePort = 0;
    this.destinationPort = 0;
    if (protocol === PROTO_TCP || protocol === PROTO_UDP) {
      this.sourcePort = view.getUint16(transport);
      this.destinationPort = view.getUint16(transport + 2);
    } else if (protocol === PROTO_ICMP || protocol === PROTO_ICMPV6) {
      this.sourcePort = view.getUint16(transport + 4);
      this.destinationPort = this.sourcePort;
    }
    return true;
  }

  /** Changes one end of the quoted packet and finishes all checksums. Call after read(). */
  rewrite(packet: PacketBuffer, isSource: boolean, address: Address, port: number): void {
    const { view } = packet;
    const { network, transport } = this;
    const old = isSource ? this.source : this.destination;
    const oldPort = isSource ? this.sourcePort : this.destinationPort;
    if (address.isV4) {
      view.setInt32(network + (isSource ? 12 : 16), address.w3);
      finishIpv4(view, network);
    } else address.write16(view, network + (isSource ? 8 : 24));
    const icmp = this.protocol === PROTO_ICMP || this.protocol === PROTO_ICMPV6;
    if (icmp || this.protocol === PROTO_TCP || this.protocol === PROTO_UDP) {
      view.setUint16(transport + (icmp ? 4 : isSource ? 0 : 2), port);
      this.mendInner(packet, old, address, oldPort, port);
    }
    finishOuter(packet);
  }

  /** The quoted transport checksum, where enough is quoted for it to be there. */
  private mendInner(
    packet: PacketBuffer,
    old: Address,
    address: Address,
    oldPort: number,
    port: number,
  ): void {
    const { protocol } = this;
    const field = protocol === PROTO_TCP ? 16 : protocol === PROTO_UDP ? 6 : 2;
    const at = this.transport + field;
    if (at + 2 > packet.end) return;
    let sum = packet.view.getUint16(at);
    if (protocol === PROTO_UDP && sum === 0) return;
    if (protocol !== PROTO_ICMP) sum = update16(sum, fold(addressSum(old)), fold(addressSum(address)));
    packet.view.setUint16(at, update16(sum, oldPort, port));
  }
}

function finishOuter(packet: PacketBuffer): void {
  const { view, transportOffset, end } = packet;
  if (packet.protocol === PROTO_ICMP) finishIcmp4(view, transportOffset, end);
  else finishIcmp6(view, transportOffset, end, packet.source as Address, packet.destination as Address);
}
