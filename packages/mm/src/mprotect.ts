// mprotect(2), in the order of checks of do_mprotect_pkey.
import {
  EACCES,
  EINVAL,
  ENOMEM,
  EPERM,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
} from '@sandbox-kernel/abi';
import { installChanges } from './access.js';
import { ADDRESS_WRAP, isPageAligned, pageLength } from './addresses.js';
import {
  VM_EXEC,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAY_SHIFT,
  VM_PROT,
  VM_SEALED,
  VM_SHARED,
  VM_SPECIAL,
  VM_WRITE,
} from './area-flags.js';
import { cutArea, isCommitted, isData, mergeAreas, setAreaFlags } from './areas.js';
import { checkCommit } from './limits.js';
import type { MemoryManager } from './memory-manager.js';
import { checkSplit } from './munmap.js';
import { install, installedProt, settle, touched } from './pages.js';
import { populateEagerly } from './prefault.js';

const KNOWN = VM_PROT | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP;
const GROWS = PROT_GROWSDOWN | PROT_GROWSUP;

export function mprotect(mm: MemoryManager, addr: number, length: number, prot: number): number {
  if ((prot & GROWS) === GROWS) return -EINVAL;
  if (!isPageAligned(addr)) return -EINVAL;
  if (length === 0) return 0;
  const end = addr + pageLength(length);
  if (!(end > addr && end < ADDRESS_WRAP)) return -ENOMEM;
  if (prot & ~KNOWN) return -EINVAL;
  const areas = mm.areas;
  const first = areas.find(addr);
  if (first >= areas.count) return -ENOMEM;
  let start = addr;
  if (prot & PROT_GROWSDOWN) {
    if (areas.start[first]! >= end) return -ENOMEM;
    start = areas.start[first]!;
    if (!(areas.flags[first]! & VM_GROWSDOWN)) return -EINVAL;
  } else {
    if (areas.start[first]! > start) return -ENOMEM;
    // Nothing grows up on x86-64.
    if (prot & PROT_GROWSUP) return -EINVAL;
  }
  const result = protectRange(mm, start, end, prot & VM_PROT);
  settle(mm);
  return result;
}

/** As Linux, areas before the one that fails keep their new protection; but sealed ones are looked for first. */
function protectRange(mm: MemoryManager, start: number, end: number, prot: number): number {
  const areas = mm.areas;
  for (let i = areas.find(start); i < areas.count && areas.start[i]! < end; i++) {
    if (areas.flags[i]! & VM_SEALED) return -EPERM;
  }
  let at = start;
  let result = 0;
  while (at < end) {
    const i = areas.find(at);
    if (i >= areas.count || areas.start[i]! > at) {
      result = -ENOMEM;
      break;
    }
    const stop = Math.min(end, areas.end[i]!);
    result = protectArea(mm, i, at, stop, prot);
    if (result < 0) break;
    at = stop;
  }
  mergeAreas(mm, start, end);
  return result;
}

function protectArea(mm: MemoryManager, i: number, start: number, end: number, prot: number): number {
  const areas = mm.areas;
  const old = areas.flags[i]!;
  if ((prot & ~(old >> VM_MAY_SHIFT)) !== 0) return -EACCES;
  const flags = (old & ~VM_PROT) | prot;
  if (flags === old) return 0;
  const refused = checkChange(mm, i, start, end, flags);
  if (refused < 0) return refused;
  if (mm.patches !== null && (flags & (VM_WRITE | VM_EXEC)) !== VM_EXEC)
    mm.patches.leave(mm, start, end, false);
  cutArea(mm, start);
  cutArea(mm, end);
  const k = areas.find(start);
  setAreaFlags(mm, k, flags);
  reinstall(mm, start, end, old, flags);
  if (!(old & VM_PROT) && !(flags & VM_SPECIAL)) populateEagerly(mm, start, end);
  else if (flags & VM_LOCKED && flags & VM_WRITE) populateEagerly(mm, start, end);
  installChanges(mm);
  return 0;
}

function checkChange(mm: MemoryManager, i: number, start: number, end: number, flags: number): number {
  const areas = mm.areas;
  const old = areas.flags[i]!;
  const bytes = end - start;
  if (isData(flags) && !isData(old) && mm.sizes.data + bytes > mm.limits.data) return -ENOMEM;
  const file = areas.files[i]!;
  if (isCommitted(flags, file) && !isCommitted(old, file) && checkCommit(mm, bytes) < 0) return -ENOMEM;
  return checkSplit(mm, start, end);
}

/** Tells the platform: one `protect` where all pages have the same new rights, else one command per run. */
function reinstall(mm: MemoryManager, start: number, end: number, old: number, flags: number): void {
  const pages = mm.pages;
  let uniform = -1;
  let same = true;
  let any = false;
  for (let i = pages.find(start); i < pages.count && pages.start[i]! < end; i++) {
    any = true;
    const prot = installedProt(flags, pages.flags[i]!);
    if (prot !== installedProt(old, pages.flags[i]!)) same = false;
    if (uniform >= 0 && uniform !== prot) uniform = PROT_READ | PROT_WRITE | 8;
    else uniform = prot;
  }
  if (!any || same) {
    // Nothing for the platform to do, yet faults taken under the old protection must be judged again.
    touched(mm);
    return;
  }
  const holes = !coveredBy(mm, start, end);
  if (uniform > VM_PROT || holes || flags & VM_SHARED) install(mm, start, end);
  else {
    mm.space.protect(start, end - start, uniform);
    touched(mm);
  }
}

/** Are there pages for all of [start, end)? */
function coveredBy(mm: MemoryManager, start: number, end: number): boolean {
  const pages = mm.pages;
  let at = start;
  for (let i = pages.find(start); i < pages.count && at < end; i++) {
    if (pages.start[i]! > at) return false;
    at = pages.end[i]!;
  }
  return at >= end;
}
