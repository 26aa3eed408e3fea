// The routes of one table by family, prefix length and masked destination, so that a lookup costs one hash probe for each length
// in use, however many routes there are. Allocates nothing when looking up.
import { type Address, maskWord } from '../address.js';
import type { RouteEntry } from './routing.js';

/** The first 0..`length` bits of an address as a number; different prefixes may share one. */
function keyOf(address: Address, length: number): number {
  const bits = address.isV4 ? length + 96 : length;
  const high = Math.imul(address.w0 & maskWord(bits), 0x9e3779b1) ^ (address.w1 & maskWord(bits - 32));
  const low = Math.imul(address.w2 & maskWord(bits - 64), 0x85ebca6b) ^ (address.w3 & maskWord(bits - 96));
  return (Math.imul(high, 0xc2b2ae35) ^ low) | 0;
}

class Family {
  /** Prefix lengths in use, longest first. */
  readonly lengths: number[];
  /** By prefix length: routes by key, each list in order of metric. */
  readonly levels: (Map<number, RouteEntry[]> | undefined)[];

  constructor() {
    this.lengths = [];
    this.levels = [];
  }
}

export class RouteIndex {
  private readonly v4: Family;
  private readonly v6: Family;

  constructor(routes: readonly RouteEntry[]) {
    this.v4 = new Family();
    this.v6 = new Family();
    for (const route of routes) this.add(route);
  }

  add(route: RouteEntry): void {
    const family = route.destination.isV4 ? this.v4 : this.v6;
    const length = route.prefixLength;
    let level = family.levels[length];
    if (level === undefined) {
      level = new Map();
      family.levels[length] = level;
      family.lengths.push(length);
      family.lengths.sort((a, b) => b - a);
    }
    const key = keyOf(route.destination, length);
    const held = level.get(key);
    if (held === undefined) {
      level.set(key, [route]);
      return;
    }
    let at = 0;
    while (at < held.length && (held[at] as RouteEntry).metric <= route.metric) at++;
    held.splice(at, 0, route);
  }

  /** Prefix lengths that routes of this address's family have, longest first. */
  lengthsFor(address: Address): readonly number[] {
    return address.isV4 ? this.v4.lengths : this.v6.lengths;
  }

  /** Routes of that length that may match, by metric: the caller checks that they do. */
  candidates(address: Address, length: number): readonly RouteEntry[] | undefined {
    const family = address.isV4 ? this.v4 : this.v6;
    return family.levels[length]?.get(keyOf(address, length));
  }
}
