// A memory file: a file in memory without a name, grown in steps, mapped in chunks of 1 GiB, holes punched to give memory back. mm allocates in it.
import { EINVAL, ENOMEM } from '@sandbox-kernel/abi';
import type { Door } from './door.js';

export const CHUNK_BYTES = 2 ** 30;
const PAGE_BYTES = 4096;
/** The file grows by at least this much at a time: ftruncate is cheap, but not free. */
const GROWTH = 64 * 2 ** 20;

export class MemoryFile {
  /** Descriptor, open for reading and writing. */
  readonly fd: number;
  /** The same file open for reading only, or `fd` where /proc is missing. */
  readonly readOnlyFd: number;
  /** Names this file in segments of vectored transfers. */
  readonly buffer: number;
  readonly #door: Door;
  readonly #handle: number;
  readonly #chunks: Uint8Array[];
  #size: number;

  constructor(door: Door, handle: number, fd: number, readOnlyFd: number) {
    this.fd = fd;
    this.readOnlyFd = readOnlyFd;
    this.buffer = -handle;
    this.#door = door;
    this.#handle = handle;
    this.#chunks = [];
    this.#size = 0;
  }

  /** Bytes of the file; everything below it can be allocated. */
  get size(): number {
    return this.#size;
  }

  /** Makes [0, bytes) usable. 0 or -errno. */
  grow(bytes: number): number {
    if (bytes <= this.#size) return 0;
    const size = Math.ceil(bytes / GROWTH) * GROWTH;
    const args = this.#door.args;
    args[0] = this.#handle;
    args[1] = size;
    const result = this.#door.native.memoryResize();
    if (result === 0) this.#size = size;
    return result;
  }

  /** Chunk `index` as bytes: always the same array. Null: the address space is exhausted. */
  chunk(index: number): Uint8Array | null {
    const known = this.#chunks[index];
    if (known !== undefined) return known;
    const args = this.#door.args;
    args[0] = this.#handle;
    args[1] = index;
    const buffer = this.#door.native.memoryChunk();
    if (typeof buffer === 'number') return null;
    while (this.#chunks.length < index) if (this.chunk(this.#chunks.length) === null) return null;
    this.#chunks[index] = new Uint8Array(buffer);
    return this.#chunks[index] ?? null;
  }

  /** Gives the pages of the range back to the host; they read as zeros afterwards. 0 or -errno. */
  punch(offset: number, length: number): number {
    if (length <= 0) return -EINVAL;
    const args = this.#door.args;
    args[0] = this.#handle;
    args[1] = offset;
    args[2] = length;
    return this.#door.native.memoryPunch();
  }

  /**
   * Has the host put memory behind the range, in huge pages where they fit and are to be had. It holds what it held, and counts as present at
   * its first use. Pre: the range lies in one chunk. 1: all of it are huge pages; 0; or -errno: nothing changed.
   */
  prepare(offset: number, length: number): number {
    const args = this.#door.args;
    args[0] = this.#handle;
    args[1] = offset;
    args[2] = length;
    return this.#door.native.memoryPrepare();
  }

  /** Pages of the range that hold data, or -errno. */
  residentPages(offset: number, length: number): number {
    const args = this.#door.args;
    args[0] = this.#handle;
    args[1] = offset;
    args[2] = length;
    return this.#door.native.memoryResident();
  }

  /** Writes 1 to `into[at + k]` for each page k of the range that holds data, 0 for the others. 0 or -errno. */
  presentPages(offset: number, length: number, into: Uint8Array, at: number): number {
    into.fill(0, at, at + length / PAGE_BYTES);
    const { args, results, native } = this.#door;
    for (let done = 0; done < length; ) {
      args[0] = this.#handle;
      args[1] = offset + done;
      args[2] = length - done;
      const result = native.memoryExtent();
      if (result < 0) return result;
      const from = Math.floor(((results[0] ?? 0) - offset) / PAGE_BYTES);
      const to = Math.ceil(((results[1] ?? 0) - offset) / PAGE_BYTES);
      into.fill(1, at + from, at + to);
      done = to * PAGE_BYTES;
    }
    return 0;
  }

  /** Closes the file. The chunks must not be used any more. */
  close(): void {
    if (this.readOnlyFd !== this.fd) this.#door.call(3, 0, this.readOnlyFd, 0, 0, 0, 0, 0);
    this.#door.args[0] = this.#handle;
    this.#door.native.memoryClose();
  }
}

/** A new memory file, or -errno. */
export function createMemoryFile(door: Door): MemoryFile | number {
  const handle = door.native.memoryOpen();
  if (handle < 0) return handle === -EINVAL ? -ENOMEM : handle;
  const fd = door.results[0] ?? -1;
  return new MemoryFile(door, handle, fd, reopenReadOnly(door, fd));
}

function reopenReadOnly(door: Door, fd: number): number {
  const O_CLOEXEC = 0o2000000;
  const SYS_open = 2;
  door.putString(4096, `/proc/self/fd/${fd}`, 64);
  const result = door.call(SYS_open, 1, 4096, O_CLOEXEC, 0, 0, 0, 0);
  return result < 0 ? fd : result;
}
