// What a rule asks of a packet. All that is named must hold; each may be inverted. Anything else is a custom matcher object.
import type { Address } from '../address.js';
import type { HookContext } from '../network/hooks.js';
import type { PacketBuffer } from '../storage/packet-buffer.js';
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP } from '../wire/protocols.js';
import type { Conntrack } from './conntrack.js';
import type { Flow } from './flow.js';

/** A matcher of the user's own: a set, a quota, a time of day. */
export interface PacketMatcher {
  matchesPacket(packet: PacketBuffer, context: HookContext): boolean;
}

export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** A rate in tokens, as iptables' limit match. */
export interface RateLimit {
  readonly perSecond: number;
  /** Default 5. */
  readonly burst?: number;
}

export interface MatchOptions {
  readonly source?: Prefix;
  readonly destination?: Prefix;
  readonly protocol?: number;
  readonly sourcePort?: PortRange;
  readonly destinationPort?: PortRange;
  /** Interface index. */
  readonly inInterface?: number;
  readonly outInterface?: number;
  readonly mark?: number;
  readonly markMask?: number;
  readonly flowMark?: number;
  readonly flowMarkMask?: number;
  /** CT_* bits, any of which. */
  readonly flowState?: number;
  readonly tcpFlags?: { readonly mask: number; readonly value: number };
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly dscp?: number;
  readonly ttl?: { readonly from: number; readonly to: number };
  /** Length of the IP packet. */
  readonly length?: { readonly from: number; readonly to: number };
  readonly limit?: RateLimit;
  readonly custom?: PacketMatcher;
  /** Names of fields whose sense is turned round. */
  readonly not?: readonly (keyof MatchOptions)[];
}

class TokenBucket implements PacketMatcher {
  private readonly perSecond: number;
  private readonly burst: number;
  private tokens: number;
  private filled: number;

  constructor(limit: RateLimit) {
    this.perSecond = limit.perSecond;
    this.burst = limit.burst ?? 5;
    this.tokens = this.burst;
    this.filled = -1;
  }

  matchesPacket(_packet: PacketBuffer, context: HookContext): boolean {
    if (this.filled >= 0) {
      const gained = ((context.now - this.filled) * this.perSecond) / 1e6;
      this.tokens = Math.min(this.burst, this.tokens + gained);
    }
    this.filled = context.now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}

/** The conditions of a rule, ready to be asked. */
export class PacketMatch {
  readonly options: MatchOptions;
  private readonly tracker: Conntrack | null;
  private readonly bucket: TokenBucket | null;
  private readonly inverted: ReadonlySet<string>;

  constructor(options: MatchOptions, tracker: Conntrack | null) {
    this.options = options;
    this.tracker = tracker;
    this.bucket = options.limit === undefined ? null : new TokenBucket(options.limit);
    this.inverted = new Set(options.not ?? []);
  }

  matches(packet: PacketBuffer, context: HookContext): boolean {
    return (
      this.addressesMatch(packet) &&
      this.interfacesMatch(context) &&
      this.transportMatches(packet) &&
      this.marksMatch(packet) &&
      this.headerMatches(packet) &&
      // Limits last: a packet that fails elsewhere must not take a token.
      this.statefulMatches(packet, context)
    );
  }

  private agree(name: keyof MatchOptions, holds: boolean): boolean {
    return holds !== this.inverted.has(name);
  }

  private addressesMatch(packet: PacketBuffer): boolean {
    const { source, destination } = this.options;
    if (source !== undefined) {
      const holds = (packet.source as Address).matches(source.address, source.length);
      if (!this.agree('source', holds)) return false;
    }
    if (destination === undefined) return true;
    const holds = (packet.destination as Address).matches(destination.address, destination.length);
    return this.agree('destination', holds);
  }

  private interfacesMatch(context: HookContext): boolean {
    const { inInterface, outInterface } = this.options;
    if (inInterface !== undefined && !this.agree('inInterface', inInterface === context.inInterface))
      return false;
    return outInterface === undefined || this.agree('outInterface', outInterface === context.outInterface);
  }

  private transportMatches(packet: PacketBuffer): boolean {
    const { protocol, sourcePort, destinationPort, tcpFlags, icmpType, icmpCode } = this.options;
    if (protocol !== undefined && !this.agree('protocol', protocol === packet.protocol)) return false;
    if (sourcePort !== undefined && !this.agree('sourcePort', inRange(portAt(packet, 0), sourcePort)))
      return false;
    if (destinationPort !== undefined) {
      if (!this.agree('destinationPort', inRange(portAt(packet, 2), destinationPort))) return false;
    }
    if (tcpFlags !== undefined) {
      const flags = packet.protocol === PROTO_TCP ? byteAt(packet, 13) : -1;
      if (flags < 0 || !this.agree('tcpFlags', (flags & tcpFlags.mask) === tcpFlags.value)) return false;
    }
    if (icmpType !== undefined && !this.agree('icmpType', icmpByte(packet, 0) === icmpType)) return false;
    return icmpCode === undefined || this.agree('icmpCode', icmpByte(packet, 1) === icmpCode);
  }

  private marksMatch(packet: PacketBuffer): boolean {
    const { mark, markMask, flowMark, flowMarkMask } = this.options;
    if (mark !== undefined && !this.agree('mark', ((packet.mark ^ mark) & (markMask ?? -1)) === 0))
      return false;
    if (flowMark === undefined) return true;
    const held = (packet.conntrack as Flow | null)?.mark ?? 0;
    return this.agree('flowMark', ((held ^ flowMark) & (flowMarkMask ?? -1)) === 0);
  }

  private headerMatches(packet: PacketBuffer): boolean {
    const { dscp, ttl, length } = this.options;
    if (dscp !== undefined && !this.agree('dscp', packet.tos >>> 2 === dscp)) return false;
    if (ttl !== undefined && !this.agree('ttl', inRange(packet.ttl, ttl))) return false;
    return length === undefined || this.agree('length', inRange(packet.end - packet.networkOffset, length));
  }

  private statefulMatches(packet: PacketBuffer, context: HookContext): boolean {
    const { flowState, custom } = this.options;
    if (flowState !== undefined) {
      const state = this.tracker?.stateOf(packet) ?? 0;
      if (!this.agree('flowState', (state & flowState) !== 0)) return false;
    }
    if (custom !== undefined && !this.agree('custom', custom.matchesPacket(packet, context))) return false;
    return this.bucket === null || this.agree('limit', this.bucket.matchesPacket(packet, context));
  }
}

function inRange(value: number, range: { readonly from: number; readonly to: number }): boolean {
  return value >= range.from && value <= range.to;
}

function portAt(packet: PacketBuffer, offset: number): number {
  const { protocol } = packet;
  if (protocol !== PROTO_TCP && protocol !== PROTO_UDP) return -1;
  const at = packet.transportOffset + offset;
  return at + 2 > packet.end ? -1 : packet.view.getUint16(at);
}

function byteAt(packet: PacketBuffer, offset: number): number {
  const at = packet.transportOffset + offset;
  return at >= packet.end ? -1 : packet.view.getUint8(at);
}

function icmpByte(packet: PacketBuffer, offset: number): number {
  const icmp = packet.protocol === PROTO_ICMP || packet.protocol === PROTO_ICMPV6;
  return icmp ? byteAt(packet, offset) : -1;
}
