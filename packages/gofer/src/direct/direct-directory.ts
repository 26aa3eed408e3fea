// An open directory of the host: read in bulk when listing starts, kept by the open file so that cookies stay right.
import { O_DIRECTORY, O_RDONLY } from '@sandbox-kernel/abi';
import {
  DirectoryOps,
  type DirectorySink,
  emitDots,
  type FileDescription,
  type Inode,
} from '@sandbox-kernel/vfs';
import { hostNode } from './host-node.js';

class Listing {
  readonly inode: Inode;
  names: string[] | null;
  numbers: number[];
  types: number[];

  constructor(inode: Inode) {
    this.inode = inode;
    this.names = null;
    this.numbers = [];
    this.types = [];
  }
}

class DirectDirectoryOps extends DirectoryOps {
  override readdir(file: FileDescription, sink: DirectorySink): number {
    const listing = file.data as Listing;
    if (file.position === 0 || listing.names === null) {
      const read = readAll(listing);
      if (read < 0) return read;
    }
    if (!emitDots(file, sink)) return 0;
    const names = listing.names!;
    for (let at = file.position - 2; at < names.length; at++) {
      if (!sink.add(names[at]!, listing.numbers[at]!, listing.types[at]!, at + 3)) break;
      file.position = at + 3;
    }
    return 0;
  }

  override release(file: FileDescription): void {
    const { inode } = file.data as Listing;
    inode.ops.leave(inode);
    inode.release();
  }
}

const DIRECT_DIRECTORY_OPS = new DirectDirectoryOps();

export function openDirectDirectory(inode: Inode, file: FileDescription): number {
  inode.retain();
  inode.ops.enter(inode);
  file.ops = DIRECT_DIRECTORY_OPS;
  file.data = new Listing(inode);
  return 0;
}

function readAll(listing: Listing): number {
  const { tree } = hostNode(listing.inode);
  const path = tree.pathFd(listing.inode);
  if (path < 0) return path;
  const fd = tree.openHere(path, '.', O_RDONLY | O_DIRECTORY);
  if (fd < 0) return fd;
  const names: string[] = [];
  listing.names = names;
  listing.numbers = [];
  listing.types = [];
  const directory = tree.host.directory;
  let result = directory.fill(fd);
  for (; result > 0; result = directory.fill(fd)) {
    while (directory.next()) {
      const name = directory.name;
      if (name === '.' || name === '..') continue;
      names.push(name);
      listing.numbers.push(directory.ino);
      listing.types.push(directory.type);
    }
  }
  tree.host.descriptors.close(fd);
  return result;
}
