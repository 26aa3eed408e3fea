// Chains of rules, the engine under iptables- and nftables-style tables: a chain hangs on a hook with a priority and a policy, or
// is called by others. A rule is steps (evaluation.ts); the simple kind is conditions and an action.

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
import {
  Counter,
  Evaluation,
  type RuleStep,
  STEP_BREAK,
  STEP_GOTO,
  STEP_JUMP,
  STEP_NEXT,
  STEP_RETURN,
} from './evaluation.js';
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

class MatchStep implements RuleStep {
  private readonly match: PacketMatch;

  constructor(match: PacketMatch) {
    this.match = match;
  }

  evaluate(look: Evaluation): number {
    return this.match.matches(look.packet, look.context) ? STEP_NEXT : STEP_BREAK;
  }
}

/** Does what an action says. */
export class ActionStep implements RuleStep {
  private readonly action: RuleAction;
  private readonly nat: Nat | null;

  /** `nat`: for translation in chains that have none of their own. */
  constructor(action: RuleAction, nat: Nat | null = null) {
    this.action = action;
    this.nat = nat;
  }

  evaluate(look: Evaluation): number {
    return look.chain.apply(this.action, look, this.nat);
  }
}

export class Rule {
  readonly steps: readonly RuleStep[];
  /** Of matching packets; tables may count in steps of their own instead. */
  readonly counter: Counter;

  /** `counter` is one of the steps, if the rule counts. */
  constructor(steps: readonly RuleStep[], counter = new Counter()) {
    this.steps = steps;
    this.counter = counter;
  }

  /** The simple kind: conditions, counting, an action. */
  static when(match: MatchOptions, action: RuleAction, tracker: Conntrack | null = null): Rule {
    const counter = new Counter();
    const asked = new MatchStep(new PacketMatch(match, tracker));
    return new Rule([asked, counter, new ActionStep(action)], counter);
  }

  get packets(): number {
    return this.counter.packets;
  }

  get bytes(): number {
    return this.counter.bytes;
  }
}

/** A chain's answer when it came to its end. */
const NO_VERDICT = STEP_NEXT;
/** Deeper jumps are a loop; tables look for those when they are loaded. */
const MAX_DEPTH = 512;

export interface ChainOptions {
  readonly network: NetworkLayer;
  readonly name: string;
  /** Needed for translation actions. */
  readonly nat?: Nat;
  readonly priority?: number;
  /** What happens at the end of a chain that hangs on a hook; default accept. */
  readonly policy?: 'accept' | 'drop';
  /** Where the chain begins in rules that it shares with others (an ip_tables blob); default 0. */
  readonly first?: number;
  /** Looks at packets of one family only. */
  readonly family?: 'v4' | 'v6';
  /** Counts what meets the policy; default one of its own. */
  readonly policyCounter?: Counter;
}

export class Chain implements PacketHook {
  readonly name: string;
  readonly priority: number;
  policy: 'accept' | 'drop';
  /** May be changed at any time. */
  rules: Rule[];
  readonly network: NetworkLayer;
  readonly first: number;
  /** Of packets that met the policy. */
  readonly policyCounter: Counter;
  private readonly family: 'v4' | 'v6' | null;
  private readonly nat: Nat | null;
  private look: Evaluation | null;

  constructor(options: ChainOptions) {
    this.name = options.name;
    this.priority = options.priority ?? 0;
    this.policy = options.policy ?? 'accept';
    this.rules = [];
    this.network = options.network;
    this.first = options.first ?? 0;
    this.policyCounter = options.policyCounter ?? new Counter();
    this.family = options.family ?? null;
    this.nat = options.nat ?? null;
    this.look = null;
  }

  append(rule: Rule): this {
    this.rules.push(rule);
    return this;
  }

  filterPacket(packet: PacketBuffer, context: HookContext): number {
    if (this.family !== null && (this.family === 'v4') !== (packet.destination as Address).isV4)
      return VERDICT_ACCEPT;
    // A step that sends a packet of its own may come here again, but then gives its verdict at once.
    const look = this.look ?? new Evaluation(packet, context, this);
    this.look = look;
    look.packet = packet;
    look.context = context;
    const verdict = this.run(look, 0);
    if (verdict !== NO_VERDICT) return verdict;
    this.policyCounter.add(packet);
    return this.policy === 'accept' ? VERDICT_ACCEPT : VERDICT_DROP;
  }

  /** A verdict, or NO_VERDICT when the chain came to its end. */
  private run(look: Evaluation, depth: number): number {
    if (depth > MAX_DEPTH) return VERDICT_DROP;
    const { rules } = this;
    for (let i = this.first; i < rules.length; i++) {
      look.chain = this;
      const verdict = runSteps((rules[i] as Rule).steps, look);
      if (verdict === STEP_NEXT || verdict === STEP_BREAK) continue;
      if (verdict >= 0) return verdict;
      if (verdict === STEP_RETURN) return NO_VERDICT;
      const inner = (look.target as Chain).run(look, depth + 1);
      if (verdict === STEP_GOTO || inner !== NO_VERDICT) return inner;
    }
    return NO_VERDICT;
  }

  /** For the steps of rules: does what an action says. */
  apply(action: RuleAction, look: Evaluation, nat: Nat | null = null): number {
    const { packet, context } = look;
    switch (action.kind) {
      case 'accept':
        return VERDICT_ACCEPT;
      case 'drop':
        return VERDICT_DROP;
      case 'return':
        return STEP_RETURN;
      case 'jump':
      case 'goto':
        look.target = action.chain;
        return action.kind === 'jump' ? STEP_JUMP : STEP_GOTO;
      case 'reject':
        this.network.icmp.refuse(packet, action.reason ?? REFUSE_PORT);
        return VERDICT_DROP;
      case 'custom':
        return action.hook.filterPacket(packet, context);
      case 'clamp-mss':
        clampMss(packet, action.mss ?? this.pathMss(packet, context));
        return STEP_NEXT;
      case 'tproxy':
        packet.flags |= PACKET_INTERCEPTED;
        if (action.mark !== undefined) packet.mark = action.mark;
        return VERDICT_ACCEPT;
      case 'snat':
      case 'dnat':
      case 'masquerade':
      case 'redirect':
        return this.translate(action, packet, context, nat ?? this.nat);
      default:
        annotate(action, packet, context);
        return STEP_NEXT;
    }
  }

  /** Payload of a full segment on the narrower of the ways in and out. */
  private pathMss(packet: PacketBuffer, context: HookContext): number {
    const { isV4 } = packet.destination as Address;
    const headers = isV4 ? 40 : 60;
    const known = this.network.pathMtu.find(packet.destination as Address, context.now)?.mtu ?? MAX_PACKET;
    const ways = Math.min(this.mtuOf(context.inInterface), this.mtuOf(context.outInterface));
    return Math.max(0, Math.min(known, ways) - headers);
  }

  private mtuOf(index: number): number {
    return index === 0 ? MAX_PACKET : (this.network.interfaceByIndex(index)?.mtu ?? MAX_PACKET);
  }

  private translate(
    action: Extract<RuleAction, { kind: 'snat' | 'dnat' | 'masquerade' | 'redirect' }>,
    packet: PacketBuffer,
    context: HookContext,
    nat: Nat | null,
  ): number {
    if (nat === null) return VERDICT_DROP;
    if (action.kind === 'snat' || action.kind === 'dnat') {
      return nat.setUp(packet, action.kind === 'snat', action.range);
    }
    const address = ownAddress(this.network, action.kind === 'masquerade', packet, context);
    if (address === null) return VERDICT_DROP;
    const range = { address, ...(action.ports === undefined ? {} : { ports: action.ports }) };
    return nat.setUp(packet, action.kind === 'masquerade', range);
  }
}

/** Masquerade takes the address of the outgoing interface; redirect that of the incoming, or loopback for our own packets. */
export function ownAddress(
  network: NetworkLayer,
  outgoing: boolean,
  packet: PacketBuffer,
  context: HookContext,
): Address | null {
  const { isV4 } = packet.destination as Address;
  const index = outgoing ? context.outInterface : context.inInterface;
  const iface = index === 0 ? network.loopback : network.interfaceByIndex(index);
  return iface?.primaryAddress(isV4) ?? null;
}

function runSteps(steps: readonly RuleStep[], look: Evaluation): number {
  for (let i = 0; i < steps.length; i++) {
    const verdict = (steps[i] as RuleStep).evaluate(look);
    if (verdict !== STEP_NEXT) return verdict;
  }
  return STEP_NEXT;
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
