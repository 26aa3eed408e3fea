// brk(2): the heap right after the program's data. The system call never fails; it returns where the break is.

import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { installChanges } from './access.js';
import { pageUp } from './addresses.js';
import { VM_GROWSDOWN, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from './area-flags.js';
import { addArea } from './areas.js';
import { checkCommit, checkExpansion, checkLocked } from './limits.js';
import type { MemoryManager } from './memory-manager.js';
import { removeRange } from './munmap.js';
import { settle } from './pages.js';
import { populateArea, populateEagerly } from './prefault.js';
import { STACK_GAP } from './stack.js';

export function brk(mm: MemoryManager, addr: number): number {
  if (addr < mm.startBrk || addr > mm.layout.addressLimit) return mm.currentBrk;
  if (addr - mm.startBrk + (mm.endData - mm.startData) > mm.limits.data) return mm.currentBrk;
  const oldEnd = pageUp(mm.currentBrk);
  const newEnd = pageUp(addr);
  if (newEnd > oldEnd && !growHeap(mm, oldEnd, newEnd)) return mm.currentBrk;
  if (newEnd < oldEnd) {
    const removed = removeRange(mm, newEnd, oldEnd);
    settle(mm);
    if (removed < 0) return mm.currentBrk;
  }
  mm.currentBrk = addr;
  return addr;
}

function growHeap(mm: MemoryManager, start: number, end: number): boolean {
  const areas = mm.areas;
  if (end > mm.layout.addressLimit) return false;
  const i = areas.find(start);
  if (i < areas.count) {
    const gap = areas.flags[i]! & VM_GROWSDOWN ? STACK_GAP : 0;
    if (end + PAGE_SIZE > areas.start[i]! - gap) return false;
  }
  const flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | mm.defaultFlags;
  const bytes = end - start;
  if (checkLocked(mm, flags, bytes) < 0 || checkExpansion(mm, flags, bytes) < 0) return false;
  if (areas.count >= mm.tuning.maxAreas || checkCommit(mm, bytes) < 0) return false;
  addArea(mm, start, end, flags, null, 0, null);
  if (flags !== (flags & ~mm.defaultFlags)) populateArea(mm, start, end);
  else populateEagerly(mm, start, end);
  installChanges(mm);
  return true;
}
