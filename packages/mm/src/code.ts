// Changing code under a running program: a private copy of the page takes the old one's place, so that whoever executes there sees all of
// the change or nothing of it, and the host's exchange of the mapping makes every processor look again. What is changed must be put back
// before the program can write there, move the code, or take away what the change leads to: `CodePatches` is told.
import { EACCES, ENOMEM } from '@sandbox-kernel/abi';
import { CHUNK_SIZE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import { installChanges } from './access.js';
import { pageDown } from './addresses.js';
import {
  VM_EXEC,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_UFFD,
  VM_WRITE,
} from './area-flags.js';
import { checkExpansion } from './limits.js';
import type { MemoryManager } from './memory-manager.js';
import { guardedStart } from './placement.js';
import { duplicatePage, makePresent } from './populate.js';

/** Who has changed code in an address space. */
export interface CodePatches {
  /** [start, end) is about to become writable, or no code; `gone`: to be unmapped, replaced or moved. */
  leave(mm: MemoryManager, start: number, end: number, gone: boolean): void;
  /** For the child of a fork, whose memory has the same patches. */
  fork(): CodePatches;
}

/** Is all of [start, end) in one area with code of a file that only this program sees and that it can't write now? */
export function isFileCode(mm: MemoryManager, start: number, end: number): boolean {
  const { areas } = mm;
  const a = areas.at(start);
  if (a < 0 || end > areas.end[a]!) return false;
  const flags = areas.flags[a]!;
  if ((flags & (VM_EXEC | VM_WRITE | VM_SHARED | VM_SPECIAL | VM_UFFD)) !== VM_EXEC) return false;
  const file = areas.files[a]!;
  return file !== null && !file.anonymous;
}

/** Replaces the code at `addr`, which lies in one page. 0 or -errno; then nothing has changed. */
export function replaceCode(mm: MemoryManager, addr: number, code: Uint8Array): number {
  const page = pageDown(addr);
  const a = mm.areas.at(page);
  if (a < 0 || mm.areas.flags[a]! & (VM_SHARED | VM_SPECIAL | VM_UFFD)) return -EACCES;
  const present = makePresent(mm, a, page, false);
  const copied = present < 0 ? present : duplicatePage(mm, a, page);
  if (copied >= 0) {
    const { pages } = mm;
    const i = pages.at(page);
    const offset = pages.offset[i]! + (addr - pages.start[i]!);
    mm.file.chunk(offset).set(code, offset % CHUNK_SIZE);
  }
  const installed = installChanges(mm);
  return copied < 0 ? copied : installed;
}

/** A free page below `addr` and not further away than `reach`, as near as can be; or -ENOMEM. */
export function freePageBelow(mm: MemoryManager, addr: number, reach: number): number {
  const { areas, layout } = mm;
  const lowest = Math.max(layout.addressMinimum, addr - reach);
  if (areas.count >= mm.tuning.maxAreas) return -ENOMEM;
  if (checkExpansion(mm, VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC, PAGE_SIZE) < 0) return -ENOMEM;
  for (let i = areas.at(addr); i >= 0; i--) {
    const page = guardedStart(mm, i) - PAGE_SIZE;
    if (page < lowest) return -ENOMEM;
    if (i === 0 || areas.end[i - 1]! <= page) return page;
  }
  return -ENOMEM;
}
