// What the lower layers of an overlay have under a name: whiteouts end the search, directories merge, and redirects lead to where the rest of
// a renamed directory still is (Linux's overlayfs documentation, "redirect_dir"). Layers may come from anybody: what is followed is bounded.
import { EINVAL, ELOOP, ENOENT, EPERM } from '@sandbox-kernel/abi';
import type { Inode } from '../inode.js';
import {
  isOpaque,
  isWhiteoutNode,
  layersOf,
  OCI_PREFIX,
  type OverlayLayers,
  overlayNode,
  redirectOf,
} from './overlay-node.js';
import { REDIRECT_NOFOLLOW } from './overlay-options.js';

/** Redirects that one lookup follows. */
const MOST_REDIRECTS = 1000;

/** `name` in one lower directory: the inode, -ENOENT to look further below, or 0 for a whiteout. */
export function lookupLower(layers: OverlayLayers, directory: Inode, name: string): Inode | number {
  if (layers.ociWhiteouts) {
    if (name.startsWith(OCI_PREFIX)) return 0;
    if (typeof directory.ops.lookup(directory, OCI_PREFIX + name) !== 'number') return 0;
  }
  const found = directory.ops.lookup(directory, name);
  if (typeof found === 'number') return found;
  return isWhiteoutNode(found) ? 0 : found;
}

/** What the lower layers have under `name`: merged directories, or one file. Empty: nothing. A number: -errno. */
export function findLowers(
  layers: OverlayLayers,
  directories: readonly Inode[],
  name: string,
): Inode[] | number {
  layers.redirects = 0;
  return find(layers, directories, name);
}

/** As `findLowers` for a directory of the upper layer that says where its contents below are. */
export function findRedirected(
  layers: OverlayLayers,
  directories: readonly Inode[],
  redirect: string,
): Inode[] | number {
  layers.redirects = 0;
  return follow(layers, directories, -1, redirect);
}

function find(layers: OverlayLayers, directories: readonly Inode[], name: string): Inode[] | number {
  const found: Inode[] = [];
  const bottom = layers.lowers.length - 1;
  for (let i = 0; i < directories.length; i++) {
    const directory = directories[i]!;
    const inode = lookupLower(layers, directory, name);
    if (typeof inode === 'number') {
      if (inode === -ENOENT) continue;
      if (inode === 0) break;
      return inode;
    }
    if (!inode.isDirectory) {
      if (found.length === 0) found.push(inode);
      break;
    }
    found.push(inode);
    // Asking costs host calls, and nothing lies below the last layer.
    if (bottom === 0) break;
    const depth = layers.depths.get(directory) ?? bottom;
    layers.depths.set(inode, depth);
    if (depth === bottom || isOpaque(layers, inode)) break;
    const redirect = redirectOf(layers, inode);
    if (redirect === null) continue;
    const rest = follow(layers, directories.slice(i + 1), depth, redirect);
    return typeof rest === 'number' ? rest : found.concat(rest);
  }
  return found;
}

/** `directories`: beside the one that is redirected, below the layer `depth`. Only directories are found. */
function follow(
  layers: OverlayLayers,
  directories: readonly Inode[],
  depth: number,
  redirect: string,
): Inode[] | number {
  if (layers.redirect === REDIRECT_NOFOLLOW) return -EPERM;
  if (++layers.redirects > MOST_REDIRECTS) return -ELOOP;
  const fromTop = redirect.startsWith('/');
  const parts = redirect.split('/').filter((part) => part !== '');
  if (parts.length === 0 || (!fromTop && redirect.includes('/'))) return -EINVAL;
  let at: readonly Inode[] = fromTop ? layers.lowers.slice(depth + 1) : directories;
  for (const part of parts) {
    if (part === '.' || part === '..') return -EINVAL;
    const found = find(layers, at, part);
    if (typeof found === 'number') return found;
    if (found.length === 0 || !found[0]!.isDirectory) return [];
    at = found;
  }
  return [...at];
}

/** What a whiteout under this name would hide: the topmost lower inode, or null. */
export function lowerBehind(directory: Inode, name: string): Inode | null {
  const found = findLowers(layersOf(directory), overlayNode(directory).lowers, name);
  return typeof found === 'number' ? null : (found[0] ?? null);
}

/** Is there something below under this name, so that removing it above needs a whiteout? */
export function existsBelow(directory: Inode, name: string): boolean {
  return lowerBehind(directory, name) !== null;
}
