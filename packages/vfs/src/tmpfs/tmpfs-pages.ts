// Which pages of the memory file belong to a tree of tmpfs: for accounting and leak checks.
import type { Inode } from '../inode.js';
import { TmpfsNode } from './tmpfs-ops.js';

/** Offsets in the memory file of all pages of files that have a name under `root`; none when it is not of a tmpfs. */
export function tmpfsPages(root: Inode): number[] {
  const pages: number[] = [];
  const seen = new Set<Inode>([root]);
  for (const inode of seen) {
    const node = inode.data;
    if (!(node instanceof TmpfsNode)) continue;
    if (node.file !== null) for (const offset of node.file.map.offsets()) pages.push(offset);
    // A set that grows while it is walked: hard links are seen once.
    if (node.entries !== null) for (const name of node.entries.names()) seen.add(node.entries.get(name)!);
  }
  return pages;
}
