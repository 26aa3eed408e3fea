// The pages behind areas ("page ranges"): which range of the memory file or of a host file stands at which address, and keeping the
// platform in step. Rule 1: a page range in the table is mapped, with `installedProt`. Rule 2: what is copy-on-write, or a file's and not
// asked for with `write`, is mapped without PROT_WRITE in its maximum. Rule 3: pages are released only after the platform has dropped them:
// by a flush, or because a context has gone to the program and come back since (the commands run before it does).
import { PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, MEMORY_FILE } from '@sandbox-kernel/contracts';
import {
  PAGE_COW,
  PAGE_OWNED,
  PAGE_PROTECTED,
  PAGE_WRITABLE,
  VM_MAY_SHIFT,
  VM_PROT,
  VM_SHARED,
} from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';

/** May the platform let the program write these pages? */
export function mayWritePages(areaFlags: number, pageFlags: number): boolean {
  if (pageFlags & PAGE_PROTECTED) return false;
  if (pageFlags & PAGE_OWNED) return (pageFlags & PAGE_COW) === 0;
  return (pageFlags & PAGE_WRITABLE) !== 0 && (areaFlags & VM_SHARED) !== 0;
}

export function installedProt(areaFlags: number, pageFlags: number): number {
  if (!(areaFlags & VM_PROT)) return 0;
  // x86-64 without protection keys: what can be accessed at all can be read.
  const prot = (areaFlags & VM_PROT) | PROT_READ;
  return mayWritePages(areaFlags, pageFlags) ? prot : prot & ~PROT_WRITE;
}

function maximumProt(areaFlags: number, pageFlags: number): number {
  const may = (areaFlags >> VM_MAY_SHIFT) & VM_PROT;
  return mayWritePages(areaFlags, pageFlags) ? may : may & ~PROT_WRITE;
}

/** Adds a page range and merges it with its neighbours. Pre: nothing is there. Not yet installed. */
export function addPages(
  mm: MemoryManager,
  start: number,
  length: number,
  fd: number,
  offset: number,
  flags: number,
): void {
  const pages = mm.pages;
  const i = pages.find(start);
  const end = start + length;
  countPages(mm, fd, flags, length);
  const joinsBefore = i > 0 && pages.end[i - 1] === start && isContinued(mm, i - 1, fd, offset, flags);
  if (joinsBefore) pages.end[i - 1] = end;
  else pages.insert(i, start, end, offset, flags, fd);
  const k = joinsBefore ? i - 1 : i;
  const n = k + 1;
  if (n >= pages.count || pages.start[n] !== end) return;
  if (!isContinued(mm, k, pages.fd[n]!, pages.offset[n]!, pages.flags[n]!)) return;
  pages.end[k] = pages.end[n]!;
  pages.remove(n, 1);
}

/** Would (fd, offset, flags) go on where page range `i` ends? Ranges of the memory file stay within a chunk. */
function isContinued(mm: MemoryManager, i: number, fd: number, offset: number, flags: number): boolean {
  const pages = mm.pages;
  if (pages.fd[i] !== fd || pages.flags[i] !== flags) return false;
  if (pages.offset[i]! + (pages.end[i]! - pages.start[i]!) !== offset) return false;
  return fd !== MEMORY_FILE || offset % CHUNK_SIZE !== 0;
}

/** Keeps the resident figures. */
export function countPages(mm: MemoryManager, fd: number, flags: number, bytes: number): void {
  const sizes = mm.sizes;
  if (flags & PAGE_OWNED) sizes.rssAnonymous += bytes;
  else if (fd === MEMORY_FILE) sizes.rssShared += bytes;
  else sizes.rssFile += bytes;
  const rss = sizes.rssAnonymous + sizes.rssShared + sizes.rssFile;
  if (rss > sizes.rssPeak) sizes.rssPeak = rss;
}

/** Takes page ranges [start, end) out of the table and the platform; owned pages are released at the next `settle`. */
export function dropPages(mm: MemoryManager, start: number, end: number): void {
  const from = mm.pages.cut(start);
  const to = mm.pages.cut(end);
  if (from === to) return;
  removePages(mm, from, to, unmapPages(mm, from, to));
}

/**
 * Has the platform unmap page ranges [from, to), and nothing outside them: a program may ask for more than the platform calls the guest's.
 * False: it refused.
 */
export function unmapPages(mm: MemoryManager, from: number, to: number): boolean {
  const start = mm.pages.start[from]!;
  return mm.space.unmap(start, mm.pages.end[to - 1]! - start) >= 0;
}

/** As `dropPages`, for a caller who maps something else over the range at once. */
export function replacePages(mm: MemoryManager, start: number, end: number): void {
  const from = mm.pages.cut(start);
  removePages(mm, from, mm.pages.cut(end), true);
}

function removePages(mm: MemoryManager, from: number, to: number, unmapped: boolean): void {
  const pages = mm.pages;
  for (let i = from; i < to; i++) {
    const length = pages.end[i]! - pages.start[i]!;
    countPages(mm, pages.fd[i]!, pages.flags[i]!, -length);
    if (pages.flags[i]! & PAGE_OWNED) bury(mm, pages.offset[i]!, length, unmapped);
    else if (pages.fd[i] === MEMORY_FILE) mm.filePagesDropped = true;
  }
  pages.remove(from, to - from);
  touched(mm);
  mm.graveGeneration = mm.generation;
}

/**
 * Our claim on the pages ends, but contexts that run may still reach them; for ever, when the platform could not unmap them: then they stay
 * ours until the address space ends.
 */
export function bury(mm: MemoryManager, offset: number, length: number, unmapped: boolean): void {
  if (!unmapped) {
    mm.lost.push(offset, length);
    return;
  }
  mm.graveyard.push(offset, length);
  mm.graveBytes += length;
  mm.file.graveBytes += length;
}

/** Makes sure that no context can reach dropped pages any more, and releases them. 0, or -errno: nothing is sure. */
export function flush(mm: MemoryManager): number {
  mm.filePagesDropped = false;
  const result = mm.space.flush();
  if (result < 0) {
    mm.lost.push(...mm.graveyard);
    mm.graveyard.length = 0;
    mm.file.graveBytes -= mm.graveBytes;
    mm.graveBytes = 0;
  } else empty(mm);
  return result;
}

function empty(mm: MemoryManager): void {
  const graveyard = mm.graveyard;
  for (let k = 0; k < graveyard.length; k += 2) mm.file.release(graveyard[k]!, graveyard[k + 1]!);
  graveyard.length = 0;
  mm.file.graveBytes -= mm.graveBytes;
  mm.graveBytes = 0;
}

/** What is mapped changed: cached windows are void, and faults of contexts that ran before are judged again. */
export function touched(mm: MemoryManager): void {
  mm.generation++;
  mm.window.clear();
}

/** Ends each operation: many dropped pages are released now, few when a context arrives that proves that they are out of reach. */
export function settle(mm: MemoryManager): void {
  if (mm.graveyard.length > 0 && mm.graveBytes > mm.tuning.deferBytes) flush(mm);
}

/**
 * A context trapped that was last resumed at `generation`. Commands queued before that have been carried out, so that pages which were
 * dropped before it can't be reached by any context of the space.
 */
export function arrived(mm: MemoryManager, generation: number): void {
  if (generation < mm.graveGeneration) return;
  mm.filePagesDropped = false;
  if (mm.graveyard.length > 0) empty(mm);
}

/**
 * Has the platform map all page ranges in [start, end) as the table says, in as few commands as there are contiguous runs with
 * the same rights. 0 or the first -errno.
 */
export function install(mm: MemoryManager, start: number, end: number): number {
  const { areas, pages } = mm;
  const run = mm.run;
  run.length = 0;
  let result = 0;
  let a = areas.find(start);
  for (let i = pages.find(start); i < pages.count && pages.start[i]! < end; i++) {
    let at = Math.max(start, pages.start[i]!);
    const stop = Math.min(end, pages.end[i]!);
    while (at < stop) {
      while (areas.end[a]! <= at) a++;
      const ready = at >= mm.readyStart && at < mm.readyEnd;
      const border = ready ? mm.readyEnd : at < mm.readyStart ? mm.readyStart : stop;
      const to = Math.min(stop, areas.end[a]!, border);
      const offset = pages.offset[i]! + (at - pages.start[i]!);
      const area = areas.flags[a]!;
      const page = pages.flags[i]!;
      const prot = installedProt(area, page);
      const maximum = maximumProt(area, page);
      if (!run.extend(at, to - at, pages.fd[i]!, offset, prot, maximum, ready)) {
        result = Math.min(result, run.send(mm.space));
        run.begin(at, to - at, pages.fd[i]!, offset, prot, maximum, ready);
      }
      at = to;
    }
  }
  mm.readyStart = 0;
  mm.readyEnd = 0;
  touched(mm);
  return Math.min(result, run.send(mm.space));
}

/** [start, end) is about to be installed, and the host has memory behind all of it. The last such range of an operation counts. */
export function markReady(mm: MemoryManager, start: number, end: number): void {
  if (start === mm.readyEnd) mm.readyEnd = end;
  else {
    mm.readyStart = start;
    mm.readyEnd = end;
  }
}
