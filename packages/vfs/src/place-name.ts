// The path of a place: getcwd(2), /proc/PID/fd, /proc/PID/maps. Bytes as stored, one character each.
import type { Dentry } from './dentry.js';
import type { Location, Mount } from './mount.js';

/** Path from the top of the namespace; " (deleted)" is appended for names that are gone. */
export function placeName(mount: Mount | null, dentry: Dentry, root: Location | null = null): string {
  const parts: string[] = [];
  const reached = climb(mount, dentry, root, parts);
  const path = parts.length === 0 ? '/' : `/${parts.reverse().join('/')}`;
  const deleted = isDeleted(mount, dentry) ? ' (deleted)' : '';
  return reached ? path + deleted : `(unreachable)${path}${deleted}`;
}

export function isDeleted(mount: Mount | null, dentry: Dentry): boolean {
  if (dentry.parent === null || (mount !== null && dentry === mount.root)) return false;
  return !dentry.hashed || dentry.inode === null;
}

function climb(mount: Mount | null, dentry: Dentry, root: Location | null, parts: string[]): boolean {
  let at = dentry;
  let on = mount;
  for (;;) {
    if (root !== null && at === root.dentry && on === root.mount) return true;
    if (on !== null && at === on.root) {
      if (on.parent === null) return root === null;
      at = on.mountpoint!;
      on = on.parent;
      continue;
    }
    if (at.parent === null) return root === null;
    parts.push(at.name);
    at = at.parent;
  }
}

/** getcwd(2): null when the directory was removed. */
export function currentDirectory(root: Location, cwd: Location): string | null {
  if (isDeleted(cwd.mount, cwd.dentry)) return null;
  return placeName(cwd.mount, cwd.dentry, root);
}
