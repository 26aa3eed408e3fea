// What the overlay does with inodes: looks through the layers, changes only the upper one. As overlayfs, but renamed directories keep
// their lower contents (redirect) and hard links below stay links, both held in memory.
import {
  ENODATA,
  ENOENT,
  ENOTEMPTY,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  O_ACCMODE,
  O_RDONLY,
  RENAME_EXCHANGE,
  RENAME_WHITEOUT,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import { type AttributeChange, CHANGE_SIZE } from '../attribute-change.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { InodeOps } from '../inode-ops.js';
import { FILE_CAPABILITIES } from '../privileges.js';
import { ensureUpper } from './copy-up.js';
import { noteOrigin } from './origins.js';
import { clearWhiteouts, isMergedEmpty, openOverlayDirectory } from './overlay-directory.js';
import {
  existsBelow,
  findLowers,
  isOpaque,
  isWhiteoutNode,
  layersOf,
  lookupLower,
  lowerBehind,
  mirror,
  nameNode,
  OCI_PREFIX,
  OPAQUE_XATTR,
  overlayNode,
  REDIRECT_XATTR,
  realOf,
  showInode,
  unnameNode,
} from './overlay-node.js';

const YES = Uint8Array.of(0x79);
const HIDDEN = 'trusted.overlay.';

class OverlayOps extends InodeOps {
  override lookup(directory: Inode, name: string): Inode | number {
    const found = lookupLayers(directory, name);
    if (typeof found !== 'number') nameNode(found, directory, name);
    return found;
  }

  override create(
    directory: Inode,
    name: string,
    mode: number,
    uid: number,
    gid: number,
    rdev: number,
  ): Inode | number {
    if ((mode & S_IFMT) === S_IFCHR && rdev === 0) return -EPERM;
    const cleared = prepareName(directory, name);
    if (cleared < 0) return cleared;
    const parent = overlayNode(directory).upper!;
    const upper = parent.ops.create(parent, name, mode, uid, gid, rdev);
    if (typeof upper === 'number') return restoreWhiteout(directory, name, cleared, upper);
    if (cleared === 1 && upper.isDirectory) upper.ops.setXattr(upper, OPAQUE_XATTR, YES, 0);
    return present(directory, name, upper);
  }

  override symlink(directory: Inode, name: string, target: string, uid: number, gid: number): Inode | number {
    const cleared = prepareName(directory, name);
    if (cleared < 0) return cleared;
    const parent = overlayNode(directory).upper!;
    const upper = parent.ops.symlink(parent, name, target, uid, gid);
    if (typeof upper === 'number') return restoreWhiteout(directory, name, cleared, upper);
    return present(directory, name, upper);
  }

  override createUnnamed(directory: Inode, mode: number, uid: number, gid: number): Inode | number {
    const ready = ensureUpper(directory);
    if (ready !== 0) return ready;
    const parent = overlayNode(directory).upper!;
    const upper = parent.ops.createUnnamed(parent, mode, uid, gid);
    return typeof upper === 'number' ? upper : showInode(directory.superblock, OVERLAY_OPS, upper, []);
  }

  override link(directory: Inode, name: string, inode: Inode): number {
    const ready = ensureUpper(inode);
    if (ready !== 0) return ready;
    const cleared = prepareName(directory, name);
    if (cleared < 0) return cleared;
    const parent = overlayNode(directory).upper!;
    const linked = parent.ops.link(parent, name, overlayNode(inode).upper!);
    if (linked !== 0) return restoreWhiteout(directory, name, cleared, linked);
    overlayNode(inode).linkChange++;
    nameNode(inode, directory, name);
    mirror(inode);
    mirror(directory);
    return 0;
  }

  override unlink(directory: Inode, name: string, inode: Inode): number {
    return removeEntry(directory, name, inode);
  }

  override rmdir(directory: Inode, name: string, inode: Inode): number {
    const empty = isMergedEmpty(inode);
    if (empty !== 0) return empty;
    return removeEntry(directory, name, inode);
  }

  override rename(
    from: Inode,
    oldName: string,
    inode: Inode,
    to: Inode,
    newName: string,
    replaced: Inode | null,
    flags: number,
  ): number {
    const exchange = (flags & RENAME_EXCHANGE) !== 0;
    const ready = prepareRename(from, inode, to, replaced, exchange);
    if (ready !== 0) return ready;
    if (exchange) return exchangeEntries(from, oldName, inode, to, newName, replaced!);
    return moveEntry(from, oldName, inode, to, newName, replaced, (flags & RENAME_WHITEOUT) !== 0);
  }

  override readlink(inode: Inode, caller: FileCaller): string | number {
    const real = realOf(inode);
    return real.ops.readlink(real, caller);
  }

  override refresh(inode: Inode): number {
    const real = realOf(inode);
    const refreshed = real.ops.refresh(real);
    mirror(inode);
    return refreshed;
  }

  override change(inode: Inode, change: AttributeChange): number {
    const empties = (change.what & CHANGE_SIZE) !== 0 && change.size === 0;
    const ready = ensureUpper(inode, !empties);
    if (ready !== 0) return ready;
    const upper = overlayNode(inode).upper!;
    const result = upper.ops.change(upper, change);
    mirror(inode);
    return result;
  }

  override open(inode: Inode, file: FileDescription): number {
    const type = inode.mode & S_IFMT;
    if (type === S_IFDIR) return openOverlayDirectory(inode, file);
    if (type !== S_IFREG) return super.open(inode, file);
    if ((file.flags & O_ACCMODE) !== O_RDONLY) {
      const ready = ensureUpper(inode);
      if (ready !== 0) return ready;
    }
    const real = realOf(inode);
    return real.ops.open(real, file);
  }

  override mayHaveAcl(inode: Inode): boolean {
    const real = realOf(inode);
    return real.superblock.acls && real.ops.mayHaveAcl(real);
  }

  override mayHaveCapabilities(inode: Inode): boolean {
    const { upper } = overlayNode(inode);
    if (upper !== null) return upper.ops.mayHaveCapabilities(upper);
    // Not written to yet: a copy would take them along.
    const real = realOf(inode);
    return typeof real.ops.getXattr(real, FILE_CAPABILITIES) !== 'number';
  }

  override getXattr(inode: Inode, name: string): Uint8Array | number {
    if (name.startsWith(HIDDEN)) return -ENODATA;
    const real = realOf(inode);
    return real.ops.getXattr(real, name);
  }

  override setXattr(inode: Inode, name: string, value: Uint8Array, flags: number): number {
    if (name.startsWith(HIDDEN)) return -EPERM;
    const ready = ensureUpper(inode);
    if (ready !== 0) return ready;
    const upper = overlayNode(inode).upper!;
    const result = upper.ops.setXattr(upper, name, value, flags);
    mirror(inode);
    return result;
  }

  override removeXattr(inode: Inode, name: string): number {
    if (name.startsWith(HIDDEN)) return -EOPNOTSUPP;
    const real = realOf(inode);
    const present = real.ops.getXattr(real, name);
    if (typeof present === 'number') return present;
    const ready = ensureUpper(inode);
    if (ready !== 0) return ready;
    const upper = overlayNode(inode).upper!;
    const result = upper.ops.removeXattr(upper, name);
    mirror(inode);
    return result;
  }

  override listXattr(inode: Inode): readonly string[] | number {
    const real = realOf(inode);
    const names = real.ops.listXattr(real);
    return typeof names === 'number' ? names : names.filter((name) => !name.startsWith(HIDDEN));
  }
}

export const OVERLAY_OPS: InodeOps = new OverlayOps();

function lookupLayers(directory: Inode, name: string): Inode | number {
  const layers = layersOf(directory);
  const node = overlayNode(directory);
  if (layers.ociWhiteouts && name.startsWith(OCI_PREFIX)) return -ENOENT;
  let upper: Inode | null = null;
  if (node.upper !== null) {
    const found = node.upper.ops.lookup(node.upper, name);
    if (typeof found !== 'number') {
      if (isWhiteoutNode(found)) return -ENOENT;
      const known = layers.shown.get(found);
      if (known !== undefined) return known;
      upper = found;
      if (!found.isDirectory || isOpaque(layers, found))
        return showInode(directory.superblock, OVERLAY_OPS, found, []);
    } else if (found !== -ENOENT) return found;
  }
  return lookupBelow(directory, name, upper);
}

function lookupBelow(directory: Inode, name: string, upper: Inode | null): Inode | number {
  const layers = layersOf(directory);
  const directories = overlayNode(directory).lowers;
  if (upper === null && directories.length === 1) {
    const only = lookupLower(layers, directories[0]!, name);
    if (typeof only === 'number') return only === 0 ? -ENOENT : only;
    return showInode(directory.superblock, OVERLAY_OPS, null, [only]);
  }
  const lowers = findLowers(layers, directories, name);
  if (typeof lowers === 'number') return lowers;
  if (upper !== null) {
    const merged = lowers.length > 0 && lowers[0]!.isDirectory ? lowers : [];
    return showInode(directory.superblock, OVERLAY_OPS, upper, merged);
  }
  return lowers.length === 0 ? -ENOENT : showInode(directory.superblock, OVERLAY_OPS, null, lowers);
}

/** Makes room for a new name: the directory is in the upper layer and a whiteout is gone. 1: there was one; 0; -errno. */
function prepareName(directory: Inode, name: string): number {
  if (layersOf(directory).ociWhiteouts && name.startsWith(OCI_PREFIX)) return -EPERM;
  const ready = ensureUpper(directory);
  if (ready !== 0) return ready;
  const parent = overlayNode(directory).upper!;
  const found = parent.ops.lookup(parent, name);
  if (typeof found === 'number') return found === -ENOENT ? 0 : found;
  if (!isWhiteoutNode(found)) return 0;
  const removed = dropUpper(parent, name, found);
  return removed === 0 ? 1 : removed;
}

function dropUpper(parent: Inode, name: string, inode: Inode): number {
  inode.retain();
  const removed = inode.isDirectory
    ? parent.ops.rmdir(parent, name, inode)
    : parent.ops.unlink(parent, name, inode);
  inode.release();
  return removed;
}

function restoreWhiteout(directory: Inode, name: string, cleared: number, error: number): number {
  if (cleared === 1) whiteout(directory, name);
  return error;
}

function whiteout(directory: Inode, name: string): number {
  const parent = overlayNode(directory).upper!;
  const made = parent.ops.create(parent, name, S_IFCHR, 0, 0, 0);
  return typeof made === 'number' ? made : 0;
}

function present(directory: Inode, name: string, upper: Inode): Inode {
  const inode = showInode(directory.superblock, OVERLAY_OPS, upper, []);
  nameNode(inode, directory, name);
  mirror(directory);
  return inode;
}

function removeEntry(directory: Inode, name: string, inode: Inode): number {
  const ready = ensureUpper(directory);
  if (ready !== 0) return ready;
  const parent = overlayNode(directory).upper!;
  const upper = parent.ops.lookup(parent, name);
  if (typeof upper !== 'number') {
    if (upper.isDirectory) clearWhiteouts(upper);
    const removed = dropUpper(parent, name, upper);
    if (removed !== 0) return removed;
  }
  const lower = lowerBehind(directory, name);
  if (lower !== null) {
    noteOrigin(directory, name, lower);
    const marked = whiteout(directory, name);
    if (marked !== 0) return marked;
  }
  const node = overlayNode(inode);
  if (node.parent === directory && node.name === name) unnameNode(inode);
  node.linkChange--;
  mirror(inode);
  if (inode.isDirectory) inode.links = 0;
  mirror(directory);
  return 0;
}

function prepareRename(
  from: Inode,
  inode: Inode,
  to: Inode,
  replaced: Inode | null,
  exchange: boolean,
): number {
  if (layersOf(from).upper === null) return -EROFS;
  if (replaced !== null && !exchange && replaced.isDirectory && isMergedEmpty(replaced) !== 0)
    return -ENOTEMPTY;
  let ready = ensureUpper(from);
  if (ready === 0) ready = ensureUpper(to);
  if (ready === 0) ready = ensureUpperAt(inode);
  if (ready === 0 && exchange) ready = ensureUpperAt(replaced!);
  return ready;
}

function ensureUpperAt(inode: Inode): number {
  return ensureUpper(inode);
}

function moveEntry(
  from: Inode,
  oldName: string,
  inode: Inode,
  to: Inode,
  newName: string,
  replaced: Inode | null,
  leaveWhiteout: boolean,
): number {
  const source = overlayNode(from).upper!;
  const target = overlayNode(to).upper!;
  const moved = upperEntry(source, oldName, inode);
  if (typeof moved === 'number') return moved;
  let victim: Inode | null = null;
  if (replaced === null) {
    const cleared = prepareName(to, newName);
    if (cleared < 0) return cleared;
  } else {
    const above = target.ops.lookup(target, newName);
    victim = typeof above === 'number' ? null : above;
    if (victim?.isDirectory === true) clearWhiteouts(victim);
  }
  victim?.retain();
  const renamed = source.ops.rename(source, oldName, moved, target, newName, victim, 0);
  victim?.release();
  if (renamed !== 0) return renamed;
  if (replaced !== null) {
    noteBehind(to, newName);
    forgetReplaced(replaced, to, newName);
  }
  if (noteBehind(from, oldName) || leaveWhiteout) whiteout(from, oldName);
  if (inode.isDirectory) keepContents(inode, to, newName);
  renamedTo(inode, to, newName);
  mirror(from);
  mirror(to);
  mirror(inode);
  return 0;
}

/** True when something lies below the name, which is noted. */
function noteBehind(directory: Inode, name: string): boolean {
  const lower = lowerBehind(directory, name);
  if (lower !== null) noteOrigin(directory, name, lower);
  return lower !== null;
}

/** The upper inode under a name; a file whose data came up under another of its hard links is linked here first. */
function upperEntry(parent: Inode, name: string, inode: Inode): Inode | number {
  const found = parent.ops.lookup(parent, name);
  if (typeof found !== 'number') return found;
  const upper = overlayNode(inode).upper!;
  if (found !== -ENOENT) return found;
  const linked = parent.ops.link(parent, name, upper);
  return linked === 0 ? upper : linked;
}

function forgetReplaced(replaced: Inode, to: Inode, name: string): void {
  const node = overlayNode(replaced);
  if (node.parent === to && node.name === name) unnameNode(replaced);
  node.linkChange--;
  mirror(replaced);
  if (replaced.isDirectory) replaced.links = 0;
}

function renamedTo(inode: Inode, to: Inode, name: string): void {
  unnameNode(inode);
  nameNode(inode, to, name);
}

/** A directory arrived where something lies below: it must not merge with that. Its own lower contents are noted for exports. */
function keepContents(inode: Inode, to: Inode, name: string): void {
  const node = overlayNode(inode);
  const upper = node.upper!;
  if (node.lowers.length === 0) {
    if (existsBelow(to, name)) upper.ops.setXattr(upper, OPAQUE_XATTR, YES, 0);
    return;
  }
  if (typeof upper.ops.getXattr(upper, REDIRECT_XATTR) !== 'number') return;
  upper.ops.setXattr(upper, REDIRECT_XATTR, latin1(originalPath(inode)), 0);
}

/** Path from the top of the overlay before the rename. */
function originalPath(inode: Inode): string {
  let path = '';
  let at: Inode | null = inode;
  while (at !== null) {
    const node = overlayNode(at);
    if (node.parent === null) break;
    path = `/${node.name}${path}`;
    at = node.parent;
  }
  return path === '' ? '/' : path;
}

function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function exchangeEntries(
  from: Inode,
  oldName: string,
  inode: Inode,
  to: Inode,
  newName: string,
  other: Inode,
): number {
  const source = overlayNode(from).upper!;
  const target = overlayNode(to).upper!;
  const one = upperEntry(source, oldName, inode);
  if (typeof one === 'number') return one;
  const two = upperEntry(target, newName, other);
  if (typeof two === 'number') return two;
  const renamed = source.ops.rename(source, oldName, one, target, newName, two, RENAME_EXCHANGE);
  if (renamed !== 0) return renamed;
  noteBehind(from, oldName);
  noteBehind(to, newName);
  if (inode.isDirectory) keepContents(inode, to, newName);
  if (other.isDirectory) keepContents(other, from, oldName);
  renamedTo(inode, to, newName);
  renamedTo(other, from, oldName);
  mirror(from);
  mirror(to);
  mirror(inode);
  mirror(other);
  return 0;
}
