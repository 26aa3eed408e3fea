// A filesystem in fifty lines: a map of notes that programs can list, read, make, write and remove as files.
'use strict';

/** Called once, in the sentry: `vfs` is the kernel's, `kit` the names of @sandbox-kernel/vfs. */
exports.createFilesystem = (vfs, kit) => {
  const ENOENT = 2;
  const notes = new Map([['welcome', 'made by a module\n']]);
  const inodes = new Map();

  class NoteFile extends kit.FileOps {
    read(file, io, offset) {
      const data = kit.latin1Bytes(notes.get(file.data) ?? '');
      return offset >= data.length ? 0 : kit.scatter(io, 0, data, offset, data.length - offset);
    }
    write(file, io, offset) {
      const data = new Uint8Array(io.total);
      kit.gather(io, 0, data, 0, data.length);
      const old = (notes.get(file.data) ?? '').padEnd(offset, '\0');
      notes.set(
        file.data,
        old.slice(0, offset) + String.fromCharCode(...data) + old.slice(offset + data.length),
      );
      file.inode.size = notes.get(file.data).length;
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
      return notes.delete(name) && inodes.delete(name) ? 0 : -ENOENT;
    }
    change(inode, change) {
      if (change.what & kit.CHANGE_SIZE)
        notes.set(inode.data, (notes.get(inode.data) ?? '').slice(0, change.size));
      inode.size = (notes.get(inode.data) ?? '').length;
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
