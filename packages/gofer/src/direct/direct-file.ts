// An open regular file of the host: positioned vectored reads and writes between the shared host descriptor and memory-file ranges, and
// mapping of the file's pages by descriptor.
import { EBADF, EIO, EROFS, SEEK_DATA, SEEK_HOLE } from '@sandbox-kernel/abi';
import type { Backing, IoSegments, Mappable, MappingOwner } from '@sandbox-kernel/contracts';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import {
  addRange,
  type FileDescription,
  FileOps,
  type Inode,
  invalidateRanges,
  placeName,
  removeRange,
} from '@sandbox-kernel/vfs';
import { hostNode } from './host-node.js';

/** `FileDescription.data`. */
export class DirectFile {
  readonly inode: Inode;
  readonly fd: number;
  readonly mappable: DirectMappable;

  constructor(inode: Inode, fd: number) {
    this.inode = inode;
    this.fd = fd;
    this.mappable = new DirectMappable(inode);
  }
}

class DirectFileOps extends FileOps {
  override read(file: FileDescription, io: IoSegments, offset: number, flags: number): number {
    const data = file.data as DirectFile;
    return hostNode(data.inode).tree.host.transfer.readSegments(data.fd, io, offset, flags & 0xf);
  }

  override write(file: FileDescription, io: IoSegments, offset: number, flags: number): number {
    const data = file.data as DirectFile;
    const node = hostNode(data.inode);
    const done = node.tree.host.transfer.writeSegments(data.fd, io, offset, flags & 0xf);
    if (done > 0) {
      node.stale = true;
      if (offset + done > data.inode.size) data.inode.size = offset + done;
    }
    return done;
  }

  override takesDirect(): boolean {
    return true;
  }

  override size(file: FileDescription): number {
    const inode = (file.data as DirectFile).inode;
    if (hostNode(inode).tree.shared) hostNode(inode).tree.refresh(inode);
    return inode.size;
  }

  override pollable(): boolean {
    return false;
  }

  override seekExtent(file: FileDescription, offset: number, data: boolean): number {
    const { inode, fd } = file.data as DirectFile;
    return hostNode(inode).tree.host.descriptors.lseek(fd, offset, data ? SEEK_DATA : SEEK_HOLE);
  }

  override sync(file: FileDescription, dataOnly: boolean): number {
    const { inode, fd } = file.data as DirectFile;
    const descriptors = hostNode(inode).tree.host.descriptors;
    return dataOnly ? descriptors.syncData(fd) : descriptors.sync(fd);
  }

  override allocate(file: FileDescription, mode: number, offset: number, length: number): number {
    const { inode, fd } = file.data as DirectFile;
    const node = hostNode(inode);
    const result = node.tree.host.descriptors.allocate(fd, mode, offset, length);
    node.stale = true;
    if (result === 0) node.tree.refresh(inode);
    return result;
  }

  override mappable(file: FileDescription): Mappable {
    const mappable = (file.data as DirectFile).mappable;
    if (file.dentry !== null) mappable.name = placeName(file.mount, file.dentry);
    return mappable;
  }

  override release(file: FileDescription): void {
    unpin((file.data as DirectFile).inode);
  }
}

export const DIRECT_FILE_OPS: FileOps = new DirectFileOps();

/** Makes `file` an open file of the host. 0 or -errno. */
export function openDirectFile(inode: Inode, file: FileDescription): number {
  const node = hostNode(inode);
  if (file.writable && node.tree.superblock.flags & 1) return -EROFS;
  const fd = node.tree.dataFd(inode, file.writable);
  if (fd < 0) return fd;
  pin(inode);
  file.ops = DIRECT_FILE_OPS;
  file.data = new DirectFile(inode, fd);
  return 0;
}

function pin(inode: Inode): void {
  const node = hostNode(inode);
  node.tree.descriptors.pin(node);
  inode.retain();
}

function unpin(inode: Inode): void {
  const node = hostNode(inode);
  node.tree.descriptors.unpin(node);
  inode.release();
}

/** A host file's pages, mapped by descriptor. Shared writable mappings get the descriptor open for writing. */
export class DirectMappable implements Mappable {
  readonly anonymous: boolean;
  readonly file: Inode;
  name: string;

  constructor(inode: Inode) {
    this.anonymous = false;
    this.file = inode;
    this.name = '';
  }

  get deviceMajor(): number {
    return hostNode(this.file).deviceMajor;
  }

  get deviceMinor(): number {
    return hostNode(this.file).deviceMinor;
  }

  get inode(): number {
    return this.file.number;
  }

  translate(offset: number, length: number, write: boolean, out: Backing): number {
    const node = hostNode(this.file);
    if (node.tree.shared || node.stale) node.tree.refresh(this.file);
    const end = Math.ceil(this.file.size / PAGE_SIZE) * PAGE_SIZE;
    if (offset >= end) return -EIO;
    const fd = node.tree.dataFd(this.file, write);
    if (fd < 0) return fd;
    node.donated = true;
    out.fd = fd;
    out.offset = offset;
    out.length = Math.min(end - offset, Math.ceil(length / PAGE_SIZE) * PAGE_SIZE);
    return 0;
  }

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    const node = hostNode(this.file);
    const fd = node.tree.dataFd(this.file, false);
    if (fd < 0) return fd;
    let done = 0;
    while (done < length) {
      const read = node.tree.host.transfer.read(fd, into, at + done, length - done, offset + done);
      if (read < 0) return done > 0 ? done : read;
      if (read === 0) break;
      done += read;
    }
    const rest = (PAGE_SIZE - ((offset + done) % PAGE_SIZE)) % PAGE_SIZE;
    const zeros = done < length ? Math.min(rest, length - done) : 0;
    into.fill(0, at + done, at + done + zeros);
    return done + zeros;
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    const node = hostNode(this.file);
    const fd = node.tree.dataFd(this.file, true);
    if (fd < 0) return fd;
    const inside = Math.max(Math.min(length, this.file.size - offset), 0);
    node.stale = true;
    if (inside === 0) return length;
    const written = node.tree.host.transfer.write(fd, from, at, inside, offset);
    return written === inside ? length : written;
  }

  addMapping(owner: MappingOwner, offset: number, length: number, shared: boolean, writable: boolean): void {
    pin(this.file);
    if (shared && writable) this.file.superblock.writers++;
    addRange(hostNode(this.file).mappings, owner, offset, length, shared, writable);
  }

  removeMapping(
    owner: MappingOwner,
    offset: number,
    length: number,
    shared: boolean,
    writable: boolean,
  ): void {
    const ranges = hostNode(this.file).mappings;
    if (!removeRange(ranges, owner, offset, length, shared, writable)) return;
    if (shared && writable) this.file.superblock.writers--;
    unpin(this.file);
  }

  sync(): number {
    const node = hostNode(this.file);
    if (node.writeFd < 0) return 0;
    node.stale = true;
    return node.tree.host.descriptors.syncData(node.writeFd);
  }

  mapName(): string {
    return this.name;
  }
}

/** The file was cut to `size`: pages beyond must not be used. */
export function cutMappings(inode: Inode, mappable: DirectMappable, size: number, oldSize: number): void {
  const keep = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
  invalidateRanges(
    hostNode(inode).mappings,
    mappable,
    keep,
    Math.ceil(oldSize / PAGE_SIZE) * PAGE_SIZE - keep,
  );
}

/** -EBADF for a description that is no host file. */
export function directFd(file: FileDescription): number {
  return file.ops === DIRECT_FILE_OPS ? (file.data as DirectFile).fd : -EBADF;
}
