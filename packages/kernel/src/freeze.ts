// fork copies an address space only while none of its threads runs in the program: the others are interrupted and held on their
// way back until the copy is made.
import { BLOCKED } from './results.js';
import type { Task } from './task.js';
import { TASK_RUNNING } from './task-state.js';

/** 0: all other threads are out of the program. BLOCKED: run the call again later; or `code` when a signal came first. */
export function freezeImage(task: Task, code: number): number {
  const image = task.image;
  if (image.freezer !== null && image.freezer !== task) {
    // Another thread copies: take part by waiting like everybody else, and try again after.
    image.held.push(task);
    return BLOCKED;
  }
  if (image.running === 0) {
    image.freezer = task;
    return 0;
  }
  if (task.fatalPending()) {
    thawImage(task);
    return code;
  }
  image.freezer = task;
  for (const other of task.kernel.tasksOf(image)) {
    if (other !== task && other.state === TASK_RUNNING) other.context.interrupt();
  }
  task.killableOnly = true;
  return BLOCKED;
}

/** Lets the held threads go. Pre: called by the freezer, or no freeze is on. */
export function thawImage(task: Task): void {
  const image = task.image;
  if (image.freezer !== task) return;
  image.freezer = null;
  const held = image.held.splice(0);
  for (const other of held) other.makeRunnable();
}
