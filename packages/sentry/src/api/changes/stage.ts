// Builds new files beside the ones they will replace: data, then owner, permissions, attributes and times. Nothing that is visible
// under its own name is touched here.
import { closeSync, fchmodSync, fchownSync, ftruncateSync, writeSync } from 'node:fs';
import {
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import type { WireAttributes } from '../../changes/messages.js';
import type { ChangeSnapshot } from './change-snapshot.js';
import { type HostTree, hostError, readable } from './host-tree.js';

const SET_IDS = 0o6000;
/** Attributes that give rights. */
const PRIVILEGED_XATTRS = /^(security|trusted)\./;

export interface StageOptions {
  /** Device nodes, set-id bits, file capabilities. */
  readonly privileged: boolean;
  /** Hears what could not be carried over: path, and what. */
  readonly warn: (path: string, what: string) => void;
}

export function isDevice(mode: number): boolean {
  const type = mode & S_IFMT;
  return type === S_IFCHR || type === S_IFBLK;
}

/** Makes `name` in the directory descriptor as the change says. Directories stay open to their owner until `finishDirectory`. */
export async function stageEntry(
  tree: HostTree,
  directory: number,
  name: string,
  snapshot: ChangeSnapshot,
  index: number,
  options: StageOptions,
): Promise<void> {
  const change = snapshot.changes[index];
  const attributes = change?.after;
  if (change === undefined || attributes === null || attributes === undefined) return;
  const type = attributes.mode & S_IFMT;
  if (type === S_IFREG)
    return stageFile(tree, directory, name, snapshot, index, attributes, change.path, options);
  const { paths } = tree.host;
  let made = 0;
  if (type === S_IFDIR) made = paths.mkdir(directory, name, 0o700);
  else if (type === S_IFLNK) made = paths.symlink(attributes.target, directory, name);
  else if (type === S_IFIFO) made = paths.mknod(directory, name, S_IFIFO | 0o600, 0);
  else made = paths.mknod(directory, name, type | 0o600, deviceNumber(attributes));
  if (made < 0) throw hostError(`can't make '${readable(change.path)}'`, made, change.path);
  if (type !== S_IFDIR) finishByName(tree, directory, name, attributes, change.path, options);
}

/** dev_t as mknod(2) takes it. */
function deviceNumber({ major, minor }: WireAttributes): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

async function stageFile(
  tree: HostTree,
  directory: number,
  name: string,
  snapshot: ChangeSnapshot,
  index: number,
  attributes: WireAttributes,
  path: string,
  options: StageOptions,
): Promise<void> {
  const fd = tree.openIn(directory, name, O_CREAT | O_EXCL | O_WRONLY, 0o600);
  if (fd < 0) throw hostError(`can't make '${readable(path)}'`, fd, path);
  try {
    for await (const [offset, length] of snapshot.extents(index)) {
      for (let done = 0; done < length; ) {
        const piece = await snapshot.read(index, 'after', offset + done, Math.min(length - done, 512 * 1024));
        if (piece.length === 0) break;
        writeAll(fd, piece, offset + done);
        done += piece.length;
      }
    }
    ftruncateSync(fd, attributes.size);
    finishByDescriptor(tree, fd, attributes, path, options);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, piece: Buffer, position: number): void {
  for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at, piece.length - at, position + at);
}

/** Owner, permissions, attributes and times of a staged or standing directory. */
export function finishDirectory(
  tree: HostTree,
  parent: number,
  name: string,
  attributes: WireAttributes,
  path: string,
  options: StageOptions,
): void {
  const fd = tree.openIn(parent, name, O_RDONLY | O_DIRECTORY);
  if (fd < 0) throw hostError(`can't open '${readable(path)}'`, fd, path);
  try {
    finishByDescriptor(tree, fd, attributes, path, options);
  } finally {
    closeSync(fd);
  }
}

/** The owner first: a change of owner clears set-id bits. */
function finishByDescriptor(
  tree: HostTree,
  fd: number,
  attributes: WireAttributes,
  path: string,
  options: StageOptions,
): void {
  attempt(options, path, 'owner', () => fchownSync(fd, attributes.uid, attributes.gid));
  fchmodSync(fd, permissions(attributes, path, options));
  for (const [name, value] of attributes.xattrs) {
    if (PRIVILEGED_XATTRS.test(name) && !options.privileged) {
      options.warn(path, `attribute ${name}`);
      continue;
    }
    const set = tree.host.xattrs.set(fd, name, Buffer.from(value, 'base64'), 0);
    if (set < 0) options.warn(path, `attribute ${name}`);
  }
  tree.host.paths.utimens(fd, null, timesOf(attributes), 0);
}

function finishByName(
  tree: HostTree,
  directory: number,
  name: string,
  attributes: WireAttributes,
  path: string,
  options: StageOptions,
): void {
  const { paths } = tree.host;
  const owner = paths.chown(directory, name, attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW);
  if (owner < 0) options.warn(path, 'owner');
  // A name of our own in a directory: nobody else knows it, so that it can't be a link by now.
  if ((attributes.mode & S_IFMT) !== S_IFLNK)
    paths.chmod(directory, name, permissions(attributes, path, options));
  paths.utimens(directory, name, timesOf(attributes), AT_SYMLINK_NOFOLLOW);
}

function permissions(attributes: WireAttributes, path: string, options: StageOptions): number {
  const bits = attributes.mode & 0o7777;
  const isDirectory = (attributes.mode & S_IFMT) === S_IFDIR;
  if (options.privileged || isDirectory || (bits & SET_IDS) === 0) return bits;
  options.warn(path, 'set-id bits');
  return bits & ~SET_IDS;
}

function timesOf(attributes: WireAttributes) {
  return {
    accessSeconds: attributes.mtime,
    accessNanos: attributes.mtimeNanos,
    modifySeconds: attributes.mtime,
    modifyNanos: attributes.mtimeNanos,
  };
}

function attempt(options: StageOptions, path: string, what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    options.warn(path, what);
  }
}
