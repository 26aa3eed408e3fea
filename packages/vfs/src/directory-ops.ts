// An open directory whose names are held in an EntryList (tmpfs, devfs, pseudo files): getdents64(2) with `.` and `..` first.
import { EINVAL, EISDIR } from '@sandbox-kernel/abi';
import type { DirectorySink } from './directory-sink.js';
import type { EntryList } from './entry-list.js';
import type { FileDescription } from './file-description.js';
import { FileOps } from './file-ops.js';
import { touchAtime } from './times.js';

const DT_DIR = 4;

/** What every open directory has in common. */
export class DirectoryOps extends FileOps {
  override read(): number {
    return -EISDIR;
  }

  override pollable(): boolean {
    return false;
  }

  override sync(): number {
    return 0;
  }

  /** Cookies of directories have no end to seek to. */
  override size(): number {
    return -EINVAL;
  }
}

/** Emits `.` and `..` where the position says so. True: go on with the entries proper (position ≥ 2). */
export function emitDots(file: FileDescription, sink: DirectorySink): boolean {
  const dentry = file.dentry;
  const own = file.inode!.number;
  if (file.position === 0) {
    if (!sink.add('.', own, DT_DIR, 1)) return false;
    file.position = 1;
  }
  if (file.position === 1) {
    const atTop = dentry === null || dentry.parent === null;
    const parent = atTop ? own : (dentry.parent?.inode?.number ?? own);
    if (!sink.add('..', parent, DT_DIR, 2)) return false;
    file.position = 2;
  }
  return true;
}

class ListedDirectoryOps extends DirectoryOps {
  override readdir(file: FileDescription, sink: DirectorySink): number {
    if (emitDots(file, sink)) file.position = (file.data as EntryList).emit(file.position, sink);
    touchAtime(file, file.inode!);
    return 0;
  }
}

/** `file.data` is the EntryList. */
export const LISTED_DIRECTORY_OPS: FileOps = new ListedDirectoryOps();
