// fork(2): the child gets the same areas and shares the pages. Private pages become copy-on-write on both sides; each side's first write
// copies a block, or takes the pages over when the other side is gone. Cost: one mapping command per contiguous writable run.

import { PAGE_COW, PAGE_OWNED, VM_DONTCOPY, VM_LOCKED, VM_LOCKONFAULT, VM_WIPEONFORK } from './area-flags.js';
import { account, registerArea } from './areas.js';
import { forkMonitor } from './fault-monitor.js';
import { InvariantError } from './invariant-error.js';
import type { MemoryManager } from './memory-manager.js';
import { bury, countPages, flush, install, touched, unmapPages } from './pages.js';

const NOT_COPIED = VM_DONTCOPY | VM_WIPEONFORK;

/** Takes write access to the private pages that a child will share away from this space's contexts. */
export function protectForCopy(mm: MemoryManager): void {
  const areas = mm.areas;
  let low = 0;
  let high = 0;
  for (let a = 0; a < areas.count; a++) {
    if (areas.flags[a]! & NOT_COPIED) continue;
    const start = areas.start[a]!;
    const end = areas.end[a]!;
    if (!markShared(mm, start, end)) continue;
    if (start !== high) {
      if (low < high) install(mm, low, high);
      low = start;
    }
    high = end;
  }
  if (low < high) install(mm, low, high);
}

/** Marks owned pages of [start, end) copy-on-write. True when there was one that was not. */
function markShared(mm: MemoryManager, start: number, end: number): boolean {
  const pages = mm.pages;
  let any = false;
  const to = pages.cut(end);
  for (let i = pages.cut(start); i < pages.count && pages.start[i]! < end; i++) {
    if ((pages.flags[i]! & (PAGE_OWNED | PAGE_COW)) !== PAGE_OWNED) continue;
    pages.flags[i]! |= PAGE_COW;
    any = true;
  }
  return any && to >= 0;
}

/** Fills the fresh manager `child`, whose address space starts as a copy of this one's. */
export function copyInto(mm: MemoryManager, child: MemoryManager): void {
  child.monitored = mm.monitored;
  child.patches = mm.patches === null ? null : mm.patches.fork();
  child.startBrk = mm.startBrk;
  child.currentBrk = mm.currentBrk;
  child.startCode = mm.startCode;
  child.endCode = mm.endCode;
  child.startData = mm.startData;
  child.endData = mm.endData;
  child.startStack = mm.startStack;
  child.argStart = mm.argStart;
  child.argEnd = mm.argEnd;
  child.envStart = mm.envStart;
  child.envEnd = mm.envEnd;
  copyPages(mm, child);
  copyAreas(mm, child);
  // Nothing runs there yet.
  if (child.graveyard.length > 0) flush(child);
  touched(child);
}

function copyAreas(mm: MemoryManager, child: MemoryManager): void {
  const { areas, space } = mm;
  for (let a = 0; a < areas.count; a++) {
    const start = areas.start[a]!;
    const end = areas.end[a]!;
    const old = areas.flags[a]!;
    if (old & NOT_COPIED) leaveBehind(child, start, end);
    if (old & VM_DONTCOPY) continue;
    const flags = old & ~(VM_LOCKED | VM_LOCKONFAULT);
    const file = areas.files[a]!;
    const i = child.areas.count;
    child.areas.add(i, start, end, areas.offset[a]!, flags, file, areas.names[a]!);
    account(child, flags, file, end - start);
    registerArea(child, i);
    const monitor = areas.monitors[a]!;
    if (monitor !== null) forkMonitor(child, i, monitor);
  }
  child.sizes.totalPeak = child.sizes.total;
  if (space === child.space) throw new InvariantError('fork: the child has its parent’s address space');
}

/** The child has no pages of [start, end), though its platform space does. */
function leaveBehind(child: MemoryManager, start: number, end: number): void {
  const pages = child.pages;
  const from = pages.cut(start);
  const to = pages.cut(end);
  if (from === to) return;
  const unmapped = unmapPages(child, from, to);
  for (let i = from; i < to; i++) {
    const length = pages.end[i]! - pages.start[i]!;
    countPages(child, pages.fd[i]!, pages.flags[i]!, -length);
    if (pages.flags[i]! & PAGE_OWNED) bury(child, pages.offset[i]!, length, unmapped);
  }
  pages.remove(from, to - from);
}

function copyPages(mm: MemoryManager, child: MemoryManager): void {
  const pages = child.pages;
  pages.copyFrom(mm.pages);
  for (let i = 0; i < pages.count; i++) {
    const length = pages.end[i]! - pages.start[i]!;
    countPages(child, pages.fd[i]!, pages.flags[i]!, length);
    if (pages.flags[i]! & PAGE_OWNED) child.file.retain(pages.offset[i]!, length);
  }
}
