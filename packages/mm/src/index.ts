export {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_RAND_READ,
  VM_READ,
  VM_SEALED,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_UFFD,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  VM_WIPEONFORK,
  VM_WRITE,
} from './area-flags.js';
export { ArrayBacking } from './array-backing.js';
export type { CodePatches } from './code.js';
export {
  canMonitor,
  continueMinor,
  copyMissing,
  FAULT_WAITS,
  type FaultMonitor,
  monitorRange,
  type Obstacle,
  protectMonitored,
  unmonitorRange,
  zeroMissing,
} from './fault-monitor.js';
export { InvariantError } from './invariant-error.js';
export { IOV_MAX, IoBuffers, importBuffer, importIovec, MAX_RW_COUNT } from './io-buffers.js';
export { chooseLayout, type LayoutOptions } from './layout.js';
export { isRemoteAdvice } from './madvise.js';
export type { MemoryBacking } from './memory-backing.js';
export {
  MemoryFile,
  type MemoryFileOptions,
  OWNER_OTHER,
  OWNER_PRIVATE,
  OWNER_SHARED,
  type PageHolding,
} from './memory-file.js';
export { MemoryManager, type MemoryManagerOptions } from './memory-manager.js';
export { areaFlagNames } from './proc.js';
export { reclaim } from './reclaim.js';
export { SharedMemory } from './shared-memory.js';
export {
  type AddressLayout,
  type AddressSpaceSource,
  type AreaInfo,
  type AreaUsage,
  emptyAreaInfo,
  emptyAreaUsage,
  type FutexKey,
  type MappedFile,
  type MemoryLimits,
  type MemoryTuning,
  type MemoryUsage,
} from './types.js';
