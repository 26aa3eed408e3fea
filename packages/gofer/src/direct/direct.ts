// The direct filesystem: a tree of host files as the sandbox sees it, without a server in between. The sentry's own confinement
// (namespace or Landlock) bounds it a second time.
import { AT_EMPTY_PATH, EINVAL, EROFS } from '@sandbox-kernel/abi';
import { HostStatfs } from '@sandbox-kernel/host';
import { type Filesystem, type Inode, type StatfsData, Superblock, type Vfs } from '@sandbox-kernel/vfs';
import { DIRECT_OPS } from './direct-ops.js';
import { type DirectOptions, DirectTree } from './direct-tree.js';
import { hostNode } from './host-node.js';

class Direct implements Filesystem {
  readonly type: string;

  constructor() {
    this.type = 'hostfs';
  }

  statfs(superblock: Superblock, out: StatfsData): number {
    const { host } = superblock.data as DirectTree;
    const found = new HostStatfs();
    const result = host.stats.statfs(hostNode(superblock.root!).pathFd, found);
    if (result !== 0) return result;
    out.type = found.type;
    out.blockSize = found.blockSize;
    out.blocks = found.blocks;
    out.blocksFree = found.blocksFree;
    out.blocksAvailable = found.blocksAvailable;
    out.files = found.files;
    out.filesFree = found.filesFree;
    out.nameLength = found.nameLength;
    out.fragmentSize = found.fragmentSize;
    return 0;
  }

  sync(superblock: Superblock): number {
    const { host } = superblock.data as DirectTree;
    if ((superblock.flags & 1) !== 0) return 0;
    return host.descriptors.syncFilesystem(hostNode(superblock.root!).pathFd);
  }

  evict(inode: Inode): void {
    (inode.superblock.data as DirectTree).forget(inode);
  }

  unmount(superblock: Superblock): void {
    const root = superblock.root;
    superblock.root = null;
    root?.release();
  }

  options(superblock: Superblock): string {
    return (superblock.data as DirectTree).shared ? 'cache=shared' : 'cache=exclusive';
  }

  remount(superblock: Superblock, flags: number, data: string): number {
    if (data !== '') return -EINVAL;
    return (superblock.flags & 1) !== 0 && (flags & 1) === 0 ? -EROFS : 0;
  }
}

/** A filesystem over the host tree below `options.rootFd`, or -errno. */
export function createDirectFilesystem(vfs: Vfs, options: DirectOptions): Superblock | number {
  const superblock = new Superblock(vfs, new Direct(), options.source ?? 'host');
  const tree = new DirectTree(superblock, options);
  superblock.data = tree;
  superblock.revalidates = tree.shared;
  superblock.refreshedByLookup = tree.shared;
  superblock.acls = true;
  if (options.readOnly) superblock.flags |= 1;
  const found = options.host.stats.stat(options.rootFd, '', AT_EMPTY_PATH, tree.stat);
  if (found !== 0) return found;
  const root = tree.inodeFor(DIRECT_OPS, null, '');
  hostNode(root).pathFd = options.rootFd;
  root.retain();
  superblock.root = root;
  return superblock;
}
