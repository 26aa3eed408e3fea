// The filesystem over a tree of pseudo nodes: proc, sys and their like are a root directory, a name and a magic number.
import { EINVAL, ENOENT, EPERM, S_IFDIR, S_IFMT } from '@sandbox-kernel/abi';
import {
  type AttributeChange,
  applyChange,
  CHANGE_GID,
  CHANGE_MODE,
  CHANGE_UID,
} from '../attribute-change.js';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import { Inode } from '../inode.js';
import { InodeOps } from '../inode-ops.js';
import type { Location } from '../mount.js';
import { INODE_IMMUTABLE } from '../permission.js';
import type { StatfsData } from '../stat.js';
import { type Filesystem, Superblock } from '../superblock.js';
import { stampNew } from '../times.js';
import type { Vfs } from '../vfs.js';
import { openPseudoDirectory, openPseudoFile } from './pseudo-files.js';
import { PseudoDirectory, PseudoFile, PseudoLink, type PseudoNode, PseudoSpecial } from './pseudo-node.js';

export interface PseudoOptions {
  /** As in /proc/filesystems. */
  readonly type: string;
  readonly magic: number;
  readonly root: PseudoDirectory;
  readonly source?: string;
}

class PseudoFilesystem implements Filesystem {
  readonly type: string;
  private readonly magic: number;

  constructor(type: string, magic: number) {
    this.type = type;
    this.magic = magic;
  }

  statfs(_superblock: Superblock, out: StatfsData): number {
    out.type = this.magic;
    return 0;
  }

  sync(): number {
    return 0;
  }

  evict(inode: Inode): void {
    inodesOf(inode.superblock).delete(inode.data as PseudoNode);
  }

  unmount(superblock: Superblock): void {
    superblock.root = null;
  }

  options(): string {
    return '';
  }

  remount(_superblock: Superblock, _flags: number, data: string): number {
    return data === '' || /^(hidepid|gid|subset)=/.test(data) ? 0 : -EINVAL;
  }
}

class PseudoOps extends InodeOps {
  override lookup(directory: Inode, name: string): Inode | number {
    const node = (directory.data as PseudoDirectory).entry(name);
    return node === null ? -ENOENT : inodeOf(directory.superblock, node);
  }

  override revalidate(directory: Inode, name: string, inode: Inode | null): boolean {
    return inode !== null && (directory.data as PseudoDirectory).entry(name) === inode.data;
  }

  override create(directory: Inode, name: string, mode: number): Inode | number {
    if ((mode & S_IFMT) !== S_IFDIR) return -ENOENT;
    const made = (directory.data as PseudoDirectory).makeDirectory(name);
    return typeof made === 'number' ? made : inodeOf(directory.superblock, made);
  }

  override rmdir(directory: Inode, name: string): number {
    return (directory.data as PseudoDirectory).removeDirectory(name);
  }

  override rename(): number {
    return -EPERM;
  }

  override readlink(inode: Inode, caller: FileCaller): string | number {
    return (inode.data as PseudoLink).target(caller);
  }

  override jump(inode: Inode, caller: FileCaller, out: Location): number {
    return (inode.data as PseudoLink).jump(caller, out);
  }

  override refresh(inode: Inode): number {
    const node = inode.data as PseudoNode;
    const result = node.refresh();
    inode.mode = node.mode;
    inode.uid = node.uid;
    inode.gid = node.gid;
    return result;
  }

  /** A size is taken and forgotten: shells open knobs with O_TRUNC. */
  override change(inode: Inode, change: AttributeChange): number {
    applyChange(inode, change);
    if ((change.what & (CHANGE_MODE | CHANGE_UID | CHANGE_GID)) === 0) return 0;
    const node = inode.data as PseudoNode;
    node.mode = inode.mode;
    node.uid = inode.uid;
    node.gid = inode.gid;
    return 0;
  }

  override open(inode: Inode, file: FileDescription): number {
    const node = inode.data;
    if (node instanceof PseudoDirectory) return openPseudoDirectory(node, file);
    if (node instanceof PseudoFile) return openPseudoFile(node, file);
    return node instanceof PseudoSpecial ? node.open(file) : -EINVAL;
  }
}

const PSEUDO_OPS = new PseudoOps();

function inodesOf(superblock: Superblock): Map<PseudoNode, Inode> {
  return superblock.data as Map<PseudoNode, Inode>;
}

/** The inode of a node: the same one while it is in use. */
function inodeOf(superblock: Superblock, node: PseudoNode): Inode {
  const inodes = inodesOf(superblock);
  let inode = inodes.get(node);
  if (inode === undefined) {
    if (node.number === 0) node.number = superblock.allocateInodeNumber();
    inode = new Inode(superblock, PSEUDO_OPS, node.number, node.mode);
    inode.data = node;
    inode.magic = node instanceof PseudoLink && node.magic;
    if (node instanceof PseudoDirectory) inode.links = 2;
    if (node instanceof PseudoDirectory && node.immutable) inode.attributes |= INODE_IMMUTABLE;
    stampNew(inode);
    inodes.set(node, inode);
  }
  PSEUDO_OPS.refresh(inode);
  return inode;
}

export function createPseudoFilesystem(vfs: Vfs, options: PseudoOptions): Superblock {
  const filesystem = new PseudoFilesystem(options.type, options.magic);
  const superblock = new Superblock(vfs, filesystem, options.source ?? options.type);
  superblock.data = new Map<PseudoNode, Inode>();
  superblock.revalidates = true;
  superblock.cachesNegative = false;
  const root = inodeOf(superblock, options.root);
  root.retain();
  superblock.root = root;
  return superblock;
}
