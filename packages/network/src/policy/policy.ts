// The policy: ordered rules, the first that matches decides, and what no rule allows is refused. Pure: it knows no clock, socket or
// packet, so that every decision can be tested and repeated.
import type { Address } from '@sandbox-kernel/netstack';
import { matchesDomain } from './domain.js';
import { formatPrefix, isInside, type SpecialRange, specialRange } from './ranges.js';
import type { Direction, Protocol, Rule } from './rule.js';

export interface FlowQuery {
  readonly direction: Direction;
  readonly protocol: Protocol;
  /** The other side: where an outward flow goes, where an inward one comes from. */
  readonly address: Address;
  /** 0 for ICMP. */
  readonly port: number;
  /** Names under which the built-in DNS gave this address out, and names seen in the flow. */
  readonly names: readonly string[];
}

export interface Verdict {
  readonly allowed: boolean;
  /** In words, for people. */
  readonly reason: string;
  /** The rule that decided, as it was written; null when none matched. */
  readonly rule: string | null;
  /** The special range that the address is in. */
  readonly range: string | null;
}

export class Policy {
  readonly rules: readonly Rule[];
  /** True when names matter, so that a flow's first bytes are worth reading. */
  readonly knowsNames: boolean;

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    this.knowsNames = rules.some((rule) => rule.domain !== null);
  }

  judge(query: FlowQuery): Verdict {
    const range = specialRange(query.address);
    for (const rule of this.rules) {
      if (!matchesRule(rule, query)) continue;
      if (rule.action === 'deny') return verdict(false, `rule 'deny ${rule.text}'`, rule, range);
      if (query.direction === 'in' || range === null || names(rule, query.address, range))
        return verdict(true, `rule 'allow ${rule.text}'`, rule, range);
    }
    if (query.direction === 'in') return verdict(true, 'published', null, range);
    return verdict(false, range === null ? noRule(query) : unnamed(query.address, range), null, range);
  }

  /**
   * Whether the built-in DNS may ask about a name. Rules with ports count: which port will be used is not known yet. A rule that denies
   * only some ports or a protocol does not keep the name from being resolved.
   */
  judgeName(name: string): Verdict {
    for (const rule of this.rules) {
      if (rule.direction !== 'out' || (rule.domain === null && rule.prefixes !== null)) continue;
      if (rule.domain !== null && !matchesDomain(rule.domain, name)) continue;
      if (rule.action === 'allow') return verdict(true, `rule 'allow ${rule.text}'`, rule, null);
      if (rule.ports === null && rule.protocol === null && rule.prefixes === null)
        return verdict(false, `rule 'deny ${rule.text}'`, rule, null);
    }
    return verdict(false, `no rule allows the name ${name}`, null, null);
  }

  /**
   * Whether an answer of the DNS may give this address for this name: special ranges only where a rule names them. Without that an
   * outsider's name server could point a permitted name at an inner service (DNS rebinding).
   */
  judgeAnswer(name: string, address: Address): Verdict {
    const range = specialRange(address);
    if (range === null) return verdict(true, 'a public address', null, null);
    for (const rule of this.rules) {
      if (rule.direction !== 'out' || rule.prefixes === null) continue;
      if (rule.domain !== null && !matchesDomain(rule.domain, name)) continue;
      if (!rule.prefixes.some((prefix) => prefix.address.matches(address, prefix.length))) continue;
      if (rule.action === 'deny') return verdict(false, `rule 'deny ${rule.text}'`, rule, range);
      if (names(rule, address, range)) return verdict(true, `rule 'allow ${rule.text}'`, rule, range);
    }
    return verdict(false, `${name} resolves to ${unnamed(address, range)}`, null, range);
  }
}

function verdict(allowed: boolean, reason: string, rule: Rule | null, range: SpecialRange | null): Verdict {
  return { allowed, reason, rule: rule?.text ?? null, range: range?.kind ?? null };
}

function matchesRule(rule: Rule, query: FlowQuery): boolean {
  if (rule.direction !== query.direction) return false;
  if (rule.protocol !== null && rule.protocol !== query.protocol) return false;
  if (rule.ports !== null && !rule.ports.some((span) => query.port >= span.first && query.port <= span.last))
    return false;
  const { domain, prefixes } = rule;
  if (domain !== null && !query.names.some((name) => matchesDomain(domain, name))) return false;
  return prefixes === null || prefixes.some((prefix) => prefix.address.matches(query.address, prefix.length));
}

/** True when the rule opens the special range on purpose: one of its prefixes lies inside of it. */
function names(rule: Rule, address: Address, range: SpecialRange): boolean {
  return (rule.prefixes ?? []).some(
    (prefix) => isInside(prefix, range) && prefix.address.matches(address, prefix.length),
  );
}

function unnamed(address: Address, range: SpecialRange): string {
  return `${address} in the ${range.kind} range ${formatPrefix(range)}, which no rule names`;
}

function noRule(query: FlowQuery): string {
  const where = query.protocol === 'icmp' ? `${query.address}` : `${query.address} port ${query.port}`;
  const known = query.names.length === 0 ? '' : ` (${query.names.join(', ')})`;
  return `no rule allows ${query.protocol} to ${where}${known}`;
}
