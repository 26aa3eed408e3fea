// mseal(2): from then on the areas can't be unmapped, moved, resized, or given other rights.
import { EINVAL, ENOMEM } from '@sandbox-kernel/abi';
import { ADDRESS_WRAP, isPageAligned, pageLength } from './addresses.js';
import { VM_SEALED } from './area-flags.js';
import { cutArea, mergeAreas, setAreaFlags } from './areas.js';
import type { MemoryManager } from './memory-manager.js';

export function mseal(mm: MemoryManager, addr: number, length: number, flags: number): number {
  if (flags !== 0 || !isPageAligned(addr)) return -EINVAL;
  const bytes = pageLength(length);
  const end = addr + bytes;
  if ((length > 0 && bytes === 0) || end >= ADDRESS_WRAP) return -EINVAL;
  if (end === addr) return 0;
  if (!isCovered(mm, addr, end)) return -ENOMEM;
  if (mm.areas.count + 2 > mm.tuning.maxAreas) return -ENOMEM;
  const from = cutArea(mm, addr);
  const to = cutArea(mm, end);
  for (let i = from; i < to; i++) setAreaFlags(mm, i, mm.areas.flags[i]! | VM_SEALED);
  mergeAreas(mm, addr, end);
  return 0;
}

/** Are there areas for all of [start, end)? */
export function isCovered(mm: MemoryManager, start: number, end: number): boolean {
  const areas = mm.areas;
  let at = start;
  for (let i = areas.find(start); i < areas.count && areas.start[i]! <= at && at < end; i++)
    at = areas.end[i]!;
  return at >= end;
}
