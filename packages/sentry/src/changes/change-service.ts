// The sentry's side of `sandbox.fs`: snapshots of what the root's upper layer changed, and their data in pieces. Requests come from the
// host API; each is answered within a bounded time, programs go on in between.
import { O_RDONLY, S_IFLNK, S_IFMT, S_IFREG } from '@sandbox-kernel/abi';
import {
  ByteSegments,
  discardChanges,
  type FileDescription,
  type Inode,
  majorOf,
  minorOf,
  type OverlayChange,
  openInternal,
  overlayChanges,
  rebaseChange,
  releaseChanges,
  type Superblock,
  sameXattrs,
  xattrNames,
} from '@sandbox-kernel/vfs';
import { RequestError } from '../control/server.js';
import {
  type ChangedPart,
  type ChangeRequest,
  type ChangeSide,
  EXTENTS_LIMIT,
  PAGE_CHANGES,
  READ_LIMIT,
  type WireAttributes,
  type WireChange,
} from './messages.js';

const MAX_SNAPSHOTS = 8;
/** Files above this are taken as changed where timestamps don't say. */
const COMPARE_LIMIT = 64 * 1024 * 1024;
const COMPARE_STEP = 1 << 16;

interface Snapshot {
  readonly changes: readonly OverlayChange[];
  readonly links: ReadonlyMap<Inode, number>;
}

/** A change that is no news: it was there when the sandbox started, or has been applied. */
interface Known {
  readonly current: Inode | null;
  readonly version: number;
  readonly coveredAt: number;
}

export class ChangeService {
  readonly #root: Superblock;
  readonly #snapshots = new Map<number, Snapshot>();
  readonly #known = new Map<string, Known>();
  #next = 1;

  /** Takes what the upper layer holds now (mount points) as given. */
  constructor(root: Superblock) {
    this.#root = root;
    if (root.filesystem.type !== 'overlay') return;
    const given = overlayChanges(root);
    for (const change of given) this.#remember(change);
    releaseChanges(given);
  }

  handle(request: ChangeRequest): unknown {
    switch (request.op) {
      case 'open':
        return this.#open(request.expand, request.paths);
      case 'page':
        return this.#page(this.#snapshot(request.snapshot), request.from);
      case 'read':
        return this.#read(request.snapshot, request.index, request.side, request.offset, request.length);
      case 'extents':
        return this.#extents(request.snapshot, request.index, request.from);
      case 'applied':
        return this.#applied(request.snapshot, request.indexes);
      case 'close':
        return this.#close(request.snapshot);
      case 'discard':
        return this.#discard(request.paths);
      default:
        throw protocolError('unknown request about changes');
    }
  }

  #open(expand: boolean, paths: readonly string[]): { snapshot: number; count: number } {
    if (this.#snapshots.size >= MAX_SNAPSHOTS) throw protocolError('too many lists of changes are open');
    if (this.#root.filesystem.type !== 'overlay') return { snapshot: 0, count: 0 };
    const all = overlayChanges(this.#root, { expand });
    const wanted: OverlayChange[] = [];
    const rest: OverlayChange[] = [];
    for (const change of all)
      (isWanted(change.path, paths) && !this.#isKnown(change) ? wanted : rest).push(change);
    releaseChanges(rest);
    const snapshot = this.#next++;
    this.#snapshots.set(snapshot, { changes: wanted, links: linksOf(wanted) });
    return { snapshot, count: wanted.length };
  }

  #snapshot(id: number): Snapshot {
    const found = this.#snapshots.get(id);
    if (found === undefined) throw protocolError('that list of changes is closed');
    return found;
  }

  #page(snapshot: Snapshot, from: number): WireChange[] {
    const page: WireChange[] = [];
    const end = Math.min(from + PAGE_CHANGES, snapshot.changes.length);
    for (let at = from; at < end; at++) page.push(wireChange(snapshot, at));
    return page;
  }

  #file(id: number, index: number, side: ChangeSide): FileDescription {
    const change = this.#snapshot(id).changes[index];
    const inode = side === 'after' ? change?.current : change?.lower;
    if (inode === null || inode === undefined || (inode.mode & S_IFMT) !== S_IFREG)
      throw protocolError('there is no such file in the list of changes');
    const file = openInternal(inode, O_RDONLY);
    if (typeof file !== 'number') return file;
    throw new RequestError({
      code: 'ERR_SANDBOX_CHANGES',
      message: `can't read '${change?.path}' (${side}): error ${-file}`,
      hint: 'the file below may have been removed from the host meanwhile',
    });
  }

  #read(id: number, index: number, side: ChangeSide, offset: number, length: number): string {
    const file = this.#file(id, index, side);
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, READ_LIMIT)));
    let done = 0;
    while (done < buffer.length) {
      const io = new ByteSegments().add(buffer, done, buffer.length - done);
      const read = file.ops.read(file, io, offset + done, 0);
      if (read <= 0) break;
      done += read;
    }
    file.release();
    return buffer.toString('base64', 0, done);
  }

  /** Data ranges from `from` on: offset, length, offset, length, …; at most EXTENTS_LIMIT of them. */
  #extents(id: number, index: number, from: number): number[] {
    const file = this.#file(id, index, 'after');
    const ranges: number[] = [];
    const size = file.ops.size(file);
    let at = from;
    while (at < size && ranges.length < 2 * EXTENTS_LIMIT) {
      const data = file.ops.seekExtent(file, at, true);
      if (data < 0 || data >= size) break;
      const hole = Math.min(Math.max(file.ops.seekExtent(file, data, false), data + 1), size);
      ranges.push(data, hole - data);
      at = hole;
    }
    file.release();
    return ranges;
  }

  /** These changes are on the host now: they are no longer news. */
  #applied(id: number, indexes: readonly number[]): null {
    const { changes } = this.#snapshot(id);
    for (const index of indexes) {
      const change = changes[index];
      if (change === undefined) continue;
      rebaseChange(this.#root, change.path);
      // A directory that lies on its like is compared with it.
      if (change.current?.isDirectory === true) this.#known.delete(change.path);
      else this.#remember(change);
    }
    return null;
  }

  #close(id: number): null {
    const snapshot = this.#snapshots.get(id);
    if (snapshot !== undefined) releaseChanges(snapshot.changes);
    this.#snapshots.delete(id);
    return null;
  }

  #discard(paths: readonly string[]): number {
    if (this.#root.filesystem.type !== 'overlay') return 0;
    let kept = 0;
    for (const path of paths.length === 0 ? [''] : paths) kept += discardChanges(this.#root, path);
    return kept;
  }

  #remember(change: OverlayChange): void {
    const { current, coveredAt } = change;
    this.#known.set(change.path, { current, version: current?.version ?? 0, coveredAt });
  }

  #isKnown(change: OverlayChange): boolean {
    const known = this.#known.get(change.path);
    if (known === undefined || known.current !== change.current) return false;
    // A directory's version moves with its entries, which are listed by themselves.
    if (change.current === null) return known.coveredAt === change.coveredAt;
    return change.current.isDirectory || known.version === change.current.version;
  }
}

function protocolError(message: string): RequestError {
  return new RequestError({ code: 'ERR_SANDBOX_PROTOCOL', message });
}

/** At or below one of the paths; no paths: all. */
function isWanted(path: string, paths: readonly string[]): boolean {
  return paths.length === 0 || paths.some((top) => path === top || path.startsWith(`${top}/`));
}

/** First index of each file that several names lead to. */
function linksOf(changes: readonly OverlayChange[]): Map<Inode, number> {
  const first = new Map<Inode, number>();
  changes.forEach(({ current }, index) => {
    if (current !== null && !current.isDirectory && current.links > 1 && !first.has(current))
      first.set(current, index);
  });
  return first;
}

function wireChange(snapshot: Snapshot, index: number): WireChange {
  const change = snapshot.changes[index] as OverlayChange;
  const { path, kind, opaque, current, lower, origin, coveredAt } = change;
  const first = current === null ? undefined : snapshot.links.get(current);
  return {
    path,
    kind,
    opaque,
    changed: current === null || lower === null ? [] : changedParts(current, lower),
    before: lower === null ? null : wireAttributes(lower),
    after: current === null ? null : wireAttributes(current),
    origin,
    coveredAt,
    linkOf: first === undefined || first === index ? -1 : first,
  };
}

function wireAttributes(inode: Inode): WireAttributes {
  return {
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    size: inode.size,
    mtime: inode.mtime,
    mtimeNanos: inode.mtimeNanos,
    major: majorOf(inode.rdev),
    minor: minorOf(inode.rdev),
    target: targetOf(inode),
    xattrs: xattrNames(inode).flatMap((name): [string, string][] => {
      const value = inode.ops.getXattr(inode, name);
      return typeof value === 'number' ? [] : [[name, Buffer.from(value).toString('base64')]];
    }),
  };
}

function targetOf(inode: Inode): string {
  if ((inode.mode & S_IFMT) !== S_IFLNK) return '';
  // The text of a link in a layer does not depend on who asks.
  const target = inode.ops.readlink(inode, null as never);
  return typeof target === 'number' ? '' : target;
}

function changedParts(current: Inode, lower: Inode): ChangedPart[] {
  if ((current.mode & S_IFMT) !== (lower.mode & S_IFMT)) return ['type'];
  const parts: ChangedPart[] = [];
  if (hasOtherContent(current, lower)) parts.push('content');
  if (current.mode !== lower.mode) parts.push('mode');
  if (current.uid !== lower.uid || current.gid !== lower.gid) parts.push('owner');
  if (!sameXattrs(current, lower)) parts.push('xattrs');
  if (!sameTime(current, lower)) parts.push('times');
  return parts;
}

function sameTime(current: Inode, lower: Inode): boolean {
  return current.mtime === lower.mtime && current.mtimeNanos === lower.mtimeNanos;
}

function hasOtherContent(current: Inode, lower: Inode): boolean {
  const type = current.mode & S_IFMT;
  if (type === S_IFLNK) return targetOf(current) !== targetOf(lower);
  if (type !== S_IFREG) return current.rdev !== lower.rdev;
  if (current === lower) return false;
  if (current.size !== lower.size || current.size > COMPARE_LIMIT) return true;
  return !sameData(current, lower);
}

function sameData(one: Inode, other: Inode): boolean {
  const files = [openInternal(one, O_RDONLY), openInternal(other, O_RDONLY)] as const;
  const [left, right] = files;
  let same = typeof left !== 'number' && typeof right !== 'number';
  if (typeof left !== 'number' && typeof right !== 'number') {
    const a = Buffer.alloc(COMPARE_STEP);
    const b = Buffer.alloc(COMPARE_STEP);
    for (let at = 0; same && at < one.size; at += COMPARE_STEP) {
      const read = left.ops.read(left, new ByteSegments().add(a, 0, COMPARE_STEP), at, 0);
      const other = right.ops.read(right, new ByteSegments().add(b, 0, COMPARE_STEP), at, 0);
      same = read > 0 && read === other && a.compare(b, 0, read, 0, read) === 0;
    }
  }
  for (const file of files) if (typeof file !== 'number') file.release();
  return same;
}
