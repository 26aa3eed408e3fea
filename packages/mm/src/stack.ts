// Stack growth: an access below an area with MAP_GROWSDOWN extends it, as expand_downwards does in Linux. Departure: it grows in steps
// of up to 64 KiB where the gap and the limits allow, because each step costs a trap here.
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { blockDown } from './addresses.js';
import { VM_GROWSDOWN, VM_PROT, VM_SEALED } from './area-flags.js';
import { resizeArea } from './areas.js';
import { checkStack } from './limits.js';
import type { MemoryManager } from './memory-manager.js';

/** stack_guard_gap: nothing accessible may be this near below a growing stack. */
export const STACK_GAP = 256 * PAGE_SIZE;
const STEP = 16 * PAGE_SIZE;

/** Grows the stack area above `page`, if there is one that may. Index of the area, which then contains `page`; or -1. */
export function growStack(mm: MemoryManager, page: number): number {
  const areas = mm.areas;
  const i = areas.find(page);
  if (i >= areas.count || !(areas.flags[i]! & VM_GROWSDOWN) || areas.flags[i]! & VM_SEALED) return -1;
  const lowest = lowestStart(mm, i);
  if (page < lowest) return -1;
  const wanted = Math.max(lowest, blockDown(page, STEP));
  if (tryGrow(mm, i, wanted) || tryGrow(mm, i, page)) return i;
  return -1;
}

function lowestStart(mm: MemoryManager, i: number): number {
  const areas = mm.areas;
  if (i === 0) return mm.layout.addressMinimum;
  const end = areas.end[i - 1]!;
  const flags = areas.flags[i - 1]!;
  if (flags & VM_GROWSDOWN || !(flags & VM_PROT)) return end;
  return end + STACK_GAP;
}

function tryGrow(mm: MemoryManager, i: number, start: number): boolean {
  const { areas } = mm;
  const end = areas.end[i]!;
  const bytes = areas.start[i]! - start;
  if (checkStack(mm, areas.flags[i]!, end - start, bytes) < 0) return false;
  resizeArea(mm, i, start, end);
  return true;
}
