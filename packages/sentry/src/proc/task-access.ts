// Who may look into a task through /proc (proc(5), ptrace(2) "access mode checking"), and whom its files belong to.
import { EACCES } from '@sandbox-kernel/abi';
import { mayInspect, SUID_DUMP_USER, type Task } from '@sandbox-kernel/kernel';
import type { PseudoNode } from '@sandbox-kernel/vfs';

/** Whoever the kernel works for: 0, or -EACCES when the task is none of their business. */
export function mayLookInto(task: Task): number {
  const reader = task.kernel.current;
  return reader === null || mayInspect(reader, task) ? 0 : -EACCES;
}

/** A task that forbids dumps keeps its files from its own user's other processes: they are root's. */
export function ownByTask(node: PseudoNode, task: Task): void {
  const dumpable = task.image.dumpable === SUID_DUMP_USER;
  node.uid = dumpable ? task.credentials.euid : 0;
  node.gid = dumpable ? task.credentials.egid : 0;
}
