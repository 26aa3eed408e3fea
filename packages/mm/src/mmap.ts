// mmap(2), in the order of checks of ksys_mmap_pgoff and do_mmap in Linux 6.x. Small anonymous mappings and file mappings get their pages
// at once, so that the program never faults on them; large ones cost nothing until touched.
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_SYNC,
  MAP_TYPE,
  MAP_UNINITIALIZED,
  OVERCOMMIT_NEVER,
  PROT_EXEC,
  PROT_WRITE,
} from '@sandbox-kernel/abi';
import { type Mappable, MEMORY_FILE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { installChanges } from './access.js';
import { isPageAligned, pageUp } from './addresses.js';
import {
  PAGE_COW,
  PAGE_OWNED,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_DROPPABLE,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_NORESERVE,
  VM_PROT,
  VM_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  VM_WRITE,
} from './area-flags.js';
import { addArea, isCommitted } from './areas.js';
import { checkCommit, checkExpansion, checkLocked } from './limits.js';
import type { MemoryManager } from './memory-manager.js';
import { hasSealed, removeRange } from './munmap.js';
import { addPages, install, settle } from './pages.js';
import { isFree, place } from './placement.js';
import { populateArea, populateEagerly } from './prefault.js';
import { SharedMemory } from './shared-memory.js';
import type { MappedFile } from './types.js';

/** What MAP_SHARED_VALIDATE knows (LEGACY_MAP_MASK). */
const KNOWN_FLAGS =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_UNINITIALIZED |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_32BIT |
  0xfc000000;
/** Largest file offset that can be mapped: pgoff is counted in pages of a signed 64-bit offset. */
const OFFSET_LIMIT = 2 ** 63;

export function mmap(
  mm: MemoryManager,
  addr: number,
  length: number,
  prot: number,
  flags: number,
  file: MappedFile | null,
  offset: number,
): number {
  if (!isPageAligned(offset)) return -EINVAL;
  const anonymous = (flags & MAP_ANONYMOUS) !== 0;
  if (!anonymous && file === null) return -EBADF;
  if (flags & MAP_HUGETLB) return anonymous ? -ENOMEM : -EINVAL;
  if (length === 0) return -EINVAL;
  const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
  const bytes = pageUp(length);
  if (bytes > mm.layout.addressLimit) return -ENOMEM;
  if (mm.areas.count >= mm.tuning.maxAreas) return -ENOMEM;
  const at = place(mm, addr, bytes, fixed ? flags | MAP_FIXED : flags);
  if (at < 0) return at;
  if (flags & MAP_FIXED_NOREPLACE && !isFree(mm, at, at + bytes)) return -EEXIST;
  let vm = baseFlags(mm, prot, flags);
  if (flags & MAP_LOCKED && !mm.limits.canLockMemory && mm.limits.lockedMemory === 0) return -EPERM;
  const locked = checkLocked(mm, vm, bytes);
  if (locked < 0) return locked;
  vm = anonymous ? anonymousFlags(flags, vm) : fileFlags(file!, offset + bytes, flags, vm);
  if (vm < 0) return vm;
  return mapRegion(mm, at, bytes, vm, anonymous ? null : file!.mappable, offset, flags);
}

/** Flags that do not depend on what is mapped (calc_vm_prot_bits, calc_vm_flag_bits, mm->def_flags). */
function baseFlags(mm: MemoryManager, prot: number, flags: number): number {
  let vm = (prot & VM_PROT) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | mm.defaultFlags;
  if (flags & MAP_GROWSDOWN) vm |= VM_GROWSDOWN;
  if (flags & MAP_LOCKED) vm |= VM_LOCKED;
  if (flags & MAP_NORESERVE && mm.tuning.overcommit !== OVERCOMMIT_NEVER) vm |= VM_NORESERVE;
  return vm;
}

function anonymousFlags(flags: number, vm: number): number {
  switch (flags & MAP_TYPE) {
    case MAP_SHARED:
      return vm & VM_GROWSDOWN ? -EINVAL : vm | VM_SHARED;
    case MAP_PRIVATE:
      return vm;
    case MAP_DROPPABLE:
      if (flags & MAP_LOCKED || vm & VM_GROWSDOWN) return -EINVAL;
      return vm | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
    default:
      return -EINVAL;
  }
}

function fileFlags(file: MappedFile, end: number, flags: number, vm: number): number {
  if (end >= OFFSET_LIMIT) return -EOVERFLOW;
  const type = flags & MAP_TYPE;
  if (type === MAP_PRIVATE) return privateFlags(file, flags, vm);
  if (type !== MAP_SHARED && type !== MAP_SHARED_VALIDATE) return -EINVAL;
  if (type === MAP_SHARED_VALIDATE && flags & ~(KNOWN_FLAGS | MAP_TYPE)) return -EOPNOTSUPP;
  if (vm & PROT_WRITE && !file.writable) return -EACCES;
  if (file.appendOnly && file.writable) return -EACCES;
  const writable = file.writable && file.sealed !== true;
  const checked = privateFlags(file, flags, (writable ? vm : vm & ~VM_MAYWRITE) | VM_SHARED);
  return checked >= 0 && file.sealed === true && vm & VM_WRITE ? -EPERM : checked;
}

/** Checks that shared and private file mappings have in common. No file here is persistent memory, so MAP_SYNC is refused. */
function privateFlags(file: MappedFile, flags: number, vm: number): number {
  if (!file.readable) return -EACCES;
  if (flags & MAP_SYNC && file.mappable !== null) return -EOPNOTSUPP;
  if (file.noexec && vm & PROT_EXEC) return -EPERM;
  if (file.mappable === null) return -ENODEV;
  if (vm & VM_GROWSDOWN) return -EINVAL;
  return file.noexec ? vm & ~VM_MAYEXEC : vm;
}

/** mmap_region: limits, then the old mappings go, then the new one is there. */
function mapRegion(
  mm: MemoryManager,
  at: number,
  bytes: number,
  vm: number,
  file: Mappable | null,
  offset: number,
  flags: number,
): number {
  const replaced = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ? mappedBytes(mm, at, at + bytes) : 0;
  if (checkExpansion(mm, vm, bytes - replaced) < 0) return -ENOMEM;
  if (replaced > 0) {
    if (hasSealed(mm, at, at + bytes)) return -EPERM;
    const removed = removeRange(mm, at, at + bytes);
    if (removed < 0) return removed;
  }
  // /dev/zero is another way to ask for anonymous memory.
  const anonymous = file === null || file.anonymous;
  const sharedAnonymous = anonymous && (vm & VM_SHARED) !== 0;
  if (isCommitted(vm, null) || (sharedAnonymous && !(vm & VM_NORESERVE))) {
    if (checkCommit(mm, bytes) < 0) {
      settle(mm);
      return -ENOMEM;
    }
  }
  const mapped = sharedAnonymous
    ? new SharedMemory(mm.file, bytes, '/dev/zero (deleted)', mm.file.nextInode(), true)
    : anonymous
      ? null
      : file;
  addArea(mm, at, at + bytes, vm, mapped, anonymous ? 0 : offset, null);
  if (flags & MAP_POPULATE && !(flags & MAP_NONBLOCK)) populateArea(mm, at, at + bytes);
  else if (vm & VM_LOCKED) populateArea(mm, at, at + bytes);
  else populateEagerly(mm, at, at + bytes);
  installChanges(mm);
  settle(mm);
  return at;
}

/** Bytes of [start, end) that areas cover. */
function mappedBytes(mm: MemoryManager, start: number, end: number): number {
  const areas = mm.areas;
  let bytes = 0;
  for (let i = areas.find(start); i < areas.count && areas.start[i]! < end; i++) {
    bytes += Math.min(end, areas.end[i]!) - Math.max(start, areas.start[i]!);
  }
  return bytes;
}

/** Pages of the kernel in the program ([vdso], [vvar]): there from the start, never writable, never merged. */
export function mapSpecial(
  mm: MemoryManager,
  addr: number,
  length: number,
  prot: number,
  offset: number,
  name: string,
): number {
  const end = addr + length;
  if (length === 0 || !isPageAligned(addr) || length % PAGE_SIZE !== 0) return -EINVAL;
  if (end > mm.layout.addressLimit || !isFree(mm, addr, end)) return -ENOMEM;
  const exec = prot & VM_EXEC ? VM_MAYEXEC : 0;
  const flags = (prot & VM_PROT & ~VM_WRITE) | VM_MAYREAD | exec | VM_SPECIAL | VM_DONTEXPAND;
  addArea(mm, addr, end, flags | VM_READ, null, 0, name);
  mm.file.retain(offset, length);
  addPages(mm, addr, length, MEMORY_FILE, offset, PAGE_OWNED | PAGE_COW);
  return install(mm, addr, end);
}
