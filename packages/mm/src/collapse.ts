// madvise(2) MADV_COLLAPSE: blocks of 2 MiB of private anonymous memory move to a place in the memory file where the host can have a huge page.
// As in Linux it is for whole blocks, copies what is shared copy-on-write, and refuses memory that nothing is behind. Files are refused, as by a
// kernel whose page cache has no huge pages.
import { EINVAL, ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, MEMORY_FILE } from '@sandbox-kernel/contracts';
import { blockDown } from './addresses.js';
import { PAGE_OWNED, PAGE_PROTECTED, VM_NOHUGEPAGE, VM_SPECIAL, VM_UFFD } from './area-flags.js';
import { OWNER_PRIVATE } from './memory-file.js';
import type { MemoryManager } from './memory-manager.js';
import { addPages, flush, install, markReady, replacePages, unmapPages } from './pages.js';

/** Collapses the whole blocks of [start, end), which lies in area `a`. 0 or -errno. */
export function collapse(mm: MemoryManager, a: number, start: number, end: number): number {
  if (mm.areas.files[a] !== null || mm.areas.flags[a]! & (VM_NOHUGEPAGE | VM_SPECIAL | VM_UFFD))
    return -EINVAL;
  const block = mm.tuning.faultBlock;
  const first = blockDown(start + block - 1, block);
  // Linux refuses a range inside one block, but not one that only touches its edge.
  if (blockDown(end, block) < first) return -EINVAL;
  let error = 0;
  for (let at = first; at + block <= end; at += block) {
    const result = collapseBlock(mm, at);
    if (result < 0) error = result;
  }
  return error;
}

function collapseBlock(mm: MemoryManager, start: number): number {
  const { pages, file } = mm;
  const block = mm.tuning.faultBlock;
  const end = start + block;
  const from = pages.cut(start);
  const to = pages.cut(end);
  if (from === to || !canMove(mm, from, to)) return -EINVAL;
  if (isHuge(mm, from, to)) {
    file.prepare(pages.offset[from]!, block);
    return 0;
  }
  const target = file.allocateToFill(block, OWNER_PRIVATE);
  if (target < 0) return -ENOMEM;
  // From here on no context can change what is copied.
  if (!unmapPages(mm, from, to) || flush(mm) < 0) {
    file.release(target, block);
    install(mm, start, end);
    return -ENOMEM;
  }
  if (!file.reused) file.prepare(target, block);
  copyBlock(mm, from, to, start, target);
  replacePages(mm, start, end);
  addPages(mm, start, block, MEMORY_FILE, target, PAGE_OWNED);
  markReady(mm, start, end);
  install(mm, start, end);
  return 0;
}

/** Is something there, and all of it ours to move? */
function canMove(mm: MemoryManager, from: number, to: number): boolean {
  const { pages, file } = mm;
  let present = false;
  for (let i = from; i < to; i++) {
    if ((pages.flags[i]! & (PAGE_OWNED | PAGE_PROTECTED)) !== PAGE_OWNED) return false;
    const length = pages.end[i]! - pages.start[i]!;
    for (let at = 0; at < length && !present; at += 4096) present = file.isPresent(pages.offset[i]! + at);
  }
  return present;
}

/** One run already, where a huge page can be, that nobody shares. */
function isHuge(mm: MemoryManager, from: number, to: number): boolean {
  const { pages } = mm;
  if (to - from !== 1 || pages.flags[from] !== PAGE_OWNED || pages.offset[from]! % mm.tuning.faultBlock !== 0)
    return false;
  return pages.end[from]! - pages.start[from]! === mm.tuning.faultBlock;
}

/** Copies page ranges [from, to) to the block at `target` of the memory file; what is missing is zeros. */
function copyBlock(mm: MemoryManager, from: number, to: number, start: number, target: number): void {
  const { pages, file } = mm;
  const into = file.chunk(target);
  const base = target % CHUNK_SIZE;
  let at = start;
  for (let i = from; i < to; i++) {
    into.fill(0, base + (at - start), base + (pages.start[i]! - start));
    const index = pages.offset[i]! % CHUNK_SIZE;
    const length = pages.end[i]! - pages.start[i]!;
    into.set(file.chunk(pages.offset[i]!).subarray(index, index + length), base + (pages.start[i]! - start));
    at = pages.end[i]!;
  }
  into.fill(0, base + (at - start), base + mm.tuning.faultBlock);
}
