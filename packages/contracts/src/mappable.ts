// What a file offers to mmap(2). Implemented by filesystems, used by mm; neither imports the other.

/** Result of `Mappable.translate`; one object owned by the caller, overwritten by each call. */
export interface Backing {
  /** MEMORY_FILE or a host descriptor open for reading (and writing when asked for). */
  fd: number;
  /** Offset of the first byte there; page aligned. */
  offset: number;
  /** Bytes from there on that are contiguous; page multiple, at least one page. */
  length: number;
}

/** A part of an address space that maps a file; told when file pages go away or move. */
export interface MappingOwner {
  /** Pages of file range [offset, offset+length) must not be used any more: unmap and fault again. Truncation comes this way. */
  invalidate(mappable: Mappable, offset: number, length: number): void;
}

export interface Mappable {
  /** True where different programs that map it are different memory (private /dev/zero). */
  readonly anonymous: boolean;
  /**
   * Where the page at file offset `offset` lives. Allocates holes when `write`. 0; -EIO: beyond the end (SIGBUS); -ENOMEM; -ENOSPC.
   * `out.length` may be less or more than `length`.
   */
  translate(offset: number, length: number, write: boolean, out: Backing): number;
  /** Copies file content without mapping it (the sentry's own access). Bytes, short at the end of file's last page; or -errno. */
  readAt(offset: number, into: Uint8Array, at: number, length: number): number;
  /** Writes through a shared mapping on behalf of the sentry. Bytes or -errno. */
  writeAt(offset: number, from: Uint8Array, at: number, length: number): number;
  /** `owner` maps [offset, offset+length). Called once per area, also for the copies that fork makes. Keeps the file alive. */
  addMapping(owner: MappingOwner, offset: number, length: number, shared: boolean, writable: boolean): void;
  removeMapping(
    owner: MappingOwner,
    offset: number,
    length: number,
    shared: boolean,
    writable: boolean,
  ): void;
  /** Writes cached changes of the range to the file (msync). 0 or -errno. */
  sync(offset: number, length: number): number;
  /** For /proc/PID/maps: path, device and inode. */
  mapName(): string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inode: number;
}
