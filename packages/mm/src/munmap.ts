// munmap(2), and clearing the way for MAP_FIXED. As in Linux, a range without any mapping is a success.
import { EINVAL, ENOMEM, EPERM, TASK_SIZE } from '@sandbox-kernel/abi';
import { isPageAligned, pageUp } from './addresses.js';
import { VM_SEALED } from './area-flags.js';
import { cutArea, removeAreas } from './areas.js';
import { tellUnmapped } from './fault-monitor.js';
import type { MemoryManager } from './memory-manager.js';
import { dropPages, settle } from './pages.js';

export function munmap(mm: MemoryManager, addr: number, length: number): number {
  if (!isPageAligned(addr) || addr > TASK_SIZE || length > TASK_SIZE - addr) return -EINVAL;
  const end = addr + pageUp(length);
  if (length === 0) return -EINVAL;
  const result = removeRange(mm, addr, end);
  settle(mm);
  return result;
}

/** Does a split at both ends stay within the limit on areas? A hole inside one area makes two of it. */
export function checkSplit(mm: MemoryManager, start: number, end: number): number {
  const areas = mm.areas;
  const i = areas.at(start);
  const inside = i >= 0 && areas.start[i]! < start && end < areas.end[i]!;
  return inside && areas.count >= mm.tuning.maxAreas ? -ENOMEM : 0;
}

export function hasSealed(mm: MemoryManager, start: number, end: number): boolean {
  const areas = mm.areas;
  for (let i = areas.find(start); i < areas.count && areas.start[i]! < end; i++) {
    if (areas.flags[i]! & VM_SEALED) return true;
  }
  return false;
}

/** Removes areas and pages of [start, end). The caller settles. 0; -EPERM: sealed; -ENOMEM: too many areas. */
export function removeRange(mm: MemoryManager, start: number, end: number): number {
  const areas = mm.areas;
  const first = areas.find(start);
  if (first >= areas.count || areas.start[first]! >= end) return 0;
  const split = checkSplit(mm, start, end);
  if (split < 0) return split;
  if (hasSealed(mm, start, end)) return -EPERM;
  if (mm.monitored) tellUnmapped(mm, start, end);
  if (mm.patches !== null) mm.patches.leave(mm, start, end, true);
  dropPages(mm, start, end);
  const from = cutArea(mm, start);
  const to = cutArea(mm, end);
  removeAreas(mm, from, to - from);
  widenHint(mm, end);
  return 0;
}

/** Room below `end` became free: the search for holes starts at the area above it again. */
export function widenHint(mm: MemoryManager, end: number): void {
  const i = mm.areas.find(end);
  const high = i < mm.areas.count ? mm.areas.start[i]! : mm.layout.mmapBase;
  if (high > mm.placementHint) mm.placementHint = Math.min(high, mm.layout.mmapBase);
}
