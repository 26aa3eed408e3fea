// System calls of one address space that were patched (call-site.ts): the jumps, the trampolines that they lead to, and how all of it is
// taken back. Trampolines are pages of our own in the program's memory, within reach of a jump: it can see them and unmap them, not write them.
//
// Nothing that the program or the host's signals can see says that a task is in a trampoline: `siteAt` tells, and the task is put in front of
// the `syscall` instruction, where the jump would have led without a patch.
import { PROT_EXEC, PROT_READ } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import type { CodePatches, MemoryManager } from '@sandbox-kernel/mm';
import {
  JUMP_SIZE,
  jumpCode,
  SITE_LENGTHS,
  SITE_WINDOW,
  type SiteKind,
  siteKind,
  TRAMPOLINE_HEADER,
  TRAMPOLINE_SIZE,
  trampolineCode,
  trampolineHeader,
} from './call-site.js';

/** Most patches of one address space: a program that keeps loading and unloading code gets no more. */
const MAX_SITES = 1024;
/** A little less than a jump can reach. */
const REACH = 2 ** 31 - 2 ** 20;

/** Patches this close to each other are in one span. */
const SPAN_GAP = 2 ** 18;

export interface CallSite {
  readonly kind: SiteKind;
  /** Where the move was, and where the program goes on after the call. */
  readonly start: number;
  readonly next: number;
  readonly number: number;
  readonly trampoline: number;
  readonly original: Uint8Array;
}

/** A page of trampolines: where the program sees it, where it is in the memory file, and how far it is used. */
interface TrampolinePage {
  readonly address: number;
  readonly offset: number;
  used: number;
}

export class CallPatches implements CodePatches {
  readonly #entry: number;
  /** By start. */
  readonly #sites: Map<number, CallSite>;
  /** By trampoline; also those whose jump was taken back, since a task may still be there. */
  readonly #trampolines: Map<number, CallSite>;
  #pages: TrampolinePage[];
  /** (start, end) pairs around all of them: most changes of an address space are elsewhere. */
  readonly #spans: number[];

  /** `entry`: PlatformFeatures.patchEntry. */
  constructor(entry: number, from: CallPatches | null = null) {
    this.#entry = entry;
    this.#sites = new Map(from === null ? [] : from.#sites);
    this.#trampolines = new Map(from === null ? [] : from.#trampolines);
    this.#pages = [];
    this.#spans = from === null ? [] : from.#spans.slice();
  }

  get size(): number {
    return this.#sites.size;
  }

  /** Patches the call `number` that returns to `next`, when it can be. */
  add(mm: MemoryManager, next: number, number: number): boolean {
    if (this.#trampolines.size >= MAX_SITES) return false;
    const window = readWindow(mm, next);
    const kind = window === null ? null : siteKind(window, number);
    if (window === null || kind === null) return false;
    const start = next - SITE_LENGTHS[kind];
    if (crossesPage(start) || !mm.isFileCode(start, next)) return false;
    const page = this.#pageNear(mm, start);
    if (page === null) return false;
    const at = page.used;
    const from = SITE_WINDOW - SITE_LENGTHS[kind];
    const original = window.slice(from, from + JUMP_SIZE);
    const site: CallSite = { kind, start, next, number, trampoline: page.address + at, original };
    mm.file.chunk(page.offset).set(trampolineCode(kind, at, next, number), (page.offset % CHUNK_SIZE) + at);
    page.used += TRAMPOLINE_SIZE;
    this.#trampolines.set(site.trampoline, site);
    this.#widen(start, next);
    if (mm.replaceCode(start, jumpCode(start, site.trampoline)) < 0) return false;
    this.#sites.set(start, site);
    return true;
  }

  /** The site in whose trampoline `rip` is, or null. */
  siteAt(rip: number): CallSite | null {
    return this.#trampolines.get(rip - (rip % TRAMPOLINE_SIZE)) ?? null;
  }

  leave(mm: MemoryManager, start: number, end: number, gone: boolean): void {
    if (!this.#touches(start, end)) return;
    for (const site of this.#sites.values()) {
      const inside = site.start < end && site.next > start;
      const led = site.trampoline >= start && site.trampoline < end;
      if (!inside && !led) continue;
      if (!(inside && gone)) takeBack(mm, site);
      this.#sites.delete(site.start);
    }
    if (!gone) return;
    this.#pages = this.#pages.filter((page) => !isIn(page.address, start, end));
    for (const at of this.#trampolines.keys()) if (isIn(at, start, end)) this.#trampolines.delete(at);
  }

  fork(): CallPatches {
    return new CallPatches(this.#entry, this);
  }

  #touches(start: number, end: number): boolean {
    const spans = this.#spans;
    for (let i = 0; i < spans.length; i += 2) if (spans[i]! < end && spans[i + 1]! > start) return true;
    return false;
  }

  #widen(start: number, end: number): void {
    const spans = this.#spans;
    for (let i = 0; i < spans.length; i += 2) {
      if (start < spans[i]! - SPAN_GAP || end > spans[i + 1]! + SPAN_GAP) continue;
      spans[i] = Math.min(spans[i]!, start);
      spans[i + 1] = Math.max(spans[i + 1]!, end);
      return;
    }
    spans.push(start, end);
  }

  #pageNear(mm: MemoryManager, start: number): TrampolinePage | null {
    for (const page of this.#pages) {
      if (page.used < PAGE_SIZE && Math.abs(page.address - start) < REACH) return page;
    }
    const address = mm.freePageBelow(start, REACH);
    const offset = address < 0 ? -1 : mm.file.allocate(PAGE_SIZE);
    if (offset < 0) return null;
    const at = offset % CHUNK_SIZE;
    const content = mm.file.chunk(offset).subarray(at, at + PAGE_SIZE);
    content.fill(0xcc).set(trampolineHeader(this.#entry));
    const mapped = mm.mapSpecial(address, PAGE_SIZE, PROT_READ | PROT_EXEC, offset, '[syscalls]');
    // From now on the mapping holds it, here and in children.
    mm.file.release(offset, PAGE_SIZE);
    if (mapped < 0) return null;
    const page = { address, offset, used: TRAMPOLINE_HEADER };
    this.#pages.push(page);
    this.#widen(address, address + PAGE_SIZE);
    return page;
  }
}

function isIn(address: number, start: number, end: number): boolean {
  return address >= start && address < end;
}

function crossesPage(start: number): boolean {
  return (start % PAGE_SIZE) + JUMP_SIZE > PAGE_SIZE;
}

/** What stands before `next`; no-ops for what is out of reach of the site itself. */
function readWindow(mm: MemoryManager, next: number): Uint8Array | null {
  const window = new Uint8Array(SITE_WINDOW);
  if (mm.readForced(next - SITE_WINDOW, window, 0, SITE_WINDOW) === SITE_WINDOW) return window;
  const few = 7;
  window.fill(0x90);
  return mm.readForced(next - few, window, SITE_WINDOW - few, few) === few ? window : null;
}

/** Puts the move back, when the jump is still there. */
function takeBack(mm: MemoryManager, site: CallSite): void {
  const jump = jumpCode(site.start, site.trampoline);
  const found = new Uint8Array(JUMP_SIZE);
  if (mm.readForced(site.start, found, 0, JUMP_SIZE) !== JUMP_SIZE) return;
  if (found.every((byte, i) => byte === jump[i])) mm.replaceCode(site.start, site.original);
}
