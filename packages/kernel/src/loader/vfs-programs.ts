// Programs from the vfs: the walk, the checks of execve(2) in Linux's order, and the ban on writers while a program runs.
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  EACCES,
  EBUSY,
  ELOOP,
  MS_NOEXEC,
  O_RDONLY,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import { emptyAreaInfo } from '@sandbox-kernel/mm';
import {
  allowWrite,
  askToExecute,
  denyWrite,
  type FileDescription,
  MAY_EXEC,
  openAllowed,
  permission,
  WALK_EMPTY,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';
import { mappableOf, type ProgramFiles } from './program-files.js';

export class VfsPrograms implements ProgramFiles {
  open(task: Task, dirfd: number, path: string, flags: number): FileDescription | number {
    const walker = task.fs.vfs.walker;
    const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? WALK_FOLLOW : 0;
    const empty = (flags & AT_EMPTY_PATH) === 0 ? 0 : WALK_EMPTY;
    const found = walker.lookup(task, dirfd, path, follow | empty);
    if (found !== 0) return found;
    const mount = walker.mount;
    const dentry = walker.dentry;
    const inode = dentry.inode!;
    const type = inode.mode & S_IFMT;
    if (type === S_IFLNK) return -ELOOP;
    if (type !== S_IFREG || (mount.flags & MS_NOEXEC) !== 0) return -EACCES;
    const allowed = permission(inode, task.credentials, MAY_EXEC);
    if (allowed !== 0) return allowed;
    if (task.fs.vfs.notify.permissionGroups.length > 0) {
      const asked = askToExecute(task, mount, dentry);
      if (asked !== 0) return asked;
    }
    const denied = denyWrite(inode);
    if (denied !== 0) return denied;
    const file = openAllowed(task, mount, dentry, O_RDONLY, true);
    if (typeof file === 'number') allowWrite(inode);
    return file;
  }

  adopt(task: Task, file: FileDescription): FileDescription | number {
    const inode = file.inode;
    if (inode === null || (inode.mode & S_IFMT) !== S_IFREG) return -EACCES;
    if (file.mount !== null && (file.mount.flags & MS_NOEXEC) !== 0) return -EACCES;
    const allowed = permission(inode, task.credentials, MAY_EXEC);
    if (allowed !== 0) return allowed;
    if (isMapped(task)) return -EBUSY;
    return denyWrite(inode) === 0 ? file.retain() : -EACCES;
  }

  close(file: FileDescription): void {
    if (file.inode !== null) allowWrite(file.inode);
    file.release();
  }

  share(file: FileDescription): FileDescription {
    if (file.inode !== null) denyWrite(file.inode);
    return file.retain();
  }
}

/** Is any of the file that the task runs mapped? */
function isMapped(task: Task): boolean {
  const { executable, memory } = task.image;
  const shown = executable === null ? null : mappableOf(executable);
  if (shown === null) return false;
  const area = emptyAreaInfo();
  for (let i = 0; i < memory.areaCount; i++) {
    memory.area(i, area);
    if (
      area.inode === shown.inode &&
      area.deviceMinor === shown.deviceMinor &&
      area.deviceMajor === shown.deviceMajor
    )
      return true;
  }
  return false;
}
