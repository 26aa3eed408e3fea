// Calls that wait until fanotify(7) groups have decided about them.
import { EAGAIN, ERESTARTSYS } from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import { askToRead, type FileDescription } from '@sandbox-kernel/vfs';

/** After -EAGAIN with `notify.waiting` set: the call runs again when the answers are there. */
export function waitForPermission(task: Task): number {
  const { notify } = task.fs.vfs;
  const queue = notify.waiting!;
  notify.waiting = null;
  return task.blockOn(queue, 1, -ERESTARTSYS);
}

/** 0: data of the file may be read; else what the call returns. Pre: there are groups that may decide. */
export function readPermission(task: Task, file: FileDescription): number {
  const asked = askToRead(task, file);
  return asked === -EAGAIN ? waitForPermission(task) : asked;
}

/** As `readPermission`, for calls that are not hot. */
export function mayReadFrom(task: Task, file: FileDescription): number {
  return task.fs.vfs.notify.permissionGroups.length === 0 ? 0 : readPermission(task, file);
}
