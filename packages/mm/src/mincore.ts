// mincore(2): which pages are there, from what this space has and what the host holds of it. Pages of files count as present (the host's page
// cache is not ours to know).
import { EFAULT, EINVAL, ENOMEM } from '@sandbox-kernel/abi';
import { MEMORY_FILE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { isPageAligned, pageDown, pageUp } from './addresses.js';
import type { MemoryManager } from './memory-manager.js';

const BATCH = 4096;

export function mincore(mm: MemoryManager, addr: number, length: number, vector: number): number {
  const limit = mm.layout.addressLimit;
  if (!isPageAligned(addr)) return -EINVAL;
  if (addr > limit || length > limit - addr) return -ENOMEM;
  const count = pageUp(length) / PAGE_SIZE;
  if (vector > limit || count > limit - vector) return -EFAULT;
  const answers = new Uint8Array(Math.min(count, BATCH));
  for (let done = 0; done < count; ) {
    const n = Math.min(BATCH, count - done);
    const found = inspect(mm, addr + done * PAGE_SIZE, n, answers);
    if (found === 0) return -ENOMEM;
    if (mm.copyOut(vector + done, answers, 0, found) < found) return -EFAULT;
    done += found;
  }
  return 0;
}

/** Is there memory behind the page at `addr`? */
export function isResident(mm: MemoryManager, addr: number): boolean {
  const i = mm.pages.at(addr);
  if (i < 0 || mm.pages.fd[i] !== MEMORY_FILE) return i >= 0;
  return mm.file.isPresent(mm.pages.offset[i]! + (pageDown(addr) - mm.pages.start[i]!));
}

/** Answers for up to `count` pages from `addr` on, as far as areas reach. How many. */
function inspect(mm: MemoryManager, addr: number, count: number, answers: Uint8Array): number {
  const { areas, pages } = mm;
  const a = areas.at(addr);
  if (a < 0) return 0;
  const end = Math.min(addr + count * PAGE_SIZE, areas.end[a]!);
  answers.fill(0, 0, (end - addr) / PAGE_SIZE);
  for (let i = pages.find(addr); i < pages.count && pages.start[i]! < end; i++) {
    const from = Math.max(addr, pages.start[i]!);
    const length = Math.min(end, pages.end[i]!) - from;
    const at = (from - addr) / PAGE_SIZE;
    const offset = pages.offset[i]! + (from - pages.start[i]!);
    if (pages.fd[i] === MEMORY_FILE) mm.file.present(offset, length, answers, at);
    else answers.fill(1, at, at + length / PAGE_SIZE);
  }
  return (end - addr) / PAGE_SIZE;
}
