// One change as the host API shows it.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '@sandbox-kernel/abi';
import type { ChangedPart, WireAttributes, WireChange } from '../../changes/messages.js';

export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'socket'
  | 'unknown';

export interface FileState {
  readonly type: FileType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly mtime: Date;
  /** Text of a symbolic link; null for others. */
  readonly target: string | null;
  readonly xattrs: Readonly<Record<string, Buffer>>;
}

export interface FileChange {
  /** Absolute in the sandbox. Bytes that are not UTF-8 show as U+FFFD: `rawPath` has them. */
  readonly path: string;
  readonly rawPath: Buffer;
  readonly kind: 'added' | 'modified' | 'deleted';
  /** What is different, of 'modified'. */
  readonly changed: readonly ChangedPart[];
  /** A directory that took the place of another one. */
  readonly opaque: boolean;
  readonly before: FileState | null;
  readonly after: FileState | null;
}

const TYPES = new Map<number, FileType>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character-device'],
  [S_IFBLK, 'block-device'],
  [S_IFIFO, 'fifo'],
  [S_IFSOCK, 'socket'],
]);

export function fileChange(change: WireChange): FileChange {
  const rawPath = Buffer.from(change.path, 'latin1');
  return {
    path: rawPath.toString('utf8'),
    rawPath,
    kind: change.kind,
    changed: change.changed,
    opaque: change.opaque,
    before: fileState(change.before),
    after: fileState(change.after),
  };
}

function fileState(attributes: WireAttributes | null): FileState | null {
  if (attributes === null) return null;
  const type = TYPES.get(attributes.mode & S_IFMT) ?? 'unknown';
  return {
    type,
    mode: attributes.mode & 0o7777,
    uid: attributes.uid,
    gid: attributes.gid,
    size: attributes.size,
    mtime: new Date(attributes.mtime * 1000 + Math.floor(attributes.mtimeNanos / 1e6)),
    target: type === 'symlink' ? Buffer.from(attributes.target, 'latin1').toString('utf8') : null,
    xattrs: Object.fromEntries(
      attributes.xattrs.map(([name, value]) => [name, Buffer.from(value, 'base64')]),
    ),
  };
}
