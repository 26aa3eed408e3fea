// Routing tables with policy rules, as ip-route(8) and ip-rule(8): rules in order of priority choose tables; in a table the
// longest prefix wins, then the lowest metric. A sorted list serves who lists and removes, an index who looks up.
import type { Address } from '../address.js';
import { EEXIST, EINVAL, ENOENT } from '../errno.js';
import { RouteIndex } from './route-index.js';

export const TABLE_MAIN = 254;
export const TABLE_DEFAULT = 253;
export const TABLE_LOCAL = 255;

export type RouteKind = 'unicast' | 'local' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw';

export interface RouteEntry {
  readonly destination: Address;
  readonly prefixLength: number;
  /** null: directly connected. */
  readonly gateway: Address | null;
  readonly interfaceIndex: number;
  readonly metric: number;
  readonly kind: RouteKind;
  readonly preferredSource: Address | null;
  /** Metrics, 0 when not set. */
  readonly mtu: number;
  readonly advertisedMss: number;
  readonly initialWindow: number;
  readonly hopLimit: number;
  /** Microseconds; Infinity for routes that do not expire (RFC 4861 lifetimes do). */
  readonly expires: number;
  /** Who made it: 'static', 'kernel' (from an address), 'ra'. */
  readonly origin: string;
  /** Of a route with several next hops: one route each, of which a lookup gives one. Empty otherwise. */
  readonly paths: readonly RouteEntry[];
  /** Share of the flows that a path takes; 1 for others. */
  readonly weight: number;
}

/** One way of a route that has several. */
export interface NextHop {
  readonly gateway?: Address | null;
  readonly interfaceIndex?: number;
  /** 1 to 256; default 1. */
  readonly weight?: number;
}

export interface RouteOptions {
  readonly gateway?: Address | null;
  readonly interfaceIndex?: number;
  readonly metric?: number;
  readonly kind?: RouteKind;
  readonly preferredSource?: Address | null;
  readonly mtu?: number;
  readonly advertisedMss?: number;
  readonly initialWindow?: number;
  readonly hopLimit?: number;
  readonly expires?: number;
  readonly origin?: string;
  /** Several ways, instead of gateway and interfaceIndex: flows are spread over those that work, by their addresses. */
  readonly nextHops?: readonly NextHop[];
}

export interface PolicyRule {
  readonly priority: number;
  readonly table: number;
  readonly action?: 'table' | 'blackhole' | 'unreachable' | 'prohibit';
  readonly from?: Address;
  readonly fromLength?: number;
  readonly to?: Address;
  readonly toLength?: number;
  readonly inInterface?: number;
  readonly outInterface?: number;
  readonly mark?: number;
  readonly markMask?: number;
  readonly tos?: number;
  readonly uidFrom?: number;
  readonly uidTo?: number;
  readonly invert?: boolean;
  /** Routes with a prefix of this length or shorter do not count. */
  readonly suppressPrefixLength?: number;
}

/** What is known when a route is looked for. One object is reused. */
export interface RouteQuery {
  destination: Address;
  source: Address | null;
  inInterface: number;
  outInterface: number;
  mark: number;
  tos: number;
  uid: number;
  onLinkOnly: boolean;
}

export function makeRoute(destination: Address, prefixLength: number, options: RouteOptions): RouteEntry {
  return {
    destination: destination.prefix(prefixLength),
    prefixLength,
    gateway: options.gateway ?? null,
    interfaceIndex: options.interfaceIndex ?? 0,
    metric: options.metric ?? (destination.isV4 ? 0 : 1024),
    kind: options.kind ?? 'unicast',
    preferredSource: options.preferredSource ?? null,
    mtu: options.mtu ?? 0,
    advertisedMss: options.advertisedMss ?? 0,
    initialWindow: options.initialWindow ?? 0,
    hopLimit: options.hopLimit ?? 0,
    expires: options.expires ?? Number.POSITIVE_INFINITY,
    origin: options.origin ?? 'static',
    paths: [],
    weight: 1,
  };
}

/** A route with several next hops; the first is what shows where only one can. */
export function makeMultipath(
  destination: Address,
  prefixLength: number,
  options: RouteOptions,
  hops: readonly NextHop[],
): RouteEntry {
  const paths = hops.map((hop) => ({
    ...makeRoute(destination, prefixLength, {
      ...options,
      gateway: hop.gateway ?? null,
      interfaceIndex: hop.interfaceIndex ?? 0,
    }),
    weight: hop.weight ?? 1,
  }));
  return withPaths(paths[0] as RouteEntry, paths);
}

function withPaths(route: RouteEntry, paths: readonly RouteEntry[]): RouteEntry {
  return { ...route, paths: paths.length > 1 ? paths : [] };
}

function sameRoute(a: RouteEntry, b: RouteEntry): boolean {
  return (
    a.prefixLength === b.prefixLength &&
    a.metric === b.metric &&
    a.destination.equals(b.destination) &&
    a.interfaceIndex === b.interfaceIndex &&
    (a.gateway === null ? b.gateway === null : b.gateway?.equals(a.gateway) === true)
  );
}

const DEFAULT_RULES: readonly PolicyRule[] = [
  { priority: 0, table: TABLE_LOCAL },
  { priority: 32766, table: TABLE_MAIN },
  { priority: 32767, table: TABLE_DEFAULT },
];

export class RoutingTables {
  private readonly tables: Map<number, RouteEntry[]>;
  private readonly indexes: Map<number, RouteIndex>;
  private rules: PolicyRule[];
  /** Rises with every change: what was looked up before no longer holds. */
  generation: number;
  /** The nearest time at which a route expires. */
  nextExpiry: number;
  private readonly maxRoutes: number;
  /** True once a route with several next hops was added. */
  hasPaths: boolean;
  /** Whether a path can be used now; the network layer knows. */
  isUsable: (path: RouteEntry) => boolean;

  constructor(maxRoutes = 65536) {
    this.tables = new Map();
    this.indexes = new Map();
    this.rules = [...DEFAULT_RULES];
    this.generation = 1;
    this.nextExpiry = Number.POSITIVE_INFINITY;
    this.maxRoutes = maxRoutes;
    this.hasPaths = false;
    this.isUsable = () => true;
  }

  /** 0, -EEXIST for the same prefix, metric, interface and gateway, -EINVAL when the table is full. */
  add(route: RouteEntry, table = TABLE_MAIN): number {
    const list = this.tables.get(table) ?? [];
    const index = this.indexes.get(table) ?? new RouteIndex([]);
    const twins = index.candidates(route.destination, route.prefixLength) ?? [];
    if (twins.some((held) => sameRoute(held, route))) return -EEXIST;
    if (list.length >= this.maxRoutes) return -EINVAL;
    list.splice(positionIn(list, route), 0, route);
    index.add(route);
    this.tables.set(table, list);
    this.indexes.set(table, index);
    this.nextExpiry = Math.min(this.nextExpiry, route.expires);
    this.hasPaths ||= route.paths.length > 0;
    this.generation++;
    return 0;
  }

  /** Adds, or takes the place of the same route. */
  replace(route: RouteEntry, table = TABLE_MAIN): number {
    this.remove((held) => sameRoute(held, route), table);
    return this.add(route, table);
  }

  /** Removes all routes for which `test` holds; 0 or -ENOENT. */
  remove(test: (route: RouteEntry) => boolean, table = TABLE_MAIN): number {
    const list = this.tables.get(table);
    if (list === undefined) return -ENOENT;
    const kept = list.filter((route) => !test(route));
    if (kept.length === list.length) return -ENOENT;
    this.tables.set(table, kept);
    this.indexes.set(table, new RouteIndex(kept));
    this.generation++;
    return 0;
  }

  /** Removes from all tables. */
  removeEverywhere(test: (route: RouteEntry) => boolean): void {
    for (const table of this.tables.keys()) this.remove(test, table);
  }

  /** An interface is gone: routes by it go, and routes with other ways lose that one. */
  removeInterface(interfaceIndex: number): void {
    const isGone = (route: RouteEntry) => route.interfaceIndex === interfaceIndex;
    for (const [table, list] of this.tables) {
      const hurt = list.filter((route) => route.paths.some(isGone));
      this.remove((route) => isGone(route) || hurt.includes(route), table);
      for (const route of hurt) {
        const paths = route.paths.filter((path) => !isGone(path));
        if (paths.length > 0) this.add(withPaths(paths[0] as RouteEntry, paths), table);
      }
    }
  }

  list(table = TABLE_MAIN): readonly RouteEntry[] {
    return this.tables.get(table) ?? [];
  }

  /** Drops routes whose lifetime is over. */
  expire(now: number): void {
    if (now < this.nextExpiry) return;
    this.removeEverywhere((route) => route.expires <= now);
    let next = Number.POSITIVE_INFINITY;
    for (const list of this.tables.values()) for (const route of list) next = Math.min(next, route.expires);
    this.nextExpiry = next;
  }

  addRule(rule: PolicyRule): void {
    this.rules.push(rule);
    this.rules.sort((a, b) => a.priority - b.priority);
    this.generation++;
  }

  removeRule(test: (rule: PolicyRule) => boolean): number {
    const kept = this.rules.filter((rule) => !test(rule));
    if (kept.length === this.rules.length) return -ENOENT;
    this.rules = kept;
    this.generation++;
    return 0;
  }

  listRules(): readonly PolicyRule[] {
    return this.rules;
  }

  /** The route, which may be of a kind that refuses; null when there is none. */
  lookup(query: RouteQuery): RouteEntry | null {
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i] as PolicyRule;
      if (ruleMatches(rule, query) === (rule.invert === true)) continue;
      if (rule.action !== undefined && rule.action !== 'table') {
        return makeRoute(query.destination, 0, { kind: rule.action });
      }
      const route = this.lookupIn(rule.table, query, rule.suppressPrefixLength ?? -1);
      if (route !== null) return route;
    }
    return null;
  }

  /** Hash-threshold (RFC 2992) over the paths that work, in proportion to their weights; over all when none does. */
  private choosePath(route: RouteEntry, query: RouteQuery): RouteEntry {
    let total = this.weigh(route, query, true);
    const working = total > 0;
    if (!working) total = this.weigh(route, query, false);
    let left = Math.floor((flowHash(query) / 0x100000000) * total);
    for (let i = 0; i < route.paths.length; i++) {
      const path = route.paths[i] as RouteEntry;
      if (!this.counts(path, query, working)) continue;
      left -= path.weight;
      if (left < 0) return path;
    }
    return route.paths[0] as RouteEntry;
  }

  private weigh(route: RouteEntry, query: RouteQuery, working: boolean): number {
    let total = 0;
    for (let i = 0; i < route.paths.length; i++) {
      const path = route.paths[i] as RouteEntry;
      if (this.counts(path, query, working)) total += path.weight;
    }
    return total;
  }

  private counts(path: RouteEntry, query: RouteQuery, working: boolean): boolean {
    if (query.outInterface !== 0 && path.interfaceIndex !== query.outInterface) return false;
    return !working || this.isUsable(path);
  }

  private lookupIn(table: number, query: RouteQuery, suppress: number): RouteEntry | null {
    const index = this.indexes.get(table);
    if (index === undefined) return null;
    const lengths = index.lengthsFor(query.destination);
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i] as number;
      if (length <= suppress) return null;
      const candidates = index.candidates(query.destination, length);
      const route = candidates === undefined ? null : firstUsable(candidates, query);
      if (route !== null && route.paths.length > 0) return this.choosePath(route, query);
      if (route !== null) return route.kind === 'throw' ? null : route;
    }
    return null;
  }
}

/** A number that flows between the same two addresses share. */
function flowHash(query: RouteQuery): number {
  const hash = Math.imul(query.destination.hash ^ ((query.source?.hash ?? 0) >>> 1), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function goesBy(route: RouteEntry, interfaceIndex: number): boolean {
  if (route.paths.length === 0) return route.interfaceIndex === interfaceIndex;
  return route.paths.some((path) => path.interfaceIndex === interfaceIndex);
}

function firstUsable(candidates: readonly RouteEntry[], query: RouteQuery): RouteEntry | null {
  for (let i = 0; i < candidates.length; i++) {
    const route = candidates[i] as RouteEntry;
    if (!query.destination.matches(route.destination, route.prefixLength)) continue;
    if (query.outInterface !== 0 && !goesBy(route, query.outInterface)) continue;
    if (query.onLinkOnly && route.gateway !== null) continue;
    return route;
  }
  return null;
}

/** Where a route belongs in a sorted list: behind its equals. */
function positionIn(list: readonly RouteEntry[], route: RouteEntry): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (precedes(route, list[middle] as RouteEntry)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function precedes(a: RouteEntry, b: RouteEntry): boolean {
  if (a.prefixLength !== b.prefixLength) return a.prefixLength > b.prefixLength;
  return a.metric < b.metric;
}

function ruleMatches(rule: PolicyRule, query: RouteQuery): boolean {
  if (rule.from !== undefined) {
    if (query.source === null || !query.source.matches(rule.from, rule.fromLength ?? rule.from.bits))
      return false;
  }
  if (rule.to !== undefined && !query.destination.matches(rule.to, rule.toLength ?? rule.to.bits))
    return false;
  if (rule.inInterface !== undefined && rule.inInterface !== query.inInterface) return false;
  if (rule.outInterface !== undefined && rule.outInterface !== query.outInterface) return false;
  if (rule.mark !== undefined && ((query.mark ^ rule.mark) & (rule.markMask ?? -1)) !== 0) return false;
  if (rule.tos !== undefined && (query.tos & 0xfc) !== (rule.tos & 0xfc)) return false;
  return query.uid >= (rule.uidFrom ?? 0) && query.uid <= (rule.uidTo ?? 0xffffffff);
}
