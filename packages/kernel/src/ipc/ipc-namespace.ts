// System V objects of one IPC namespace (ipc_namespaces(7)).
import { MSGMNI, SEMMNI, SHMMNI } from '@sandbox-kernel/abi';
import type { Kernel } from '../kernel.js';
import { IpcTable } from './ipc-table.js';
import type { MessageQueue } from './message-queue.js';
import type { SemaphoreSet } from './semaphore-set.js';
import type { SharedSegment } from './shared-segment.js';

export class IpcNamespace {
  readonly kernel: Kernel;
  readonly segments: IpcTable<SharedSegment>;
  readonly semaphores: IpcTable<SemaphoreSet>;
  readonly queues: IpcTable<MessageQueue>;
  /** Pages of all segments. */
  segmentPages: number;
  /** Semaphores of all sets. */
  semaphoreCount: number;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.segments = new IpcTable(SHMMNI);
    this.semaphores = new IpcTable(SEMMNI);
    this.queues = new IpcTable(MSGMNI);
    this.segmentPages = 0;
    this.semaphoreCount = 0;
  }

  /** Seconds since the epoch. */
  now(): number {
    return Math.floor(this.kernel.realtimeNanos() / 1e9);
  }

  /** Pid that goes into the "last user" fields. */
  currentPid(): number {
    return this.kernel.current?.group.pid ?? 0;
  }
}
