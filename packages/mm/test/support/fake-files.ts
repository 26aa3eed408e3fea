// Two kinds of files to map: one whose pages are in the memory file (tmpfs, a page cache), one that stands for a host descriptor.
import { EIO } from '@sandbox-kernel/abi';
import { type Backing, type Mappable, type MappingOwner, MEMORY_FILE } from '@sandbox-kernel/contracts';
import type { MemoryFile } from '@sandbox-kernel/mm';
import { PAGE } from './world.js';

/** What both have in common: who maps them, and truncation. */
abstract class FakeFile implements Mappable {
  readonly anonymous = false;
  readonly deviceMajor = 8;
  readonly deviceMinor = 1;
  readonly inode = 42;
  size: number;
  readonly mappings: string[];
  readonly owners: MappingOwner[];
  synced: number;

  constructor(size: number) {
    this.size = size;
    this.mappings = [];
    this.owners = [];
    this.synced = 0;
  }

  abstract translate(offset: number, length: number, write: boolean, out: Backing): number;
  protected abstract bytesAt(offset: number): { bytes: Uint8Array; at: number };

  readAt(offset: number, into: Uint8Array, at: number, length: number): number {
    const n = Math.min(length, this.size - offset);
    for (let k = 0; k < n; k++) {
      const where = this.bytesAt(offset + k);
      into[at + k] = where.bytes[where.at]!;
    }
    return Math.max(0, n);
  }

  writeAt(offset: number, from: Uint8Array, at: number, length: number): number {
    const n = Math.min(length, this.size - offset);
    for (let k = 0; k < n; k++) {
      const where = this.bytesAt(offset + k);
      where.bytes[where.at] = from[at + k]!;
    }
    return Math.max(0, n);
  }

  addMapping(owner: MappingOwner, offset: number, length: number, shared: boolean, writable: boolean): void {
    this.mappings.push(`${offset}+${length} ${shared} ${writable}`);
    this.owners.push(owner);
  }

  removeMapping(
    owner: MappingOwner,
    offset: number,
    length: number,
    shared: boolean,
    writable: boolean,
  ): void {
    const key = `${offset}+${length} ${shared} ${writable}`;
    const i = this.mappings.findIndex((m, k) => m === key && this.owners[k] === owner);
    if (i < 0) throw new Error(`mapping ${key} was never added`);
    this.mappings.splice(i, 1);
    this.owners.splice(i, 1);
  }

  truncate(size: number): void {
    const old = this.size;
    this.size = size;
    for (const owner of new Set(this.owners)) owner.invalidate(this, size, Math.max(0, old - size));
  }

  sync(_offset: number, _length: number): number {
    this.synced++;
    return 0;
  }

  mapName(): string {
    return '/fake';
  }
}

export class MemoryBackedFile extends FakeFile {
  readonly offsets: number[];
  readonly #file: MemoryFile;

  constructor(file: MemoryFile, pages: number) {
    super(pages * PAGE);
    this.#file = file;
    this.offsets = [];
    for (let k = 0; k < pages; k++) this.offsets.push(file.allocate(PAGE));
  }

  translate(offset: number, _length: number, _write: boolean, out: Backing): number {
    if (offset >= this.size) return -EIO;
    out.fd = MEMORY_FILE;
    out.offset = this.offsets[offset / PAGE]!;
    out.length = PAGE;
    return 0;
  }

  release(): void {
    for (const offset of this.offsets) this.#file.release(offset, PAGE);
  }

  protected bytesAt(offset: number): { bytes: Uint8Array; at: number } {
    const at = this.offsets[Math.floor(offset / PAGE)]!;
    return { bytes: this.#file.chunk(at), at: (at % 2 ** 30) + (offset % PAGE) };
  }
}

export const HOST_FD = 7;

export class HostBackedFile extends FakeFile {
  readonly bytes: Uint8Array;

  constructor(bytes: number) {
    super(bytes);
    this.bytes = new Uint8Array(Math.ceil(bytes / PAGE) * PAGE);
  }

  translate(offset: number, _length: number, _write: boolean, out: Backing): number {
    if (offset >= this.size) return -EIO;
    out.fd = HOST_FD;
    out.offset = offset;
    out.length = Math.ceil(this.size / PAGE) * PAGE - offset;
    return 0;
  }

  protected bytesAt(offset: number): { bytes: Uint8Array; at: number } {
    return { bytes: this.bytes, at: offset };
  }
}
