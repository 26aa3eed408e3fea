// The blob of an ip_tables table (ip_tables.h, ip6_tables.h): entries one behind the other, jumps by offset. It is a program's data:
// offsets, sizes, entry points and loops are checked as Linux checks them before anything is built of it.
import {
  EINVAL,
  ELOOP,
  IP6T_F_GOTO,
  IP6T_F_MASK,
  IPT_F_GOTO,
  IPT_F_MASK,
  IPT_INV_MASK,
} from '@sandbox-kernel/abi';
import { fixedText } from './xt-extension.js';

const HOOKS = 5;
/** XT_ERROR_TARGET; XT_RETURN. */
export const ERROR_NAME = 'ERROR';
export const XT_RETURN = -5;
const EXTENSION_HEADER = 32;
const STANDARD_TARGET = 40;
const ERROR_TARGET = 64;
const VERDICT_DROP = -1;
const VERDICT_ACCEPT = -2;
const VERDICT_QUEUE = -4;

/** Where things are in struct ipt_entry and struct ip6t_entry. */
export interface EntryShape {
  readonly isV6: boolean;
  readonly size: number;
  /** iniface, outiface, their masks. */
  readonly interfaces: number;
  readonly protocol: number;
  readonly flags: number;
  readonly targetOffset: number;
  readonly counters: number;
}

export const SHAPE4: EntryShape = {
  isV6: false,
  size: 112,
  interfaces: 16,
  protocol: 80,
  flags: 82,
  targetOffset: 88,
  counters: 96,
};
export const SHAPE6: EntryShape = {
  isV6: true,
  size: 168,
  interfaces: 64,
  protocol: 128,
  flags: 131,
  targetOffset: 140,
  counters: 152,
};

/** A match or a target as it lies in the blob. */
export interface XtPart {
  readonly name: string;
  readonly revision: number;
  readonly data: DataView;
}

export interface XtEntry {
  readonly offset: number;
  readonly next: number;
  /** Of the 16 bytes of counters. */
  readonly counters: number;
  readonly matches: readonly XtPart[];
  readonly target: XtPart;
  /** Of a standard target: what it says; null for others. */
  readonly verdict: number | null;
  readonly isGoto: boolean;
  readonly protocol: number;
  readonly inverted: number;
  /** No condition on the header and no match. */
  readonly unconditional: boolean;
  /** Bits of hooks from which it can be reached. */
  hooks: number;
}

export interface XtBlob {
  readonly shape: EntryShape;
  readonly bytes: Uint8Array;
  readonly entries: readonly XtEntry[];
  /** Index of an entry by its offset. */
  readonly at: ReadonlyMap<number, number>;
  readonly validHooks: number;
  /** By hook: offsets. */
  readonly entryPoints: readonly number[];
  readonly underflows: readonly number[];
}

export interface XtLayout {
  readonly count: number;
  readonly validHooks: number;
  readonly entryPoints: readonly number[];
  readonly underflows: readonly number[];
}

/** The blob taken apart, or -EINVAL, -ELOOP. `bytes` becomes the blob's. */
export function parseBlob(shape: EntryShape, bytes: Uint8Array, layout: XtLayout): XtBlob | number {
  const entries: XtEntry[] = [];
  const at = new Map<number, number>();
  for (let offset = 0; offset < bytes.length; ) {
    const entry = parseEntry(shape, bytes, offset);
    if (typeof entry === 'number') return entry;
    at.set(offset, entries.length);
    entries.push(entry);
    offset = entry.next;
  }
  if (entries.length !== layout.count) return -EINVAL;
  const { validHooks, entryPoints, underflows } = layout;
  for (let hook = 0; hook < HOOKS; hook++) {
    if ((validHooks & (1 << hook)) === 0) continue;
    const underflow = entries[at.get(underflows[hook] as number) ?? -1];
    if (!at.has(entryPoints[hook] as number) || underflow === undefined) return -EINVAL;
    const policy = underflow.verdict === VERDICT_ACCEPT || underflow.verdict === VERDICT_DROP;
    if (!underflow.unconditional || !policy) return -EINVAL;
  }
  const blob = { shape, bytes, entries, at, validHooks, entryPoints, underflows };
  for (let hook = 0; hook < HOOKS; hook++) {
    if ((validHooks & (1 << hook)) === 0) continue;
    if (!markReachable(blob, at.get(entryPoints[hook] as number) as number, hook)) return -ELOOP;
  }
  return blob;
}

function parseEntry(shape: EntryShape, bytes: Uint8Array, offset: number): XtEntry | number {
  const limit = bytes.length;
  if ((offset & 7) !== 0 || offset + shape.size >= limit) return -EINVAL;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = view.getUint16(offset + shape.targetOffset, true);
  const length = view.getUint16(offset + shape.targetOffset + 2, true);
  if (offset + length > limit || length < shape.size + EXTENSION_HEADER) return -EINVAL;
  const flags = view.getUint8(offset + shape.flags);
  const inverted = view.getUint8(offset + shape.flags + 1);
  if ((flags & ~(shape.isV6 ? IP6T_F_MASK : IPT_F_MASK)) !== 0 || (inverted & ~IPT_INV_MASK) !== 0)
    return -EINVAL;
  if (target < shape.size || target + EXTENSION_HEADER > length) return -EINVAL;
  const matches = parseMatches(bytes, offset + shape.size, offset + target);
  if (typeof matches === 'number') return matches;
  const part = parsePart(bytes, offset + target, offset + length);
  if (typeof part === 'number') return part;
  const verdict = verdictOf(part);
  if (Number.isNaN(verdict)) return -EINVAL;
  return {
    offset,
    next: offset + length,
    counters: offset + shape.counters,
    matches,
    target: part,
    verdict,
    isGoto: (flags & (shape.isV6 ? IP6T_F_GOTO : IPT_F_GOTO)) !== 0,
    protocol: view.getUint16(offset + shape.protocol, true),
    inverted,
    unconditional: matches.length === 0 && isZero(bytes, offset, shape),
    hooks: 0,
  };
}

/** Nothing in the header asks for anything. IPv6's flags may say that the protocol matters. */
function isZero(bytes: Uint8Array, offset: number, shape: EntryShape): boolean {
  const end = offset + shape.flags + 2;
  for (let i = offset; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

function parseMatches(bytes: Uint8Array, from: number, end: number): XtPart[] | number {
  const found: XtPart[] = [];
  for (let at = from; at < end; ) {
    const part = parsePart(bytes, at, end);
    if (typeof part === 'number') return part;
    found.push(part);
    at += part.data.byteLength + EXTENSION_HEADER;
  }
  return found;
}

/** struct xt_entry_match, xt_entry_target: size, name, revision, data. */
function parsePart(bytes: Uint8Array, at: number, end: number): XtPart | number {
  if (at + EXTENSION_HEADER > end || (at & 7) !== 0) return -EINVAL;
  const size = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  if (size < EXTENSION_HEADER || at + size > end) return -EINVAL;
  return {
    name: fixedText(bytes, at + 2),
    revision: bytes[at + 31] as number,
    data: new DataView(bytes.buffer, bytes.byteOffset + at + EXTENSION_HEADER, size - EXTENSION_HEADER),
  };
}

/** Of a standard target; null for others; NaN when it is none that Linux takes. */
function verdictOf(target: XtPart): number | null {
  if (target.name === ERROR_NAME)
    return target.data.byteLength < ERROR_TARGET - EXTENSION_HEADER - 2 ? Number.NaN : null;
  if (target.name !== '') return null;
  if (target.data.byteLength !== STANDARD_TARGET - EXTENSION_HEADER) return Number.NaN;
  const verdict = target.data.getInt32(0, true);
  const known = [VERDICT_DROP, VERDICT_ACCEPT, VERDICT_QUEUE, XT_RETURN];
  return verdict > 0 || known.includes(verdict) ? verdict : Number.NaN;
}

const ON_PATH = 1 << 30;

/** Marks what can be reached from an entry; false when a path leads back to itself, to nowhere, or off the end. */
function markReachable({ entries, at }: XtBlob, start: number, hook: number): boolean {
  const bit = 1 << hook;
  const path: { readonly index: number; step: number }[] = [];
  const enter = (index: number): boolean => {
    const entry = entries[index];
    if (entry === undefined || (entry.hooks & ON_PATH) !== 0) return false;
    if ((entry.hooks & bit) !== 0) return true;
    entry.hooks |= bit | ON_PATH;
    path.push({ index, step: 0 });
    return true;
  };
  if (!enter(start)) return false;
  while (path.length > 0) {
    const top = path[path.length - 1] as { readonly index: number; step: number };
    const entry = entries[top.index] as XtEntry;
    const { verdict } = entry;
    const jumps = verdict !== null && verdict >= 0 && verdict !== entry.next;
    const ends = (verdict !== null && verdict < 0 && entry.unconditional) || entry.target.name === ERROR_NAME;
    top.step++;
    if (top.step === 1 && jumps && !enter(at.get(verdict) ?? -1)) return false;
    if (top.step === 2 && !ends && !enter(top.index + 1)) return false;
    if (top.step < 3) continue;
    entry.hooks &= ~ON_PATH;
    path.pop();
  }
  return true;
}
