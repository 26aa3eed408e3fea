// Changes as an archive: a plain tar of what is new or different, or a layer of an OCI image (image-spec, "Image Layer Filesystem
// Changeset": `.wh.NAME` for removed names, `.wh..wh..opq` where former contents of a directory are gone). The same changes give the same bytes.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '@sandbox-kernel/abi';
import type { WireAttributes, WireChange } from '../../changes/messages.js';
import type { ChangeSnapshot } from './change-snapshot.js';
import { padding, type TarEntry, type TarType, tarEnd, tarHeader } from './pax-tar.js';

export type ArchiveFormat = 'tar' | 'oci';

/** What an archive has no way to say. */
export interface ExportReport {
  /** Left out: sockets; in a layer, names that would mean the removal of another. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** A layer's own language: a program's file of such a name would hide files of the layers below from whoever unpacks it. */
const RESERVED = /(^|\/)\.wh\./;

const TYPES = new Map<number, TarType>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
]);
const MAX_RANGES = 10_000;
const NO_ATTRIBUTES: WireAttributes = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  mtimeNanos: 0,
  major: 0,
  minor: 0,
  target: '',
  xattrs: [],
};

/** The archive in pieces; `base` as in a diff. What is left out is added to `skipped`. */
export async function* archiveOf(
  snapshot: ChangeSnapshot,
  format: ArchiveFormat,
  base: string,
  skipped: { path: string; reason: string }[],
): AsyncGenerator<Buffer> {
  const places = new Map<number, string>();
  for (let index = 0; index < snapshot.changes.length; index++) {
    const change = snapshot.changes[index] as WireChange;
    const name = change.path.slice(base.length + 1);
    const reason = whyLeftOut(change, name, format);
    if (reason !== null) {
      skipped.push({ path: Buffer.from(change.path, 'latin1').toString('utf8'), reason });
      continue;
    }
    if (change.after === null) {
      if (format === 'oci') yield tarHeader(emptyFile(whiteout(name)));
      continue;
    }
    yield* entryOf(snapshot, index, change, name, format, places);
    if (format === 'oci' && change.opaque) yield tarHeader(emptyFile(`${name}/.wh..wh..opq`));
  }
  yield tarEnd();
}

function whyLeftOut(change: WireChange, name: string, format: ArchiveFormat): string | null {
  if (format === 'oci' && RESERVED.test(name)) return 'in a layer the name would mean a removal';
  return change.after !== null && (change.after.mode & S_IFMT) === S_IFSOCK ? 'a socket' : null;
}

function whiteout(name: string): string {
  const slash = name.lastIndexOf('/') + 1;
  return `${name.slice(0, slash)}.wh.${name.slice(slash)}`;
}

function emptyFile(name: string): TarEntry {
  return describe(name, NO_ATTRIBUTES, 'file', '', null);
}

function describe(
  name: string,
  attributes: WireAttributes,
  type: TarType,
  target: string,
  sparse: TarEntry['sparse'],
): TarEntry {
  const { mode, uid, gid, size, mtime, mtimeNanos, major, minor, xattrs } = attributes;
  return {
    name: type === 'directory' ? `${name}/` : name,
    type,
    mode,
    uid,
    gid,
    size: type === 'file' ? size : 0,
    mtime,
    mtimeNanos,
    target,
    major,
    minor,
    xattrs: type === 'link' ? [] : xattrs.map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
    sparse,
  };
}

async function* entryOf(
  snapshot: ChangeSnapshot,
  index: number,
  change: WireChange,
  name: string,
  format: ArchiveFormat,
  /** Where each file with several names stands in the archive: its first name may have been left out. */
  places: Map<number, string>,
): AsyncGenerator<Buffer> {
  const attributes = change.after as WireAttributes;
  const type = TYPES.get(attributes.mode & S_IFMT);
  if (type === undefined) return;
  const file = snapshot.changes[change.linkOf] === undefined ? index : change.linkOf;
  const first = places.get(file);
  if (first !== undefined) {
    yield tarHeader(describe(name, attributes, 'link', first, null));
    return;
  }
  places.set(file, name);
  const sparse = type === 'file' && format === 'tar' ? await holesOf(snapshot, index, attributes.size) : null;
  yield tarHeader(describe(name, attributes, type, attributes.target, sparse));
  if (type !== 'file') return;
  const ranges = sparse ?? [[0, attributes.size] as const];
  let total = 0;
  for (const [offset, length] of ranges) {
    yield* dataOf(snapshot, index, offset, length);
    total += length;
  }
  yield padding(total);
}

/** Ranges of data when there are holes worth keeping, with the empty one at the end that says the size; null when there are none. */
async function holesOf(
  snapshot: ChangeSnapshot,
  index: number,
  size: number,
): Promise<(readonly [number, number])[] | null> {
  const ranges: (readonly [number, number])[] = [];
  let held = 0;
  for await (const [offset, length] of snapshot.extents(index)) {
    const inside = Math.min(length, size - offset);
    if (inside <= 0) break;
    ranges.push([offset, inside]);
    held += inside;
    if (ranges.length > MAX_RANGES) return null;
  }
  if (held === size) return null;
  const last = ranges[ranges.length - 1];
  if (last === undefined || last[0] + last[1] < size) ranges.push([size, 0]);
  return ranges;
}

/** Exactly `length` bytes: a file that a program cut meanwhile is filled up, the archive must stay whole. */
async function* dataOf(
  snapshot: ChangeSnapshot,
  index: number,
  offset: number,
  length: number,
): AsyncGenerator<Buffer> {
  let done = 0;
  while (done < length) {
    const piece = await snapshot.read(index, 'after', offset + done, Math.min(length - done, 512 * 1024));
    if (piece.length === 0) break;
    yield piece;
    done += piece.length;
  }
  for (; done < length; done += Math.min(length - done, 1 << 20))
    yield Buffer.alloc(Math.min(length - done, 1 << 20));
}
