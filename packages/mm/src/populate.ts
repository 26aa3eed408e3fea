// Getting pages for addresses that have none yet, and write access to pages that are copy-on-write: the work behind faults, eager
// mapping, MAP_POPULATE and the sentry's own access. Works on the tables only; the caller installs [mm.lowChanged, mm.highChanged).
import { ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, MEMORY_FILE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { blockDown } from './addresses.js';
import {
  PAGE_COW,
  PAGE_OWNED,
  PAGE_WRITABLE,
  VM_HUGEPAGE,
  VM_NOHUGEPAGE,
  VM_SHARED,
  VM_UFFD,
} from './area-flags.js';
import { checkMonitor } from './fault-monitor.js';
import { OWNER_PRIVATE } from './memory-file.js';
import type { MemoryManager } from './memory-manager.js';
import { addPages, markReady, mayWritePages, replacePages } from './pages.js';

/** Runs of a scattered file that one fault may map. */
const MAX_RUNS = 16;

function changed(mm: MemoryManager, start: number, end: number): void {
  if (start < mm.lowChanged) mm.lowChanged = start;
  if (end > mm.highChanged) mm.highChanged = end;
}

/**
 * Makes `page` of area `a` present, with write access when `write`. 0; -EIO: the file ends before it; -ENOMEM, -ENOSPC; FAULT_WAITS,
 * FAULT_SIGBUS: its monitor answers.
 * Pre: the area's protection was checked. Post: pages are in the table, perhaps more than this one.
 */
export function makePresent(mm: MemoryManager, a: number, page: number, write: boolean): number {
  if (mm.areas.flags[a]! & VM_UFFD) {
    const result = checkMonitor(mm, a, page, write);
    if (result < 0) return result;
  }
  let i = mm.pages.at(page);
  if (i < 0) {
    const result =
      mm.areas.files[a] === null ? populateAnonymous(mm, a, page) : populateFile(mm, a, page, write);
    if (result < 0) return result;
    i = mm.pages.at(page);
  }
  if (!write || mayWritePages(mm.areas.flags[a]!, mm.pages.flags[i]!)) return 0;
  return mm.areas.flags[a]! & VM_SHARED ? upgradeShared(mm, a, i, page) : breakCopyOnWrite(mm, a, i, page);
}

/** End of the hole in the page table that `page` lies in, at most `limit`. */
function holeEnd(mm: MemoryManager, page: number, limit: number): number {
  const i = mm.pages.find(page);
  return i < mm.pages.count ? Math.min(limit, mm.pages.start[i]!) : limit;
}

function holeStart(mm: MemoryManager, page: number, limit: number): number {
  const i = mm.pages.find(page);
  return i > 0 ? Math.max(limit, mm.pages.end[i - 1]!) : limit;
}

function populateAnonymous(mm: MemoryManager, a: number, page: number): number {
  const start = mm.areas.start[a]!;
  const end = mm.areas.end[a]!;
  if (mm.areas.flags[a]! & VM_UFFD) return fillAnonymous(mm, page, page + PAGE_SIZE, page);
  const block = mm.tuning.faultBlock;
  const whole = end - start <= mm.tuning.eagerBytes;
  const low = whole ? start : Math.max(start, blockDown(page, block));
  const high = whole ? end : Math.min(end, blockDown(page, block) + block);
  const from = holeStart(mm, page, low);
  const to = holeEnd(mm, page, high);
  const result = fillAnonymous(mm, from, to, page);
  const fresh = result === 0 && !mm.file.reused && to - from === block;
  if (fresh && wantsBlock(mm, a, from, block)) prepare(mm, from, block, false);
  return result;
}

/** A program that writes memory from start to end has the host's pages made ready block by block, and so has one that asks for huge pages. */
function wantsBlock(mm: MemoryManager, a: number, start: number, bytes: number): boolean {
  const flags = mm.areas.flags[a]!;
  if (flags & (VM_HUGEPAGE | VM_NOHUGEPAGE)) return (flags & VM_HUGEPAGE) !== 0;
  return isTouched(mm, start - bytes, bytes);
}

/**
 * Has the host put memory behind [start, start + bytes), if that is one run of the memory file. `now`: it is to be there when this operation ends;
 * otherwise the program's own faults bring small pages one by one, which is cheaper than to clear them long before they are used.
 */
export function prepare(mm: MemoryManager, start: number, bytes: number, now: boolean): void {
  const i = mm.pages.at(start);
  if (i < 0 || mm.pages.fd[i] !== MEMORY_FILE || mm.pages.end[i]! < start + bytes) return;
  if (!mm.file.prepare(mm.pages.offset[i]! + (start - mm.pages.start[i]!), bytes) && !now) return;
  markReady(mm, start, start + bytes);
  changed(mm, start, start + bytes);
}

/** Was the block before this one written to, as far as its first, middle and last page tell? */
function isTouched(mm: MemoryManager, start: number, bytes: number): boolean {
  const { pages, file } = mm;
  for (const at of [start, start + bytes / 2, start + bytes - PAGE_SIZE]) {
    const i = pages.at(at);
    if (i < 0 || !(pages.flags[i]! & PAGE_OWNED)) return false;
    if (!file.isPresent(pages.offset[i]! + (at - pages.start[i]!))) return false;
  }
  return true;
}

/** Puts fresh zeroed pages into the hole [low, high); when that is too much, at least into `page`. */
export function fillAnonymous(mm: MemoryManager, low: number, high: number, page: number): number {
  const length = Math.min(high - low, CHUNK_SIZE);
  const offset = mm.file.allocate(length, OWNER_PRIVATE);
  if (offset >= 0) {
    addPages(mm, low, length, MEMORY_FILE, offset, PAGE_OWNED);
    changed(mm, low, low + length);
    if (mm.file.reused) markReady(mm, low, low + length);
    return 0;
  }
  const single = mm.file.allocate(PAGE_SIZE, OWNER_PRIVATE);
  if (single < 0) return -ENOMEM;
  addPages(mm, page, PAGE_SIZE, MEMORY_FILE, single, PAGE_OWNED);
  changed(mm, page, page + PAGE_SIZE);
  return 0;
}

/** Maps the file around `page`; only what `page` itself needs can fail. */
function populateFile(mm: MemoryManager, a: number, page: number, write: boolean): number {
  const start = mm.areas.start[a]!;
  const end = mm.areas.end[a]!;
  if (mm.areas.flags[a]! & VM_UFFD) {
    const alone = translateRun(mm, a, page, page + PAGE_SIZE, write);
    return alone < 0 ? alone : 0;
  }
  const block = mm.tuning.fileBlock;
  const low = holeStart(mm, page, Math.max(start, blockDown(page, block)));
  const high = holeEnd(mm, page, Math.min(end, blockDown(page, block) + block));
  const result = translateRun(mm, a, page, high, write);
  if (result < 0) return result;
  let at = result;
  for (let n = 1; n < MAX_RUNS && at > 0 && at < high; n++) at = translateRun(mm, a, at, high, false);
  at = low;
  for (let n = 0; n < MAX_RUNS && at >= 0 && at < page; n++) at = translateRun(mm, a, at, page, false);
  return 0;
}

/** Adds the contiguous run of the file that `page` starts, up to `limit`. The address after it, or -errno. */
export function translateRun(
  mm: MemoryManager,
  a: number,
  page: number,
  limit: number,
  write: boolean,
): number {
  const { areas, backing } = mm;
  const shared = (areas.flags[a]! & VM_SHARED) !== 0;
  const offset = areas.offset[a]! + (page - areas.start[a]!);
  const result = areas.files[a]!.translate(offset, limit - page, write && shared, backing);
  if (result < 0) return result;
  let length = Math.min(limit - page, backing.length);
  if (backing.fd === MEMORY_FILE) length = Math.min(length, CHUNK_SIZE - (backing.offset % CHUNK_SIZE));
  addPages(mm, page, length, backing.fd, backing.offset, write && shared ? PAGE_WRITABLE : 0);
  changed(mm, page, page + length);
  return page + length;
}

/** A first write to a page of a shared mapping that was mapped for reading. */
function upgradeShared(mm: MemoryManager, a: number, i: number, page: number): number {
  const areas = mm.areas;
  const block = mm.tuning.copyBlock;
  const limit = Math.min(areas.end[a]!, mm.pages.end[i]!, blockDown(page, block) + block);
  const offset = areas.offset[a]! + (page - areas.start[a]!);
  const result = areas.files[a]!.translate(offset, limit - page, true, mm.backing);
  if (result < 0) return result;
  const { fd, offset: where } = mm.backing;
  const length = Math.min(limit - page, mm.backing.length);
  replacePages(mm, page, page + length);
  addPages(mm, page, length, fd, where, PAGE_WRITABLE);
  changed(mm, page, page + length);
  return 0;
}

/** A write to a private page that others own too, or that is still the file's. */
function breakCopyOnWrite(mm: MemoryManager, a: number, i: number, page: number): number {
  const { areas, pages } = mm;
  const low = Math.max(areas.start[a]!, pages.start[i]!);
  const high = Math.min(areas.end[a]!, pages.end[i]!);
  const owned = (pages.flags[i]! & PAGE_OWNED) !== 0;
  const base = pages.offset[i]! - pages.start[i]!;
  if (owned && mm.file.references(base + page) === 1) return takeOver(mm, i, low, high, page);
  const block = owned ? mm.tuning.copyBlock : mm.tuning.fileCopyBlock;
  const start = Math.max(low, blockDown(page, block));
  let end = Math.min(high, blockDown(page, block) + block);
  // Pages of the block that are ours alone need no copy; stop in front of them.
  if (owned) end = page + mm.file.runLength(base + page, end - page, false);
  const from = owned ? runStart(mm, base, start, page, false) : start;
  return copyPages(mm, a, i, from, end, page);
}

/** First page of the run before `page`, down to `low`, whose pages have one owner (`sole`) or several. */
function runStart(mm: MemoryManager, base: number, low: number, page: number, sole: boolean): number {
  let at = page;
  while (at > low && (mm.file.references(base + at - PAGE_SIZE) === 1) === sole) at -= PAGE_SIZE;
  return at;
}

/** Everyone else is gone: the pages around become writable as they are. */
function takeOver(mm: MemoryManager, i: number, low: number, high: number, page: number): number {
  const { pages, file } = mm;
  const base = pages.offset[i]! - pages.start[i]!;
  const fd = pages.fd[i]!;
  const block = mm.tuning.faultBlock;
  const start = runStart(mm, base, Math.max(low, blockDown(page, block)), page, true);
  const end = page + file.runLength(base + page, Math.min(high, blockDown(page, block) + block) - page, true);
  const from = pages.cut(start);
  const to = pages.cut(end);
  const flags = pages.flags[from]! & ~PAGE_COW;
  pages.remove(from, to - from);
  mm.sizes.rssAnonymous -= end - start;
  addPages(mm, start, end - start, fd, base + start, flags);
  changed(mm, start, end);
  return 0;
}

/** Gives `page` a fresh copy of its own, whoever owns it now. Pre: it is present. 0 or -errno. */
export function duplicatePage(mm: MemoryManager, a: number, page: number): number {
  return copyPages(mm, a, mm.pages.at(page), page, page + PAGE_SIZE, page);
}

function copyPages(mm: MemoryManager, a: number, i: number, low: number, high: number, page: number): number {
  let start = low;
  let length = high - low;
  let target = mm.file.allocateToFill(length, OWNER_PRIVATE);
  if (target < 0) {
    start = page;
    length = PAGE_SIZE;
    target = mm.file.allocateToFill(length, OWNER_PRIVATE);
    if (target < 0) return -ENOMEM;
  }
  const result = copyContent(mm, a, i, start, length, target);
  if (result < 0) {
    mm.file.release(target, length);
    return result;
  }
  replacePages(mm, start, start + length);
  addPages(mm, start, length, MEMORY_FILE, target, PAGE_OWNED);
  changed(mm, start, start + length);
  markReady(mm, start, start + length);
  return 0;
}

/** Copies [start, start + length) of page range `i` to offset `target` of the memory file. */
function copyContent(
  mm: MemoryManager,
  a: number,
  i: number,
  start: number,
  length: number,
  target: number,
): number {
  const { areas, pages, file } = mm;
  const into = file.chunk(target);
  const at = target % CHUNK_SIZE;
  if (pages.fd[i] === MEMORY_FILE) {
    const source = pages.offset[i]! + (start - pages.start[i]!);
    const index = source % CHUNK_SIZE;
    into.set(file.chunk(source).subarray(index, index + length), at);
    return 0;
  }
  const mappable = areas.files[a]!;
  const offset = areas.offset[a]! + (start - areas.start[a]!);
  let done = 0;
  while (done < length) {
    const n = mappable.readAt(offset + done, into, at + done, length - done);
    if (n < 0) return n;
    if (n === 0) break;
    done += n;
  }
  into.fill(0, at + done, at + length);
  return 0;
}
