// Where operations tell watches what happened. Cheap when nobody watches: two null checks.
import { S_IFDIR, S_IFMT } from '@sandbox-kernel/abi';
import type { Dentry } from '../dentry.js';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';

export const IN_ACCESS = 0x1;
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_CLOSE_NOWRITE = 0x10;
export const IN_OPEN = 0x20;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ISDIR = 0x40000000;

/** Something happened to a file that has a name: its directory's watches hear the name, its own hear of itself. */
export function notifyDentry(dentry: Dentry, mask: number): void {
  const inode = dentry.inode;
  if (inode === null) return;
  const full = (inode.mode & S_IFMT) === S_IFDIR ? mask | IN_ISDIR : mask;
  const directory = dentry.parent?.inode;
  if (directory != null && directory.watches !== null) send(directory, full, 0, dentry.name);
  if (inode.watches !== null) send(inode, full, 0, '');
}

/** An entry of a directory came, went or moved. */
export function notifyEntry(
  directory: Inode,
  inode: Inode | null,
  name: string,
  mask: number,
  cookie: number,
): void {
  if (directory.watches === null) return;
  const isDirectory = inode !== null && (inode.mode & S_IFMT) === S_IFDIR;
  send(directory, isDirectory ? mask | IN_ISDIR : mask, cookie, name);
}

/** Something happened to the inode itself (IN_DELETE_SELF, IN_MOVE_SELF, IN_ATTRIB of a nameless file). */
export function notifyInode(inode: Inode, mask: number): void {
  if (inode.watches !== null) send(inode, mask, 0, '');
}

export function notifyFile(file: FileDescription, mask: number): void {
  if (file.dentry !== null) notifyDentry(file.dentry, mask);
}

export function notifyClose(file: FileDescription): void {
  notifyFile(file, file.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

function send(inode: Inode, mask: number, cookie: number, name: string): void {
  const watches = inode.watches!.watches;
  for (let i = watches.length - 1; i >= 0; i--) {
    const watch = watches[i];
    if (watch !== undefined && (watch.mask & mask & 0xfff) !== 0) watch.notify(inode, mask, cookie, name);
  }
}
