// A guest address space: a stub process. Mapping commands are written straight into a page that the stub sees read-only, and
// run in one go, before the next context goes on in the space or on flush.
import { EINVAL, EMFILE, ENOMEM, SYS_close, SYS_mmap, SYS_mprotect, SYS_munmap } from '@sandbox-kernel/abi';
import { type AddressSpace, MEMORY_FILE } from '@sandbox-kernel/contracts';
import type { StubEngine } from './engine.js';
import type { StubPlatform } from './platform.js';

/** Descriptors of every stub: native/platform.h. */
const FD_MEMORY = 1;
const FD_MEMORY_READ_ONLY = 2;

const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FIXED = 0x10;
const MAP_NORESERVE = 0x4000;
const MAP_POPULATE = 0x8000;

/** One command: number and six arguments, 8 bytes each, and padding. */
const COMMAND_WORDS = 16;

const TWO_32 = 2 ** 32;

export class StubAddressSpace implements AddressSpace {
  readonly id: number;
  /** Host process of the stub. */
  readonly pid: number;
  readonly #platform: StubPlatform;
  readonly #engine: StubEngine;
  readonly #words: Uint32Array;
  readonly #block: number;
  readonly #maxCommands: number;
  readonly #firstFile: number;
  /** Commands waiting in the block. */
  queued: number;
  /** First error of commands that had to run early, told by the next flush or resume. */
  #error: number;
  /** Host descriptor to descriptor of the stub. */
  readonly #files: Map<number, number>;
  /** By stub descriptor: taken. */
  readonly #taken: boolean[];
  #alive: boolean;

  constructor(
    platform: StubPlatform,
    engine: StubEngine,
    words: Uint32Array,
    id: number,
    pid: number,
    from: StubAddressSpace | null,
  ) {
    this.id = id;
    this.pid = pid;
    this.#platform = platform;
    this.#engine = engine;
    this.#words = words;
    this.#block = engine.constants.firstBlockWord + id * engine.constants.blockStrideWords;
    this.#maxCommands = engine.constants.maxCommands;
    this.#firstFile = engine.constants.firstFile;
    this.queued = 0;
    this.#error = 0;
    this.#files = new Map(from === null ? [] : from.#files);
    this.#taken = from === null ? [] : from.#taken.slice();
    this.#alive = true;
  }

  map(
    addr: number,
    length: number,
    fd: number,
    offset: number,
    prot: number,
    maxProt: number,
    ready = false,
  ): number {
    if (!this.#platform.isGuestRange(addr, length)) return -EINVAL;
    let file = (maxProt & PROT_WRITE) === 0 ? FD_MEMORY_READ_ONLY : FD_MEMORY;
    if (fd !== MEMORY_FILE) {
      file = this.#fileFor(fd);
      if (file < 0) return file;
    }
    const at = this.#next();
    this.#put(at, SYS_mmap, addr, length, prot);
    const words = this.#words;
    words[at + 8] = MAP_SHARED | MAP_FIXED | MAP_NORESERVE | (ready ? MAP_POPULATE : 0);
    words[at + 9] = 0;
    words[at + 10] = file;
    words[at + 11] = 0;
    words[at + 12] = offset >>> 0;
    words[at + 13] = offset / TWO_32;
    return 0;
  }

  unmap(addr: number, length: number): number {
    if (!this.#platform.isGuestRange(addr, length)) return -EINVAL;
    this.#put(this.#next(), SYS_munmap, addr, length, 0);
    return 0;
  }

  protect(addr: number, length: number, prot: number): number {
    if (!this.#platform.isGuestRange(addr, length)) return -EINVAL;
    this.#put(this.#next(), SYS_mprotect, addr, length, prot);
    return 0;
  }

  flush(): number {
    if (this.queued > 0) this.#run();
    const error = this.#error;
    this.#error = 0;
    return error;
  }

  destroy(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.queued = 0;
    this.#engine.args[0] = this.id;
    this.#engine.native.spaceDestroy();
    this.#platform.forgetSpace(this);
  }

  /** The sentry closes `fd`: the stub's copy goes with the next batch of commands. */
  forgetFile(fd: number): void {
    const file = this.#files.get(fd);
    if (file === undefined) return;
    this.#files.delete(fd);
    this.#put(this.#next(), SYS_close, file, 0, 0);
    this.#taken[file] = false;
  }

  /** Runs what is queued and keeps an error for the next flush or resume. */
  settle(): void {
    if (this.queued > 0) this.#run();
  }

  /** An error of commands that ran early. Told once. */
  takeError(): number {
    const error = this.#error;
    this.#error = 0;
    return error;
  }

  #run(): void {
    const args = this.#engine.args;
    args[0] = this.id;
    args[1] = this.queued;
    this.queued = 0;
    const error = this.#engine.native.spaceFlush();
    if (error !== 0 && this.#error === 0) this.#error = error;
  }

  /** Word index of a free command. */
  #next(): number {
    if (this.queued === this.#maxCommands) this.#run();
    const at = this.#block + this.queued * COMMAND_WORDS;
    this.queued++;
    return at;
  }

  #put(at: number, number: number, addr: number, length: number, prot: number): void {
    const words = this.#words;
    words[at] = number;
    words[at + 1] = 0;
    words[at + 2] = addr >>> 0;
    words[at + 3] = addr / TWO_32;
    words[at + 4] = length >>> 0;
    words[at + 5] = length / TWO_32;
    words[at + 6] = prot;
    words[at + 7] = 0;
  }

  /** The stub's number for a host descriptor, sent there when it is new; or -errno. */
  #fileFor(fd: number): number {
    const known = this.#files.get(fd);
    if (known !== undefined) return known;
    // The host numbers descriptors lowest first: closes still in the queue must have run.
    if (this.queued > 0) this.#run();
    let file = this.#firstFile;
    while (this.#taken[file] === true) file++;
    const args = this.#engine.args;
    args[0] = this.id;
    args[1] = fd;
    args[2] = file;
    const error = this.#engine.native.spaceFile();
    if (error === -EMFILE && this.#files.size > 0) return this.#evictFor(fd);
    if (error !== 0) return error === -EINVAL ? -ENOMEM : error;
    while (this.#taken.length <= file) this.#taken.push(false);
    this.#taken[file] = true;
    this.#files.set(fd, file);
    this.#platform.noteFile(fd);
    return file;
  }

  /** The stub has no room for another descriptor: mappings live without theirs, so all of them can go. */
  #evictFor(fd: number): number {
    for (const known of [...this.#files.keys()]) this.forgetFile(known);
    return this.#fileFor(fd);
  }
}
