// Copies between plain byte ranges and scattered buffers (contracts' IoSegments), and a small scattered buffer of our own for
// callers without mm: the facade, splice, copy-up.
import type { IoSegments } from '@sandbox-kernel/contracts';

export class ByteSegments implements IoSegments {
  count = 0;
  total = 0;
  readonly arrays: Uint8Array[] = [];
  readonly starts: number[] = [];
  readonly lengths: number[] = [];
  readonly fileOffsets: number[] = [];

  reset(): this {
    this.count = 0;
    this.total = 0;
    return this;
  }

  /** `fileOffset`: where it lies in the memory file, -1 when it is other memory. */
  add(array: Uint8Array, start: number, length: number, fileOffset = -1): this {
    const at = this.count++;
    this.arrays[at] = array;
    this.starts[at] = start;
    this.lengths[at] = length;
    this.fileOffsets[at] = fileOffset;
    this.total += length;
    return this;
  }
}

const COPY_LOOP = 32;

export function copyBytes(from: Uint8Array, at: number, into: Uint8Array, to: number, length: number): void {
  if (length > COPY_LOOP) {
    into.set(from.subarray(at, at + length), to);
    return;
  }
  for (let i = 0; i < length; i++) into[to + i] = from[at + i]!;
}

/** Writes `from[at..at+length)` into the buffer, `skip` bytes from its start. Returns bytes that fitted. */
export function scatter(io: IoSegments, skip: number, from: Uint8Array, at: number, length: number): number {
  let done = 0;
  for (let i = 0, base = 0; i < io.count && done < length; i++) {
    const size = io.lengths[i]!;
    const inside = skip + done - base;
    if (inside < size) {
      const part = Math.min(size - inside, length - done);
      copyBytes(from, at + done, io.arrays[i]!, io.starts[i]! + inside, part);
      done += part;
    }
    base += size;
  }
  return done;
}

/** Reads bytes of the buffer, `skip` from its start, to `into[at..]`. Returns bytes there were. */
export function gather(io: IoSegments, skip: number, into: Uint8Array, at: number, length: number): number {
  let done = 0;
  for (let i = 0, base = 0; i < io.count && done < length; i++) {
    const size = io.lengths[i]!;
    const inside = skip + done - base;
    if (inside < size) {
      const part = Math.min(size - inside, length - done);
      copyBytes(io.arrays[i]!, io.starts[i]! + inside, into, at + done, part);
      done += part;
    }
    base += size;
  }
  return done;
}

export function scatterZeros(io: IoSegments, skip: number, length: number): number {
  let done = 0;
  for (let i = 0, base = 0; i < io.count && done < length; i++) {
    const size = io.lengths[i]!;
    const inside = skip + done - base;
    if (inside < size) {
      const part = Math.min(size - inside, length - done);
      const start = io.starts[i]! + inside;
      io.arrays[i]!.fill(0, start, start + part);
      done += part;
    }
    base += size;
  }
  return done;
}

/** Adds part of another buffer to `into`, without copying bytes. */
export function addSlice(into: ByteSegments, io: IoSegments, skip: number, length: number): void {
  let left = length;
  for (let i = 0, base = 0; i < io.count && left > 0; i++) {
    const size = io.lengths[i]!;
    const inside = Math.max(skip - base, 0);
    if (inside < size) {
      const part = Math.min(size - inside, left);
      const offset = io.fileOffsets[i]!;
      into.add(io.arrays[i]!, io.starts[i]! + inside, part, offset < 0 ? -1 : offset + inside);
      left -= part;
    }
    base += size;
  }
}
