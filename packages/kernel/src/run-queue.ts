// Tasks whose wait is over, in the order they were woken: a ring of a power of two, doubled when full.
import type { Task } from './task.js';

export class RunQueue {
  private ring: (Task | null)[];
  private head: number;
  private count: number;

  constructor() {
    this.ring = new Array<Task | null>(64).fill(null);
    this.head = 0;
    this.count = 0;
  }

  get size(): number {
    return this.count;
  }

  push(task: Task): void {
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = task;
    this.count++;
  }

  shift(): Task | null {
    if (this.count === 0) return null;
    const task = this.ring[this.head]!;
    this.ring[this.head] = null;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    return task;
  }

  private grow(): void {
    const old = this.ring;
    this.ring = new Array<Task | null>(old.length * 2).fill(null);
    for (let i = 0; i < old.length; i++) this.ring[i] = old[(this.head + i) & (old.length - 1)]!;
    this.head = 0;
  }
}
