// A file tells that some of its pages went away or moved: what is mapped of them is unmapped at once and faulted in again. Private copies
// stay, unless the file now ends before them (truncation takes them too, as in Linux).
import { EIO } from '@sandbox-kernel/abi';
import { type Mappable, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { pageDown, pageUp } from './addresses.js';
import { PAGE_OWNED } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import { dropPages, flush, settle } from './pages.js';

export function invalidate(mm: MemoryManager, mappable: Mappable, offset: number, length: number): void {
  const areas = mm.areas;
  for (let a = 0; a < areas.count; a++) {
    if (areas.files[a] !== mappable) continue;
    const start = areas.start[a]!;
    const base = start - areas.offset[a]!;
    const low = Math.max(start, base + pageDown(offset));
    const high = Math.min(areas.end[a]!, base + pageUp(offset + length));
    if (low < high) dropFilePages(mm, a, low, high);
  }
  // The file's pages are its own to give away after this returns.
  if (mm.filePagesDropped) flush(mm);
  settle(mm);
}

function dropFilePages(mm: MemoryManager, a: number, low: number, high: number): void {
  const pages = mm.pages;
  let at = low;
  while (at < high) {
    const i = pages.find(at);
    if (i >= pages.count || pages.start[i]! >= high) break;
    const from = Math.max(at, pages.start[i]!);
    const to = Math.min(high, pages.end[i]!);
    const cut = pages.flags[i]! & PAGE_OWNED ? endOfFile(mm, a, from, to) : from;
    if (cut < to) dropPages(mm, cut, to);
    at = to;
  }
}

/** First address in [start, end) whose page the file does not have any more. */
function endOfFile(mm: MemoryManager, a: number, start: number, end: number): number {
  const areas = mm.areas;
  const offset = areas.offset[a]! - areas.start[a]!;
  const file = areas.files[a]!;
  for (let at = start; at < end; at += PAGE_SIZE) {
    if (file.translate(at + offset, PAGE_SIZE, false, mm.backing) === -EIO) return at;
  }
  return end;
}
