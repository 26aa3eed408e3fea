// One guest address space: its areas (VMAs), the pages behind them, and what the platform has mapped. Each family of calls is a file of
// functions beside this one; this class holds the state that they share and is what other packages see.
import { ENOMEM, OVERCOMMIT_GUESS, SIGSEGV } from '@sandbox-kernel/abi';
import type {
  AddressSpace,
  Backing,
  GuestMemory,
  IoSegments,
  Mappable,
  MappingOwner,
  RandomSource,
} from '@sandbox-kernel/contracts';
import { AreaTable } from './area-table.js';
import { brk } from './brk.js';
import { type CodePatches, freePageBelow, isFileCode, replaceCode } from './code.js';
import { destroy } from './destroy.js';
import { fault } from './fault.js';
import type { Obstacle } from './fault-monitor.js';
import { forceAccess } from './forced.js';
import { copyInto, protectForCopy } from './fork.js';
import { futexKey } from './futex-key.js';
import { invalidate } from './invalidate.js';
import { randomWord } from './layout.js';
import { madvise } from './madvise.js';
import { MapRun } from './map-run.js';
import type { MemoryFile } from './memory-file.js';
import { isResident, mincore } from './mincore.js';
import { mlock, mlockall, munlock, munlockall } from './mlock.js';
import { mapSpecial, mmap } from './mmap.js';
import { mprotect } from './mprotect.js';
import { mremap } from './mremap.js';
import { mseal } from './mseal.js';
import { msync } from './msync.js';
import { munmap } from './munmap.js';
import { arrived, flush } from './pages.js';
import { areaUsage, describeArea, describeUsage, setAnonymousName } from './proc.js';
import { RangeTable } from './range-table.js';
import { remapFilePages } from './remap-file-pages.js';
import { detach } from './shmdt.js';
import { Sizes } from './sizes.js';
import type {
  AddressLayout,
  AddressSpaceSource,
  AreaInfo,
  AreaUsage,
  FutexKey,
  MappedFile,
  MemoryLimits,
  MemoryTuning,
  MemoryUsage,
} from './types.js';
import {
  addSegments,
  compareExchange,
  copyIn,
  copyOut,
  readString,
  readU64,
  readWord,
  writeWord,
  zeroOut,
} from './usermem.js';
import { Windows } from './windows.js';

/**
 * Eager sizes: large enough that most programs never fault on memory they asked for, small enough that a forgotten giant costs nothing.
 * Copying costs about 1.75 µs a page where the target is fresh (28 µs for 64 KiB), a trap 3–12 µs: four pages at a time are near the
 * minimum for writes here and there, and a third of the cost of single pages for writes in sequence.
 */
const TUNING: MemoryTuning = {
  eagerBytes: 2 ** 21,
  faultBlock: 2 ** 21,
  copyBlock: 2 ** 14,
  fileCopyBlock: 2 ** 15,
  fileBlock: 2 ** 24,
  deferBytes: 2 ** 18,
  maxAreas: 65530,
  overcommit: OVERCOMMIT_GUESS,
};

export interface MemoryManagerOptions {
  readonly file: MemoryFile;
  /** Owned by the manager from now on. */
  readonly space: AddressSpace;
  readonly random: RandomSource;
  readonly layout: AddressLayout;
  readonly limits: MemoryLimits;
  readonly tuning?: Partial<MemoryTuning>;
}

export class MemoryManager implements GuestMemory, MappingOwner {
  readonly file: MemoryFile;
  readonly space: AddressSpace;
  readonly random: RandomSource;
  readonly layout: AddressLayout;
  readonly tuning: MemoryTuning;
  /** Kernel sets it to the limits of whoever makes the next call. */
  limits: MemoryLimits;
  /** Counts changes of what is mapped. Remember it when a context resumes, and hand it to `fault`. */
  generation: number;
  /** After `fault` returned a signal: si_code and si_addr. */
  faultCode: number;
  faultAddress: number;
  /** Program and stack bounds for /proc and prctl(PR_SET_MM); set by the loader. */
  startCode: number;
  endCode: number;
  startData: number;
  endData: number;
  startStack: number;
  argStart: number;
  argEnd: number;
  envStart: number;
  envEnd: number;
  /** brk(2): where the heap starts, and the break now. */
  startBrk: number;
  currentBrk: number;

  // ── state of this package's own files ──
  readonly areas: AreaTable;
  readonly pages: RangeTable;
  readonly sizes: Sizes;
  readonly window: Windows;
  /** (offset, length) pairs of the memory file to release once the platform has let go of them. */
  readonly graveyard: number[];
  graveBytes: number;
  /** Such pairs that the platform failed to unmap: released when the space is gone. */
  readonly lost: number[];
  /** `generation` when pages were last dropped. */
  graveGeneration: number;
  /** Pages of the memory file that are a file's own were dropped since the last flush. */
  filePagesDropped: boolean;
  readonly run: MapRun;
  /** Where `Mappable.translate` answers. */
  readonly backing: Backing;
  readonly scratch: Uint8Array;
  /** Address range that changed in the tables and is to be installed. */
  lowChanged: number;
  highChanged: number;
  /** Of that, what has memory behind it already; see `markReady`. */
  readyStart: number;
  readyEnd: number;
  /** Flags of every new area (mlockall with MCL_FUTURE). */
  defaultFlags: number;
  /** An area is or was watched by a userfaultfd. */
  monitored: boolean;
  /** What the last access or change has to wait for; the kernel looks at it when a call ends. */
  obstacle: Obstacle | null;
  /** The page that `fault` had to map again last, and how often in a row. */
  repairPage: number;
  repairs: number;
  /** Who has changed code here, if somebody has. */
  patches: CodePatches | null;
  /** See `placement.ts`. */
  placementHint: number;
  placementSize: number;

  constructor(options: MemoryManagerOptions) {
    this.file = options.file;
    this.space = options.space;
    this.random = options.random;
    this.layout = options.layout;
    this.tuning = { ...TUNING, ...options.tuning };
    this.limits = options.limits;
    this.generation = 0;
    this.faultCode = 0;
    this.faultAddress = 0;
    this.startCode = 0;
    this.endCode = 0;
    this.startData = 0;
    this.endData = 0;
    this.startStack = 0;
    this.argStart = 0;
    this.argEnd = 0;
    this.envStart = 0;
    this.envEnd = 0;
    this.startBrk = 0;
    this.currentBrk = 0;
    this.areas = new AreaTable();
    this.pages = new RangeTable();
    this.sizes = new Sizes();
    this.window = new Windows();
    this.graveyard = [];
    this.graveBytes = 0;
    this.lost = [];
    this.graveGeneration = 0;
    this.filePagesDropped = false;
    this.run = new MapRun();
    this.backing = { fd: 0, offset: 0, length: 0 };
    this.scratch = new Uint8Array(8);
    this.lowChanged = Number.POSITIVE_INFINITY;
    this.highChanged = 0;
    this.readyStart = 0;
    this.readyEnd = 0;
    this.defaultFlags = 0;
    this.monitored = false;
    this.obstacle = null;
    this.repairPage = -1;
    this.repairs = 0;
    this.patches = null;
    this.placementHint = options.layout.mmapBase;
    this.placementSize = 1;
  }

  randomBits(): number {
    return randomWord(this.random);
  }

  // ── calls: result ≥ 0 or -errno; addresses and lengths are raw values of the program (any non-negative double) ──

  /** mmap(2). `file` null with MAP_ANONYMOUS. The address, or -errno. `offset` in bytes. */
  mmap(
    addr: number,
    length: number,
    prot: number,
    flags: number,
    file: MappedFile | null,
    offset: number,
  ): number {
    return mmap(this, addr, length, prot, flags, file, offset);
  }

  /**
   * Maps pages of the memory file that the caller owns ([vdso], [vvar]); takes one reference to each. Private, at a fixed place. 0 or -errno.
   */
  mapSpecial(addr: number, length: number, prot: number, offset: number, name: string): number {
    return mapSpecial(this, addr, length, prot, offset, name);
  }

  munmap(addr: number, length: number): number {
    return munmap(this, addr, length);
  }

  /** shmdt(2). */
  detach(addr: number): number {
    return detach(this, addr);
  }

  mprotect(addr: number, length: number, prot: number): number {
    return mprotect(this, addr, length, prot);
  }

  mremap(oldAddr: number, oldLength: number, newLength: number, flags: number, newAddr: number): number {
    return mremap(this, oldAddr, oldLength, newLength, flags, newAddr);
  }

  /** brk(2): the new break, or the present one when it can't be moved. */
  brk(addr: number): number {
    return brk(this, addr);
  }

  /** The loader says where the heap starts (page aligned or not). */
  setBrkStart(addr: number): void {
    this.startBrk = addr;
    this.currentBrk = addr;
  }

  madvise(addr: number, length: number, advice: number): number {
    return madvise(this, addr, length, advice);
  }

  /** mincore(2): one byte per page to guest `vector`. */
  mincore(addr: number, length: number, vector: number): number {
    return mincore(this, addr, length, vector);
  }

  /** Is there memory behind the page that holds `addr`? */
  isResident(addr: number): boolean {
    return isResident(this, addr);
  }

  msync(addr: number, length: number, flags: number): number {
    return msync(this, addr, length, flags);
  }

  /** mlock2(2); `flags` 0 or MLOCK_ONFAULT. */
  mlock(addr: number, length: number, flags: number): number {
    return mlock(this, addr, length, flags);
  }

  munlock(addr: number, length: number): number {
    return munlock(this, addr, length);
  }

  mlockall(flags: number): number {
    return mlockall(this, flags);
  }

  munlockall(): number {
    return munlockall(this);
  }

  mseal(addr: number, length: number, flags: number): number {
    return mseal(this, addr, length, flags);
  }

  /** `pgoff` in pages; the call's `flags` matter only for prefaulting. */
  remapFilePages(addr: number, size: number, prot: number, pgoff: number): number {
    return remapFilePages(this, addr, size, prot, pgoff);
  }

  /** prctl(PR_SET_VMA_ANON_NAME); null takes the name away. */
  setAnonymousName(addr: number, length: number, name: string | null): number {
    return setAnonymousName(this, addr, length, name);
  }

  // ── changes of code (code.ts) ──

  /** Is [start, end) private code of a file, which the program can't write? */
  isFileCode(start: number, end: number): boolean {
    return isFileCode(this, start, end);
  }

  /** Replaces code within one page by exchanging the page for a private copy. 0 or -errno. */
  replaceCode(addr: number, code: Uint8Array): number {
    return replaceCode(this, addr, code);
  }

  /** A free page at most `reach` below the area at `addr`, or -ENOMEM. */
  freePageBelow(addr: number, reach: number): number {
    return freePageBelow(this, addr, reach);
  }

  // ── faults, fork, end ──

  /**
   * A context faulted at `addr` with the processor's `errorCode` (FAULT_* bits or FAULT_UNKNOWN). `generation` is the value this manager had
   * when the context was last resumed; `signal` what the host reported (SIGSEGV or SIGBUS).
   * 0: resume, the access will work or be judged again; a signal number: deliver it with `faultCode` and `faultAddress`;
   * -ENOMEM: the memory limit is reached, nothing changed; FAULT_WAITS: `obstacle` has to be out of the way first.
   */
  fault(addr: number, errorCode: number, generation: number, signal: number = SIGSEGV): number {
    return fault(this, addr, errorCode, generation, signal);
  }

  /**
   * A context of this space trapped; `generation` as for `fault`. Lets go of memory that was unmapped before. Cheap; `fault` does it too.
   */
  arrived(generation: number): void {
    arrived(this, generation);
  }

  /** Gives unmapped memory back now, at the price of telling the platform: when the sandbox idles, or memory is short. */
  settle(): void {
    if (this.graveyard.length > 0) flush(this);
  }

  /** A copy for fork(2). Pre: no context of this space is running guest code. The copy, or -errno. */
  fork(spaces: AddressSpaceSource): MemoryManager | number {
    protectForCopy(this);
    // Without certainty that the parent can't write to shared pages there is no copy.
    if (flush(this) < 0) return -ENOMEM;
    const space = spaces.createAddressSpace(this.space);
    if (space === null) return -ENOMEM;
    const { file, random, layout, limits, tuning } = this;
    const child = new MemoryManager({ file, space, random, layout, limits, tuning });
    copyInto(this, child);
    return child;
  }

  /** Gives every page back and ends the address space. Pre: no context runs in it. */
  destroy(): void {
    destroy(this);
  }

  invalidate(mappable: Mappable, offset: number, length: number): void {
    invalidate(this, mappable, offset, length);
  }

  // ── GuestMemory ──

  copyIn(addr: number, into: Uint8Array, at: number, length: number): number {
    return copyIn(this, addr, into, at, length);
  }

  copyOut(addr: number, from: Uint8Array, at: number, length: number): number {
    return copyOut(this, addr, from, at, length);
  }

  zeroOut(addr: number, length: number): number {
    return zeroOut(this, addr, length);
  }

  readU8(addr: number): number {
    return readWord(this, addr, 1);
  }

  readU16(addr: number): number {
    return readWord(this, addr, 2);
  }

  readU32(addr: number): number {
    return readWord(this, addr, 4);
  }

  readU64(addr: number): number {
    return readU64(this, addr);
  }

  writeU8(addr: number, value: number): number {
    return writeWord(this, addr, 1, value);
  }

  writeU16(addr: number, value: number): number {
    return writeWord(this, addr, 2, value);
  }

  writeU32(addr: number, value: number): number {
    return writeWord(this, addr, 4, value);
  }

  writeU64(addr: number, value: number): number {
    return writeWord(this, addr, 8, value);
  }

  readString(addr: number, limit: number): string | number {
    return readString(this, addr, limit);
  }

  addSegments(addr: number, length: number, access: number, io: IoSegments): number {
    return addSegments(this, addr, length, access, io);
  }

  // ── more access ──

  /** What ptrace(2) and /proc/PID/mem do: ignores protections as FOLL_FORCE. Bytes, short at the first page that can't be reached. */
  readForced(addr: number, into: Uint8Array, at: number, length: number): number {
    return forceAccess(this, addr, into, at, length, false);
  }

  writeForced(addr: number, from: Uint8Array, at: number, length: number): number {
    return forceAccess(this, addr, from, at, length, true);
  }

  /**
   * Stores `value` in the aligned 32-bit word at `addr` if it holds `expected`; atomic towards guest threads. The old word, or -EFAULT.
   */
  compareExchange(addr: number, expected: number, value: number): number {
    return compareExchange(this, addr, expected, value);
  }

  /**
   * Identity of the futex word at `addr`; `shared`: without FUTEX_PRIVATE_FLAG. 0; -EINVAL: not aligned; -EFAULT.
   */
  futexKey(addr: number, shared: boolean, out: FutexKey): number {
    return futexKey(this, addr, shared, out);
  }

  // ── what /proc shows ──

  get areaCount(): number {
    return this.areas.count;
  }

  /** Fills `out` with area `index` (0 ≤ index < areaCount), in order of address. */
  area(index: number, out: AreaInfo): void {
    describeArea(this, index, out);
  }

  areaUsage(index: number, out: AreaUsage): void {
    areaUsage(this, index, out);
  }

  usage(out: MemoryUsage): void {
    describeUsage(this, out);
  }

  /** Start of the area that contains `addr` or follows it, or -1. For iteration across changes. */
  nextArea(addr: number): number {
    const i = this.areas.find(addr);
    return i < this.areas.count ? this.areas.start[i]! : -1;
  }
}
