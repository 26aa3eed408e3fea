// Which names an address was given out for, and until when: what ties a flow to the answer of the built-in DNS. Bounded: a guest that
// resolves without end pushes out its own oldest answers. Times are microseconds.
import type { Address } from '@sandbox-kernel/netstack';

const SECOND = 1_000_000;
/** Programs resolve first and connect a little later; a TTL of 0 must not make that a race. */
const GRACE = 60 * SECOND;
/** A name server must not bind an address for ever. */
const LONGEST = 86_400;
const NAMES_PER_ADDRESS = 32;

export class NameBindings {
  readonly #names = new Map<string, Map<string, number>>();
  /** Names that stand in an answer for a permitted one (CNAME, SVCB): they may be asked for, too. */
  readonly #aliases = new Map<string, Map<string, number>>();
  readonly #limit: number;

  constructor(limit = 8192) {
    this.#limit = limit;
  }

  /** `address` was given out for `name`. */
  bind(address: Address, name: string, ttl: number, now: number): void {
    this.#put(this.#names, address.toString(), name, ttl, now);
  }

  /** `target` was given out as another name of `name`. */
  alias(target: string, name: string, ttl: number, now: number): void {
    if (target !== name) this.#put(this.#aliases, target, name, ttl, now);
  }

  namesOf(address: Address, now: number): string[] {
    return living(this.#names.get(address.toString()), now);
  }

  /** The permitted names for which `target` was given out. */
  originsOf(target: string, now: number): string[] {
    return living(this.#aliases.get(target), now);
  }

  get size(): number {
    return this.#names.size + this.#aliases.size;
  }

  #put(table: Map<string, Map<string, number>>, key: string, name: string, ttl: number, now: number): void {
    const held = table.get(key) ?? new Map<string, number>();
    table.delete(key);
    if (table.size >= this.#limit) table.delete(oldest(table));
    table.set(key, held);
    const expires = now + Math.min(ttl, LONGEST) * SECOND + GRACE;
    const before = held.get(name) ?? 0;
    held.delete(name);
    if (held.size >= NAMES_PER_ADDRESS) held.delete(oldest(held));
    held.set(name, Math.max(before, expires));
  }
}

function oldest<V>(table: ReadonlyMap<string, V>): string {
  for (const key of table.keys()) return key;
  return '';
}

function living(names: ReadonlyMap<string, number> | undefined, now: number): string[] {
  if (names === undefined) return [];
  return [...names].filter(([, expires]) => expires > now).map(([name]) => name);
}
