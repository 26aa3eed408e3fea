// What /proc/PID/fd shows of an open file: its name, and a place to open it again from, also for files that never had a path.
import { ENOENT } from '@sandbox-kernel/abi';
import { Dentry } from './dentry.js';
import type { FileDescription } from './file-description.js';
import type { Location } from './mount.js';
import { placeName } from './place-name.js';

/** Text of the link: a path, "pipe:[7]", "anon_inode:[eventpoll]", "/memfd:x (deleted)". */
export function fileName(file: FileDescription, root: Location | null): string {
  const { dentry, inode } = file;
  if (inode === null || dentry === null) return file.ops.label(file);
  const { vfs } = inode.superblock;
  if (dentry.superblock.nameless) return file.ops.label(file);
  if (dentry.superblock === vfs.memory) return `/${dentry.name} (deleted)`;
  return placeName(file.mount, dentry, root);
}

/** Where the link leads: fills `out`. A file without a place gets one that nobody else can find. */
export function placeOfFile(file: FileDescription, out: Location): number {
  const inode = file.inode;
  if (inode === null) return -ENOENT;
  const mount = inode.superblock.vfs.anonymousMount;
  if (file.dentry === null) {
    file.dentry = new Dentry(inode.superblock, null, '', inode);
    file.dentry.retain();
    // The name holds the inode now, in place of the description itself.
    inode.release();
  }
  if (file.mount === null) {
    file.mount = mount;
    mount.refs++;
  }
  out.set(file.mount, file.dentry);
  return 0;
}
