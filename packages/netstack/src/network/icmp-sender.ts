// Making ICMP errors (RFC 1122 3.2.2, RFC 1812 4.3, RFC 4443 2.4) and other ICMP messages. An error is never sent about an
// error, a later fragment, or a packet that went to or came from more than one host; and errors are rate limited.
import type { Address } from '../address.js';
import { REFUSE_ADMIN, REFUSE_HOST, REFUSE_PORT, type Route } from '../roles.js';
import {
  PACKET_BROADCAST,
  PACKET_MULTICAST,
  PACKET_UNTRACKED,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import {
  finishIcmp4,
  finishIcmp6,
  ICMP_HEADER,
  ICMP4_UNREACHABLE,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_TOO_BIG,
  ICMP6_UNREACHABLE,
  isIcmp4Error,
  isIcmp6Error,
  UNREACH4_ADMIN,
  UNREACH4_HOST,
  UNREACH4_PORT,
  UNREACH4_PROTOCOL,
  UNREACH6_ADDRESS,
  UNREACH6_ADMIN,
  UNREACH6_PORT,
  writeIcmp,
} from '../wire/icmp.js';
import { IPV4_OFFSET_MASK } from '../wire/ipv4.js';
import { PROTO_ICMP, PROTO_ICMPV6 } from '../wire/protocols.js';
import type { NetworkLayer } from './network.js';
import { type IcmpLimits, IcmpRateLimiter } from './rate-limit.js';

/** RFC 1812 4.3.2.3: an IPv4 error is at most 576 bytes long; IPv6: the minimum MTU. */
const QUOTE4 = 576 - 28;
const QUOTE6 = 1280 - 48;

export class IcmpSender {
  private readonly net: NetworkLayer;
  private readonly limiter: IcmpRateLimiter;

  constructor(net: NetworkLayer, limits: IcmpLimits) {
    this.net = net;
    this.limiter = new IcmpRateLimiter(limits);
  }

  /** An error about `packet` (networkOffset and addresses set). The caller keeps the packet. */
  sendError4(packet: PacketBuffer, type: number, code: number, rest: number): void {
    const source = packet.source as Address;
    if (!this.mayAnswer(packet, source) || !this.mayAnswer4(packet)) return;
    if (!this.mayTell(source)) {
      this.net.counters.icmpRateLimited++;
      return;
    }
    const error = this.quote(packet, QUOTE4, type, code, rest);
    finishIcmp4(error.view, error.start, error.end);
    error.protocol = PROTO_ICMP;
    error.tos = 0xc0;
    this.send(error, this.sourceFor(packet), source);
  }

  /** The same for ICMPv6. */
  sendError6(packet: PacketBuffer, type: number, code: number, rest: number): void {
    const source = packet.source as Address;
    const group = type === ICMP6_TOO_BIG || (type === ICMP6_PARAMETER_PROBLEM && code === 2);
    if ((!group && !this.mayAnswer(packet, source)) || source.isUnspecified || source.isMulticast) return;
    if (isErrorPacket6(packet)) return;
    if (!this.mayTell(source)) {
      this.net.counters6.icmpRateLimited++;
      return;
    }
    const error = this.quote(packet, QUOTE6, type, code, rest);
    error.protocol = PROTO_ICMPV6;
    this.send(error, this.sourceFor(packet), source);
  }

  /** Answers a packet that a transport does not want. Keeps the packet. */
  refuse(packet: PacketBuffer, reason: number): void {
    if ((packet.destination as Address).isV4) {
      let code = UNREACH4_PROTOCOL;
      if (reason === REFUSE_PORT) code = UNREACH4_PORT;
      else if (reason === REFUSE_ADMIN) code = UNREACH4_ADMIN;
      else if (reason === REFUSE_HOST) code = UNREACH4_HOST;
      this.sendError4(packet, ICMP4_UNREACHABLE, code, 0);
      return;
    }
    if (reason === REFUSE_PORT) this.sendError6(packet, ICMP6_UNREACHABLE, UNREACH6_PORT, 0);
    else if (reason === REFUSE_ADMIN) this.sendError6(packet, ICMP6_UNREACHABLE, UNREACH6_ADMIN, 0);
    else if (reason === REFUSE_HOST) this.sendError6(packet, ICMP6_UNREACHABLE, UNREACH6_ADDRESS, 0);
    else this.sendError6(packet, ICMP6_PARAMETER_PROBLEM, 1, 6);
  }

  /**
   * Sends an ICMP or ICMPv6 message (start at its type). The ICMPv6 checksum is written here, when the source is known. Takes ownership.
   */
  send(packet: PacketBuffer, source: Address | null, destination: Address): number {
    const route = this.net.borrowRoute(destination);
    route.source = source;
    route.anySource = source !== null;
    route.boundInterface = destination.needsScope ? packet.interfaceIndex : 0;
    const error = this.net.resolve(route);
    const result = error < 0 ? error : this.sendBy(route, packet, destination);
    if (error < 0) packet.release();
    this.net.returnRoute(route);
    return result;
  }

  private sendBy(route: Route, packet: PacketBuffer, destination: Address): number {
    packet.flags |= PACKET_UNTRACKED;
    if (!destination.isV4) {
      finishIcmp6(packet.view, packet.start, packet.end, route.chosenSource as Address, destination);
    }
    return this.net.sendResolved(packet, route);
  }

  /** Errors that never leave this stack are not limited (icmp(7)). */
  private mayTell(source: Address): boolean {
    return this.net.isLocalAddress(source, 0) || this.limiter.allow(source, this.net.now());
  }

  /** Whether the limit on errors lets one more go to `source`. */
  mayRedirect(source: Address): boolean {
    return this.limiter.allow(source, this.net.now());
  }

  private mayAnswer(packet: PacketBuffer, source: Address): boolean {
    if ((packet.flags & (PACKET_BROADCAST | PACKET_MULTICAST)) !== 0) return false;
    const destination = packet.destination as Address;
    return !source.isUnspecified && !source.isMulticast && !destination.isMulticast;
  }

  private mayAnswer4(packet: PacketBuffer): boolean {
    const view = packet.view;
    const at = packet.networkOffset;
    if ((view.getUint16(at + 6) & IPV4_OFFSET_MASK) !== 0) return false;
    if (packet.protocol !== PROTO_ICMP) return !this.net.isBroadcastAddress(packet.destination as Address);
    return packet.transportOffset < packet.end && !isIcmp4Error(view.getUint8(packet.transportOffset));
  }

  /** The head and as much of the packet as fits. */
  private quote(packet: PacketBuffer, limit: number, type: number, code: number, rest: number): PacketBuffer {
    const from = packet.networkOffset;
    const size = Math.min(limit, packet.end - from);
    const error = this.net.pool.allocate(ICMP_HEADER + size);
    error.append(ICMP_HEADER + size);
    writeIcmp(error.view, error.start, type, code, rest);
    error.bytes.set(packet.bytes.subarray(from, from + size), error.start + ICMP_HEADER);
    error.interfaceIndex = packet.interfaceIndex;
    return error;
  }

  /** The address the packet was for, if it is ours; else one of the interface it came in by. */
  private sourceFor(packet: PacketBuffer): Address | null {
    const destination = packet.destination as Address;
    if (!destination.isMulticast && this.net.isLocalAddress(destination, 0)) return destination;
    const source = packet.source as Address;
    const iface = this.net.interfaceByIndex(packet.interfaceIndex);
    if (iface === null) return null;
    return source.isLinkLocal && !source.isV4 ? iface.linkLocalAddress() : iface.primaryAddress(source.isV4);
  }
}

function isErrorPacket6(packet: PacketBuffer): boolean {
  if (packet.protocol !== PROTO_ICMPV6) return false;
  return packet.transportOffset >= packet.end || isIcmp6Error(packet.view.getUint8(packet.transportOffset));
}
