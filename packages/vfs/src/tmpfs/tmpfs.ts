// tmpfs(5): files in the memory file. Size and inode limits give ENOSPC; nothing is swapped.
import { EINVAL, S_IFDIR } from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import type { Inode } from '../inode.js';
import type { StatfsData } from '../stat.js';
import { type Filesystem, Superblock } from '../superblock.js';
import type { FilesystemType, Vfs } from '../vfs.js';
import { newTmpfsInode, nodeOf } from './tmpfs-ops.js';
import { TmpfsUsage } from './tmpfs-usage.js';

const TMPFS_MAGIC = 0x01021994;
const NO_LIMIT = 2 ** 40;
/** Pages and inodes shown as free where there is no limit: Linux shows 0 of 0, which installers take for a full disk. */
const SHOWN_FREE = 2 ** 26;

export interface TmpfsOptions {
  /** Bytes; 0: no limit but the memory file's. Default: half of that. */
  readonly size?: number;
  /** 0: no limit. Default: one for every two pages of memory. */
  readonly inodes?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** The name in /proc/mounts and statfs; default "tmpfs". */
  readonly type?: string;
  readonly source?: string;
  /** What /proc/mounts shows of the options beside the limits. */
  readonly shown?: string;
}

class Tmpfs implements Filesystem {
  readonly type: string;

  constructor(type: string) {
    this.type = type;
  }

  statfs(superblock: Superblock, out: StatfsData): number {
    const usage = superblock.data as TmpfsUsage;
    out.type = TMPFS_MAGIC;
    out.blocks = Math.min(usage.maxPages, usage.pages + SHOWN_FREE);
    out.blocksFree = Math.max(out.blocks - usage.pages, 0);
    out.blocksAvailable = out.blocksFree;
    out.files = Math.min(usage.maxInodes, usage.inodes + SHOWN_FREE);
    out.filesFree = out.files - usage.inodes;
    return 0;
  }

  sync(): number {
    return 0;
  }

  evict(inode: Inode): void {
    const usage = inode.superblock.data as TmpfsUsage;
    nodeOf(inode).file?.destroy();
    usage.inodes--;
  }

  unmount(superblock: Superblock): void {
    const root = superblock.root;
    superblock.root = null;
    if (root !== null) destroyTree(root);
  }

  options(superblock: Superblock): string {
    const usage = superblock.data as TmpfsUsage;
    const pages = usage.maxPages < NO_LIMIT ? usage.maxPages : 0;
    const size = usage.maxPages === usage.defaultPages ? '' : `size=${pages * 4}k`;
    const most = usage.maxInodes < NO_LIMIT ? usage.maxInodes : 0;
    const inodes = usage.maxInodes === usage.defaultInodes ? '' : `nr_inodes=${most}`;
    return [size, inodes, usage.shown].filter((part) => part.length > 0).join(',');
  }

  remount(superblock: Superblock, _flags: number, data: string): number {
    if (data.split(',').includes('noswap')) return -EINVAL;
    const options = parseTmpfsOptions(data, memoryOf(superblock.vfs));
    if (typeof options === 'number') return options;
    const usage = superblock.data as TmpfsUsage;
    const pages = options.size === undefined ? usage.maxPages : pagesOf(options.size);
    const inodes = options.inodes === undefined ? usage.maxInodes : options.inodes || NO_LIMIT;
    // What began without a limit gets none later, as in Linux: what it holds was not counted there.
    if (usage.maxPages === NO_LIMIT && pages < NO_LIMIT) return -EINVAL;
    if (usage.maxInodes === NO_LIMIT && inodes < NO_LIMIT) return -EINVAL;
    if (pages < usage.pages || inodes < usage.inodes) return -EINVAL;
    usage.maxPages = pages;
    usage.maxInodes = inodes;
    return 0;
  }
}

/** Everything goes, but for files that are still open or mapped: those end with their last reference. */
function destroyTree(root: Inode): void {
  const pending = [root];
  for (let inode = pending.pop(); inode !== undefined; inode = pending.pop()) {
    const entries = nodeOf(inode).entries;
    if (entries !== null) {
      for (const name of entries.names()) {
        const child = entries.get(name)!;
        if (child.isDirectory) pending.push(child);
        else child.release();
      }
    }
  }
}

/** Bytes that all files and programs may have together. */
function memoryOf(vfs: Vfs): number {
  return vfs.pages.limit ?? Number.POSITIVE_INFINITY;
}

/** tmpfs(5): half of memory. */
function defaultPages(vfs: Vfs): number {
  return Math.min(Math.floor(memoryOf(vfs) / PAGE_SIZE / 2), NO_LIMIT);
}

function pagesOf(size: number): number {
  return size === 0 ? NO_LIMIT : Math.ceil(size / PAGE_SIZE);
}

export function createTmpfs(vfs: Vfs, options: TmpfsOptions = {}): Superblock {
  const superblock = new Superblock(vfs, new Tmpfs(options.type ?? 'tmpfs'), options.source ?? 'tmpfs');
  superblock.acls = true;
  const half = defaultPages(vfs);
  const usage = new TmpfsUsage(half, half);
  if (options.size !== undefined) usage.maxPages = pagesOf(options.size);
  if (options.inodes !== undefined) usage.maxInodes = options.inodes || NO_LIMIT;
  usage.shown = options.shown ?? '';
  superblock.data = usage;
  const mode = S_IFDIR | (options.mode ?? 0o1777);
  const root = newTmpfsInode(superblock, mode, options.uid ?? 0, options.gid ?? 0)!;
  root.retain();
  superblock.root = root;
  return superblock;
}

/** "size=10m,nr_inodes=1k,mode=755,uid=0,gid=0"; -EINVAL for what tmpfs(5) doesn't know. `memory`: bytes that a percentage is of. */
export function parseTmpfsOptions(data: string, memory: number): TmpfsOptions | number {
  const options: { size?: number; inodes?: number; mode?: number; uid?: number; gid?: number } = {};
  for (const part of data.split(',')) {
    if (part === '' || IGNORED.test(part)) continue;
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    const value = parseValue(key, equals < 0 ? '' : part.slice(equals + 1), memory);
    if (Number.isNaN(value)) return -EINVAL;
    if (key === 'size') options.size = value;
    else if (key === 'nr_blocks') options.size = value * PAGE_SIZE;
    else if (key === 'nr_inodes') options.inodes = value;
    else if (key === 'mode') options.mode = value;
    else if (key === 'uid') options.uid = value;
    else if (key === 'gid') options.gid = value;
    else return -EINVAL;
  }
  return options;
}

const POLICY = 'default|local|prefer(:\\d+)?|(bind|interleave)(=static|=relative)?:[\\d,-]+';
const IGNORED = new RegExp(`^(huge=(never|always|within_size|advise)|mpol=(${POLICY})|inode(32|64)|noswap)$`);
const OPTIONS = /^(size|nr_blocks|nr_inodes|mode|uid|gid|huge|mpol|inode32|inode64|noswap)$/;
const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

function parseValue(key: string, text: string, memory: number): number {
  if (key === 'mode') return /^[0-7]{1,10}$/.test(text) ? Number.parseInt(text, 8) & 0o7777 : Number.NaN;
  const match = /^(\d+)([kmgt%]?)$/i.exec(text);
  if (match === null) return Number.NaN;
  const unit = match[2]!.toLowerCase();
  // The id that stands for none.
  if ((key === 'uid' || key === 'gid') && (unit !== '' || Number(match[1]) >= 0xffffffff)) return Number.NaN;
  if (unit === '%') return key === 'size' ? shareOf(memory, Number(match[1])) : Number.NaN;
  return Number(match[1]) * (UNITS[unit] ?? 1);
}

/** Without a limit of memory, any share of it is none. */
function shareOf(memory: number, percent: number): number {
  return memory === Number.POSITIVE_INFINITY ? 0 : Math.floor((memory * percent) / 100);
}

/** As Linux shows them: what is not the default, in its order. */
function shownOptions({ mode, uid, gid }: TmpfsOptions, data: string): string {
  const parts = data.split(',');
  const shown: string[] = [];
  if (mode !== undefined && mode !== 0o1777) shown.push(`mode=${mode.toString(8).padStart(3, '0')}`);
  if (uid !== undefined && uid !== 0) shown.push(`uid=${uid}`);
  if (gid !== undefined && gid !== 0) shown.push(`gid=${gid}`);
  if (parts.includes('inode64')) shown.push('inode64');
  const huge = parts.findLast((part) => part.startsWith('huge='));
  if (huge !== undefined && huge !== 'huge=never') shown.push(huge);
  if (parts.includes('noswap')) shown.push('noswap');
  return shown.join(',');
}

export const TMPFS_TYPE: FilesystemType = {
  name: 'tmpfs',
  needsDevice: false,
  knows: (key) => OPTIONS.test(key),
  checks: (option) => typeof parseTmpfsOptions(option, 0) !== 'number',
  mount(vfs: Vfs, source: string, _flags: number, data: string): Superblock | number {
    const options = parseTmpfsOptions(data, memoryOf(vfs));
    if (typeof options === 'number') return options;
    return createTmpfs(vfs, { ...options, source, shown: shownOptions(options, data) });
  },
};
