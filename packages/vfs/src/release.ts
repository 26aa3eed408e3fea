// What the last close of an open file undoes: locks, leases, notification, writer count, references to its place.

import { FMODE_INTERNAL, FMODE_PATH, FMODE_READER, FMODE_WRITER } from './constants.js';
import { countWriter, type FileDescription, type FileWatcher } from './file-description.js';
import { releaseFileLocks } from './locks/inode-locks.js';
import { releaseMount } from './mount.js';
import { forgetDirectoryWatches } from './notify/dnotify.js';
import { notifyClose } from './notify/notify.js';

/** Pre: no reference is left. */
export function finishRelease(file: FileDescription): void {
  let watcher = file.watchers;
  file.watchers = null;
  while (watcher !== null) {
    const next: FileWatcher | null = watcher.nextWatcher;
    watcher.fileReleased(file);
    watcher = next;
  }
  file.asyncEntry?.leave();
  const inode = file.inode;
  if (inode !== null && (file.mode & FMODE_PATH) === 0) {
    if (inode.locks !== null) releaseFileLocks(inode, file);
    if ((file.mode & FMODE_INTERNAL) === 0) notifyClose(file);
    if (inode.watches !== null && inode.isDirectory) forgetDirectoryWatches(file, null);
  }
  file.ops.release(file);
  leavePlace(file);
}

function leavePlace(file: FileDescription): void {
  file.detach();
  const inode = file.inode;
  if (inode !== null && (file.mode & FMODE_WRITER) !== 0) countWriter(file, -1);
  else if (inode !== null && (file.mode & FMODE_READER) !== 0) inode.readers--;
  file.dentry?.release();
  if (file.dentry === null) inode?.release();
  if (file.mount !== null) releaseMount(file.mount);
}
