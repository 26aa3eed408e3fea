// The end of an address space (exit_mmap): the platform's side first, then every page and every file.
import { PAGE_OWNED } from './area-flags.js';
import { removeAreas } from './areas.js';
import type { MemoryManager } from './memory-manager.js';

export function destroy(mm: MemoryManager): void {
  const pages = mm.pages;
  mm.window.clear();
  mm.areas.monitors.fill(null);
  mm.space.destroy();
  for (let i = 0; i < pages.count; i++) {
    if (!(pages.flags[i]! & PAGE_OWNED)) continue;
    mm.file.release(pages.offset[i]!, pages.end[i]! - pages.start[i]!);
  }
  for (let k = 0; k < mm.graveyard.length; k += 2) mm.file.release(mm.graveyard[k]!, mm.graveyard[k + 1]!);
  for (let k = 0; k < mm.lost.length; k += 2) mm.file.release(mm.lost[k]!, mm.lost[k + 1]!);
  mm.graveyard.length = 0;
  mm.lost.length = 0;
  mm.file.graveBytes -= mm.graveBytes;
  mm.graveBytes = 0;
  mm.filePagesDropped = false;
  pages.clear();
  mm.sizes.rssAnonymous = 0;
  mm.sizes.rssFile = 0;
  mm.sizes.rssShared = 0;
  removeAreas(mm, 0, mm.areas.count);
  mm.generation++;
  mm.ended = true;
}
