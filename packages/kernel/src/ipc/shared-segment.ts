// System V shared memory: shmget(2), shmop(2), shmctl(2). A segment is shared memory of mm that the table holds; the areas that map it are
// its attaches.
import {
  CAP_IPC_LOCK,
  EINVAL,
  ENOMEM,
  ENOSPC,
  EPERM,
  RLIMIT_MEMLOCK,
  SHM_HUGETLB,
  SHM_LOCK,
  SHMMIN,
} from '@sandbox-kernel/abi';
import type { MappingOwner } from '@sandbox-kernel/contracts';
import { type MemoryFile, SharedMemory } from '@sandbox-kernel/mm';
import type { Task } from '../task.js';
import type { IpcNamespace } from './ipc-namespace.js';
import { IpcObject } from './ipc-object.js';

/** Mode bits of the kind (linux/shm.h of the kernel): destroyed at the last detach; locked in memory. */
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;

/** kernel.shmmax and kernel.shmall: ULONG_MAX - (1UL << 24). */
export const SHM_LIMIT = 2 ** 64 - 2 ** 24;
const PAGE_SIZE = 4096;

/** The memory of a segment; tells it of attaches. */
class SegmentMemory extends SharedMemory {
  readonly segment: SharedSegment;

  constructor(file: MemoryFile, size: number, segment: SharedSegment) {
    super(file, size, `/SYSV${(segment.key >>> 0).toString(16).padStart(8, '0')} (deleted)`, 0, false);
    this.segment = segment;
  }

  override addMapping(
    owner: MappingOwner,
    offset: number,
    length: number,
    shared: boolean,
    writable: boolean,
  ): void {
    super.addMapping(owner, offset, length, shared, writable);
    this.segment.attached();
  }

  override removeMapping(
    owner: MappingOwner,
    offset: number,
    length: number,
    shared: boolean,
    writable: boolean,
  ): void {
    super.removeMapping(owner, offset, length, shared, writable);
    this.segment.detached();
  }
}

export class SharedSegment extends IpcObject {
  readonly namespace: IpcNamespace;
  readonly memory: SharedMemory;
  /** Bytes asked for. */
  readonly size: number;
  readonly creatorPid: number;
  lastPid: number;
  attachTime: number;
  detachTime: number;

  constructor(namespace: IpcNamespace, task: Task, key: number, mode: number, size: number) {
    super(key, mode, task.credentials, namespace.now());
    this.namespace = namespace;
    this.size = size;
    this.memory = new SegmentMemory(namespace.kernel.memoryFile, size, this);
    this.memory.hold();
    this.creatorPid = task.group.pid;
    this.lastPid = 0;
    this.attachTime = 0;
    this.detachTime = 0;
  }

  get attaches(): number {
    return this.memory.mappings;
  }

  get pages(): number {
    return this.memory.size / PAGE_SIZE;
  }

  attached(): void {
    this.attachTime = this.namespace.now();
    this.lastPid = this.namespace.currentPid();
  }

  detached(): void {
    this.detachTime = this.namespace.now();
    this.lastPid = this.namespace.currentPid();
    if (this.attaches === 0 && (this.mode & SHM_DEST) !== 0) this.destroy();
  }

  /** IPC_RMID: gone at once, or with the last attach. */
  markForRemoval(): void {
    if (this.attaches === 0) {
      this.destroy();
      return;
    }
    this.mode |= SHM_DEST;
    this.namespace.segments.forgetKey(this);
  }

  private destroy(): void {
    if (this.removed) return;
    this.namespace.segments.remove(this);
    this.namespace.segmentPages -= this.pages;
    this.memory.drop();
  }

  /** SHM_LOCK, SHM_UNLOCK. Nothing here is ever swapped: only the mark and the rights count. */
  setLocked(task: Task, command: number): number {
    const who = task.credentials;
    const limit = task.group.limits.soft[RLIMIT_MEMLOCK]!;
    if (!who.hasCapability(CAP_IPC_LOCK)) {
      if (who.euid !== this.uid && who.euid !== this.creatorUid) return -EPERM;
      if (command === SHM_LOCK && limit === 0) return -EPERM;
      if (command === SHM_LOCK && this.memory.size > limit) return -ENOMEM;
    }
    if (command === SHM_LOCK) this.mode |= SHM_LOCKED;
    else this.mode &= ~SHM_LOCKED;
    return 0;
  }
}

/** shmget(2). The id or -errno. */
export function getSegment(task: Task, key: number, size: number, flags: number): number {
  const namespace = task.kernel.ipc;
  const found = namespace.segments.find(key, flags);
  if (typeof found !== 'number') {
    return found.size < size ? -EINVAL : namespace.segments.open(found, task.credentials, flags);
  }
  return found < 0 ? found : newSegment(task, namespace, key, size, flags);
}

function newSegment(task: Task, namespace: IpcNamespace, key: number, size: number, flags: number): number {
  if (size < SHMMIN || size > SHM_LIMIT) return -EINVAL;
  const pages = Math.ceil(size / PAGE_SIZE);
  if (namespace.segmentPages + pages > SHM_LIMIT) return -ENOSPC;
  // There is no pool of huge pages.
  if ((flags & SHM_HUGETLB) !== 0) return task.credentials.hasCapability(CAP_IPC_LOCK) ? -ENOMEM : -EPERM;
  if (size >= 2 ** 63) return -EINVAL;
  const file = namespace.kernel.memoryFile;
  if (size > Math.min(file.limit, file.total)) return -ENOMEM;
  if (namespace.segments.count >= namespace.segments.limit) return -ENOSPC;
  const segment = new SharedSegment(namespace, task, key, flags, size);
  namespace.segmentPages += segment.pages;
  segment.memory.inode = namespace.segments.add(segment);
  return segment.id;
}
