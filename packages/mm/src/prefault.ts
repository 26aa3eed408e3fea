// Getting pages ahead of need: eager mapping (small anonymous areas whole, files as far as one translation reaches), MAP_POPULATE, mlock(2),
// MADV_POPULATE_*. Works on the tables; the caller installs.
import { EACCES, EFAULT, ENOMEM, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { allows } from './access.js';
import { VM_LOCKONFAULT, VM_PROT, VM_SHARED, VM_UFFD, VM_WRITE } from './area-flags.js';
import type { MemoryManager } from './memory-manager.js';
import { fillAnonymous, makePresent, prepare, translateRun } from './populate.js';

const MAX_RUNS = 16;

/** A new or newly accessible piece [start, end) of one area: gives it pages where that is cheap. Failure is for the fault to report. */
export function populateEagerly(mm: MemoryManager, start: number, end: number): void {
  const a = mm.areas.at(start);
  if (!(mm.areas.flags[a]! & VM_PROT) || mm.areas.flags[a]! & VM_UFFD) return;
  const bytes = end - start;
  if (mm.areas.files[a] === null) {
    if (bytes <= mm.tuning.eagerBytes) fillHoles(mm, start, end);
    return;
  }
  if (bytes > mm.tuning.fileBlock) return;
  const flags = mm.areas.flags[a]!;
  const write = (flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE);
  // Shared memory of our own is as good as private memory; holes of other files are not filled before they are written to.
  if (write && bytes > mm.tuning.eagerBytes) return;
  let at = start;
  for (let n = 0; n < MAX_RUNS && at >= 0 && at < end; n++) {
    if (mm.pages.at(at) >= 0) return;
    at = translateRun(mm, a, at, end, write && mm.areas.files[a]!.anonymous);
  }
}

function fillHoles(mm: MemoryManager, start: number, end: number): void {
  let at = start;
  while (at < end) {
    const i = mm.pages.find(at);
    const next = i < mm.pages.count ? Math.min(end, mm.pages.start[i]!) : end;
    if (next > at) {
      if (fillAnonymous(mm, at, next, at) < 0) return;
      at = mm.pages.end[mm.pages.find(at)]!;
    } else at = mm.pages.end[i]!;
  }
}

/** MAP_POPULATE, MAP_LOCKED: all of it, with write access where the area has it; errors end it silently. */
export function populateArea(mm: MemoryManager, start: number, end: number): void {
  populateRange(mm, start, end, false, true);
}

/**
 * Makes [start, end) present. `write`: break copy-on-write, refuse read-only areas; `prefer`: take write access where it is to be
 * had. 0; -ENOMEM: a hole, or no memory; -EACCES: no access; -EFAULT: the file has no such page.
 */
export function populateRange(
  mm: MemoryManager,
  start: number,
  end: number,
  write: boolean,
  prefer: boolean,
): number {
  const areas = mm.areas;
  let at = start;
  for (let a = areas.find(start); at < end; a++) {
    if (a >= areas.count || areas.start[a]! > at) return -ENOMEM;
    const stop = Math.min(end, areas.end[a]!);
    const flags = areas.flags[a]!;
    const wanted = write || (prefer && (flags & (VM_WRITE | VM_SHARED)) === VM_WRITE);
    if (prefer && flags & VM_LOCKONFAULT) {
      at = stop;
      continue;
    }
    if (allows(flags, write ? PROT_WRITE : PROT_READ)) {
      const result = populatePiece(mm, a, at, stop, wanted);
      if (result < 0) return result === -ENOMEM ? result : -EFAULT;
    } else return -EACCES;
    at = stop;
  }
  return 0;
}

function populatePiece(mm: MemoryManager, a: number, start: number, end: number, write: boolean): number {
  for (let page = start; page < end; ) {
    const result = makePresent(mm, a, page, write);
    if (result < 0) return result;
    // The run that the page is in is as good as the page. It is to be there before the program touches it.
    const stop = Math.min(end, mm.pages.end[mm.pages.at(page)]!);
    prepare(mm, page, stop - page, true);
    page = stop;
  }
  return 0;
}
