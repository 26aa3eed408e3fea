import type { DirectorySink, FileDescription, Vfs } from '@sandbox-kernel/vfs';
import {
  DirectoryOps,
  emitDots,
  FileOps,
  FileSystem,
  Inode,
  InodeOps,
  latin1Bytes,
  PlainFilesystem,
  Superblock,
  scatter,
} from '@sandbox-kernel/vfs';

type Tree = { readonly [name: string]: string | Tree };

class TextOps extends FileOps {
  override read(file: FileDescription, io: Parameters<FileOps['read']>[1], offset: number): number {
    const data = latin1Bytes(file.data as string);
    return offset >= data.length ? 0 : scatter(io, 0, data, offset, data.length - offset);
  }
}

class ListOps extends DirectoryOps {
  override readdir(file: FileDescription, sink: DirectorySink): number {
    if (!emitDots(file, sink)) return 0;
    for (const name of Object.keys(file.data as Tree).slice(file.position - 2)) {
      if (!sink.add(name, 1, 0, file.position + 1)) break;
      file.position++;
    }
    return 0;
  }
}

class ObjectOps extends InodeOps {
  override lookup(directory: Inode, name: string): Inode | number {
    const child = (directory.data as Tree)[name];
    return child === undefined ? -2 : makeInode(directory.superblock, child);
  }

  override open(inode: Inode, file: FileDescription): number {
    file.ops = inode.isDirectory ? new ListOps() : new TextOps();
    file.data = inode.data;
    return 0;
  }
}

function makeInode(superblock: Superblock, value: string | Tree): Inode {
  const mode = typeof value === 'string' ? 0o100444 : 0o40555;
  const inode = new Inode(superblock, new ObjectOps(), superblock.allocateInodeNumber(), mode);
  inode.size = typeof value === 'string' ? value.length : 0;
  inode.data = value;
  return inode;
}

export function objectFilesystem(vfs: Vfs, tree: Tree): Superblock {
  const superblock = new Superblock(vfs, new PlainFilesystem('objectfs', 0x6f626a), 'object');
  superblock.setRoot(makeInode(superblock, tree));
  return superblock;
}

const fs = new FileSystem();
await fs.mkdir('/settings');
fs.mount('/settings', objectFilesystem(fs.vfs, { greeting: 'hello', nested: { answer: '42' } }));
export const answer = await fs.readFile('/settings/nested/answer', 'utf8');
