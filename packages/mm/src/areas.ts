// Adding, removing, splitting and merging areas, with everything that must stay in step: the sizes that limits are checked against, and
// the registration of each file area with its file (one `addMapping` per area, of exactly its range).
import type { Mappable } from '@sandbox-kernel/contracts';
import {
  VM_EXEC,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYWRITE,
  VM_NORESERVE,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
} from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import { flush } from './pages.js';

/** Counts `bytes` (negative: takes them off) of an area with these flags. */
export function account(mm: MemoryManager, flags: number, file: Mappable | null, bytes: number): void {
  const sizes = mm.sizes;
  sizes.total += bytes;
  if (sizes.total > sizes.totalPeak) sizes.totalPeak = sizes.total;
  if (flags & VM_LOCKED) sizes.locked += bytes;
  if (flags & VM_GROWSDOWN) sizes.stack += bytes;
  else if (isData(flags)) sizes.data += bytes;
  else if ((flags & (VM_EXEC | VM_WRITE)) === VM_EXEC) sizes.exec += bytes;
  if (isCommitted(flags, file)) sizes.committed += bytes;
}

export function isData(flags: number): boolean {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;
}

/** Counts against overcommit: private writable memory, and shared anonymous memory (which its own file counts in Linux). */
export function isCommitted(flags: number, file: Mappable | null): boolean {
  if (flags & (VM_NORESERVE | VM_SPECIAL)) return false;
  return (flags & (VM_WRITE | VM_SHARED)) === VM_WRITE || (file?.anonymous ?? false);
}

export function registerArea(mm: MemoryManager, i: number): void {
  const areas = mm.areas;
  const start = areas.start[i]!;
  addMapping(mm, areas.files[i]!, areas.offset[i]!, areas.end[i]! - start, areas.flags[i]!);
}

function addMapping(
  mm: MemoryManager,
  file: Mappable | null,
  offset: number,
  length: number,
  flags: number,
): void {
  if (file === null) return;
  file.addMapping(mm, offset, length, (flags & VM_SHARED) !== 0, isSharedWritable(flags));
}

function removeMapping(
  mm: MemoryManager,
  file: Mappable | null,
  offset: number,
  length: number,
  flags: number,
): void {
  if (file === null) return;
  file.removeMapping(mm, offset, length, (flags & VM_SHARED) !== 0, isSharedWritable(flags));
}

const isSharedWritable = (flags: number): boolean =>
  (flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE);

/** Adds an area and merges it with its neighbours where they are alike. Pre: nothing is there. */
export function addArea(
  mm: MemoryManager,
  start: number,
  end: number,
  flags: number,
  file: Mappable | null,
  offset: number,
  name: string | null,
): void {
  const i = mm.areas.find(start);
  mm.areas.add(i, start, end, offset, flags, file, name);
  account(mm, flags, file, end - start);
  registerArea(mm, i);
  mergeAreas(mm, start, end);
}

/** Removes areas [i, i + n) from the table; their pages are gone already. */
export function removeAreas(mm: MemoryManager, i: number, n: number): void {
  const areas = mm.areas;
  for (let k = i; k < i + n; k++) {
    account(mm, areas.flags[k]!, areas.files[k]!, areas.start[k]! - areas.end[k]!);
  }
  const files = areas.files.slice(i, i + n);
  const offsets = areas.offset.slice(i, i + n);
  const flags = areas.flags.slice(i, i + n);
  const lengths = offsets.map((_, k) => areas.end[i + k]! - areas.start[i + k]!);
  areas.remove(i, n);
  // A file may free its pages with its last mapping: not before running contexts have lost sight of them.
  if (mm.filePagesDropped) flush(mm);
  // Last, because a file may go away with its last mapping and call back.
  for (let k = 0; k < n; k++) removeMapping(mm, files[k]!, offsets[k]!, lengths[k]!, flags[k]!);
}

/** Makes sure that no area crosses `addr`. Index of the first area at or above it. */
export function cutArea(mm: MemoryManager, addr: number): number {
  const areas = mm.areas;
  const i = areas.find(addr);
  if (i >= areas.count || areas.start[i]! >= addr) return i;
  const offset = areas.offset[i]!;
  const length = areas.end[i]! - areas.start[i]!;
  areas.split(i, addr);
  registerArea(mm, i);
  registerArea(mm, i + 1);
  removeMapping(mm, areas.files[i]!, offset, length, areas.flags[i]!);
  return i + 1;
}

/** Sets the flags of area `i`. Its registration does not depend on what changes here: VM_SHARED and VM_MAYWRITE stay. */
export function setAreaFlags(mm: MemoryManager, i: number, flags: number): void {
  const areas = mm.areas;
  const bytes = areas.end[i]! - areas.start[i]!;
  const peak = mm.sizes.totalPeak;
  account(mm, areas.flags[i]!, areas.files[i]!, -bytes);
  areas.flags[i] = flags;
  account(mm, flags, areas.files[i]!, bytes);
  mm.sizes.totalPeak = peak;
}

/** Moves the end or start of area `i` (growth in place). Pre: the room is free. */
export function resizeArea(mm: MemoryManager, i: number, start: number, end: number): void {
  const areas = mm.areas;
  const file = areas.files[i]!;
  const flags = areas.flags[i]!;
  const oldOffset = areas.offset[i]!;
  const oldLength = areas.end[i]! - areas.start[i]!;
  if (file !== null) areas.offset[i] = oldOffset + (start - areas.start[i]!);
  areas.start[i] = start;
  areas.end[i] = end;
  account(mm, flags, file, end - start - oldLength);
  registerArea(mm, i);
  removeMapping(mm, file, oldOffset, oldLength, flags);
}

function areAlike(mm: MemoryManager, i: number): boolean {
  const areas = mm.areas;
  const k = i + 1;
  if (areas.end[i] !== areas.start[k] || areas.flags[i] !== areas.flags[k]) return false;
  if (areas.files[i] !== areas.files[k] || areas.names[i] !== areas.names[k]) return false;
  if (areas.monitors[i] !== areas.monitors[k]) return false;
  if (areas.flags[i]! & VM_SPECIAL) return false;
  if (areas.files[i] === null) return true;
  return areas.offset[i]! + (areas.end[i]! - areas.start[i]!) === areas.offset[k];
}

/** Merges areas that touch [start, end] with alike neighbours. */
export function mergeAreas(mm: MemoryManager, start: number, end: number): void {
  const areas = mm.areas;
  let i = areas.find(start);
  if (i > 0) i--;
  while (i + 1 < areas.count && areas.start[i]! < end) {
    if (areAlike(mm, i)) joinNext(mm, i);
    else i++;
  }
  // The last area in range may join the one that starts at `end`.
  while (i + 1 < areas.count && areas.start[i + 1] === end && areAlike(mm, i)) joinNext(mm, i);
}

function joinNext(mm: MemoryManager, i: number): void {
  const areas = mm.areas;
  const k = i + 1;
  const file = areas.files[i]!;
  const flags = areas.flags[i]!;
  const firstOffset = areas.offset[i]!;
  const firstLength = areas.end[i]! - areas.start[i]!;
  const nextOffset = areas.offset[k]!;
  const nextLength = areas.end[k]! - areas.start[k]!;
  areas.end[i] = areas.end[k]!;
  areas.remove(k, 1);
  registerArea(mm, i);
  removeMapping(mm, file, firstOffset, firstLength, flags);
  removeMapping(mm, file, nextOffset, nextLength, flags);
}
