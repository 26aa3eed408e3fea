// Sets and maps of nf_tables: single values, ranges given by where they begin and end, and concatenations of ranges.
import { EBUSY, EEXIST, ENFILE, ENOENT, NFT_SET_CONCAT, NFT_SET_INTERVAL } from '@sandbox-kernel/abi';
import type { Expression, NftObject, Used } from './model.js';
import { sameVerdict, type Verdict } from './verdict.js';

export interface SetElement {
  readonly key: Uint8Array;
  /** Of a concatenation of ranges; else null. */
  readonly keyEnd: Uint8Array | null;
  /** The first value that no longer belongs to a range. */
  readonly isEnd: boolean;
  readonly isCatchall: boolean;
  readonly data: Uint8Array | null;
  readonly verdict: Verdict | null;
  readonly object: NftObject | null;
  readonly userdata: Uint8Array | undefined;
  readonly expressions: readonly Expression[];
  /** µs; 0: stays. */
  readonly timeout: number;
  expires: number;
}

export interface SetOptions {
  readonly name: string;
  readonly handle: number;
  readonly flags: number;
  readonly keyLength: number;
  readonly dataLength: number;
  /** Of a map; null otherwise. */
  readonly dataType: number | null;
  readonly objectType: number;
  /** Lengths of the parts of a concatenation. */
  readonly fields: readonly number[];
  readonly size: number;
  readonly timeout: number;
  /** As they came, for dumps. */
  readonly attributes: ReadonlyMap<number, Uint8Array>;
}

/** A set of more is an attack on memory. */
const MOST_ELEMENTS = 1 << 20;

export class NftSet implements Used {
  readonly options: SetOptions;
  readonly elements: Map<string, SetElement>;
  use: number;
  /** NFTA_SET_ID of the batch that made it. */
  readonly id: number;
  private sorted: SetElement[] | null;
  private catchall: SetElement | null;

  constructor(options: SetOptions, id: number) {
    this.options = options;
    this.elements = new Map();
    this.use = 0;
    this.id = id;
    this.sorted = null;
    this.catchall = null;
  }

  get name(): string {
    return this.options.name;
  }

  get isRange(): boolean {
    return (this.options.flags & NFT_SET_INTERVAL) !== 0;
  }

  get isConcatenation(): boolean {
    return this.isRange && (this.options.flags & NFT_SET_CONCAT) !== 0;
  }

  /** 0, -EEXIST, -EBUSY, -ENFILE. */
  add(element: SetElement, exclusive: boolean): number {
    const key = keyOf(element);
    const held = this.elements.get(key);
    if (held !== undefined) {
      if (!alike(held, element)) return -EBUSY;
      return exclusive ? -EEXIST : 0;
    }
    const limit = this.options.size > 0 ? this.options.size : MOST_ELEMENTS;
    if (!element.isEnd && this.elements.size >= (this.isRange ? 2 : 1) * Math.min(limit, MOST_ELEMENTS))
      return -ENFILE;
    this.put(element);
    return 0;
  }

  put(element: SetElement): void {
    this.elements.set(keyOf(element), element);
    if (element.isCatchall) this.catchall = element;
    this.sorted = null;
  }

  /** The element that is gone, or -ENOENT. */
  delete(element: SetElement): SetElement | number {
    const key = keyOf(element);
    const held = this.elements.get(key);
    if (held === undefined) return -ENOENT;
    this.drop(held);
    return held;
  }

  drop(element: SetElement): void {
    this.elements.delete(keyOf(element));
    if (element.isCatchall) this.catchall = null;
    this.sorted = null;
  }

  find(element: SetElement): SetElement | null {
    return this.elements.get(keyOf(element)) ?? null;
  }

  /** The element that holds the value at `at` of `bytes`; null when there is none. `now`: µs. */
  lookup(bytes: Uint8Array, at: number, now: number): SetElement | null {
    const found = this.search(bytes, at);
    if (found !== null && (found.expires === 0 || found.expires > now)) return found;
    return this.catchall;
  }

  private search(bytes: Uint8Array, at: number): SetElement | null {
    if (this.isConcatenation) return this.searchRanges(bytes, at);
    if (this.isRange) return this.searchInterval(bytes, at);
    return this.elements.get(`=${textOfBytes(bytes, at, this.options.keyLength)}`) ?? null;
  }

  /** The last boundary that is not above the value. */
  private searchInterval(bytes: Uint8Array, at: number): SetElement | null {
    const sorted = this.inOrder();
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare((sorted[middle] as SetElement).key, bytes, at) <= 0) low = middle + 1;
      else high = middle;
    }
    const found = low === 0 ? null : (sorted[low - 1] as SetElement);
    return found === null || found.isEnd ? null : found;
  }

  private inOrder(): SetElement[] {
    if (this.sorted === null) {
      const all = [...this.elements.values()].filter((element) => !element.isCatchall);
      // Where one range ends and the next begins, the beginning counts.
      this.sorted = all.sort((a, b) => compare(a.key, b.key, 0) || Number(b.isEnd) - Number(a.isEnd));
    }
    return this.sorted;
  }

  private searchRanges(bytes: Uint8Array, at: number): SetElement | null {
    for (const element of this.elements.values())
      if (!element.isCatchall && this.holds(element, bytes, at)) return element;
    return null;
  }

  private holds({ key, keyEnd }: SetElement, bytes: Uint8Array, at: number): boolean {
    let from = 0;
    for (const length of this.options.fields) {
      for (const [bound, sign] of [
        [key, 1],
        [keyEnd ?? key, -1],
      ] as const) {
        if (compareRange(bytes, at + from, bound, from, length) * sign < 0) return false;
      }
      from += (length + 3) & ~3;
    }
    return true;
  }
}

function keyOf({ key, keyEnd, isEnd, isCatchall }: SetElement): string {
  if (isCatchall) return '*';
  const end = keyEnd === null ? '' : `-${textOfBytes(keyEnd, 0, keyEnd.length)}`;
  return `${isEnd ? '<' : '='}${textOfBytes(key, 0, key.length)}${end}`;
}

function textOfBytes(bytes: Uint8Array, at: number, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[at + i] as number);
  return text;
}

function compare(key: Uint8Array, bytes: Uint8Array, at: number): number {
  return compareRange(key, 0, bytes, at, key.length);
}

export function compareRange(a: Uint8Array, from: number, b: Uint8Array, at: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = (a[from + i] as number) - (b[at + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function alike(a: SetElement, b: SetElement): boolean {
  if (a.verdict !== null && b.verdict !== null) return sameVerdict(a.verdict, b.verdict);
  if (a.data !== null && b.data !== null)
    return a.data.length === b.data.length && compareRange(a.data, 0, b.data, 0, a.data.length) === 0;
  return a.object === b.object;
}
