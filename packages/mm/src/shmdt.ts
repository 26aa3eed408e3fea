// shmdt(2): which areas are one attach of a segment. Pieces of it may have been unmapped or moved meanwhile; what still lies where the attach
// put it goes.
import { EINVAL } from '@sandbox-kernel/abi';
import { isPageAligned } from './addresses.js';
import type { MemoryManager } from './memory-manager.js';
import { removeRange } from './munmap.js';
import { settle } from './pages.js';
import { SharedMemory } from './shared-memory.js';

export function detach(mm: MemoryManager, addr: number): number {
  if (!isPageAligned(addr)) return -EINVAL;
  const areas = mm.areas;
  let segment: SharedMemory | null = null;
  let limit = Number.POSITIVE_INFINITY;
  for (let i = areas.find(addr); i < areas.count && areas.start[i]! < limit; ) {
    const file = areas.files[i]!;
    const start = areas.start[i]!;
    const end = areas.end[i]!;
    const wanted =
      segment === null ? file instanceof SharedMemory && !file.anonymous : (file as unknown) === segment;
    if (wanted && start - addr === areas.offset[i]) {
      segment = file as SharedMemory;
      limit = addr + segment.size;
      const result = removeRange(mm, start, end);
      if (result < 0) return result;
    }
    i = areas.find(end);
  }
  settle(mm);
  return segment === null ? -EINVAL : 0;
}
