// Access to memory by another's right: ptrace(2) peek and poke, /proc/PID/mem. Protections do not count (FOLL_FORCE), except that a write
// never reaches a file: a read-only private page is copied first, a read-only shared one refused.
import { EFAULT } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, MEMORY_FILE } from '@sandbox-kernel/contracts';
import { areaFor, installChanges } from './access.js';
import { pageDown } from './addresses.js';
import { VM_MAYREAD, VM_MAYWRITE, VM_SHARED, VM_SPECIAL, VM_WRITE } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import { makePresent } from './populate.js';

function mayForce(flags: number, write: boolean): boolean {
  if (!write) return (flags & VM_MAYREAD) !== 0;
  if (flags & VM_WRITE) return true;
  return (flags & (VM_SHARED | VM_SPECIAL)) === 0 && (flags & VM_MAYWRITE) !== 0;
}

/** Moves bytes between `bytes[at..]` and the guest. Bytes moved, short at the first page that can't be reached. */
export function forceAccess(
  mm: MemoryManager,
  addr: number,
  bytes: Uint8Array,
  at: number,
  length: number,
  write: boolean,
): number {
  let done = 0;
  while (done < length) {
    const n = forcePage(mm, addr + done, bytes, at + done, length - done, write);
    if (n < 0) break;
    done += n;
  }
  return done;
}

function forcePage(
  mm: MemoryManager,
  addr: number,
  bytes: Uint8Array,
  at: number,
  length: number,
  write: boolean,
): number {
  const page = pageDown(addr);
  const a = areaFor(mm, page);
  if (a < 0 || !mayForce(mm.areas.flags[a]!, write)) return -EFAULT;
  const result = makePresent(mm, a, page, write);
  installChanges(mm);
  // Another's access does not wait for this space's monitors.
  mm.obstacle = null;
  if (result < 0) return -EFAULT;
  const { pages } = mm;
  const i = pages.at(page);
  const n = Math.min(length, pages.end[i]! - addr, mm.areas.end[a]! - addr);
  const offset = pages.offset[i]! + (addr - pages.start[i]!);
  if (pages.fd[i] !== MEMORY_FILE) {
    const file = mm.areas.files[a]!;
    const where = mm.areas.offset[a]! + (addr - mm.areas.start[a]!);
    const moved = write ? file.writeAt(where, bytes, at, n) : file.readAt(where, bytes, at, n);
    return moved > 0 ? moved : -EFAULT;
  }
  const chunk = mm.file.chunk(offset);
  const index = offset % CHUNK_SIZE;
  if (write) chunk.set(bytes.subarray(at, at + n), index);
  else bytes.set(chunk.subarray(index, index + n), at);
  return n;
}
