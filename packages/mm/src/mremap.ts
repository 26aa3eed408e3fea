// mremap(2), in the order of checks of Linux 6.x. Pages move with their area: nothing is copied, only mapped elsewhere.
import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOMEM,
  EPERM,
  MAP_FIXED,
  MMAP_MIN_ADDR,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
} from '@sandbox-kernel/abi';
import { installChanges } from './access.js';
import { isPageAligned, pageLength } from './addresses.js';
import { VM_DONTEXPAND, VM_LOCKED, VM_LOCKONFAULT, VM_SEALED, VM_SHARED, VM_UFFD } from './area-flags.js';
import { addArea, cutArea, isCommitted, mergeAreas, removeAreas, resizeArea, setAreaFlags } from './areas.js';
import { protectPages, tellRemapped } from './fault-monitor.js';
import { checkCommit, checkExpansion, checkLocked } from './limits.js';
import type { MemoryManager } from './memory-manager.js';
import { hasSealed, removeRange, widenHint } from './munmap.js';
import { addPages, countPages, install, settle, touched, unmapPages } from './pages.js';
import { isFree, place } from './placement.js';
import { populateArea, populateEagerly } from './prefault.js';

const KNOWN = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

export function mremap(
  mm: MemoryManager,
  addr: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddr: number,
): number {
  if (flags & ~KNOWN) return -EINVAL;
  if (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)) return -EINVAL;
  if (flags & MREMAP_DONTUNMAP && (!(flags & MREMAP_MAYMOVE) || oldLength !== newLength)) return -EINVAL;
  if (!isPageAligned(addr)) return -EINVAL;
  const oldBytes = pageLength(oldLength);
  const newBytes = pageLength(newLength);
  if (newBytes === 0 || newBytes > mm.layout.addressLimit) return -EINVAL;
  const i = mm.areas.at(addr);
  if (i < 0) return -EFAULT;
  if (mm.areas.flags[i]! & VM_SEALED) return -EPERM;
  let result: number;
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
    result = moveTo(mm, addr, oldBytes, newBytes, flags, newAddr);
  else if (newBytes <= oldBytes) result = shrink(mm, addr, oldBytes, newBytes);
  else result = grow(mm, i, addr, oldBytes, newBytes, flags);
  installChanges(mm);
  settle(mm);
  return result;
}

function shrink(mm: MemoryManager, addr: number, oldBytes: number, newBytes: number): number {
  if (newBytes === oldBytes) return addr;
  if (addr + oldBytes > mm.layout.addressLimit) return -EINVAL;
  const result = removeRange(mm, addr + newBytes, addr + oldBytes);
  return result < 0 ? result : addr;
}

/** vma_to_resize: may the range of one area become `newBytes` long? 0 or -errno. */
function checkResize(
  mm: MemoryManager,
  i: number,
  addr: number,
  oldBytes: number,
  newBytes: number,
  flags: number,
): number {
  const areas = mm.areas;
  const vm = areas.flags[i]!;
  if (oldBytes === 0 && !(vm & VM_SHARED)) return -EINVAL;
  if (flags & MREMAP_DONTUNMAP && vm & VM_DONTEXPAND) return -EINVAL;
  if (oldBytes > areas.end[i]! - addr) return -EFAULT;
  if (newBytes === oldBytes) return 0;
  if (vm & VM_DONTEXPAND) return -EFAULT;
  const delta = newBytes - oldBytes;
  if (checkLocked(mm, vm, delta) < 0) return -EAGAIN;
  if (checkExpansion(mm, vm, delta) < 0) return -ENOMEM;
  return isCommitted(vm, areas.files[i]!) ? checkCommit(mm, delta) : 0;
}

function grow(
  mm: MemoryManager,
  i: number,
  addr: number,
  oldBytes: number,
  newBytes: number,
  flags: number,
): number {
  const areas = mm.areas;
  const refused = checkResize(mm, i, addr, oldBytes, newBytes, flags);
  if (refused < 0) return refused;
  const end = areas.end[i]!;
  const newEnd = addr + newBytes;
  if (oldBytes === end - addr && newEnd <= mm.layout.addressLimit && isFree(mm, end, newEnd)) {
    resizeArea(mm, i, areas.start[i]!, newEnd);
    populateNew(mm, i, end, newEnd);
    mergeAreas(mm, addr, newEnd);
    return addr;
  }
  if (!(flags & MREMAP_MAYMOVE)) return -ENOMEM;
  const target = place(mm, 0, newBytes, 0);
  return target < 0 ? target : moveArea(mm, addr, oldBytes, newBytes, target, flags);
}

function populateNew(mm: MemoryManager, i: number, start: number, end: number): void {
  const vm = mm.areas.flags[i]!;
  if (vm & VM_LOCKED && !(vm & VM_LOCKONFAULT)) populateArea(mm, start, end);
  else populateEagerly(mm, start, end);
}

/** MREMAP_FIXED, MREMAP_DONTUNMAP. */
function moveTo(
  mm: MemoryManager,
  addr: number,
  oldLength: number,
  newBytes: number,
  flags: number,
  newAddr: number,
): number {
  const limit = mm.layout.addressLimit;
  let oldBytes = oldLength;
  if (!isPageAligned(newAddr)) return -EINVAL;
  if (newBytes > limit || newAddr > limit - newBytes) return -EINVAL;
  if (addr + oldBytes > newAddr && newAddr + newBytes > addr) return -EINVAL;
  if (mm.areas.count + 2 >= mm.tuning.maxAreas - 3) return -ENOMEM;
  if (flags & MREMAP_FIXED) {
    if (newAddr < mm.layout.addressMinimum) return -EPERM;
    if (newAddr < MMAP_MIN_ADDR && !mm.limits.canMapLow) return -EPERM;
    if (hasSealed(mm, addr, addr + Math.max(oldBytes, 1))) return -EPERM;
    const removed = removeRange(mm, newAddr, newAddr + newBytes);
    if (removed < 0) return removed;
  }
  if (oldBytes > newBytes) {
    const removed = removeRange(mm, addr + newBytes, addr + oldBytes);
    if (removed < 0) return removed;
    oldBytes = newBytes;
  }
  const i = mm.areas.at(addr);
  if (i < 0) return -EFAULT;
  const refused = checkResize(mm, i, addr, oldBytes, newBytes, flags);
  if (refused < 0) return refused;
  if (flags & MREMAP_DONTUNMAP && checkExpansion(mm, mm.areas.flags[i]!, newBytes) < 0) return -ENOMEM;
  const target = place(mm, newAddr, newBytes, flags & MREMAP_FIXED ? MAP_FIXED : 0);
  return target < 0 ? target : moveArea(mm, addr, oldBytes, newBytes, target, flags);
}

/** Moves [addr, addr + oldBytes) of one area to `target`. `oldBytes` 0: a second mapping of the same shared memory. */
function moveArea(
  mm: MemoryManager,
  addr: number,
  oldBytes: number,
  newBytes: number,
  target: number,
  flags: number,
): number {
  const areas = mm.areas;
  if (areas.count >= mm.tuning.maxAreas - 3) return -ENOMEM;
  const i = areas.at(addr);
  const vm = areas.flags[i]!;
  const file = areas.files[i]!;
  const name = areas.names[i]!;
  const monitor = areas.monitors[i]!;
  const offset = file === null ? 0 : areas.offset[i]! + (addr - areas.start[i]!);
  if (mm.patches !== null) {
    mm.patches.leave(mm, addr, addr + oldBytes, false);
    mm.patches.leave(mm, addr, addr + oldBytes, true);
  }
  const moved = oldBytes > 0 ? takePages(mm, addr, addr + oldBytes) : [];
  addArea(mm, target, target + newBytes, vm & ~VM_UFFD, file, offset, name);
  for (let k = 0; k < moved.length; k += 5) {
    addPages(mm, moved[k]! + (target - addr), moved[k + 1]!, moved[k + 2]!, moved[k + 3]!, moved[k + 4]!);
  }
  install(mm, target, target + oldBytes);
  if (monitor !== null) {
    const kept = tellRemapped(mm, monitor, addr, target, newBytes);
    if (kept === null) protectPages(mm, target, target + oldBytes, false);
    else {
      const k = areas.at(target);
      areas.monitors[k] = kept;
      setAreaFlags(mm, k, areas.flags[k]! | (vm & VM_UFFD));
    }
    monitor.forget(addr, addr + oldBytes);
  }
  if (flags & MREMAP_DONTUNMAP) unlockOld(mm, addr, addr + oldBytes);
  else if (oldBytes > 0) {
    const from = cutArea(mm, addr);
    removeAreas(mm, from, cutArea(mm, addr + oldBytes) - from);
    widenHint(mm, addr + oldBytes);
  }
  if (newBytes > oldBytes) populateNew(mm, areas.at(target), target + oldBytes, target + newBytes);
  return target;
}

/** Takes page ranges out of table and platform without releasing them: (address, length, fd, offset, flags) each. */
function takePages(mm: MemoryManager, start: number, end: number): number[] {
  const pages = mm.pages;
  const from = pages.cut(start);
  const to = pages.cut(end);
  const taken: number[] = [];
  for (let i = from; i < to; i++) {
    taken.push(
      pages.start[i]!,
      pages.end[i]! - pages.start[i]!,
      pages.fd[i]!,
      pages.offset[i]!,
      pages.flags[i]!,
    );
    countPages(mm, pages.fd[i]!, pages.flags[i]!, pages.start[i]! - pages.end[i]!);
  }
  if (to > from) unmapPages(mm, from, to);
  pages.remove(from, to - from);
  touched(mm);
  return taken;
}

/** After MREMAP_DONTUNMAP the old range stays, empty and not locked. */
function unlockOld(mm: MemoryManager, start: number, end: number): void {
  cutArea(mm, start);
  cutArea(mm, end);
  const i = mm.areas.at(start);
  setAreaFlags(mm, i, mm.areas.flags[i]! & ~(VM_LOCKED | VM_LOCKONFAULT));
  mergeAreas(mm, start, end);
}
