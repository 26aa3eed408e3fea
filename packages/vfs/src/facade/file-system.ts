// The vfs on its own, with the methods of node:fs/promises: for tests, tools and browsers. One caller, root by default; paths are
// absolute or relative to its working directory. Files hold bytes: text goes in as UTF-8, and comes out with `encoding: 'utf8'`.
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
} from '@sandbox-kernel/abi';
import type { CallerCredentials, Clock, PageStore, RandomSource } from '@sandbox-kernel/contracts';
import { WALK_FOLLOW } from '../constants.js';
import { FdTable } from '../fd-table.js';
import { FileDescription } from '../file-description.js';
import { type FileCaller, FsContext } from '../fs-context.js';
import { Location } from '../mount.js';
import { changeMode, changeOwner, setTimes, truncatePath } from '../ops/attributes.js';
import { makeDirectory, makeSymlink } from '../ops/create.js';
import { linkFile } from '../ops/link.js';
import { attachMount, createNamespace, newMount } from '../ops/mounts.js';
import { openFile } from '../ops/open.js';
import {
  readFile as readDescription,
  readDirectory,
  writeFile as writeDescription,
} from '../ops/read-write.js';
import { removeDirectory, unlinkFile } from '../ops/remove.js';
import { renameFile } from '../ops/rename.js';
import { checkAccess, readLink, statfsPath, statPath } from '../ops/stat.js';
import { NameSink } from '../overlay/overlay-directory.js';
import { placeName } from '../place-name.js';
import { ByteSegments } from '../segments.js';
import { StatData, StatfsData } from '../stat.js';
import type { Superblock } from '../superblock.js';
import { createTmpfs } from '../tmpfs/tmpfs.js';
import { Vfs } from '../vfs.js';
import { Dirent } from './dirent.js';
import { FileHandle, type Moment, splitMoment } from './file-handle.js';
import { check, fail } from './file-system-error.js';
import { HeapPages } from './heap-pages.js';
import { Stats } from './stats.js';
import { fromBytes, toBytes } from './utf8.js';

export interface FileSystemOptions {
  /** Milliseconds since 1970; default: a clock that starts there and moves with each look at it. */
  readonly now?: () => number;
  readonly random?: RandomSource;
  readonly pages?: PageStore;
  /** What stands at `/`; default an empty tmpfs. */
  readonly root?: (vfs: Vfs) => Superblock;
  readonly credentials?: CallerCredentials;
}

class MillisecondClock implements Clock {
  readonly realtimeSeconds: number;
  readonly realtimeNanos: number;
  private readonly now: (() => number) | null;
  private readonly start: number;
  private ticks: number;

  constructor(now: (() => number) | undefined) {
    this.now = now ?? null;
    this.start = now === undefined ? 0 : now();
    this.realtimeSeconds = Math.floor(this.start / 1000);
    this.realtimeNanos = Math.floor((this.start % 1000) * 1e6);
    this.ticks = 0;
  }

  monotonic(): number {
    return this.now === null ? this.ticks++ : (this.now() - this.start) * 1e6;
  }
}

/** Not for secrets: fills with a sequence that is the same each time. */
class SequenceRandom implements RandomSource {
  private state = 1;

  fill(into: Uint8Array, at: number, length: number): void {
    for (let i = 0; i < length; i++) {
      this.state = (Math.imul(this.state, 1103515245) + 12345) >>> 0;
      into[at + i] = this.state >>> 16;
    }
  }
}

class RootCredentials implements CallerCredentials {
  readonly fsuid = 0;
  readonly fsgid = 0;
  readonly groups: readonly number[] = [];

  hasCapability(): boolean {
    return true;
  }
}

const OPEN_FLAGS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
  'a+': O_RDWR | O_CREAT | O_APPEND,
};

const STEP = 65536;

/** As node:fs' StatsFs. */
export interface FileSystemStats {
  readonly type: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

export class FileSystem {
  readonly vfs: Vfs;
  readonly caller: FileCaller;

  constructor(options: FileSystemOptions = {}) {
    const clock = new MillisecondClock(options.now);
    const random = options.random ?? new SequenceRandom();
    this.vfs = new Vfs({ clock, random, pages: options.pages ?? new HeapPages() });
    const root = options.root?.(this.vfs) ?? createTmpfs(this.vfs, { mode: 0o755, size: 0, inodes: 0 });
    const namespace = createNamespace(root, 0);
    const top = new Location(namespace.root, namespace.root.root);
    const credentials = options.credentials ?? new RootCredentials();
    this.caller = { fs: new FsContext(this.vfs, top, top, 0o022), files: new FdTable(), credentials };
  }

  /** Shows a filesystem at a directory. `flags`: MS_* of mount(2). */
  mount(path: string, superblock: Superblock, flags = 0): void {
    const { walker } = this.vfs;
    check(walker.lookup(this.caller, AT_FDCWD, toBytes(path), WALK_FOLLOW), 'mount', path);
    check(attachMount(newMount(superblock, flags), new Location(walker.mount, walker.dentry)), 'mount', path);
  }

  async access(path: string, mode = 0): Promise<void> {
    const { caller } = this;
    check(checkAccess(caller, caller.credentials, AT_FDCWD, toBytes(path), mode, 0), 'access', path);
  }

  async open(path: string, flags: string | number = 'r', mode = 0o666): Promise<FileHandle> {
    return new FileHandle(this.caller, this.describe(path, flags, mode), path);
  }

  async readFile(path: string): Promise<Uint8Array>;
  async readFile(path: string, encoding: 'utf8'): Promise<string>;
  async readFile(path: string, encoding?: 'utf8'): Promise<Uint8Array | string> {
    const file = this.describe(path, 'r', 0);
    const parts = readAll(file, path);
    file.release();
    const bytes = join(parts);
    if (encoding === undefined) return bytes;
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return fromBytes(text);
  }

  async writeFile(
    path: string,
    data: Uint8Array | string,
    options: { mode?: number; flag?: string } = {},
  ): Promise<void> {
    const file = this.describe(path, options.flag ?? 'w', options.mode ?? 0o666);
    const bytes =
      typeof data === 'string' ? Uint8Array.from(toBytes(data), (char) => char.charCodeAt(0)) : data;
    let done = 0;
    while (done < bytes.length) {
      const io = new ByteSegments().add(bytes, done, bytes.length - done);
      const written = writeDescription(file, io, 0, Number.POSITIVE_INFINITY);
      if (written < 0) {
        file.release();
        fail(written, 'write', path);
      }
      done += written;
    }
    file.release();
  }

  async appendFile(path: string, data: Uint8Array | string): Promise<void> {
    await this.writeFile(path, data, { flag: 'a' });
  }

  async mkdir(path: string, options: { recursive?: boolean; mode?: number } = {}): Promise<void> {
    const mode = options.mode ?? 0o777;
    if (options.recursive !== true) {
      check(makeDirectory(this.caller, AT_FDCWD, toBytes(path), mode), 'mkdir', path);
      return;
    }
    const parts = path.split('/');
    for (let i = 1; i <= parts.length; i++) {
      const prefix = parts.slice(0, i).join('/');
      if (prefix === '' || this.isDirectory(prefix)) continue;
      check(makeDirectory(this.caller, AT_FDCWD, toBytes(prefix), mode), 'mkdir', prefix);
    }
  }

  async readdir(path: string, options?: { recursive?: boolean; withFileTypes?: false }): Promise<string[]>;
  async readdir(path: string, options: { recursive?: boolean; withFileTypes: true }): Promise<Dirent[]>;
  async readdir(
    path: string,
    options: { recursive?: boolean; withFileTypes?: boolean } = {},
  ): Promise<string[] | Dirent[]> {
    const found: Dirent[] = [];
    const pending = [path];
    for (let i = 0; i < pending.length; i++) {
      const at = pending[i]!;
      for (const entry of this.entries(at)) {
        found.push(entry);
        if (options.recursive === true && entry.isDirectory()) pending.push(`${at}/${entry.name}`);
      }
    }
    if (options.withFileTypes === true) return found;
    return found.map(({ name, parentPath }) => `${parentPath}/${name}`.slice(path.length + 1));
  }

  /** The entries one after another, as they are now. */
  async *opendir(path: string): AsyncGenerator<Dirent> {
    yield* this.entries(path);
  }

  /** A directory with a name of its own that starts with `prefix`. */
  async mkdtemp(prefix: string): Promise<string> {
    for (;;) {
      const path = prefix + this.suffix();
      const made = makeDirectory(this.caller, AT_FDCWD, toBytes(path), 0o700);
      if (made !== -EEXIST) {
        check(made, 'mkdtemp', path);
        return path;
      }
    }
  }

  async stat(path: string): Promise<Stats> {
    return this.statAt(path, 0, 'stat');
  }

  async lstat(path: string): Promise<Stats> {
    return this.statAt(path, AT_SYMLINK_NOFOLLOW, 'lstat');
  }

  async unlink(path: string): Promise<void> {
    check(unlinkFile(this.caller, AT_FDCWD, toBytes(path)), 'unlink', path);
  }

  async rmdir(path: string): Promise<void> {
    check(removeDirectory(this.caller, AT_FDCWD, toBytes(path)), 'rmdir', path);
  }

  async rm(path: string, options: { recursive?: boolean; force?: boolean } = {}): Promise<void> {
    const result = this.remove(toBytes(path), options.recursive === true);
    if (result !== -ENOENT || options.force !== true) check(result, 'rm', path);
  }

  async rename(from: string, to: string): Promise<void> {
    check(renameFile(this.caller, AT_FDCWD, toBytes(from), AT_FDCWD, toBytes(to), 0), 'rename', from);
  }

  async link(existing: string, path: string): Promise<void> {
    check(linkFile(this.caller, AT_FDCWD, toBytes(existing), AT_FDCWD, toBytes(path), 0), 'link', path);
  }

  async symlink(target: string, path: string): Promise<void> {
    check(makeSymlink(this.caller, toBytes(target), AT_FDCWD, toBytes(path)), 'symlink', path);
  }

  async readlink(path: string): Promise<string> {
    const target = readLink(this.caller, AT_FDCWD, toBytes(path));
    if (typeof target === 'number') fail(target, 'readlink', path);
    return fromBytes(target);
  }

  async realpath(path: string): Promise<string> {
    const { walker } = this.vfs;
    check(walker.lookup(this.caller, AT_FDCWD, toBytes(path), WALK_FOLLOW), 'realpath', path);
    return fromBytes(placeName(walker.mount, walker.dentry));
  }

  async chmod(path: string, mode: number): Promise<void> {
    check(changeMode(this.caller, AT_FDCWD, toBytes(path), mode, 0), 'chmod', path);
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    check(changeOwner(this.caller, AT_FDCWD, toBytes(path), uid, gid, 0), 'chown', path);
  }

  async lchown(path: string, uid: number, gid: number): Promise<void> {
    const flags = AT_SYMLINK_NOFOLLOW;
    check(changeOwner(this.caller, AT_FDCWD, toBytes(path), uid, gid, flags), 'lchown', path);
  }

  /** Seconds since 1970, fractions allowed, or dates. */
  async utimes(path: string, atime: Moment, mtime: Moment): Promise<void> {
    check(this.stamp(path, atime, mtime, 0), 'utimes', path);
  }

  async lutimes(path: string, atime: Moment, mtime: Moment): Promise<void> {
    check(this.stamp(path, atime, mtime, AT_SYMLINK_NOFOLLOW), 'lutimes', path);
  }

  async statfs(path: string): Promise<FileSystemStats> {
    const data = new StatfsData();
    check(statfsPath(this.caller, toBytes(path), data), 'statfs', path);
    return {
      type: data.type,
      bsize: data.blockSize,
      blocks: data.blocks,
      bfree: data.blocksFree,
      bavail: data.blocksAvailable,
      files: data.files,
      ffree: data.filesFree,
    };
  }

  async truncate(path: string, length = 0): Promise<void> {
    check(truncatePath(this.caller, toBytes(path), length), 'truncate', path);
  }

  async copyFile(from: string, to: string): Promise<void> {
    const { mode } = await this.stat(from);
    await this.writeFile(to, await this.readFile(from), { mode: mode & 0o777 });
  }

  /** A copy of a file, link, or (`recursive`) directory with all below it. */
  async cp(from: string, to: string, options: { recursive?: boolean } = {}): Promise<void> {
    const stat = await this.lstat(from);
    if (stat.isSymbolicLink()) return this.symlink(await this.readlink(from), to);
    if (!stat.isDirectory()) return this.copyFile(from, to);
    if (options.recursive !== true) fail(-EISDIR, 'cp', from);
    if (!this.isDirectory(to)) await this.mkdir(to, { mode: stat.mode & 0o777 });
    for (const { name } of this.entries(from)) await this.cp(`${from}/${name}`, `${to}/${name}`, options);
  }

  private stamp(path: string, atime: Moment, mtime: Moment, flags: number): number {
    const [access, accessNanos] = splitMoment(atime);
    const [modify, modifyNanos] = splitMoment(mtime);
    return setTimes(this.caller, AT_FDCWD, toBytes(path), access, accessNanos, modify, modifyNanos, flags);
  }

  private entries(path: string): Dirent[] {
    return this.names(path).map((name) => {
      const data = new StatData();
      const found = statPath(this.caller, AT_FDCWD, `${toBytes(path)}/${name}`, AT_SYMLINK_NOFOLLOW, data);
      return new Dirent(fromBytes(name), path, found === 0 ? data.mode & S_IFMT : 0);
    });
  }

  private suffix(): string {
    const bytes = new Uint8Array(6);
    this.vfs.random.fill(bytes, 0, bytes.length);
    return String.fromCharCode(...bytes.map((byte) => 97 + (byte % 26)));
  }

  private describe(path: string, flags: string | number, mode: number): FileDescription {
    const numeric = typeof flags === 'number' ? flags : OPEN_FLAGS[flags];
    if (numeric === undefined) return fail(-EINVAL, 'open', path);
    const file = openFile(this.caller, AT_FDCWD, toBytes(path), numeric, mode);
    if (file instanceof FileDescription) return file;
    return fail(file, 'open', path);
  }

  private statAt(path: string, flags: number, syscall: string): Stats {
    const data = new StatData();
    check(statPath(this.caller, AT_FDCWD, toBytes(path), flags, data), syscall, path);
    return new Stats(data);
  }

  private isDirectory(path: string): boolean {
    const data = new StatData();
    return statPath(this.caller, AT_FDCWD, toBytes(path), 0, data) === 0 && (data.mode & S_IFMT) === S_IFDIR;
  }

  private names(path: string): string[] {
    const file = this.describe(path, 'r', 0);
    const sink = new NameSink();
    const result = readDirectory(file, sink);
    file.release();
    check(result, 'scandir', path);
    return sink.names;
  }

  /** `path` in bytes. */
  private remove(path: string, recursive: boolean): number {
    const removed = unlinkFile(this.caller, AT_FDCWD, path);
    if (!recursive || removed === 0 || removed === -ENOENT || removed === -ENOTDIR) return removed;
    const data = new StatData();
    const found = statPath(this.caller, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, data);
    if (found !== 0 || (data.mode & S_IFMT) !== S_IFDIR) return removed;
    for (const name of this.names(fromBytes(path))) {
      const below = this.remove(`${path}/${name}`, true);
      if (below !== 0) return below;
    }
    return removeDirectory(this.caller, AT_FDCWD, path);
  }
}

function readAll(file: FileDescription, path: string): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = new Uint8Array(STEP);
    const done = readDescription(file, new ByteSegments().add(part, 0, STEP), 0);
    if (done < 0) {
      file.release();
      fail(done, 'read', path);
    }
    if (done === 0) return parts;
    parts.push(part.subarray(0, done));
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const part of parts) total += part.length;
  const all = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
