// msync(2): a shared mapping is the file, so that only caches in front of it need flushing.
import { EBUSY, EINVAL, ENOMEM, MS_ASYNC, MS_INVALIDATE, MS_SYNC } from '@sandbox-kernel/abi';
import { ADDRESS_WRAP, isPageAligned, pageLength } from './addresses.js';
import { VM_LOCKED, VM_SHARED } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';

export function msync(mm: MemoryManager, addr: number, length: number, flags: number): number {
  if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) return -EINVAL;
  if (!isPageAligned(addr)) return -EINVAL;
  if (flags & MS_ASYNC && flags & MS_SYNC) return -EINVAL;
  const end = addr + pageLength(length);
  if (end >= ADDRESS_WRAP) return -ENOMEM;
  if (end === addr) return 0;
  const areas = mm.areas;
  let hole = 0;
  let at = addr;
  for (let i = areas.find(addr); at < end; i++) {
    if (i >= areas.count || areas.start[i]! >= end) return -ENOMEM;
    if (areas.start[i]! > at) {
      at = areas.start[i]!;
      hole = -ENOMEM;
    }
    const stop = Math.min(end, areas.end[i]!);
    if (flags & MS_INVALIDATE && areas.flags[i]! & VM_LOCKED) return -EBUSY;
    const file = areas.files[i]!;
    if (flags & MS_SYNC && file !== null && areas.flags[i]! & VM_SHARED) {
      const result = file.sync(areas.offset[i]! + (at - areas.start[i]!), stop - at);
      if (result < 0) return result;
    }
    at = stop;
  }
  return hole;
}
