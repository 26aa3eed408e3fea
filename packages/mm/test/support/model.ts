// The naive page map that MemoryManager is tested against: one object per page of each address space, one number as content of a page.
import {
  FAULT_INSTRUCTION,
  FAULT_UNKNOWN,
  FAULT_USER,
  FAULT_WRITE,
  MEMORY_FILE,
  PAGE_SIZE,
} from '@sandbox-kernel/contracts';
import type { MemoryManager } from '@sandbox-kernel/mm';
import { VM_DONTCOPY, VM_EXEC, VM_READ, VM_SHARED, VM_WIPEONFORK, VM_WRITE } from '@sandbox-kernel/mm';
import type { FakeSpace } from './fake-space.js';
import type { World } from './world.js';

/** Where in a page its content is kept. */
export const WORD = 12;

/** A shared object: content by page number. `pages` is where it ends. */
export interface ModelFile {
  readonly content: Map<number, number>;
  pages: number;
  readonly hostBytes: Uint8Array | null;
}

export interface ModelPage {
  prot: number;
  advice: number;
  /** mseal(2). */
  sealed: boolean;
  readonly shared: boolean;
  readonly file: ModelFile | null;
  /** Page number in the file. */
  readonly index: number;
  /** Private content; null: the file's, or zero. */
  own: number | null;
}

export const SIGSEGV = 11;
export const SIGBUS = 7;

export class Model {
  readonly pages: Map<number, ModelPage>;

  constructor() {
    this.pages = new Map();
  }

  content(page: ModelPage): number {
    if (page.own !== null) return page.own;
    return page.file?.content.get(page.index) ?? 0;
  }

  write(page: ModelPage, value: number): void {
    if (page.shared) page.file!.content.set(page.index, value);
    else page.own = value;
  }

  fork(): Model {
    const child = new Model();
    for (const [at, page] of this.pages) {
      if (page.advice & VM_DONTCOPY) continue;
      child.pages.set(at, { ...page, own: page.advice & VM_WIPEONFORK ? null : page.own });
    }
    return child;
  }

  hasSealed(start: number, bytes: number): boolean {
    for (let at = start; at < start + bytes; at += PAGE_SIZE) if (this.pages.get(at)?.sealed) return true;
    return false;
  }

  /** Is there a page at `at` that goes on in the one after it, as one area? */
  continues(at: number): boolean {
    const a = this.pages.get(at);
    const b = this.pages.get(at + PAGE_SIZE);
    if (a === undefined || b === undefined) return false;
    if (a.prot !== b.prot || a.advice !== b.advice || a.shared !== b.shared || a.file !== b.file)
      return false;
    if (a.sealed !== b.sealed) return false;
    return a.file === null || a.index + 1 === b.index;
  }

  areas(): string[] {
    const sorted = [...this.pages.keys()].sort((a, b) => a - b);
    const found: string[] = [];
    for (let i = 0; i < sorted.length; i++) {
      const start = sorted[i]!;
      while (i + 1 < sorted.length && this.continues(sorted[i]!)) i++;
      const page = this.pages.get(start)!;
      found.push(
        `${start.toString(16)}-${(sorted[i]! + PAGE_SIZE).toString(16)} ${page.prot} ${page.shared}`,
      );
    }
    return found;
  }
}

/** Areas as the manager has them, in the same words. */
export function areasOf(mm: MemoryManager): string[] {
  const found: string[] = [];
  for (let i = 0; i < mm.areas.count; i++) {
    const flags = mm.areas.flags[i]!;
    const prot = flags & (VM_READ | VM_WRITE | VM_EXEC);
    const range = `${mm.areas.start[i]!.toString(16)}-${mm.areas.end[i]!.toString(16)}`;
    found.push(`${range} ${prot} ${(flags & VM_SHARED) !== 0}`);
  }
  return found;
}

export type Access = 'read' | 'write' | 'execute';

const NEED: Record<Access, number> = { read: 7, write: VM_WRITE, execute: VM_EXEC };
const CODE: Record<Access, number> = {
  read: FAULT_USER,
  write: FAULT_USER | FAULT_WRITE,
  execute: FAULT_USER | FAULT_INSTRUCTION,
};

/**
 * Does to `page` what a program's instruction would, through what the platform has mapped, faulting as often as needed. The content before
 * the access, or -(signal * 10 + si_code).
 */
export function touch(
  world: World,
  mm: MemoryManager,
  page: number,
  access: Access,
  knows: boolean,
  value: number,
  host: Uint8Array,
): number {
  const space = mm.space as FakeSpace;
  for (let tries = 0; tries < 6; tries++) {
    const mapped = space.pages.get(page);
    if (mapped !== undefined && (mapped.prot & NEED[access]) !== 0) {
      const bytes = mapped.fd === MEMORY_FILE ? world.file.chunk(mapped.offset) : host;
      const at = (mapped.fd === MEMORY_FILE ? mapped.offset % 2 ** 30 : mapped.offset) + WORD;
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, 4);
      const before = view.getUint32(0, true);
      if (access === 'write') view.setUint32(0, value, true);
      return before;
    }
    space.execute();
    const signal = mm.fault(page + WORD, knows ? CODE[access] : FAULT_UNKNOWN, mm.generation);
    if (signal !== 0) return -(signal * 10 + mm.faultCode);
  }
  throw new Error(`no progress on ${access} at ${page.toString(16)}`);
}

/** Every mapping of the platform agrees with the model, content included, and nothing shared or copy-on-write can become writable. */
export function checkMappings(world: World, mm: MemoryManager, model: Model, host: Uint8Array): void {
  const space = mm.space as FakeSpace;
  for (const old of space.stale) {
    if (old.fd === MEMORY_FILE && world.file.references(old.offset) === 0) {
      throw new Error('a page was released that a running context could still reach');
    }
  }
  for (const [addr, mapped] of space.pages) {
    const page = model.pages.get(addr);
    const at = addr.toString(16);
    if (page === undefined) throw new Error(`${at} is mapped, but there is no area`);
    const allowed = page.prot === 0 ? 0 : page.prot | VM_READ;
    if ((mapped.prot & ~allowed) !== 0) throw new Error(`${at} has prot ${mapped.prot} over ${page.prot}`);
    if (mapped.maxProt & VM_WRITE && !page.shared) {
      const sole = mapped.fd === MEMORY_FILE && world.file.references(mapped.offset) === 1;
      if (!sole) throw new Error(`${at} is private, owned by several or a file's, and may become writable`);
    }
    const bytes = mapped.fd === MEMORY_FILE ? world.file.chunk(mapped.offset) : host;
    const index = (mapped.fd === MEMORY_FILE ? mapped.offset % 2 ** 30 : mapped.offset) + WORD;
    const found = new DataView(bytes.buffer, bytes.byteOffset + index, 4).getUint32(0, true);
    const wanted = model.content(page);
    if (found !== wanted) throw new Error(`${at} holds ${found}, not ${wanted}`);
  }
}

/** The tables are sorted, pages lie in areas, and the sizes are the sums. */
export function checkTables(mm: MemoryManager): void {
  const { areas, pages, sizes } = mm;
  let total = 0;
  for (let i = 0; i < areas.count; i++) {
    if (areas.start[i]! >= areas.end[i]!) throw new Error('empty area');
    if (i > 0 && areas.end[i - 1]! > areas.start[i]!) throw new Error('areas overlap');
    total += areas.end[i]! - areas.start[i]!;
  }
  let rss = 0;
  for (let i = 0; i < pages.count; i++) {
    if (i > 0 && pages.end[i - 1]! > pages.start[i]!) throw new Error('page ranges overlap');
    for (let at = pages.start[i]!; at < pages.end[i]!; at += PAGE_SIZE) {
      if (areas.at(at) < 0) throw new Error(`pages at ${at.toString(16)} without an area`);
    }
    rss += pages.end[i]! - pages.start[i]!;
  }
  if (total !== sizes.total) throw new Error(`total is ${sizes.total}, not ${total}`);
  const counted = sizes.rssAnonymous + sizes.rssFile + sizes.rssShared;
  if (rss !== counted) throw new Error(`rss is ${counted}, not ${rss}`);
  if (mm.graveBytes > mm.tuning.deferBytes) throw new Error('too many pages were not released');
}
