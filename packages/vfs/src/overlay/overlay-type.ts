// mount -t overlay: resolves the layers that its options name and checks them against one another, as Linux does. What it keeps in the work
// directory is in overlay-marks.ts.
import { AT_FDCWD, EBUSY, EINVAL, ELOOP, ENOTDIR } from '@sandbox-kernel/abi';
import { WALK_DIRECTORY, WALK_FOLLOW } from '../constants.js';
import type { Dentry } from '../dentry.js';
import type { FileCaller } from '../fs-context.js';
import type { Inode } from '../inode.js';
import { Location } from '../mount.js';
import type { Superblock } from '../superblock.js';
import type { FilesystemType, MountOptions, Vfs } from '../vfs.js';
import { createOverlayOn } from './overlay.js';
import { prepareLayers } from './overlay-marks.js';
import {
  LINKS_BREAK,
  LINKS_INDEXED,
  type OverlayLayers,
  TRUSTED_PREFIX,
  USER_PREFIX,
} from './overlay-node.js';
import { OverlayOptions, splitOptions, unescaped } from './overlay-options.js';

/** An overlay may lie on one more, not on a third. */
const MOST_STACKED = 2;
/** Filesystems that nothing may be stacked on. */
const UNSTACKABLE: readonly string[] = ['proc'];

class OverlayMountOptions implements MountOptions {
  private readonly options: OverlayOptions;
  message: string;

  constructor() {
    this.options = new OverlayOptions();
    this.message = '';
  }

  set(caller: FileCaller, key: string, value: string | null): number {
    const { options } = this;
    const before = key === 'upperdir' ? options.upper : options.work;
    const taken = options.set(key, value);
    this.message = options.message;
    options.message = '';
    if (taken !== 0) return taken;
    const exists = this.check(caller, key);
    if (exists === 0) return 0;
    options.takeBack(key, before);
    return exists;
  }

  /** The directories that the option has just named are there. */
  private check(caller: FileCaller, key: string): number {
    const { lowers, upper, work } = this.options;
    let paths: readonly string[] = [];
    if (key === 'upperdir') paths = [unescaped(upper)];
    else if (key === 'workdir') paths = [unescaped(work)];
    else if (key === 'lowerdir') paths = lowers.map((layer) => layer.path);
    else if (key.endsWith('+')) paths = [lowers.at(-1)!.path];
    for (const path of paths) {
      const found = directoryAt(caller, path);
      if (typeof found !== 'number') continue;
      if (found !== -ENOTDIR) return found;
      this.message = `${path} is not a directory`;
      return -EINVAL;
    }
    return 0;
  }

  create(vfs: Vfs, source: string, flags: number, caller: FileCaller): Superblock | number {
    const { options } = this;
    if (options.lowers.length === 0) return -EINVAL;
    const settled = options.settle();
    if (settled !== 0) return settled;
    const places = resolve(caller, options);
    if (typeof places === 'number') return places;
    return places.mount(vfs, source, flags, options);
  }
}

/** The directories of the layers. */
class LayerPlaces {
  readonly upper: Location | null;
  readonly work: Location | null;
  readonly lowers: readonly Location[];

  constructor(upper: Location | null, work: Location | null, lowers: readonly Location[]) {
    this.upper = upper;
    this.work = work;
    this.lowers = lowers;
  }

  mount(vfs: Vfs, source: string, flags: number, options: OverlayOptions): Superblock | number {
    const checked = this.checkUpper();
    if (checked !== 0) return checked;
    const upper = inodeAt(this.upper);
    const indexed = options.is('index', 'on');
    const busy = [upper, inodeAt(this.work)].some((inode) => inode !== null && vfs.overlaid.has(inode));
    if (busy && indexed) return -EBUSY;
    const lowers = this.lowers.map((place) => place.dentry.inode!);
    if (upper === null && lowers.length === 1) return -EINVAL;
    if (lowers.some((lower) => depthOf(lower) >= MOST_STACKED)) return -EINVAL;
    if (this.overlap()) return -ELOOP;
    // At least one layer has names.
    const shown = lowers.filter((_, i) => !options.lowers[i]!.dataOnly);
    if (shown.length === 0) return -EINVAL;
    return this.assemble(vfs, source, flags, options, shown);
  }

  private assemble(
    vfs: Vfs,
    source: string,
    flags: number,
    options: OverlayOptions,
    shown: readonly Inode[],
  ): Superblock | number {
    const upper = inodeAt(this.upper);
    const all = [...this.lowers, ...(this.upper === null ? [] : [this.upper])];
    const filesystems = new Set(all.map((place) => place.mount.superblock));
    const superblock = createOverlayOn(vfs, upper, shown, source);
    const layers = superblock.data as OverlayLayers;
    layers.links = options.is('index', 'on') ? LINKS_INDEXED : LINKS_BREAK;
    layers.redirect = options.redirect;
    layers.prefix = options.is('userxattr', 'on') ? USER_PREFIX : TRUSTED_PREFIX;
    layers.sealed = ['index', 'metacopy', 'xino', 'redirect_dir'].some((key) => options.is(key, 'on'));
    // Names come and go there that no walk sees.
    if (upper !== null) upper.superblock.revalidates = true;
    layers.options = options.describe(filesystems.size === 1);
    superblock.flags |= flags & 1;
    layers.depth = 1 + Math.max(...shown.map(depthOf));
    if (this.work === null) return superblock;
    const prepared = prepareLayers(layers, inodeAt(this.work)!, options);
    if (prepared === 0) return superblock;
    superblock.filesystem.unmount(superblock);
    return prepared;
  }

  /** Upper and work directory: both in one mount that can be written to, neither within the other. */
  private checkUpper(): number {
    const { upper, work } = this;
    if (upper === null) return 0;
    if (work === null) return -EINVAL;
    const { type } = upper.mount.superblock.filesystem;
    // Whiteouts can't be made on another overlay.
    if (type === 'overlay' || UNSTACKABLE.includes(type)) return -EINVAL;
    if (((upper.mount.flags | upper.mount.superblock.flags) & 1) !== 0) return -EINVAL;
    if (work.mount !== upper.mount) return -EINVAL;
    return upper.dentry.isWithin(work.dentry) || work.dentry.isWithin(upper.dentry) ? -EINVAL : 0;
  }

  /** A layer that is used twice, or lies within another: changes would be seen where they were not made. */
  private overlap(): boolean {
    const taken = new Set<Dentry>();
    for (const place of [this.upper, this.work, ...this.lowers]) {
      if (place === null) continue;
      if (taken.has(place.dentry)) return true;
      taken.add(place.dentry);
    }
    return this.lowers.some((lower) => {
      for (let at = lower.dentry.parent; at !== null; at = at.parent) if (taken.has(at)) return true;
      return false;
    });
  }
}

function inodeAt(place: Location | null): Inode | null {
  return place === null ? null : place.dentry.inode;
}

/** How many overlays lie on one another up to this one. The sandbox's own root counts as none. */
function depthOf(inode: Inode): number {
  const { filesystem, data } = inode.superblock;
  if (UNSTACKABLE.includes(filesystem.type)) return MOST_STACKED;
  return filesystem.type === 'overlay' ? (data as OverlayLayers).depth : 0;
}

function directoryAt(caller: FileCaller, path: string): Location | number {
  const { walker } = caller.fs.vfs;
  const found = walker.lookup(caller, AT_FDCWD, path, WALK_FOLLOW | WALK_DIRECTORY);
  return found !== 0 ? found : new Location(walker.mount, walker.dentry);
}

function resolve(caller: FileCaller, options: OverlayOptions): LayerPlaces | number {
  const lowers: Location[] = [];
  for (const { path } of options.lowers) {
    const lower = directoryAt(caller, path);
    if (typeof lower === 'number') return lower;
    lowers.push(lower);
  }
  const upper = options.upper === '' ? null : directoryAt(caller, unescaped(options.upper));
  const work = options.work === '' ? null : directoryAt(caller, unescaped(options.work));
  if (typeof upper === 'number') return upper;
  return typeof work === 'number' ? work : new LayerPlaces(upper, work, lowers);
}

export const OVERLAY_TYPE: FilesystemType = {
  name: 'overlay',
  needsDevice: false,
  begin: () => new OverlayMountOptions(),
  mount(vfs: Vfs, source: string, flags: number, data: string, caller: FileCaller): Superblock | number {
    const options = new OverlayMountOptions();
    for (const part of splitOptions(data)) {
      const equals = part.indexOf('=');
      const taken =
        equals < 0
          ? options.set(caller, part, null)
          : options.set(caller, part.slice(0, equals), part.slice(equals + 1));
      if (taken !== 0) return taken;
    }
    return options.create(vfs, source, flags, caller);
  },
};
