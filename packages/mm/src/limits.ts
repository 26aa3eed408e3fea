// Limits that a growing address space runs into: RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK (getrlimit(2)) and
// vm.overcommit_memory (proc_sys_vm(5)).
import { EAGAIN, ENOMEM, OVERCOMMIT_ALWAYS, OVERCOMMIT_GUESS } from '@sandbox-kernel/abi';
import { VM_GROWSDOWN, VM_LOCKED } from './area-flags.js';
import { isData } from './areas.js';
import type { MemoryManager } from './memory-manager.js';

/** May areas with these flags grow by `bytes`? 0 or -ENOMEM. */
export function checkExpansion(mm: MemoryManager, flags: number, bytes: number): number {
  if (mm.sizes.total + bytes > mm.limits.addressSpace) return -ENOMEM;
  if (isData(flags) && mm.sizes.data + bytes > mm.limits.data) return -ENOMEM;
  return 0;
}

/** May `bytes` more be locked, when the area is to be locked at all? 0 or -EAGAIN. */
export function checkLocked(mm: MemoryManager, flags: number, bytes: number): number {
  if (!(flags & VM_LOCKED) || mm.limits.canLockMemory) return 0;
  return mm.sizes.locked + bytes > mm.limits.lockedMemory ? -EAGAIN : 0;
}

/** May the program be promised `bytes` more? The heuristic refuses only what can never be had. 0 or -ENOMEM. */
export function checkCommit(mm: MemoryManager, bytes: number): number {
  const mode = mm.tuning.overcommit;
  if (mode === OVERCOMMIT_ALWAYS) return 0;
  const promised = mode === OVERCOMMIT_GUESS ? bytes : mm.sizes.committed + bytes;
  return promised > Math.min(mm.file.limit, mm.file.total) ? -ENOMEM : 0;
}

/** May a stack area reach down to a size of `size`, growing by `bytes`? 0 or -ENOMEM. */
export function checkStack(mm: MemoryManager, flags: number, size: number, bytes: number): number {
  if (checkExpansion(mm, flags | VM_GROWSDOWN, bytes) < 0 || size > mm.limits.stack) return -ENOMEM;
  if (checkLocked(mm, flags, bytes) < 0) return -ENOMEM;
  return checkCommit(mm, bytes);
}
