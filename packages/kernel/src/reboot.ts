// reboot(2) as in a PID namespace: every process ends, and init as if by the signal that tells its starter what was asked for.
import { SIGKILL } from '@sandbox-kernel/abi';
import { exitGroup } from './exit.js';
import { startGroupExit } from './signal/send.js';
import type { Task } from './task.js';

/** `signal`: what init seems to have died of. Returns TASK_EXITED. */
export function endAll(task: Task, signal: number): number {
  const { init, processes } = task.kernel;
  if (init !== null && !init.exited) startGroupExit(init, signal);
  for (const other of processes.tasks.values()) {
    const { group } = other;
    if (group !== init && group !== task.group && !group.exited) startGroupExit(group, SIGKILL);
  }
  return exitGroup(task, 0);
}
