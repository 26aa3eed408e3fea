// Choosing the address of a new mapping, as arch_get_unmapped_area(_topdown) of x86-64 does: the hint when it is free, else the highest hole
// below mmap_base, else bottom-up. Holes keep stack_guard_gap below a growing stack.
import { EINVAL, ENOMEM, EPERM, MAP_32BIT, MAP_FIXED, MMAP_MIN_ADDR } from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { isPageAligned, pageUp } from './addresses.js';
import { VM_GROWSDOWN } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import { STACK_GAP } from './stack.js';

const LOW_BEGIN = 0x40000000;
const LOW_END = 0x80000000;
const LOW_RANDOM = 0x02000000;

/** Start of area `i` for a newcomer: a stack keeps its gap. */
export function guardedStart(mm: MemoryManager, i: number): number {
  const start = mm.areas.start[i]!;
  return mm.areas.flags[i]! & VM_GROWSDOWN ? Math.max(0, start - STACK_GAP) : start;
}

export function isFree(mm: MemoryManager, start: number, end: number): boolean {
  const i = mm.areas.find(start);
  return i >= mm.areas.count || mm.areas.start[i]! >= end;
}

/** The address for `length` bytes (page multiple), or -errno. `addr` is the hint, or with MAP_FIXED the wish. */
export function place(mm: MemoryManager, addr: number, length: number, flags: number): number {
  const limit = mm.layout.addressLimit;
  if (length > limit) return -ENOMEM;
  if (flags & MAP_FIXED) return placeFixed(mm, addr, length);
  const hint = pageUp(addr) === 0 ? 0 : Math.max(pageUp(addr), mm.layout.addressMinimum);
  if (hint > 0 && hint <= limit - length) {
    const i = mm.areas.find(hint);
    if (i >= mm.areas.count || guardedStart(mm, i) >= hint + length) {
      if (!(flags & MAP_32BIT) || hint + length <= LOW_END) return hint;
    }
  }
  if (flags & MAP_32BIT) return placeLow(mm, length);
  if (mm.layout.legacy) return bottomUp(mm, length, mm.layout.mmapBottom, limit);
  const found = topDown(mm, length);
  return found >= 0 ? found : bottomUp(mm, length, mm.layout.mmapBottom, limit);
}

function placeFixed(mm: MemoryManager, addr: number, length: number): number {
  if (addr > mm.layout.addressLimit - length) return -ENOMEM;
  if (!isPageAligned(addr)) return -EINVAL;
  if (addr < mm.layout.addressMinimum || (addr < MMAP_MIN_ADDR && !mm.limits.canMapLow)) return -EPERM;
  return addr;
}

function placeLow(mm: MemoryManager, length: number): number {
  let begin = LOW_BEGIN;
  if (mm.layout.randomize) begin += (mm.randomBits() % (LOW_RANDOM / PAGE_SIZE)) * PAGE_SIZE;
  return bottomUp(mm, length, begin, LOW_END);
}

/**
 * The highest hole below mmap_base. `placementHint` says that above it no hole is as large as `placementSize`, so that a program
 * with thousands of areas does not walk over them again for each new one.
 */
function topDown(mm: MemoryManager, length: number): number {
  const { areas, layout } = mm;
  const resumed = length >= mm.placementSize && mm.placementHint < layout.mmapBase;
  let high = resumed ? mm.placementHint : layout.mmapBase;
  let widest = resumed ? mm.placementSize : 1;
  for (let i = areas.find(high - 1); ; i--) {
    if (i < areas.count && i >= 0) high = Math.min(high, guardedStart(mm, i));
    const low = i > 0 ? areas.end[i - 1]! : layout.addressMinimum;
    if (high - low >= length) {
      mm.placementHint = high;
      mm.placementSize = widest;
      return high - length;
    }
    widest = Math.max(widest, high - low + 1);
    if (i <= 0) return -ENOMEM;
  }
}

function bottomUp(mm: MemoryManager, length: number, begin: number, end: number): number {
  const { areas } = mm;
  let low = Math.max(begin, mm.layout.addressMinimum);
  for (let i = areas.find(low); i < areas.count; i++) {
    if (areas.start[i]! > low && guardedStart(mm, i) - low >= length) break;
    low = Math.max(low, areas.end[i]!);
  }
  return low + length <= end ? low : -ENOMEM;
}
