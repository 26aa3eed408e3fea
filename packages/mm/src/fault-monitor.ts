// userfaultfd(2) as seen from an address space: areas whose faults a program answers. Which page is missing, protected or unmapped is worked
// out here; the queue of messages is the monitor's (in `kernel`). Pages of such areas come singly, and eager mapping leaves them alone.
// Departure: a page that was never written to, or holds nothing but zeros when its area is registered, counts as missing.
import {
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOMEM,
  UFFD_FEATURE_EVENT_REMAP,
  UFFD_FEATURE_EVENT_REMOVE,
  UFFD_FEATURE_EVENT_UNMAP,
  UFFD_PAGEFAULT_FLAG_MINOR,
  UFFD_PAGEFAULT_FLAG_WP,
  UFFD_PAGEFAULT_FLAG_WRITE,
} from '@sandbox-kernel/abi';
import {
  CHUNK_SIZE,
  type GuestMemory,
  type Mappable,
  MEMORY_FILE,
  PAGE_SIZE,
} from '@sandbox-kernel/contracts';
import {
  PAGE_COW,
  PAGE_OWNED,
  PAGE_PROTECTED,
  PAGE_WRITABLE,
  VM_SHARED,
  VM_UFFD,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
} from './area-flags.js';
import { cutArea, mergeAreas, setAreaFlags } from './areas.js';
import { OWNER_PRIVATE } from './memory-file.js';
import type { MemoryManager } from './memory-manager.js';
import { addPages, dropPages, flush, install, settle } from './pages.js';

/** Of `makePresent` and `fault`: the page waits for its monitor; `MemoryManager.obstacle` says which. Outside the range of errnos. */
export const FAULT_WAITS = -5000;
/** The monitor wants a SIGBUS instead (UFFD_FEATURE_SIGBUS). */
export const FAULT_SIGBUS = -5001;

/** Who answers the faults of an area: a userfaultfd. */
export interface FaultMonitor {
  /** UFFD_FEATURE_* that it has asked for. */
  readonly features: number;
  /** Faults become signals. */
  readonly raisesSignal: boolean;
  /** Faults of the kernel's own access fail instead of waiting (UFFD_USER_MODE_ONLY). */
  readonly userModeOnly: boolean;
  /** Events that were asked for; whoever caused one waits until it was read. */
  removed(start: number, end: number): void;
  unmapped(start: number, end: number): void;
  remapped(from: number, to: number, length: number): void;
  /** The monitor of a child's copy of the area; null when the child has none. */
  forked(child: MemoryManager): FaultMonitor | null;
  /** Areas of [start, end) are no longer its: waiting faults are judged again. */
  forget(start: number, end: number): void;
}

/** What keeps a system call or a fault from going on. */
export interface Obstacle {
  /** Null: the memory limit is reached. */
  readonly monitor: FaultMonitor | null;
  /** Page address, and UFFD_PAGEFAULT_FLAG_* of a fault; -1: an event has to be read first. */
  readonly address: number;
  readonly flags: number;
}

export const EXHAUSTED: Obstacle = { monitor: null, address: 0, flags: 0 };

/** Memory with a name (shared, or a file of tmpfs) whose pages can be missing one by one. */
interface Sparse extends Mappable {
  /** Does it reach this far? */
  covers(offset: number): boolean;
  /** Is there a page? */
  hasPage(offset: number): boolean;
  /** Marks the page as there; its place comes from `translate`. */
  providePage(offset: number): void;
}

const isSparse = (file: Mappable): file is Sparse => typeof (file as Sparse).hasPage === 'function';

/** May an area be registered? */
export function canMonitor(mm: MemoryManager, a: number): boolean {
  const file = mm.areas.files[a]!;
  return file === null || isSparse(file);
}

/** Must the access wait for a monitor? 0, or FAULT_WAITS with `mm.obstacle`, or FAULT_SIGBUS. Pre: the area is monitored. */
export function checkMonitor(mm: MemoryManager, a: number, page: number, write: boolean): number {
  const flags = mm.areas.flags[a]!;
  const i = mm.pages.at(page);
  let kind = -1;
  if (i >= 0) {
    if (write && flags & VM_UFFD_WP && mm.pages.flags[i]! & PAGE_PROTECTED) {
      kind = UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE;
    }
  } else if (!reaches(mm, a, page)) return 0;
  else if (!hasContent(mm, a, page)) {
    if (flags & VM_UFFD_MISSING) kind = write ? UFFD_PAGEFAULT_FLAG_WRITE : 0;
  } else if (flags & VM_UFFD_MINOR)
    kind = UFFD_PAGEFAULT_FLAG_MINOR | (write ? UFFD_PAGEFAULT_FLAG_WRITE : 0);
  if (kind < 0) return 0;
  const monitor = mm.areas.monitors[a]!;
  if (monitor.raisesSignal) return FAULT_SIGBUS;
  mm.obstacle = { monitor, address: page, flags: kind };
  return FAULT_WAITS;
}

/** Is there anything to be had at all? Beyond the end of a file there is a SIGBUS, monitor or not. */
function reaches(mm: MemoryManager, a: number, page: number): boolean {
  const file = mm.areas.files[a]!;
  return file === null || (file as Sparse).covers(mm.areas.offset[a]! + (page - mm.areas.start[a]!));
}

/** Does the memory behind an absent page exist (in shared memory that others filled)? */
function hasContent(mm: MemoryManager, a: number, page: number): boolean {
  const { areas } = mm;
  const file = areas.files[a]!;
  return file !== null && (file as Sparse).hasPage(areas.offset[a]! + (page - areas.start[a]!));
}

/** UFFDIO_REGISTER of [start, end) with VM_UFFD_* bits. Pre: checked. */
export function monitorRange(
  mm: MemoryManager,
  start: number,
  end: number,
  monitor: FaultMonitor,
  mode: number,
): void {
  mm.monitored = true;
  forEachArea(mm, start, end, (a, from, to) => {
    const fresh = !(mm.areas.flags[a]! & VM_UFFD);
    mm.areas.monitors[a] = monitor;
    setAreaFlags(mm, a, (mm.areas.flags[a]! & ~VM_UFFD) | mode);
    // What has been touched can't be told for memory that others fill: all of it is to be asked for.
    if (fresh && mode & VM_UFFD_MINOR) dropPages(mm, from, to);
    else if (fresh) dropUntouched(mm, a, from, to);
  });
  mergeAreas(mm, start, end);
  settle(mm);
}

/** UFFDIO_UNREGISTER, or the end of the monitor. */
export function unmonitorRange(mm: MemoryManager, start: number, end: number, monitor: FaultMonitor): void {
  forEachArea(mm, start, end, (a, from, to) => {
    if (mm.areas.monitors[a] !== monitor) return;
    clearMonitor(mm, a);
    protectPages(mm, from, to, false);
  });
  mergeAreas(mm, start, end);
  monitor.forget(start, end);
}

/** The area is nobody's; the caller sees to its protected pages. */
export function clearMonitor(mm: MemoryManager, a: number): void {
  mm.areas.monitors[a] = null;
  setAreaFlags(mm, a, mm.areas.flags[a]! & ~VM_UFFD);
}

/** Calls `visit` for each area of [start, end), cut at both ends. */
function forEachArea(
  mm: MemoryManager,
  start: number,
  end: number,
  visit: (a: number, from: number, to: number) => void,
): void {
  cutArea(mm, start);
  cutArea(mm, end);
  const { areas } = mm;
  for (let a = areas.find(start); a < areas.count && areas.start[a]! < end; a++) {
    visit(a, areas.start[a]!, areas.end[a]!);
  }
}

/** Eager mapping gave pages that the program never touched: they are missing from now on. */
function dropUntouched(mm: MemoryManager, a: number, start: number, end: number): void {
  const { pages, file } = mm;
  // No context may still have write access to what is looked at.
  flush(mm);
  const shared = mm.areas.files[a] !== null;
  for (let at = start; at < end; at += PAGE_SIZE) {
    const i = pages.at(at);
    if (i < 0) continue;
    const untouched = shared
      ? !hasContent(mm, a, at)
      : pages.flags[i]! & PAGE_OWNED && file.isUntouched(pages.offset[i]! + (at - pages.start[i]!));
    if (untouched) dropPages(mm, at, at + PAGE_SIZE);
  }
}

/** The monitored area around [start, end) for a command, or -errno. As in Linux, any monitor of the space may fill it. */
function areaForCommand(mm: MemoryManager, start: number, end: number): number {
  const { areas } = mm;
  const a = areas.at(start);
  if (a < 0 || areas.monitors[a] === null || end > areas.end[a]!) return -ENOENT;
  return a;
}

/** A page that a command fills: its place in the memory file (not yet in the table), or -errno. */
function placeFor(mm: MemoryManager, a: number, page: number): number {
  if (mm.pages.at(page) >= 0) return -EEXIST;
  const { areas, backing } = mm;
  const file = areas.files[a]!;
  if (!reaches(mm, a, page)) return -EFAULT;
  if (isPrivate(mm, a)) return mm.file.allocate(PAGE_SIZE, OWNER_PRIVATE);
  const offset = areas.offset[a]! + (page - areas.start[a]!);
  if ((file as Sparse).hasPage(offset)) return -EEXIST;
  const result = file!.translate(offset, PAGE_SIZE, true, backing);
  if (result < 0) return result === -ENOMEM ? result : -EFAULT;
  return backing.fd === MEMORY_FILE ? backing.offset : -EINVAL;
}

/** Do pages that a command fills belong to this space alone? */
function isPrivate(mm: MemoryManager, a: number): boolean {
  return (mm.areas.flags[a]! & VM_SHARED) === 0;
}

function addPlaced(mm: MemoryManager, a: number, page: number, place: number, protect: boolean): void {
  const { areas } = mm;
  const alone = isPrivate(mm, a);
  const flags = (protect ? PAGE_PROTECTED : 0) | (alone ? PAGE_OWNED : PAGE_WRITABLE);
  if (!alone) (areas.files[a] as Sparse).providePage(areas.offset[a]! + (page - areas.start[a]!));
  addPages(mm, page, PAGE_SIZE, MEMORY_FILE, place, flags);
}

/**
 * UFFDIO_COPY: missing pages get what `source` has at `from`. Bytes done, or -errno when none.
 * `protect`: UFFDIO_COPY_MODE_WP.
 */
export function copyMissing(
  mm: MemoryManager,
  start: number,
  length: number,
  source: GuestMemory,
  from: number,
  protect: boolean,
): number {
  const bytes = new Uint8Array(PAGE_SIZE);
  return fillMissing(mm, start, length, protect, (place, done) => {
    if (source.copyIn(from + done, bytes, 0, PAGE_SIZE) < PAGE_SIZE) return -EFAULT;
    mm.file.chunk(place).set(bytes, place % CHUNK_SIZE);
    return 0;
  });
}

/** UFFDIO_ZEROPAGE. */
export function zeroMissing(mm: MemoryManager, start: number, length: number): number {
  return fillMissing(mm, start, length, false, (place) => {
    const at = place % CHUNK_SIZE;
    mm.file.chunk(place).fill(0, at, at + PAGE_SIZE);
    return 0;
  });
}

function fillMissing(
  mm: MemoryManager,
  start: number,
  length: number,
  protect: boolean,
  fill: (place: number, done: number) => number,
): number {
  const a = areaForCommand(mm, start, start + length);
  if (a < 0) return a;
  if (protect && !(mm.areas.flags[a]! & VM_UFFD_WP)) return -EINVAL;
  let done = 0;
  let error = 0;
  while (done < length && error === 0) {
    const page = start + done;
    const place = placeFor(mm, a, page);
    error = place < 0 ? place : fill(place, done);
    if (error !== 0) {
      if (place >= 0 && isPrivate(mm, a)) mm.file.release(place, PAGE_SIZE);
      break;
    }
    addPlaced(mm, a, page, place, protect);
    done += PAGE_SIZE;
  }
  if (done > 0) install(mm, start, start + done);
  return done > 0 ? done : error;
}

/** UFFDIO_CONTINUE: pages that the shared memory has are mapped. Bytes done, or -errno when none. */
export function continueMinor(mm: MemoryManager, start: number, length: number, protect: boolean): number {
  const a = areaForCommand(mm, start, start + length);
  if (a < 0) return a;
  const { areas, backing } = mm;
  const file = areas.files[a]!;
  if (file === null || !(areas.flags[a]! & VM_SHARED)) return -EINVAL;
  let done = 0;
  let error = 0;
  for (; done < length; done += PAGE_SIZE) {
    const page = start + done;
    const offset = areas.offset[a]! + (page - areas.start[a]!);
    if (mm.pages.at(page) >= 0) error = -EEXIST;
    else if (!hasContent(mm, a, page) || file.translate(offset, PAGE_SIZE, true, backing) < 0)
      error = -EFAULT;
    if (error !== 0) break;
    addPlaced(mm, a, page, backing.offset, protect);
  }
  if (done > 0) install(mm, start, start + done);
  return done > 0 ? done : error;
}

/** UFFDIO_WRITEPROTECT: pages that are there lose or get back write access. 0, or -ENOENT: not registered so. */
export function protectMonitored(mm: MemoryManager, start: number, length: number, protect: boolean): number {
  const { areas } = mm;
  const end = start + length;
  let found = false;
  for (let a = areas.find(start); a < areas.count && areas.start[a]! < end; a++) {
    if (!(areas.flags[a]! & VM_UFFD_WP)) return -ENOENT;
    found = true;
  }
  if (!found) return -ENOENT;
  protectPages(mm, start, end, protect);
  return flush(mm) < 0 ? -ENOMEM : 0;
}

/** Sets or clears PAGE_PROTECTED for pages of [start, end), and tells the platform. */
export function protectPages(mm: MemoryManager, start: number, end: number, protect: boolean): void {
  const { pages } = mm;
  pages.cut(end);
  let changed = false;
  for (let i = pages.cut(start); i < pages.count && pages.start[i]! < end; i++) {
    const flags = pages.flags[i]!;
    const wanted = protect ? flags | PAGE_PROTECTED : flags & ~PAGE_PROTECTED;
    if (wanted === flags) continue;
    pages.flags[i] = wanted;
    changed = true;
  }
  if (changed) install(mm, start, end);
}

// ── events ──

/** Whoever caused an event waits until it was read. */
function raised(mm: MemoryManager, monitor: FaultMonitor): void {
  mm.obstacle = { monitor, address: -1, flags: 0 };
}

/** madvise(2) threw content of [start, end) away. */
export function tellRemoved(mm: MemoryManager, a: number, start: number, end: number): void {
  const monitor = mm.areas.monitors[a] ?? null;
  if (monitor === null || !(monitor.features & UFFD_FEATURE_EVENT_REMOVE)) return;
  monitor.removed(start, end);
  raised(mm, monitor);
}

/** Areas of [start, end) are about to be unmapped. */
export function tellUnmapped(mm: MemoryManager, start: number, end: number): void {
  const { areas } = mm;
  for (let a = areas.find(start); a < areas.count && areas.start[a]! < end; a++) {
    const monitor = areas.monitors[a] ?? null;
    if (monitor === null) continue;
    const from = Math.max(start, areas.start[a]!);
    const to = Math.min(end, areas.end[a]!);
    monitor.forget(from, to);
    if (!(monitor.features & UFFD_FEATURE_EVENT_UNMAP)) continue;
    monitor.unmapped(from, to);
    raised(mm, monitor);
  }
}

/** An area moved: who keeps watching it at its new place? */
export function tellRemapped(
  mm: MemoryManager,
  monitor: FaultMonitor,
  from: number,
  to: number,
  length: number,
): FaultMonitor | null {
  if (!(monitor.features & UFFD_FEATURE_EVENT_REMAP)) return null;
  monitor.remapped(from, to, length);
  raised(mm, monitor);
  return monitor;
}

/** fork(2): area `a` of the child has its own monitor, or none. */
export function forkMonitor(child: MemoryManager, a: number, monitor: FaultMonitor): void {
  const { areas } = child;
  const own = monitor.forked(child);
  if (own === null) {
    clearMonitor(child, a);
    clearProtected(child, areas.start[a]!, areas.end[a]!);
  } else areas.monitors[a] = own;
}

function clearProtected(mm: MemoryManager, start: number, end: number): void {
  const { pages } = mm;
  pages.cut(end);
  for (let i = pages.cut(start); i < pages.count && pages.start[i]! < end; i++) {
    pages.flags[i] = pages.flags[i]! & ~PAGE_PROTECTED;
    // Mapped without write access: the first write takes it, as after copying.
    if (pages.flags[i]! & PAGE_OWNED) pages.flags[i] = pages.flags[i]! | PAGE_COW;
  }
}
