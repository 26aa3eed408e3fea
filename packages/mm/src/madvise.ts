// madvise(2), in the order of checks of do_madvise. Advice that only tunes is remembered in the area's flags (smaps shows it). DONTNEED and
// FREE give memory back at once; a small range that nobody shares is emptied in place, so that it needs no new mapping afterwards.
import {
  EACCES,
  EINVAL,
  ENOMEM,
  EOPNOTSUPP,
  EPERM,
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
} from '@sandbox-kernel/abi';
import type { Mappable } from '@sandbox-kernel/contracts';
import { installChanges } from './access.js';
import { ADDRESS_WRAP, isPageAligned, pageLength } from './addresses.js';
import {
  PAGE_OWNED,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEALED,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_UFFD,
  VM_WIPEONFORK,
  VM_WRITE,
} from './area-flags.js';
import { cutArea, mergeAreas, setAreaFlags } from './areas.js';
import { collapse } from './collapse.js';
import { tellRemoved } from './fault-monitor.js';
import type { MemoryManager } from './memory-manager.js';
import { dropPages, settle } from './pages.js';
import { populateRange } from './prefault.js';

const READAHEAD = VM_RAND_READ | VM_SEQ_READ;

/** Advice that sets and clears flags: advice → [set, clear]. */
const FLAG_ADVICE: ReadonlyMap<number, readonly [number, number]> = new Map([
  [MADV_NORMAL, [0, READAHEAD]],
  [MADV_RANDOM, [VM_RAND_READ, READAHEAD]],
  [MADV_SEQUENTIAL, [VM_SEQ_READ, READAHEAD]],
  [MADV_DONTFORK, [VM_DONTCOPY, 0]],
  [MADV_DOFORK, [0, VM_DONTCOPY]],
  [MADV_WIPEONFORK, [VM_WIPEONFORK, 0]],
  [MADV_KEEPONFORK, [0, VM_WIPEONFORK]],
  [MADV_DONTDUMP, [VM_DONTDUMP, 0]],
  [MADV_DODUMP, [0, VM_DONTDUMP]],
  [MADV_MERGEABLE, [VM_MERGEABLE, 0]],
  [MADV_UNMERGEABLE, [0, VM_MERGEABLE]],
  [MADV_HUGEPAGE, [VM_HUGEPAGE, VM_NOHUGEPAGE]],
  [MADV_NOHUGEPAGE, [VM_NOHUGEPAGE, VM_HUGEPAGE]],
]);

const isDiscard = (advice: number): boolean =>
  advice === MADV_DONTNEED || advice === MADV_FREE || advice === MADV_DONTNEED_LOCKED;

function isKnown(advice: number): boolean {
  if (FLAG_ADVICE.has(advice) || isDiscard(advice)) return true;
  return (
    advice === MADV_WILLNEED ||
    advice === MADV_REMOVE ||
    advice === MADV_COLD ||
    advice === MADV_PAGEOUT ||
    advice === MADV_POPULATE_READ ||
    advice === MADV_POPULATE_WRITE ||
    advice === MADV_COLLAPSE
  );
}

export function madvise(mm: MemoryManager, addr: number, length: number, advice: number): number {
  if (!isKnown(advice) || !isPageAligned(addr)) return -EINVAL;
  const bytes = pageLength(length);
  const end = addr + bytes;
  if ((length > 0 && bytes === 0) || end >= ADDRESS_WRAP) return -EINVAL;
  if (end === addr) return 0;
  if (discardsSealed(mm, addr, end, advice)) return -EPERM;
  const populates = advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE;
  const result = populates ? populate(mm, addr, end, advice) : advise(mm, addr, end, advice);
  settle(mm);
  return result;
}

function populate(mm: MemoryManager, start: number, end: number, advice: number): number {
  const result = populateRange(mm, start, end, advice === MADV_POPULATE_WRITE, false);
  installChanges(mm);
  // A protection that forbids it is EINVAL here; a page that isn't to be had is EFAULT.
  return result === -EACCES ? -EINVAL : result;
}

/** mseal(2): content of sealed memory that the program can't write may not be thrown away. */
function discardsSealed(mm: MemoryManager, start: number, end: number, advice: number): boolean {
  const destroys =
    isDiscard(advice) || advice === MADV_REMOVE || advice === MADV_DONTFORK || advice === MADV_WIPEONFORK;
  if (!destroys) return false;
  const areas = mm.areas;
  for (let i = areas.find(start); i < areas.count && areas.start[i]! < end; i++) {
    const flags = areas.flags[i]!;
    if (flags & VM_SEALED && areas.files[i] === null && !(flags & VM_WRITE)) return true;
  }
  return false;
}

/** Applies advice to each area; holes make the result -ENOMEM, but do not end it. */
function advise(mm: MemoryManager, start: number, end: number, advice: number): number {
  const areas = mm.areas;
  let hole = 0;
  let at = start;
  while (at < end) {
    const i = areas.find(at);
    if (i >= areas.count || areas.start[i]! >= end) {
      hole = -ENOMEM;
      break;
    }
    if (areas.start[i]! > at) {
      hole = -ENOMEM;
      at = areas.start[i]!;
    }
    const stop = Math.min(end, areas.end[i]!);
    const result = adviseArea(mm, i, at, stop, advice);
    if (result < 0) {
      mergeAreas(mm, start, end);
      return result;
    }
    at = stop;
  }
  mergeAreas(mm, start, end);
  return hole;
}

function adviseArea(mm: MemoryManager, i: number, start: number, end: number, advice: number): number {
  const flags = mm.areas.flags[i]!;
  const file = mm.areas.files[i]!;
  if (isDiscard(advice)) return discard(mm, i, start, end, advice);
  if (advice === MADV_REMOVE) return removeContent(mm, i, start, end);
  if (advice === MADV_COLD || advice === MADV_PAGEOUT) return flags & VM_LOCKED ? -EINVAL : 0;
  if (advice === MADV_WILLNEED) return 0;
  if (advice === MADV_COLLAPSE) return collapse(mm, i, start, end);
  if (advice === MADV_WIPEONFORK && (file !== null || flags & VM_SHARED)) return -EINVAL;
  if (flags & VM_DROPPABLE && (advice === MADV_KEEPONFORK || advice === MADV_DODUMP)) return -EINVAL;
  if (flags & VM_SPECIAL && (advice === MADV_DOFORK || advice === MADV_DODUMP)) return -EINVAL;
  const [set, clear] = FLAG_ADVICE.get(advice)!;
  const wanted = (flags & ~clear) | set;
  if (wanted === flags) return 0;
  if (mm.areas.count + 2 > mm.tuning.maxAreas) return -ENOMEM;
  cutArea(mm, start);
  cutArea(mm, end);
  setAreaFlags(mm, mm.areas.find(start), wanted);
  return 0;
}

function discard(mm: MemoryManager, i: number, start: number, end: number, advice: number): number {
  const flags = mm.areas.flags[i]!;
  const file = mm.areas.files[i]!;
  if (flags & VM_LOCKED && advice !== MADV_DONTNEED_LOCKED) return -EINVAL;
  if (advice === MADV_FREE && file !== null) return -EINVAL;
  if (flags & VM_SPECIAL) return 0;
  const watched = (flags & VM_UFFD) !== 0;
  if (watched || file !== null || end - start > mm.tuning.eagerBytes || !emptyInPlace(mm, start, end)) {
    dropPages(mm, start, end);
  }
  if (watched) tellRemoved(mm, i, start, end);
  return 0;
}

/** Empties pages that only this space owns, leaving them mapped. False, with nothing done, when others own some. */
function emptyInPlace(mm: MemoryManager, start: number, end: number): boolean {
  const { pages, file } = mm;
  for (let pass = 0; pass < 2; pass++) {
    for (let i = pages.find(start); i < pages.count && pages.start[i]! < end; i++) {
      const from = Math.max(start, pages.start[i]!);
      const length = Math.min(end, pages.end[i]!) - from;
      const offset = pages.offset[i]! + (from - pages.start[i]!);
      if (pass === 1) file.punch(offset, length);
      else if (!(pages.flags[i]! & PAGE_OWNED) || file.runLength(offset, length, true) < length) return false;
    }
  }
  return true;
}

/** A file whose content can be taken away in the middle (fallocate with FALLOC_FL_PUNCH_HOLE). */
interface Punchable extends Mappable {
  punch(offset: number, length: number): number;
}

const isPunchable = (file: Mappable): file is Punchable => typeof (file as Punchable).punch === 'function';

function removeContent(mm: MemoryManager, i: number, start: number, end: number): number {
  const flags = mm.areas.flags[i]!;
  const file = mm.areas.files[i]!;
  if (flags & VM_LOCKED || file === null) return -EINVAL;
  if ((flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) return -EACCES;
  if (!isPunchable(file)) return -EOPNOTSUPP;
  if (flags & VM_UFFD) {
    dropPages(mm, start, end);
    tellRemoved(mm, i, start, end);
  }
  return file.punch(mm.areas.offset[i]! + (start - mm.areas.start[i]!), end - start);
}

/** For process_madvise(2): the advice that may be given to another process. */
export function isRemoteAdvice(advice: number): boolean {
  return [MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_COLLAPSE].includes(advice);
}
