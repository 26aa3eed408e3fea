// How the sentry runs guest code. One implementation per mechanism (ptrace, systrap, kvm); all pass the same
// conformance suite in testkit. Every method runs on the sentry's single thread. Numbers below zero are -errno.

/** `Platform.wait` returned because host events are ready (descriptor, control channel, `HostEvents.ring`). */
export const WAIT_HOST_EVENT = -1;
/** `Platform.wait` returned because the deadline passed. */
export const WAIT_DEADLINE = -2;
/** The platform can't go on (its processes were killed from outside). The sandbox ends. */
export const WAIT_DEAD = -3;

/** The memory file, where a descriptor is asked for in `AddressSpace.map`. */
export const MEMORY_FILE = -1;

export interface PlatformFeatures {
  /** One past the highest guest address; page aligned. Above it the platform hides its own pages. */
  readonly addressLimit: number;
  /** Lowest guest address that can be mapped. */
  readonly addressMinimum: number;
  /** Bytes of the extended register state in XSAVE standard format (CPUID leaf 13, enabled features). */
  readonly fpuSize: number;
  /** The same with the features that a process must ask for, once a thread has used one (AMX's tiles); fpuSize where there are none. */
  readonly dynamicFpuSize: number;
  /** Feature mask XCR0 of what every process has, as (lo, hi). */
  readonly xcr0Low: number;
  readonly xcr0High: number;
  /** Features that a process must ask for (the low half; there are none in the other). */
  readonly dynamicFeatures: number;
  /** True when FRAME_ERR carries the processor's page fault error code. */
  readonly faultErrorCode: boolean;
  /** True when guest code may execute RDFSBASE/WRFSBASE itself (AT_HWCAP2). */
  readonly fsgsbase: boolean;
  /**
   * Where a patched system call goes, with the address of its record (where the program goes on, and the number; u64 each) in RCX. Eight
   * bytes further: with the number in R9, whose own value is at 8(%rsp), and without it in the record. 0: no such way in.
   */
  readonly patchEntry: number;
}

/** A region of memory shared with the platform that holds one trap frame. Owned by the context. */
export interface FrameMemory {
  /** `bytes[offset]` is the first byte of the frame; the three arrays see the same memory. */
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly view: DataView;
  /** Byte offset of the frame in the arrays (a multiple of FRAME_SIZE). */
  readonly offset: number;
}

/** One guest address space. Commands are queued and take effect before any context of it runs again. */
export interface AddressSpace {
  /**
   * Maps `length` bytes of a file at `addr`, replacing what is there.
   * @param fd MEMORY_FILE, or a host descriptor that stays open until `releaseFile(fd)`
   * @param prot PROT_* in force now
   * @param maxProt PROT_* that the guest's own mapping may ever get without another `map`: memory that is shared with
   *   others or copy-on-write must come without PROT_WRITE here
   * @param ready the file has memory behind all of it: page tables are better filled now than fault by fault
   * Pre: all multiples of the page size; range below addressLimit. Post: visible to every context of the space before
   * the next `resume` of any of them returns to guest code. Does not block.
   */
  map(
    addr: number,
    length: number,
    fd: number,
    offset: number,
    prot: number,
    maxProt: number,
    ready?: boolean,
  ): number;
  unmap(addr: number, length: number): number;
  protect(addr: number, length: number, prot: number): number;
  /** Sends queued commands now. Post: no context of the space, running or not, sees the old mappings. 0 or -errno. */
  flush(): number;
  /** Ends it and the host resources behind it. Pre: no context runs in it. */
  destroy(): void;
}

/** The processor state of one guest thread. Runs in one address space at a time. */
export interface Context {
  /** Index that `Platform.wait` returns; small, reused after `release`. */
  readonly id: number;
  readonly frame: FrameMemory;
  /**
   * Lets the guest run from the frame's registers in `space`. Pre: not running. Post: running until `wait` returns its id.
   * The frame must not be touched while running. `flags`: RESUME_*.
   */
  resume(space: AddressSpace, flags: number): number;
  /** Asks a running context to trap soon with TRAP_INTERRUPTED (or whatever trap comes first). No effect when stopped. */
  interrupt(): void;
  /**
   * Copies the extended state (XSAVE standard format) out of or into a stopped context. Bytes copied, or -errno: `fpuSize`, or
   * `dynamicFpuSize` of a context that has used such a feature, for which there must be room.
   */
  saveFpu(into: Uint8Array, at: number): number;
  /** Pre: `length` bytes validated by the caller's rules; the platform refuses reserved bits with -EINVAL. */
  restoreFpu(from: Uint8Array, at: number, length: number): number;
  /** Resets the extended state to that of a fresh program. */
  resetFpu(): void;
  /** Processor time used by guest code of this context, ns. */
  cpuNanos(): number;
  /** Gives the context back. A running one is stopped first. */
  release(): void;
}

/** Execute one instruction, then trap with TRAP_EXCEPTION/SIGTRAP. */
export const RESUME_SINGLE_STEP = 1;
/** A deadline has come for it: where contexts take turns, it does not wait for its own. */
export const RESUME_DUE = 2;

export interface Platform {
  readonly name: string;
  readonly features: PlatformFeatures;
  /** A new, empty address space; or one that starts with the mappings of `from` (a cheap start for fork). Null: out of resources. */
  createAddressSpace(from: AddressSpace | null): AddressSpace | null;
  /** Contexts of `space`, and spaces made from it later, may use `dynamicFeatures` from now on. 0 or -errno. */
  permitDynamicFeatures(space: AddressSpace): number;
  /** Null: out of resources. All registers zero, extended state fresh. */
  createContext(): Context | null;
  /**
   * Blocks until a context traps, a host event is ready or `deadline` (ns on CLOCK_MONOTONIC of the host, Infinity for none)
   * passes. Returns a context id or WAIT_*. A deadline in the past polls. Contexts are served fairly.
   */
  wait(deadline: number): number;
  /** The caller is about to close `fd`: forget any copy of it. Existing mappings stay. */
  releaseFile(fd: number): void;
  /** Counters by name for `--stats` and tests. */
  statistics(): Record<string, number>;
  /** Ends every process of the platform. */
  close(): void;
}

/** What wakes `Platform.wait` from outside guest code; implemented by `host`. */
export interface HostEvents {
  /** Events are pending: `wait` must return WAIT_HOST_EVENT. Cheap; reads a flag in shared memory. */
  pending(): boolean;
  /** Where the watcher thread rings when events become ready: a futex word, or a signal to a thread. Set once by the platform. */
  setBell(bell: HostBell): void;
}

export interface HostBell {
  /** Address of a u32 in this process: incremented, then FUTEX_WAKE. 0 for none. */
  readonly futexAddress: number;
  /** Process to signal; 0 for none. */
  readonly pid: number;
  readonly signal: number;
}
