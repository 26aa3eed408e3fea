// Identity of a futex word (get_futex_key): private memory is known by space and address, shared memory by file and offset.
import { EFAULT, EINVAL, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { allows, areaFor, reach } from './access.js';
import { pageDown } from './addresses.js';
import { PAGE_OWNED, VM_SHARED } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import type { FutexKey } from './types.js';

/** 0; -EINVAL: not aligned to four bytes; -EFAULT. A private key of memory that isn't there is still a key, as in Linux. */
export function futexKey(mm: MemoryManager, addr: number, shared: boolean, out: FutexKey): number {
  if (addr % 4 !== 0) return -EINVAL;
  if (!(addr >= 0 && addr < mm.layout.addressLimit)) return -EFAULT;
  out.object = mm;
  out.offset = addr;
  if (!shared) return 0;
  const page = pageDown(addr);
  const a = areaFor(mm, page);
  if (a < 0) return -EFAULT;
  const flags = mm.areas.flags[a]!;
  const write = allows(flags, PROT_WRITE);
  if (!write && !allows(flags, PROT_READ)) return -EFAULT;
  if (reach(mm, page, write) < 0) return -EFAULT;
  const owned = (mm.pages.flags[mm.pages.at(page)]! & PAGE_OWNED) !== 0;
  if (!(flags & VM_SHARED) && (owned || mm.areas.files[a] === null)) {
    // A shared operation on private memory never meets a private one (Linux: FUT_OFF_MMSHARED).
    out.object = mm.areas;
    return 0;
  }
  out.object = mm.areas.files[a]!;
  out.offset = mm.areas.offset[a]! + (addr - mm.areas.start[a]!);
  return 0;
}
