// A hash map from addresses to values, by the words of the address; looking up allocates nothing. Open addressing with
// linear probing; removal closes the gap, so there are no tombstones.
import type { Address } from '../address.js';

export class AddressMap<V> {
  private keys: (Address | null)[];
  private values: (V | null)[];
  private mask: number;
  size: number;

  constructor(capacity = 16) {
    this.keys = new Array<Address | null>(capacity).fill(null);
    this.values = new Array<V | null>(capacity).fill(null);
    this.mask = capacity - 1;
    this.size = 0;
  }

  get(key: Address): V | null {
    return this.values[this.find(key)] as V | null;
  }

  has(key: Address): boolean {
    return this.keys[this.find(key)] !== null;
  }

  set(key: Address, value: V): void {
    let at = this.find(key);
    if (this.keys[at] === null) {
      if ((this.size + 1) * 4 > this.keys.length * 3) {
        this.grow();
        at = this.find(key);
      }
      this.keys[at] = key;
      this.size++;
    }
    this.values[at] = value;
  }

  delete(key: Address): boolean {
    let hole = this.find(key);
    if (this.keys[hole] === null) return false;
    this.size--;
    for (let at = (hole + 1) & this.mask; ; at = (at + 1) & this.mask) {
      const moved = this.keys[at] as Address | null;
      if (moved === null) break;
      const home = moved.hash & this.mask;
      // Only an entry whose home is not between the hole and itself may fill the hole.
      if (((at - home) & this.mask) < ((at - hole) & this.mask)) continue;
      this.keys[hole] = moved;
      this.values[hole] = this.values[at] as V;
      hole = at;
    }
    this.keys[hole] = null;
    this.values[hole] = null;
    return true;
  }

  /** Calls nothing: fills `into` with the values, for cold walks. */
  list(): V[] {
    return this.values.filter((value): value is V & {} => value !== null);
  }

  private find(key: Address): number {
    let at = key.hash & this.mask;
    for (;;) {
      const held = this.keys[at] as Address | null;
      if (held === null || held.equals(key)) return at;
      at = (at + 1) & this.mask;
    }
  }

  private grow(): void {
    const keys = this.keys;
    const values = this.values;
    const capacity = keys.length * 2;
    this.keys = new Array<Address | null>(capacity).fill(null);
    this.values = new Array<V | null>(capacity).fill(null);
    this.mask = capacity - 1;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as Address | null;
      if (key === null) continue;
      const at = this.find(key);
      this.keys[at] = key;
      this.values[at] = values[i] as V;
    }
  }
}
