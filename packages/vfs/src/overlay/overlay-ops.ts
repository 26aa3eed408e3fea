// What the overlay does with inodes: looks through the layers, changes only the upper one. Our own root is as
// overlayfs with redirect_dir=on; hard links below stay links as long as it is mounted, which is held in memory.
import {
  EINVAL,
  ENOENT,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
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
import type { Dentry } from '../dentry.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { InodeOps } from '../inode-ops.js';
import { FILE_CAPABILITIES } from '../privileges.js';
import type { Superblock } from '../superblock.js';
import { ensureUpper } from './copy-up.js';
import { existsBelow, findLowers, findRedirected, lookupLower, lowerBehind } from './lower-lookup.js';
import { noteOrigin } from './origins.js';
import { clearWhiteouts, isMergedEmpty, openOverlayDirectory } from './overlay-directory.js';
import { adoptIndexed, indexedCopy, markImpure, needsIndex, setIndexedLinks } from './overlay-marks.js';
import {
  isOpaque,
  isWhiteoutNode,
  layersOf,
  mirror,
  nameNode,
  noteReader,
  OCI_PREFIX,
  type OverlayLayers,
  overlayNode,
  realOf,
  redirectOf,
  showInode,
  unnameNode,
} from './overlay-node.js';
import { REDIRECT_ON } from './overlay-options.js';

const YES = Uint8Array.of(0x79);

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
    const fresh = cleared === 1 || (layersOf(directory).sealed && overlayNode(directory).lowers.length > 0);
    if (fresh && upper.isDirectory) makeOpaque(layersOf(directory), upper);
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
    const node = overlayNode(inode);
    const links = inode.links + 1;
    const linked = parent.ops.link(parent, name, node.upper!);
    if (linked !== 0) return restoreWhiteout(directory, name, cleared, linked);
    if (node.lowers.length > 0 || node.indexed) markImpure(layersOf(inode), parent);
    if (node.indexed) setIndexedLinks(inode, links);
    else node.linkChange++;
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
      if (file.dentry !== null) linkUp(inode, file.dentry);
    }
    const real = realOf(inode);
    const opened = real.ops.open(real, file);
    if (opened === 0 && overlayNode(inode).upper === null) noteReader(inode, file);
    return opened;
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
    const real = realOf(inode);
    return real.ops.getXattr(real, layersOf(inode).innerName(name));
  }

  override setXattr(inode: Inode, name: string, value: Uint8Array, flags: number): number {
    const layers = layersOf(inode);
    if (name === layers.prefix) return -EINVAL;
    const ready = ensureUpper(inode);
    if (ready !== 0) return ready;
    const upper = overlayNode(inode).upper!;
    const result = upper.ops.setXattr(upper, layers.innerName(name), value, flags);
    mirror(inode);
    return result;
  }

  override removeXattr(inode: Inode, name: string): number {
    const inner = layersOf(inode).innerName(name);
    const real = realOf(inode);
    const present = real.ops.getXattr(real, inner);
    if (typeof present === 'number') return present;
    const ready = ensureUpper(inode);
    if (ready !== 0) return ready;
    const upper = overlayNode(inode).upper!;
    const result = upper.ops.removeXattr(upper, inner);
    mirror(inode);
    return result;
  }

  override listXattr(inode: Inode): readonly string[] | number {
    const layers = layersOf(inode);
    const real = realOf(inode);
    const names = real.ops.listXattr(real);
    if (typeof names === 'number') return names;
    return names.map((name) => layers.outerName(name)).filter((name) => name !== null);
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
      if (!found.isDirectory || isOpaque(layers, found)) {
        const shown = showInode(directory.superblock, OVERLAY_OPS, found, []);
        adoptIndexed(shown);
        return shown;
      }
    } else if (found !== -ENOENT) return found;
  }
  return lookupBelow(directory, name, upper, upper === null ? null : redirectOf(layers, upper));
}

function lookupBelow(
  directory: Inode,
  name: string,
  upper: Inode | null,
  redirect: string | null,
): Inode | number {
  const layers = layersOf(directory);
  const directories = overlayNode(directory).lowers;
  if (upper === null && layers.lowers.length === 1 && directories.length === 1) {
    const only = lookupLower(layers, directories[0]!, name);
    if (typeof only === 'number') return only === 0 ? -ENOENT : only;
    return showLower(directory.superblock, [only]);
  }
  const lowers =
    redirect === null ? findLowers(layers, directories, name) : findRedirected(layers, directories, redirect);
  if (typeof lowers === 'number') return lowers;
  if (upper !== null) {
    const merged = lowers.length > 0 && lowers[0]!.isDirectory ? lowers : [];
    return showInode(directory.superblock, OVERLAY_OPS, upper, merged);
  }
  return lowers.length === 0 ? -ENOENT : showLower(directory.superblock, lowers);
}

/** What lies below, or the copy that another of its names has. */
function showLower(superblock: Superblock, lowers: readonly Inode[]): Inode {
  const copy = indexedCopy(superblock.data as OverlayLayers, lowers[0]!);
  if (copy === null) return showInode(superblock, OVERLAY_OPS, null, lowers);
  const inode = showInode(superblock, OVERLAY_OPS, copy, []);
  adoptIndexed(inode);
  return inode;
}

/** A copy is about to be written to by another name than the one that it was made by: that becomes a name of the copy. */
function linkUp(inode: Inode, dentry: Dentry): void {
  const node = overlayNode(inode);
  const directory = dentry.parent?.inode;
  if (!node.indexed || node.upper === null || directory == null || !dentry.hashed) return;
  if (ensureUpper(directory) !== 0) return;
  const parent = overlayNode(directory).upper!;
  if (parent.ops.lookup(parent, dentry.name) !== -ENOENT) return;
  const { links } = inode;
  if (parent.ops.link(parent, dentry.name, node.upper) !== 0) return;
  markImpure(layersOf(inode), parent);
  setIndexedLinks(inode, links);
}

function makeOpaque(layers: OverlayLayers, upper: Inode): void {
  upper.ops.setXattr(upper, `${layers.prefix}opaque`, YES, 0);
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
  let ready = ensureUpper(directory);
  // The index counts the names that are left.
  if (ready === 0 && needsIndex(layersOf(inode), overlayNode(inode).lowers[0])) ready = ensureUpper(inode);
  if (ready !== 0) return ready;
  const links = inode.links - 1;
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
  if (node.indexed) setIndexedLinks(inode, links);
  else node.linkChange--;
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
  if (!mayMove(inode) || (exchange && !mayMove(replaced!))) return -EXDEV;
  if (replaced !== null && !exchange && replaced.isDirectory && isMergedEmpty(replaced) !== 0)
    return -ENOTEMPTY;
  let ready = ensureUpper(from);
  if (ready === 0) ready = ensureUpper(to);
  if (ready === 0) ready = ensureUpper(inode);
  if (
    ready === 0 &&
    (exchange || (replaced !== null && needsIndex(layersOf(from), overlayNode(replaced).lowers[0])))
  )
    ready = ensureUpper(replaced!);
  return ready;
}

/** Directories with contents below move where redirects may be made. */
function mayMove(inode: Inode): boolean {
  return (
    !inode.isDirectory || layersOf(inode).redirect === REDIRECT_ON || overlayNode(inode).lowers.length === 0
  );
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
  const links = replaced === null ? 0 : replaced.links - 1;
  const renamed = source.ops.rename(source, oldName, moved, target, newName, victim, 0);
  victim?.release();
  if (renamed !== 0) return renamed;
  if (replaced !== null) {
    noteBehind(to, newName);
    forgetReplaced(replaced, to, newName, links);
  }
  if (noteBehind(from, oldName) || leaveWhiteout) whiteout(from, oldName);
  if (inode.isDirectory) keepContents(inode, to, newName);
  if (overlayNode(inode).lowers.length > 0 || overlayNode(inode).indexed) markImpure(layersOf(to), target);
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
  const { links } = inode;
  const linked = parent.ops.link(parent, name, upper);
  if (linked !== 0) return linked;
  if (overlayNode(inode).indexed) setIndexedLinks(inode, links);
  return upper;
}

function forgetReplaced(replaced: Inode, to: Inode, name: string, links: number): void {
  const node = overlayNode(replaced);
  if (node.parent === to && node.name === name) unnameNode(replaced);
  if (node.indexed) setIndexedLinks(replaced, links);
  else node.linkChange--;
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
    const merged = layersOf(inode).marks && overlayNode(to).lowers.length > 0;
    if (merged || existsBelow(to, name)) makeOpaque(layersOf(inode), upper);
    return;
  }
  const layers = layersOf(inode);
  const own = redirectOf(layers, upper);
  const beside = node.parent === to;
  if (own !== null && (beside || own.startsWith('/'))) return;
  upper.ops.setXattr(upper, `${layers.prefix}redirect`, latin1(beside ? node.name : pathBelow(inode)), 0);
}

/** Path in the lower layers of what is merged with a directory, before the rename. */
function pathBelow(inode: Inode): string {
  let path = '';
  let at: Inode | null = inode;
  while (at !== null) {
    const { parent, name, upper } = overlayNode(at);
    if (parent === null) break;
    const redirect: string | null = upper === null ? null : redirectOf(layersOf(inode), upper);
    if (redirect?.startsWith('/') === true) return redirect + path;
    path = `/${redirect ?? name}${path}`;
    at = parent;
  }
  return path;
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
