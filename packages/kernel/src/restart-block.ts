// How to go on with a call that a stop or an ignored signal cut short and whose arguments no longer tell the rest
// (restart_syscall(2)): a relative sleep, poll with a timeout, a futex wait.
import type { Task } from './task.js';

export abstract class RestartBlock {
  /** Goes on; returns what a handler returns. Runs again after BLOCKED. */
  abstract restart(task: Task): number;
}
