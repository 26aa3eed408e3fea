// What callers pass to and get from a MemoryManager: plain data, no behaviour.
import type { AddressSpace, Mappable } from '@sandbox-kernel/contracts';

/** Resource limits and rights that memory calls look at (getrlimit(2)); Infinity for none. Owned and kept current by the kernel. */
export interface MemoryLimits {
  /** RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK: soft limits, bytes. */
  readonly addressSpace: number;
  readonly data: number;
  readonly stack: number;
  readonly lockedMemory: number;
  /** CAP_IPC_LOCK: RLIMIT_MEMLOCK does not apply. */
  readonly canLockMemory: boolean;
  /** CAP_SYS_RAWIO: addresses below mmap_min_addr may be mapped. */
  readonly canMapLow: boolean;
}

/** An open file as mmap(2) sees it. */
export interface MappedFile {
  /** Null: the file can't be mapped (ENODEV). */
  readonly mappable: Mappable | null;
  /** The description was opened for reading, writing. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** The inode is append-only (chattr +a). */
  readonly appendOnly: boolean;
  /** The mount is noexec. */
  readonly noexec: boolean;
  /** Sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE): a shared mapping can't be or become writable. */
  readonly sealed?: boolean;
}

/** Where things go in a fresh address space. Made by `chooseLayout`. */
export interface AddressLayout {
  /** Top-down placement starts below this address. */
  readonly mmapBase: number;
  /** Bottom-up placement starts here: MAP_32BIT aside, only when there is no room below `mmapBase`, or `legacy`. */
  readonly mmapBottom: number;
  /** ADDR_COMPAT_LAYOUT: bottom-up first. */
  readonly legacy: boolean;
  /** One past the highest stack byte (page aligned). */
  readonly stackTop: number;
  /** Load bias for a position-independent program with an interpreter. */
  readonly pieBase: number;
  /** To be added to the end of the program's data: where brk starts. Page multiple. */
  readonly brkOffset: number;
  /** One past the highest address, and the lowest that can be mapped. */
  readonly addressLimit: number;
  readonly addressMinimum: number;
  /** Placement draws random numbers (off under ADDR_NO_RANDOMIZE). */
  readonly randomize: boolean;
}

/** Tuning. The defaults are right for the platforms at hand; tests use small ones. */
export interface MemoryTuning {
  /** Anonymous mappings up to this size get their pages and their host mapping at once. */
  readonly eagerBytes: number;
  /** A fault in a larger anonymous mapping maps the aligned block of this size around it. Power of two. */
  readonly faultBlock: number;
  /** A write to a page that is shared copy-on-write copies the aligned block of this size. Power of two. */
  readonly copyBlock: number;
  /**
   * The same for the first write to a page of a private file mapping. More than a page means that untouched neighbours stop following later
   * changes of the file (which mmap(2) leaves open). Power of two.
   */
  readonly fileCopyBlock: number;
  /** A file mapping is mapped this far around a fault, and at once when not larger. Power of two. */
  readonly fileBlock: number;
  /** Unmapped bytes that may wait for the next trap instead of costing a flush of the platform's commands. */
  readonly deferBytes: number;
  /** Most areas in one address space (vm.max_map_count). */
  readonly maxAreas: number;
  /** vm.overcommit_memory: OVERCOMMIT_*. */
  readonly overcommit: number;
}

/** Makes address spaces; `Platform` is one. */
export interface AddressSpaceSource {
  createAddressSpace(from: AddressSpace | null): AddressSpace | null;
}

/** One line of /proc/PID/maps. Filled by `MemoryManager.area`; the caller owns it. */
export interface AreaInfo {
  start: number;
  end: number;
  /** PROT_*. */
  prot: number;
  shared: boolean;
  /** VM_* bits, for VmFlags in smaps. */
  flags: number;
  offset: number;
  deviceMajor: number;
  deviceMinor: number;
  inode: number;
  /** Path, `[heap]`, `[stack]`, `[vdso]`, `[anon:…]`, or empty. */
  name: string;
}

export function emptyAreaInfo(): AreaInfo {
  return {
    start: 0,
    end: 0,
    prot: 0,
    shared: false,
    flags: 0,
    offset: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    inode: 0,
    name: '',
  };
}

/** Figures of one area for /proc/PID/smaps, bytes. Filled by `MemoryManager.areaUsage`. */
export interface AreaUsage {
  rss: number;
  pss: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  anonymous: number;
  locked: number;
}

export function emptyAreaUsage(): AreaUsage {
  return {
    rss: 0,
    pss: 0,
    sharedClean: 0,
    sharedDirty: 0,
    privateClean: 0,
    privateDirty: 0,
    anonymous: 0,
    locked: 0,
  };
}

/** Sizes of an address space, bytes. Filled by `MemoryManager.usage`. */
export interface MemoryUsage {
  /** All areas (VmSize) and the most it has been (VmPeak). */
  total: number;
  totalPeak: number;
  /** Private writable areas that are not stack (VmData), stack, executable file areas (VmExe + VmLib). */
  data: number;
  stack: number;
  exec: number;
  /** VmLck. */
  locked: number;
  /** Pages that are there: own memory, file pages, shared memory; VmRSS is the sum. VmHWM is its peak. */
  rssAnonymous: number;
  rssFile: number;
  rssShared: number;
  rssPeak: number;
  /** What counts against overcommit: private writable and shared anonymous areas without MAP_NORESERVE. */
  committed: number;
}

/** Identity of a futex word: the same (object, offset) pair for the same memory. Filled by `MemoryManager.futexKey`. */
export interface FutexKey {
  /** A `MemoryManager` (private) or a `Mappable` (shared). */
  object: object | null;
  /** Address in it, or offset in the file. */
  offset: number;
}
