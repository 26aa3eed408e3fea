// Where operations tell watches what happened. Cheap when nobody watches: three checks.
import { S_IFDIR, S_IFMT } from '@sandbox-kernel/abi';
import type { Dentry } from '../dentry.js';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';
import type { MountNamespace } from '../mount-namespace.js';
import type { FileEvent } from './file-event.js';
import type { Watch, WatchList } from './watch-list.js';

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
/** FAN_OPEN_EXEC and FAN_RENAME, which have no IN_* of their own. */
export const OPEN_EXEC = 0x1000;
export const RENAME = 0x10000000;
/** All that a watch can ask for. */
const EVENTS = 0x10001fff;

/** Would anybody hear of what happens to this file? */
export function isWatched(file: FileDescription): boolean {
  const inode = file.inode!;
  if (inode.watches !== null || inode.superblock.vfs.notify.wide.length > 0) return true;
  return file.dentry?.parent?.inode?.watches != null;
}

/** Something happened to a file that has a name: its directory's watches hear the name, its own hear of itself. */
export function notifyDentry(dentry: Dentry, mask: number, mount: Mount | null = null): void {
  const inode = dentry.inode;
  if (inode === null) return;
  const { wide, event } = inode.superblock.vfs.notify;
  const directory = dentry.parent?.inode ?? null;
  const heard = directory !== null && directory.watches !== null;
  if (!heard && inode.watches === null && wide.length === 0) return;
  fill(event, inode, mask, 0, directory, directory === null ? '' : dentry.name);
  event.mount = mount;
  event.dentry = dentry;
  if (heard) tellList(directory.watches!, event, false);
  if (inode.watches !== null) tellList(inode.watches, event, true);
  if (wide.length > 0) tell(wide, event, true);
}

/** An entry of a directory came, went or moved. */
export function notifyEntry(
  directory: Inode,
  inode: Inode | null,
  name: string,
  mask: number,
  cookie: number,
): void {
  const { wide, event } = directory.superblock.vfs.notify;
  if (directory.watches === null && wide.length === 0) return;
  fill(event, inode, mask, cookie, directory, name);
  if (directory.watches !== null) tellList(directory.watches, event, false);
  if (wide.length > 0) tell(wide, event, false);
}

/** The whole of a rename in one event (FAN_RENAME, DN_RENAME). */
export function notifyRename(from: Inode, oldName: string, inode: Inode, to: Inode, newName: string): void {
  const { wide, event } = from.superblock.vfs.notify;
  fill(event, inode, RENAME, 0, from, oldName);
  event.newDirectory = to;
  event.newName = newName;
  if (from.watches !== null) tellList(from.watches, event, false);
  if (to !== from && to.watches !== null) tellList(to.watches, event, false);
  if (wide.length > 0) tell(wide, event, false);
}

/** Something happened to the inode itself (IN_DELETE_SELF, IN_MOVE_SELF, IN_ATTRIB of a nameless file). */
export function notifyInode(inode: Inode, mask: number): void {
  const { wide, event } = inode.superblock.vfs.notify;
  if (inode.watches === null && wide.length === 0) return;
  fill(event, inode, mask, 0, null, '');
  if (inode.watches !== null) tellList(inode.watches, event, true);
  if (wide.length > 0) tell(wide, event, true);
}

/** A mount came to a namespace, left it, or moved within it: FAN_MNT_ATTACH, FAN_MNT_DETACH. */
export function notifyMount(namespace: MountNamespace, mount: Mount, mask: number): void {
  for (const mark of namespace.vfs.notify.mountMarks) mark.notifyMount(namespace, mount.uniqueId, mask);
}

export function notifyFile(file: FileDescription, mask: number): void {
  if (file.dentry !== null) notifyDentry(file.dentry, mask, file.mount);
}

export function notifyClose(file: FileDescription): void {
  notifyFile(file, file.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

function fill(
  event: FileEvent,
  inode: Inode | null,
  mask: number,
  cookie: number,
  directory: Inode | null,
  name: string,
): void {
  const isDirectory = inode !== null && (inode.mode & S_IFMT) === S_IFDIR;
  event.mask = isDirectory && (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) === 0 ? mask | IN_ISDIR : mask;
  event.cookie = cookie;
  event.target = inode;
  event.directory = directory;
  event.name = name;
  event.newDirectory = null;
  event.newName = '';
  event.mount = null;
  event.dentry = null;
}

/** Somebody else changed a file: from a filesystem's `RemoteWatch`. `name`: in the directory `inode`; '' for the file itself. */
export function tellWatches(inode: Inode, mask: number, cookie: number, name: string): void {
  const list = inode.watches;
  if (list === null) return;
  const { event } = inode.superblock.vfs.notify;
  const self = name === '';
  fill(event, self ? inode : null, 0, cookie, self ? null : inode, name);
  event.mask = mask;
  tell(list.watches, event, self);
}

function tellList(list: WatchList, event: FileEvent, self: boolean): void {
  list.remote?.expect(event.mask, self ? '' : event.name);
  tell(list.watches, event, self);
}

function tell(watches: readonly Watch[], event: FileEvent, self: boolean): void {
  event.self = self;
  for (let i = watches.length - 1; i >= 0; i--) {
    const watch = watches[i];
    if (watch !== undefined && (watch.mask & event.mask & EVENTS) !== 0) watch.notify(event);
  }
}
