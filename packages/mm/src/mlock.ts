// mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2). Nothing here is ever swapped by us: locking is accounting against
// RLIMIT_MEMLOCK, and pages that are there at once.
import {
  EAGAIN,
  EINVAL,
  ENOMEM,
  EPERM,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MLOCK_ONFAULT,
} from '@sandbox-kernel/abi';
import { installChanges } from './access.js';
import { ADDRESS_WRAP, pageDown, pageLength } from './addresses.js';
import { VM_DROPPABLE, VM_LOCKED, VM_LOCKONFAULT, VM_SPECIAL } from './area-flags.js';
import { cutArea, mergeAreas, setAreaFlags } from './areas.js';
import type { MemoryManager } from './memory-manager.js';
import { settle } from './pages.js';
import { populateArea, populateRange } from './prefault.js';

const LOCK_FLAGS = VM_LOCKED | VM_LOCKONFAULT;

const mayLock = (mm: MemoryManager): boolean => mm.limits.canLockMemory || mm.limits.lockedMemory > 0;

export function mlock(mm: MemoryManager, addr: number, length: number, flags: number): number {
  if (flags & ~MLOCK_ONFAULT) return -EINVAL;
  if (!mayLock(mm)) return -EPERM;
  const start = pageDown(addr);
  const bytes = pageLength(length + (addr - start));
  const end = start + bytes;
  if (!mm.limits.canLockMemory) {
    const limit = mm.limits.lockedMemory;
    const wanted = mm.sizes.locked + bytes;
    if (wanted > limit && wanted - lockedBytes(mm, start, end) > limit) return -ENOMEM;
  }
  if (end >= ADDRESS_WRAP) return -EINVAL;
  const result = setLocked(mm, start, end, flags & MLOCK_ONFAULT ? LOCK_FLAGS : VM_LOCKED);
  if (result < 0) return result;
  if (flags & MLOCK_ONFAULT) return 0;
  const populated = populateRange(mm, start, end, false, true);
  installChanges(mm);
  settle(mm);
  if (populated === 0) return 0;
  return populated === -ENOMEM ? -EAGAIN : -ENOMEM;
}

export function munlock(mm: MemoryManager, addr: number, length: number): number {
  const start = pageDown(addr);
  const end = start + pageLength(length + (addr - start));
  if (end >= ADDRESS_WRAP) return -EINVAL;
  return setLocked(mm, start, end, 0);
}

function lockedBytes(mm: MemoryManager, start: number, end: number): number {
  const areas = mm.areas;
  let bytes = 0;
  for (let i = areas.find(start); i < areas.count && areas.start[i]! < end; i++) {
    if (!(areas.flags[i]! & VM_LOCKED)) continue;
    bytes += Math.min(end, areas.end[i]!) - Math.max(start, areas.start[i]!);
  }
  return bytes;
}

/** Areas up to a hole are changed even when the hole makes the call fail, as in Linux. */
function setLocked(mm: MemoryManager, start: number, end: number, lock: number): number {
  const areas = mm.areas;
  let at = start;
  let result = 0;
  while (at < end) {
    const i = areas.find(at);
    if (i >= areas.count || areas.start[i]! > at) {
      result = -ENOMEM;
      break;
    }
    const stop = Math.min(end, areas.end[i]!);
    if (!lockArea(mm, i, at, stop, lock)) {
      result = -ENOMEM;
      break;
    }
    at = stop;
  }
  mergeAreas(mm, start, end);
  return result;
}

function lockArea(mm: MemoryManager, i: number, start: number, end: number, lock: number): boolean {
  const old = mm.areas.flags[i]!;
  const flags = (old & ~LOCK_FLAGS) | lock;
  if (flags === old || old & (VM_SPECIAL | VM_DROPPABLE)) return true;
  if (mm.areas.count + 2 > mm.tuning.maxAreas) return false;
  cutArea(mm, start);
  cutArea(mm, end);
  setAreaFlags(mm, mm.areas.find(start), flags);
  return true;
}

export function mlockall(mm: MemoryManager, flags: number): number {
  if (flags === 0 || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags === MCL_ONFAULT)
    return -EINVAL;
  if (!mayLock(mm)) return -EPERM;
  const { canLockMemory, lockedMemory } = mm.limits;
  if (flags & MCL_CURRENT && !canLockMemory && mm.sizes.total > lockedMemory) return -ENOMEM;
  const lock = flags & MCL_ONFAULT ? LOCK_FLAGS : VM_LOCKED;
  mm.defaultFlags = flags & MCL_FUTURE ? lock : 0;
  if (!(flags & MCL_CURRENT)) return 0;
  lockAll(mm, lock);
  if (flags & MCL_ONFAULT) return 0;
  const areas = mm.areas;
  for (let i = 0; i < areas.count; i++) populateArea(mm, areas.start[i]!, areas.end[i]!);
  installChanges(mm);
  settle(mm);
  return 0;
}

export function munlockall(mm: MemoryManager): number {
  mm.defaultFlags = 0;
  lockAll(mm, 0);
  return 0;
}

function lockAll(mm: MemoryManager, lock: number): void {
  const areas = mm.areas;
  for (let i = 0; i < areas.count; i++) {
    const old = areas.flags[i]!;
    if (!(old & (VM_SPECIAL | VM_DROPPABLE))) setAreaFlags(mm, i, (old & ~LOCK_FLAGS) | lock);
  }
  if (areas.count > 0) mergeAreas(mm, areas.start[0]!, areas.end[areas.count - 1]!);
}
