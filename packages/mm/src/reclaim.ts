// Taking back what eager mapping gave and no program touched: pages are handed out in blocks, so that a sandbox at its limit may hold blocks
// that are mostly holes. Called between operations only: tables of any address space may change here.
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { PAGE_COW, PAGE_OWNED } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import { flush, install, replacePages, touched } from './pages.js';

const BATCH = 2 ** 27;

/** Gives back untouched pages that only this space owns. Bytes given back. */
export function reclaim(mm: MemoryManager): number {
  const before = mm.file.used;
  const { pages } = mm;
  const found: number[] = [];
  for (let i = 0; i < pages.count; i++) {
    if ((pages.flags[i]! & (PAGE_OWNED | PAGE_COW)) !== PAGE_OWNED) continue;
    addHoles(mm, pages.start[i]!, pages.offset[i]!, pages.end[i]! - pages.start[i]!, found);
  }
  for (let k = 0; k < found.length; k += 2) mm.space.unmap(found[k]!, found[k + 1]!);
  touched(mm);
  // From here on no context reaches them, so that a second look is final.
  if (found.length > 0 && mm.space.flush() >= 0) {
    for (let k = 0; k < found.length; k += 2) giveBack(mm, found[k]!, found[k + 1]!);
  }
  return before - mm.file.used;
}

/** Appends (address, bytes) of the runs without host memory. */
function addHoles(mm: MemoryManager, start: number, offset: number, length: number, into: number[]): void {
  const answers = new Uint8Array(Math.min(length, BATCH) / PAGE_SIZE);
  for (let done = 0; done < length; done += BATCH) {
    const bytes = Math.min(BATCH, length - done);
    const count = bytes / PAGE_SIZE;
    mm.file.present(offset + done, bytes, answers, 0);
    for (let page = 0; page < count; ) {
      let end = page + 1;
      while (end < count && answers[end] === answers[page]) end++;
      if (answers[page] === 0) into.push(start + done + page * PAGE_SIZE, (end - page) * PAGE_SIZE);
      page = end;
    }
  }
}

/** Releases what is still untouched of an unmapped run, and maps the rest again. */
function giveBack(mm: MemoryManager, start: number, length: number): void {
  const { pages } = mm;
  const i = pages.at(start);
  const offset = pages.offset[i]! + (start - pages.start[i]!);
  const holes: number[] = [];
  addHoles(mm, start, offset, length, holes);
  for (let k = 0; k < holes.length; k += 2) replacePages(mm, holes[k]!, holes[k]! + holes[k + 1]!);
  flush(mm);
  if (holes.length === 2 && holes[1] === length) return;
  install(mm, start, start + length);
}
