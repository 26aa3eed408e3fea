// The tables of one family: filter, nat, mangle and raw, made when they are first asked for, as when Linux loads a module. A table is its
// blob; what the engine runs is built from that, and put in its place in one go.
import { EAGAIN, EINVAL, ENOENT } from '@sandbox-kernel/abi';
import {
  Chain,
  type Counter,
  PRIORITY_DNAT,
  PRIORITY_FILTER,
  PRIORITY_MANGLE,
  PRIORITY_RAW,
  PRIORITY_SNAT,
  type Rule,
} from '@sandbox-kernel/netstack';
import type { Netfilter } from '../netfilter.js';
import {
  type EntryShape,
  ERROR_NAME,
  parseBlob,
  SHAPE4,
  SHAPE6,
  type XtBlob,
  type XtEntry,
  type XtLayout,
} from './xt-blob.js';
import { buildRules, type XtProgram } from './xt-rules.js';

const HOOKS = 5;
const TARGET_HEADER = 32;
const VERDICT_ACCEPT = -2;

interface TableKind {
  readonly name: string;
  readonly validHooks: number;
  /** By hook. */
  priority(hook: number): number;
}

const SOURCE_HOOKS = (1 << 1) | (1 << 4);

const KINDS: readonly TableKind[] = [
  { name: 'raw', validHooks: 0b01001, priority: () => PRIORITY_RAW },
  { name: 'mangle', validHooks: 0b11111, priority: () => PRIORITY_MANGLE },
  {
    name: 'nat',
    validHooks: 0b11011,
    priority: (hook) => ((SOURCE_HOOKS & (1 << hook)) !== 0 ? PRIORITY_SNAT : PRIORITY_DNAT),
  },
  { name: 'filter', validHooks: 0b01110, priority: () => PRIORITY_FILTER },
];

export class XtTable {
  readonly kind: TableKind;
  readonly #netfilter: Netfilter;
  #blob: XtBlob;
  #program: XtProgram;
  #chains: (Chain | null)[];

  constructor(netfilter: Netfilter, kind: TableKind, shape: EntryShape) {
    this.kind = kind;
    this.#netfilter = netfilter;
    const empty = emptyTable(shape, kind.validHooks);
    this.#blob = parseBlob(shape, empty.bytes, empty.layout) as XtBlob;
    this.#program = buildRules(this.#blob, { netfilter, table: kind.name }) as XtProgram;
    this.#chains = [];
    this.#install();
  }

  get name(): string {
    return this.kind.name;
  }

  get blob(): XtBlob {
    return this.#blob;
  }

  /** Of every entry, in order. */
  get counters(): readonly Counter[] {
    return this.#program.rules.map((rule) => rule.counter);
  }

  /** The entries with what was counted so far. */
  snapshot(): Uint8Array {
    const bytes = this.#blob.bytes.slice();
    const view = new DataView(bytes.buffer);
    this.counters.forEach(({ packets, bytes: size }, i) => {
      const { counters: at } = this.#blob.entries[i] as XtEntry;
      put64(view, at, packets);
      put64(view, at + 8, size);
    });
    return bytes;
  }

  /** Puts other entries in the place of those there are; returns 0 or -errno, and then nothing has changed. */
  replace(bytes: Uint8Array, layout: XtLayout, expected: number): number {
    const { shape } = this.#blob;
    const blob = parseBlob(shape, bytes, layout);
    if (typeof blob === 'number') return blob;
    const program = buildRules(blob, { netfilter: this.#netfilter, table: this.name });
    if (typeof program === 'number') return program;
    if (layout.validHooks !== this.kind.validHooks) return -EINVAL;
    if (expected !== this.#blob.entries.length) return -EAGAIN;
    this.#remove();
    this.#blob = blob;
    this.#program = program;
    for (const counter of this.counters) {
      counter.packets = 0;
      counter.bytes = 0;
    }
    this.#install();
    return 0;
  }

  addCounters(values: readonly (readonly [packets: number, bytes: number])[]): number {
    const { counters } = this;
    if (values.length !== counters.length) return -EINVAL;
    values.forEach(([packets, bytes], i) => {
      const counter = counters[i] as Counter;
      counter.packets += packets;
      counter.bytes += bytes;
    });
    return 0;
  }

  #install(): void {
    const { validHooks, priority } = this.kind;
    for (let hook = 0; hook < HOOKS; hook++) {
      const chain = (validHooks & (1 << hook)) === 0 ? null : this.#makeChain(hook, priority(hook));
      this.#chains[hook] = chain;
      if (chain === null) continue;
      if (this.name === 'nat') this.#netfilter.nat.attach(hook, chain);
      else this.#netfilter.network.hooks.add(hook, chain);
    }
  }

  #remove(): void {
    this.#chains.forEach((chain, hook) => {
      if (chain === null) return;
      if (this.name === 'nat') this.#netfilter.nat.detach(hook, chain);
      else this.#netfilter.network.hooks.remove(hook, chain);
    });
  }

  #makeChain(hook: number, priority: number): Chain {
    const { at, entryPoints, underflows, entries, shape } = this.#blob;
    const policy = at.get(underflows[hook] as number) as number;
    const accepts = (entries[policy] as XtEntry).verdict === VERDICT_ACCEPT;
    const { rules } = this.#program;
    const chain = new Chain({
      network: this.#netfilter.network,
      name: this.name,
      priority,
      policy: accepts ? 'accept' : 'drop',
      first: at.get(entryPoints[hook] as number) as number,
      family: shape.isV6 ? 'v6' : 'v4',
      policyCounter: (rules[policy] as { readonly counter: Counter }).counter,
      ...(this.name === 'nat' ? { nat: this.#netfilter.nat } : {}),
    });
    chain.rules = rules as Rule[];
    return chain;
  }
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** As a table is when it is loaded: each chain accepts, and the end is an error. */
function emptyTable(shape: EntryShape, validHooks: number): { bytes: Uint8Array; layout: XtLayout } {
  const standard = shape.size + 40;
  const entryPoints = [0, 0, 0, 0, 0];
  let count = 0;
  for (let hook = 0; hook < HOOKS; hook++)
    if ((validHooks & (1 << hook)) !== 0) entryPoints[hook] = standard * count++;
  const bytes = new Uint8Array(standard * count + shape.size + 64);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i <= count; i++) {
    const at = i * standard;
    const last = i === count;
    view.setUint16(at + shape.targetOffset, shape.size, true);
    view.setUint16(at + shape.targetOffset + 2, last ? shape.size + 64 : standard, true);
    view.setUint16(at + shape.size, last ? 64 : 40, true);
    if (last) {
      putText(bytes, at + shape.size + 2, ERROR_NAME);
      putText(bytes, at + shape.size + TARGET_HEADER, ERROR_NAME);
    } else view.setInt32(at + shape.size + TARGET_HEADER, VERDICT_ACCEPT, true);
  }
  return { bytes, layout: { count: count + 1, validHooks, entryPoints, underflows: entryPoints } };
}

function putText(bytes: Uint8Array, at: number, word: string): void {
  for (let i = 0; i < word.length; i++) bytes[at + i] = word.charCodeAt(i);
}

export class XtTables {
  readonly isV6: boolean;
  readonly #netfilter: Netfilter;
  readonly #tables: Map<string, XtTable>;

  constructor(netfilter: Netfilter, isV6: boolean) {
    this.isV6 = isV6;
    this.#netfilter = netfilter;
    this.#tables = new Map();
  }

  /** Those that were asked for so far, the youngest first. */
  get names(): string[] {
    return [...this.#tables.keys()].reverse();
  }

  /** The table, made if need be; -ENOENT. */
  table(name: string): XtTable | number {
    const held = this.#tables.get(name);
    if (held !== undefined) return held;
    const kind = KINDS.find((each) => each.name === name);
    if (kind === undefined) return -ENOENT;
    const made = new XtTable(this.#netfilter, kind, this.isV6 ? SHAPE6 : SHAPE4);
    this.#tables.set(name, made);
    return made;
  }
}
