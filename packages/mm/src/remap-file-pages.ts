// remap_file_pages(2), as Linux emulates it since 4.0: a fresh shared mapping of another part of the same file over the old one.
import { EINVAL } from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { installChanges } from './access.js';
import { pageDown } from './addresses.js';
import { VM_SHARED } from './area-flags.js';
import { addArea } from './areas.js';
import type { MemoryManager } from './memory-manager.js';
import { isCovered } from './mseal.js';
import { removeRange } from './munmap.js';
import { settle } from './pages.js';
import { populateEagerly } from './prefault.js';

export function remapFilePages(
  mm: MemoryManager,
  addr: number,
  size: number,
  prot: number,
  pgoff: number,
): number {
  const start = pageDown(addr);
  const bytes = pageDown(size);
  const end = start + bytes;
  if (prot !== 0 || !(end > start) || end >= 2 ** 64) return -EINVAL;
  if (pgoff + bytes / PAGE_SIZE >= 2 ** 51) return -EINVAL;
  const areas = mm.areas;
  const i = areas.at(start);
  if (i < 0 || !(areas.flags[i]! & VM_SHARED) || !isCovered(mm, start, end)) return -EINVAL;
  const flags = areas.flags[i]!;
  const file = areas.files[i]!;
  for (let k = i + 1; k < areas.count && areas.start[k]! < end; k++) {
    if (areas.files[k] !== file || areas.flags[k] !== flags) return -EINVAL;
  }
  if (file === null) return -EINVAL;
  // The file must outlive the moment without a mapping.
  file.addMapping(mm, 0, PAGE_SIZE, true, false);
  const removed = removeRange(mm, start, end);
  if (removed === 0) {
    addArea(mm, start, end, flags, file, pgoff * PAGE_SIZE, null);
    populateEagerly(mm, start, end);
    installChanges(mm);
  }
  file.removeMapping(mm, 0, PAGE_SIZE, true, false);
  settle(mm);
  return removed;
}
