// Rules, and the text they are written in: [in/][tcp/|udp/|icmp/]TARGET[:PORTS], where TARGET is `*`, a name or pattern, an address or
// prefix ([…] round IPv6 when ports follow), a word such as `private`, or NAME@PREFIX for a name that may resolve into a prefix.
import { type DomainPattern, parseDomain } from './domain.js';
import { NAMED_RANGES, type Prefix, parsePrefix } from './ranges.js';

export type Action = 'allow' | 'deny';
export type Direction = 'out' | 'in';
export type Protocol = 'tcp' | 'udp' | 'icmp';

export interface PortSpan {
  readonly first: number;
  readonly last: number;
}

export interface Rule {
  readonly action: Action;
  readonly direction: Direction;
  /** null: any. */
  readonly protocol: Protocol | null;
  readonly domain: DomainPattern | null;
  readonly prefixes: readonly Prefix[] | null;
  readonly ports: readonly PortSpan[] | null;
  /** As it was written. */
  readonly text: string;
}

/** Why a text is no rule, and what to write instead. */
export interface RuleError {
  readonly message: string;
  readonly hint: string;
}

const SHAPE =
  'write NAME[:PORTS], *.NAME, ADDRESS[/LENGTH][:PORTS], [IPV6]:PORTS, or * for the public internet';

/** Splits a comma list of rules; pieces that are only ports belong to the rule before them. */
export function splitRules(text: string): string[] {
  const rules: string[] = [];
  for (const piece of text.split(',')) {
    const before = rules[rules.length - 1];
    if (before !== undefined && /^[0-9]+(-[0-9]+)?$/.test(piece) && before.includes(':'))
      rules[rules.length - 1] = `${before},${piece}`;
    else rules.push(piece.trim());
  }
  return rules;
}

export function parseRule(action: Action, text: string): Rule | RuleError {
  let rest = text.trim();
  const inward = /^in\//i.test(rest);
  if (inward) rest = rest.slice(3);
  const named = /^(tcp|udp|icmp)(?::\/\/|\/)/i.exec(rest);
  if (named !== null) rest = rest.slice(named[0].length);
  if (rest.includes('//')) return { message: `'${text}' is not a network rule`, hint: hintFor(rest) };
  const split = splitPorts(rest);
  const ports = split.ports === null ? null : parsePorts(split.ports);
  if (ports !== null && 'message' in ports) return { ...ports, message: `'${text}': ${ports.message}` };
  const target = parseTarget(split.target);
  if (target === null) return { message: `'${text}' is not a network rule`, hint: hintFor(split.target) };
  return {
    action,
    direction: inward ? 'in' : 'out',
    protocol: named === null ? null : ((named[1] as string).toLowerCase() as Protocol),
    ...target,
    ports,
    text: text.trim(),
  };
}

/** The ports behind the last colon; a text with more colons and no bracket is an IPv6 address. */
function splitPorts(text: string): { target: string; ports: string | null } {
  const bracket = /^(.*@)?\[([^\]]*)\](\/[0-9]+)?(?::(.*))?$/.exec(text);
  if (bracket !== null) {
    const [, before = '', inner = '', length = '', ports] = bracket;
    return { target: before + inner + length, ports: ports ?? null };
  }
  const at = text.lastIndexOf('@') + 1;
  const first = text.indexOf(':', at);
  if (first < 0 || text.indexOf(':', first + 1) >= 0) return { target: text, ports: null };
  return { target: text.slice(0, first), ports: text.slice(first + 1) };
}

type Target = Pick<Rule, 'domain' | 'prefixes'>;

function parseTarget(text: string): Target | null {
  const at = text.indexOf('@');
  if (at >= 0) {
    const domain = parseDomain(text.slice(0, at));
    const prefixes = parsePrefixes(text.slice(at + 1));
    return domain === null || prefixes === null ? null : { domain, prefixes };
  }
  if (text === '*' || text === 'any') return { domain: null, prefixes: null };
  const prefixes = parsePrefixes(text);
  if (prefixes !== null) return { domain: null, prefixes };
  const domain = parseDomain(text);
  return domain === null ? null : { domain, prefixes: null };
}

function parsePrefixes(text: string): readonly Prefix[] | null {
  const word = Object.hasOwn(NAMED_RANGES, text) ? NAMED_RANGES[text] : undefined;
  if (word !== undefined) return word.map((prefix) => parsePrefix(prefix) as Prefix);
  const prefix = parsePrefix(text);
  return prefix === null ? null : [prefix];
}

function parsePorts(text: string): readonly PortSpan[] | null | RuleError {
  if (text === '*') return null;
  const spans: PortSpan[] = [];
  for (const piece of text.split(',')) {
    const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(piece);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last || last > 65535)
      return {
        message: `'${piece}' is not a port`,
        hint: 'ports are numbers up to 65535, ranges such as 8000-8100, joined by commas',
      };
    spans.push({ first, last });
  }
  return spans;
}

function hintFor(target: string): string {
  if (/^(0x[0-9a-f]+|[0-9]+)(\.|$)/i.test(target)) return 'write addresses as four decimal numbers';
  if (/[^ -~]/.test(target)) return 'write international names in their xn-- form';
  if (/^[a-z]+:\/\//i.test(target)) return 'leave out the scheme and the path: name:port';
  return SHAPE;
}
