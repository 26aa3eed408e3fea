// What the *ctl calls of System V objects share: struct ipc64_perm to and from a program, and which object a command names.
import {
  EFAULT,
  IPC64_PERM_CGID,
  IPC64_PERM_CUID,
  IPC64_PERM_GID,
  IPC64_PERM_KEY,
  IPC64_PERM_MODE,
  IPC64_PERM_SEQ,
  IPC64_PERM_SIZE,
  IPC64_PERM_UID,
} from '@sandbox-kernel/abi';
import type { IpcObject, IpcTable, Task } from '@sandbox-kernel/kernel';
import { workspaceOf } from './workspace.js';

/** Starts a zeroed structure of `size` bytes in the workspace. */
export function freshStructure(task: Task, size: number): DataView {
  const { bytes, view } = workspaceOf(task);
  bytes.fill(0, 0, size);
  return view;
}

/** The structure in the workspace to the program; `result` or -EFAULT. */
export function giveStructure(task: Task, addr: number, size: number, result: number): number {
  return task.memory.copyOut(addr, workspaceOf(task).bytes, 0, size) < size ? -EFAULT : result;
}

/** Copies a structure of the program to the workspace. Null: EFAULT. */
export function takeStructure(task: Task, addr: number, size: number): DataView | null {
  const { bytes, view } = workspaceOf(task);
  return task.memory.copyIn(addr, bytes, 0, size) < size ? null : view;
}

/** Each *_ds structure starts with the permissions. */
export function putPermissions(view: DataView, object: IpcObject): void {
  view.setInt32(IPC64_PERM_KEY, object.key, true);
  view.setUint32(IPC64_PERM_UID, object.uid, true);
  view.setUint32(IPC64_PERM_GID, object.gid, true);
  view.setUint32(IPC64_PERM_CUID, object.creatorUid, true);
  view.setUint32(IPC64_PERM_CGID, object.creatorGid, true);
  view.setUint32(IPC64_PERM_MODE, object.mode, true);
  view.setUint16(IPC64_PERM_SEQ, object.sequence, true);
}

/** IPC_SET: owner, group and mode of the structure at `addr`. 0 or -errno. */
export function setPermissions(task: Task, object: IpcObject, view: DataView): number {
  const uid = view.getUint32(IPC64_PERM_UID, true);
  const gid = view.getUint32(IPC64_PERM_GID, true);
  return object.setOwner(uid, gid, view.getUint32(IPC64_PERM_MODE, true), task.kernel.ipc.now());
}

export const PERMISSIONS_SIZE = IPC64_PERM_SIZE;
const READ = 0o444;

/** The object that a *_STAT command reports: by id, or by index when `byIndex`; with read permission unless `any`. */
export function statTarget<T extends IpcObject>(
  task: Task,
  table: IpcTable<T>,
  id: number,
  byIndex: boolean,
  any: boolean,
): T | number {
  const object = byIndex ? table.at(id) : table.get(id);
  if (typeof object === 'number' || any) return object;
  const allowed = object.check(task.credentials, READ);
  return allowed < 0 ? allowed : object;
}

/** The object that the owner changes or removes. */
export function ownedTarget<T extends IpcObject>(task: Task, table: IpcTable<T>, id: number): T | number {
  const object = table.get(id);
  if (typeof object === 'number') return object;
  const allowed = object.checkOwner(task.credentials);
  return allowed < 0 ? allowed : object;
}
