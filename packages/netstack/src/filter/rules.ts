// Chains of rules, the engine under iptables- and nftables-style tables: a chain hangs on a hook with a priority and a policy, or
// is called by others. A rule is conditions and an action.

import type { Address } from '../address.js';
import { type HookContext, type PacketHook, VERDICT_ACCEPT, VERDICT_DROP } from '../network/hooks.js';
import type { NetworkLayer } from '../network/network.js';
import { REFUSE_PORT } from '../roles.js';
import {
  MAX_PACKET,
  PACKET_INTERCEPTED,
  PACKET_UNTRACKED,
  type PacketBuffer,
} from '../storage/packet-buffer.js';
import type { Conntrack } from './conntrack.js';
import type { Flow } from './flow.js';
import { type MatchOptions, PacketMatch } from './match.js';
import { clampMss } from './mss-clamp.js';
import type { Nat, NatRange } from './nat.js';

export type RuleAction =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  /** Drops and answers with an ICMP error: REFUSE_*; default port unreachable. */
  | { readonly kind: 'reject'; readonly reason?: number }
  | { readonly kind: 'jump'; readonly chain: Chain }
  | { readonly kind: 'goto'; readonly chain: Chain }
  | { readonly kind: 'return' }
  /** These go on with the next rule. */
  | { readonly kind: 'count' }
  | { readonly kind: 'mark'; readonly value: number; readonly mask?: number }
  | { readonly kind: 'save-mark' }
  | { readonly kind: 'restore-mark' }
  | { readonly kind: 'untracked' }
  | { readonly kind: 'log'; readonly observer: RuleObserver; readonly text: string }
  /** Lowers the MSS option of a SYN to `mss`, or to what fits both its interfaces and the path MTU known. */
  | { readonly kind: 'clamp-mss'; readonly mss?: number }
  /** Delivers the packet to this stack whatever its destination (tproxy); with a mark for a policy rule. */
  | { readonly kind: 'tproxy'; readonly mark?: number }
  /** Address translation; only for the first packet of a flow and in chains on the NAT hooks. */
  | { readonly kind: 'snat'; readonly range: NatRange }
  | { readonly kind: 'dnat'; readonly range: NatRange }
  | { readonly kind: 'masquerade'; readonly ports?: { readonly from: number; readonly to: number } }
  | { readonly kind: 'redirect'; readonly ports?: { readonly from: number; readonly to: number } }
  /** Asks an object, which gives a VERDICT_*. */
  | { readonly kind: 'custom'; readonly hook: PacketHook };

export interface RuleObserver {
  ruleMatched(packet: PacketBuffer, context: HookContext, text: string): void;
}

export class Rule {
  readonly match: PacketMatch;
  readonly action: RuleAction;
  packets: number;
  bytes: number;

  constructor(match: MatchOptions, action: RuleAction, tracker: Conntrack | null = null) {
    this.match = new PacketMatch(match, tracker);
    this.action = action;
    this.packets = 0;
    this.bytes = 0;
  }
}

/** A chain's answer: a verdict, or that it has none. */
const NO_VERDICT = -1;
/** Deeper jumps are a loop. */
const MAX_DEPTH = 32;

export interface ChainOptions {
  readonly network: NetworkLayer;
  readonly name: string;
  /** Needed for translation actions. */
  readonly nat?: Nat;
  readonly priority?: number;
  /** What happens at the end of a chain that hangs on a hook; default accept. */
  readonly policy?: 'accept' | 'drop';
}

export class Chain implements PacketHook {
  readonly name: string;
  readonly priority: number;
  policy: 'accept' | 'drop';
  /** May be changed at any time. */
  rules: Rule[];
  private readonly net: NetworkLayer;
  private readonly nat: Nat | null;

  constructor(options: ChainOptions) {
    this.name = options.name;
    this.priority = options.priority ?? 0;
    this.policy = options.policy ?? 'accept';
    this.rules = [];
    this.net = options.network;
    this.nat = options.nat ?? null;
  }

  append(rule: Rule): this {
    this.rules.push(rule);
    return this;
  }

  filterPacket(packet: PacketBuffer, context: HookContext): number {
    const verdict = this.run(packet, context, 0);
    if (verdict !== NO_VERDICT) return verdict;
    return this.policy === 'accept' ? VERDICT_ACCEPT : VERDICT_DROP;
  }

  /** A verdict, or NO_VERDICT when the chain came to its end. */
  run(packet: PacketBuffer, context: HookContext, depth: number): number {
    if (depth > MAX_DEPTH) return VERDICT_DROP;
    const { rules } = this;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as Rule;
      if (!rule.match.matches(packet, context)) continue;
      rule.packets++;
      rule.bytes += packet.length;
      const { action } = rule;
      if (action.kind === 'return') return NO_VERDICT;
      if (action.kind === 'goto') return action.chain.run(packet, context, depth + 1);
      const verdict = this.apply(action, packet, context, depth);
      if (verdict !== NO_VERDICT) return verdict;
    }
    return NO_VERDICT;
  }

  private apply(action: RuleAction, packet: PacketBuffer, context: HookContext, depth: number): number {
    switch (action.kind) {
      case 'accept':
        return VERDICT_ACCEPT;
      case 'drop':
        return VERDICT_DROP;
      case 'reject':
        this.net.icmp.refuse(packet, action.reason ?? REFUSE_PORT);
        return VERDICT_DROP;
      case 'jump':
        return action.chain.run(packet, context, depth + 1);
      case 'custom':
        return action.hook.filterPacket(packet, context);
      case 'clamp-mss':
        clampMss(packet, action.mss ?? this.pathMss(packet, context));
        return NO_VERDICT;
      case 'tproxy':
        packet.flags |= PACKET_INTERCEPTED;
        if (action.mark !== undefined) packet.mark = action.mark;
        return VERDICT_ACCEPT;
      case 'snat':
      case 'dnat':
      case 'masquerade':
      case 'redirect':
        return this.translate(action, packet, context);
      default:
        annotate(action, packet, context);
        return NO_VERDICT;
    }
  }

  /** Payload of a full segment on the narrower of the ways in and out. */
  private pathMss(packet: PacketBuffer, context: HookContext): number {
    const { isV4 } = packet.destination as Address;
    const headers = isV4 ? 40 : 60;
    const known = this.net.pathMtu.find(packet.destination as Address, context.now)?.mtu ?? MAX_PACKET;
    const ways = Math.min(this.mtuOf(context.inInterface), this.mtuOf(context.outInterface));
    return Math.max(0, Math.min(known, ways) - headers);
  }

  private mtuOf(index: number): number {
    return index === 0 ? MAX_PACKET : (this.net.interfaceByIndex(index)?.mtu ?? MAX_PACKET);
  }

  private translate(
    action: Extract<RuleAction, { kind: 'snat' | 'dnat' | 'masquerade' | 'redirect' }>,
    packet: PacketBuffer,
    context: HookContext,
  ): number {
    const { nat } = this;
    if (nat === null) return VERDICT_DROP;
    if (action.kind === 'snat' || action.kind === 'dnat') {
      return nat.setUp(packet, action.kind === 'snat', action.range);
    }
    const address = this.ownAddress(action.kind === 'masquerade', packet, context);
    if (address === null) return VERDICT_DROP;
    const range = { address, ...(action.ports === undefined ? {} : { ports: action.ports }) };
    return nat.setUp(packet, action.kind === 'masquerade', range);
  }

  /** Masquerade takes the address of the outgoing interface; redirect that of the incoming, or loopback for our own packets. */
  private ownAddress(outgoing: boolean, packet: PacketBuffer, context: HookContext): Address | null {
    const { isV4 } = packet.destination as Address;
    const index = outgoing ? context.outInterface : context.inInterface;
    const iface = index === 0 ? this.net.loopback : this.net.interfaceByIndex(index);
    return iface?.primaryAddress(isV4) ?? null;
  }
}

/** Actions that change or tell something and let the packet go on. */
function annotate(action: RuleAction, packet: PacketBuffer, context: HookContext): void {
  const flow = packet.conntrack as Flow | null;
  if (action.kind === 'mark') packet.mark = (packet.mark & ~(action.mask ?? -1)) | action.value;
  else if (action.kind === 'save-mark' && flow !== null) flow.mark = packet.mark;
  else if (action.kind === 'restore-mark' && flow !== null) packet.mark = flow.mark;
  else if (action.kind === 'untracked') packet.flags |= PACKET_UNTRACKED;
  else if (action.kind === 'log') action.observer.ruleMatched(packet, context, action.text);
}
