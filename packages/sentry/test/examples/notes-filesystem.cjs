// A filesystem in seventy lines: a map of notes that programs can list, read, make, write, map and remove as files.
'use strict';

/** Called once, in the sentry: `vfs` is the kernel's, `kit` the names of @sandbox-kernel/vfs. */
exports.createFilesystem = (vfs, kit) => {
  const ENOENT = 2;
  const notes = new Map([['welcome', 'made by a module\n']]);
  const inodes = new Map();

  /** Pages of notes that are mapped (mmap). */
  const caches = new Map();
  const put = (name, offset, data) => {
    const old = (notes.get(name) ?? '').padEnd(offset, '\0');
    notes.set(name, old.slice(0, offset) + String.fromCharCode(...data) + old.slice(offset + data.length));
    return data.length;
  };
  const cacheOf = (name) => {
    const get = (offset, length) => kit.latin1Bytes(notes.get(name) ?? '').subarray(offset, offset + length);
    const source = {
      readPage: (offset, into, at, length) => {
        into.set(get(offset, length), at);
        return get(offset, length).length;
      },
      writePage: (offset, from, at, length) => put(name, offset, from.subarray(at, at + length)),
    };
    if (!caches.has(name)) caches.set(name, new kit.PageCache(inodeOf(name), source));
    return caches.get(name);
  };

  class NoteFile extends kit.FileOps {
    mappable(file) {
      return cacheOf(file.data);
    }
    sync(file) {
      return cacheOf(file.data).sync(0, Infinity);
    }
    read(file, io, offset) {
      this.sync(file);
      const data = kit.latin1Bytes(notes.get(file.data) ?? '');
      return offset >= data.length ? 0 : kit.scatter(io, 0, data, offset, data.length - offset);
    }
    write(file, io, offset) {
      this.sync(file);
      const data = new Uint8Array(io.total);
      kit.gather(io, 0, data, 0, data.length);
      put(file.data, offset, data);
      file.inode.size = notes.get(file.data).length;
      cacheOf(file.data).changed(offset, data.length);
      return data.length;
    }
  }

  class NoteList extends kit.DirectoryOps {
    readdir(file, sink) {
      if (!kit.emitDots(file, sink)) return 0;
      for (const name of [...notes.keys()].slice(file.position - 2))
        if (sink.add(name, inodeOf(name).number, 8, file.position + 1)) file.position++;
        else break;
      return 0;
    }
  }

  class Notes extends kit.InodeOps {
    lookup(_directory, name) {
      return notes.has(name) ? inodeOf(name) : -ENOENT;
    }
    create(_directory, name) {
      notes.set(name, '');
      return inodeOf(name);
    }
    unlink(_directory, name) {
      caches.delete(name);
      return notes.delete(name) && inodes.delete(name) ? 0 : -ENOENT;
    }
    change(inode, change) {
      if (change.what & kit.CHANGE_SIZE)
        notes.set(inode.data, (notes.get(inode.data) ?? '').slice(0, change.size));
      inode.size = (notes.get(inode.data) ?? '').length;
      caches.get(inode.data)?.truncated();
      return 0;
    }
    open(inode, file) {
      file.ops = inode.isDirectory ? new NoteList() : new NoteFile();
      file.data = inode.data;
      return 0;
    }
  }

  const ops = new Notes();
  const superblock = new kit.Superblock(vfs, new kit.PlainFilesystem('notes', 0x6e6f7465), 'notes');
  const inodeOf = (name) => {
    if (!inodes.has(name))
      inodes.set(name, new kit.Inode(superblock, ops, superblock.allocateInodeNumber(), 0o100644));
    const inode = inodes.get(name);
    inode.data = name;
    inode.size = notes.get(name).length;
    return inode;
  };
  superblock.setRoot(new kit.Inode(superblock, ops, superblock.allocateInodeNumber(), 0o40755));
  return superblock;
};
