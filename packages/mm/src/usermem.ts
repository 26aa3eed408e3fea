// The sentry's access to a program's memory: copies that stop exactly at the first bad page, as copy_from_user and copy_to_user do.
// The common case (a window that is known) touches two typed arrays and copies; everything else goes through `reach`, like a fault.
import { EFAULT, EIO, ENAMETOOLONG } from '@sandbox-kernel/abi';
import { ACCESS_WRITE, CHUNK_SIZE, type IoSegments, MEMORY_FILE } from '@sandbox-kernel/contracts';
import { reach } from './access.js';
import { pageDown } from './addresses.js';
import { VM_WRITE } from './area-flags.js';
import { IoBuffers } from './io-buffers.js';
import type { MemoryManager } from './memory-manager.js';
import { mayWritePages } from './pages.js';

/** Below this a loop beats `set` with its `subarray`. */
const SMALL = 48;

/** `windowFor` found pages that are not in the memory file. */
const ELSEWHERE = -2;

/** Slot of the window that contains `addr`, with write access when asked for; -EFAULT or ELSEWHERE. */
function windowFor(mm: MemoryManager, addr: number, write: boolean): number {
  const w = mm.window;
  const slot = w.slot(addr);
  if (addr >= w.starts[slot]! && addr < w.ends[slot]! && (!write || w.writable[slot] === 1)) return slot;
  return loadWindow(mm, addr, write);
}

function loadWindow(mm: MemoryManager, addr: number, write: boolean): number {
  const page = pageDown(addr);
  if (reach(mm, page, write) < 0) return -EFAULT;
  const { areas, pages } = mm;
  const a = areas.at(page);
  const i = pages.at(page);
  if (pages.fd[i] !== MEMORY_FILE) return ELSEWHERE;
  const start = Math.max(areas.start[a]!, pages.start[i]!);
  const end = Math.min(areas.end[a]!, pages.end[i]!);
  const flags = areas.flags[a]!;
  const writable = (flags & VM_WRITE) !== 0 && mayWritePages(flags, pages.flags[i]!);
  const offset = pages.offset[i]!;
  const slot = mm.window.slot(addr);
  mm.window.set(slot, start, end, (offset % CHUNK_SIZE) - pages.start[i]!, mm.file.chunk(offset), writable);
  return slot;
}

export function copyIn(
  mm: MemoryManager,
  addr: number,
  into: Uint8Array,
  at: number,
  length: number,
): number {
  const w = mm.window;
  let done = 0;
  while (done < length) {
    const slot = windowFor(mm, addr + done, false);
    let n: number;
    if (slot >= 0) {
      n = Math.min(length - done, w.ends[slot]! - (addr + done));
      copyBytes(w.chunks[slot]!, addr + done + w.bases[slot]!, into, at + done, n);
    } else n = slot === ELSEWHERE ? readFile(mm, addr + done, into, at + done, length - done) : slot;
    if (n < 0) break;
    done += n;
  }
  return done;
}

export function copyOut(
  mm: MemoryManager,
  addr: number,
  from: Uint8Array,
  at: number,
  length: number,
): number {
  const w = mm.window;
  let done = 0;
  while (done < length) {
    const slot = windowFor(mm, addr + done, true);
    let n: number;
    if (slot >= 0) {
      n = Math.min(length - done, w.ends[slot]! - (addr + done));
      copyBytes(from, at + done, w.chunks[slot]!, addr + done + w.bases[slot]!, n);
    } else n = slot === ELSEWHERE ? writeFile(mm, addr + done, from, at + done, length - done) : slot;
    if (n < 0) break;
    done += n;
  }
  return done;
}

function copyBytes(from: Uint8Array, at: number, into: Uint8Array, to: number, n: number): void {
  if (n > SMALL) {
    into.set(from.subarray(at, at + n), to);
    return;
  }
  for (let k = 0; k < n; k++) into[to + k] = from[at + k]!;
}

const ZEROS = 4096;

export function zeroOut(mm: MemoryManager, addr: number, length: number): number {
  const w = mm.window;
  let done = 0;
  while (done < length) {
    const slot = windowFor(mm, addr + done, true);
    let n: number;
    if (slot >= 0) {
      n = Math.min(length - done, w.ends[slot]! - (addr + done));
      const index = addr + done + w.bases[slot]!;
      w.chunks[slot]!.fill(0, index, index + n);
    } else if (slot === ELSEWHERE) {
      n = Math.min(length - done, ZEROS);
      n = writeFile(mm, addr + done, new Uint8Array(n), 0, n);
    } else n = slot;
    if (n < 0) break;
    done += n;
  }
  return done;
}

/** Reads pages of a host file that is mapped directly, up to the end of the page range. Beyond the file's last byte: zeros. */
function readFile(mm: MemoryManager, addr: number, into: Uint8Array, at: number, length: number): number {
  const { areas, pages } = mm;
  const a = areas.at(addr);
  const end = Math.min(areas.end[a]!, pages.end[pages.at(addr)]!);
  const n = Math.min(length, end - addr);
  const read = areas.files[a]!.readAt(areas.offset[a]! + (addr - areas.start[a]!), into, at, n);
  if (read < 0 || n === 0) return -EFAULT;
  if (read === n) return n;
  // Short: the rest of the file's last page reads as zeros, what follows is SIGBUS to the program and EFAULT to us.
  const rest = Math.min(n, pageDown(addr + Math.max(read - 1, 0)) + 4096 - addr);
  if (read === 0) return -EFAULT;
  into.fill(0, at + read, at + rest);
  return rest;
}

/** Writes to a shared mapping of a host file. */
function writeFile(mm: MemoryManager, addr: number, from: Uint8Array, at: number, length: number): number {
  const { areas, pages } = mm;
  const a = areas.at(addr);
  const end = Math.min(areas.end[a]!, pages.end[pages.at(addr)]!);
  const n = Math.min(length, end - addr);
  const written = areas.files[a]!.writeAt(areas.offset[a]! + (addr - areas.start[a]!), from, at, n);
  return written > 0 ? written : -EFAULT;
}

export function readString(mm: MemoryManager, addr: number, limit: number): string | number {
  const w = mm.window;
  let text = '';
  while (text.length <= limit) {
    const at = addr + text.length;
    const most = limit + 1 - text.length;
    const slot = windowFor(mm, at, false);
    let piece: Uint8Array;
    if (slot >= 0) {
      const index = at + w.bases[slot]!;
      piece = w.chunks[slot]!.subarray(index, index + Math.min(most, 4096, w.ends[slot]! - at));
    } else {
      if (slot !== ELSEWHERE) return -EFAULT;
      const bytes = new Uint8Array(Math.min(most, 4096));
      const n = readFile(mm, at, bytes, 0, bytes.length);
      if (n < 0) return -EFAULT;
      piece = bytes.subarray(0, n);
    }
    const end = piece.indexOf(0);
    if (end >= 0) return text + latin1(piece.subarray(0, end));
    text += latin1(piece);
  }
  return -ENAMETOOLONG;
}

/** One character per byte. Pre: at most 4096 bytes. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** Loads one little-endian word of 1, 2 or 4 bytes; -EFAULT. */
export function readWord(mm: MemoryManager, addr: number, size: number): number {
  const w = mm.window;
  const slot = windowFor(mm, addr, false);
  if (slot < 0 || addr + size > w.ends[slot]!) {
    if (slot === -EFAULT || copyIn(mm, addr, mm.scratch, 0, size) < size) return -EFAULT;
    return wordOf(mm.scratch, 0, size);
  }
  return wordOf(w.chunks[slot]!, addr + w.bases[slot]!, size);
}

function wordOf(bytes: Uint8Array, at: number, size: number): number {
  if (size === 4) {
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }
  return size === 2 ? bytes[at]! | (bytes[at + 1]! << 8) : bytes[at]!;
}

export function readU64(mm: MemoryManager, addr: number): number {
  const low = readWord(mm, addr, 4);
  if (low < 0) return low;
  const high = readWord(mm, addr + 4, 4);
  return high < 0 ? high : high * 2 ** 32 + low;
}

/** Stores one little-endian word of up to 8 bytes. 0, or -EFAULT and nothing is written. */
export function writeWord(mm: MemoryManager, addr: number, size: number, value: number): number {
  const w = mm.window;
  const slot = windowFor(mm, addr, true);
  if (slot < 0 || addr + size > w.ends[slot]!) {
    if (slot === -EFAULT || windowFor(mm, addr + size - 1, true) === -EFAULT) return -EFAULT;
    storeWord(mm.scratch, 0, size, value);
    return copyOut(mm, addr, mm.scratch, 0, size) < size ? -EFAULT : 0;
  }
  storeWord(w.chunks[slot]!, addr + w.bases[slot]!, size, value);
  return 0;
}

function storeWord(bytes: Uint8Array, at: number, size: number, value: number): void {
  const low = size === 8 ? value % 2 ** 32 : value;
  bytes[at] = low;
  if (size > 1) bytes[at + 1] = low >>> 8;
  if (size < 4) return;
  bytes[at + 2] = low >>> 16;
  bytes[at + 3] = low >>> 24;
  if (size === 8) storeWord(bytes, at + 4, 4, Math.floor(value / 2 ** 32));
}

/**
 * Compares the aligned word at `addr` with `expected` and stores `value` when equal, atomically towards guest threads that run meanwhile.
 * The old word, or -EFAULT.
 */
export function compareExchange(mm: MemoryManager, addr: number, expected: number, value: number): number {
  const slot = windowFor(mm, addr, true);
  if (slot === ELSEWHERE) {
    // A shared mapping of a host file that isn't in the memory file: no way to be atomic with the host's page.
    const old = readWord(mm, addr, 4);
    if (old >>> 0 === expected && old >= 0) writeWord(mm, addr, 4, value);
    return old;
  }
  if (slot < 0 || addr % 4 !== 0) return -EFAULT;
  const chunk = mm.window.chunks[slot]!;
  const word = new Int32Array(chunk.buffer, chunk.byteOffset + addr + mm.window.bases[slot]!, 1);
  return Atomics.compareExchange(word, 0, expected | 0, value | 0) >>> 0;
}

export function addSegments(
  mm: MemoryManager,
  addr: number,
  length: number,
  access: number,
  io: IoSegments,
): number {
  const w = mm.window;
  const write = (access & ACCESS_WRITE) !== 0;
  let done = 0;
  while (done < length) {
    const slot = windowFor(mm, addr + done, write);
    let n: number;
    if (slot >= 0) {
      n = Math.min(length - done, w.ends[slot]! - (addr + done));
      const index = addr + done + w.bases[slot]!;
      addSegment(io, w.chunks[slot]!, index, n, fileOffset(mm, addr + done));
    } else n = slot === ELSEWHERE ? addBounce(mm, addr + done, length - done, write, io) : slot;
    if (n < 0) break;
    done += n;
  }
  // A page that waits for its monitor: nothing may be moved before the call runs again.
  if (mm.obstacle !== null) return -EFAULT;
  return done === 0 && length > 0 ? -EFAULT : done;
}

function fileOffset(mm: MemoryManager, addr: number): number {
  const i = mm.pages.at(addr);
  return mm.pages.offset[i]! + (addr - mm.pages.start[i]!);
}

function addSegment(io: IoSegments, array: Uint8Array, start: number, length: number, offset: number): void {
  const k = io.count++;
  io.arrays[k] = array;
  io.starts[k] = start;
  io.lengths[k] = length;
  io.fileOffsets[k] = offset;
  io.total += length;
}

/** A host file's page has no bytes here: goes through a buffer, which IoBuffers writes back when the operation is done. */
function addBounce(mm: MemoryManager, addr: number, length: number, write: boolean, io: IoSegments): number {
  const n = Math.min(length, 4096 - (addr % 4096));
  const bytes = new Uint8Array(n);
  const read = readFile(mm, addr, bytes, 0, n);
  if (read < 0) return -EIO;
  if (write) {
    if (!(io instanceof IoBuffers)) return -EFAULT;
    io.remember(mm, addr, bytes);
  }
  addSegment(io, bytes, 0, read, -1);
  return read;
}
