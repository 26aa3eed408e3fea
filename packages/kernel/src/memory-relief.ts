// Gives memory back that is only kept because it might soon be used again: some time after programs freed it, and at once when the host is
// short of memory. Tickless: armed only while there is something to give.
import type { Kernel } from './kernel.js';
import type { ProcessImage } from './process-image.js';
import { TASK_ZOMBIE } from './task-state.js';
import { TimerNode, type TimerOwner } from './timer-heap.js';

/** Nanoseconds that freed memory may wait for its next use. */
const DELAY = 5e7;

export class MemoryRelief implements TimerOwner {
  private readonly kernel: Kernel;
  private readonly timer: TimerNode;
  private told: boolean;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.timer = new TimerNode(this);
    this.told = false;
  }

  /** Called on each turn of the loop. */
  look(): void {
    if (this.timer.armed || this.kernel.memoryFile.spareBytes === 0) return;
    this.kernel.timers.arm(this.timer, this.kernel.clock.monotonic() + DELAY);
  }

  timerExpired(): void {
    if (!this.told) this.kernel.events?.memoryFreed();
    this.told = true;
    this.relieve();
  }

  /** Everything goes to the host that no program owns. Bytes. */
  relieve(): number {
    const { processes, memoryFile } = this.kernel;
    const seen = new Set<ProcessImage>();
    for (const task of processes.tasks.values()) {
      if (task.state >= TASK_ZOMBIE || seen.has(task.image)) continue;
      seen.add(task.image);
      task.memory.settle();
    }
    return memoryFile.purge();
  }
}
