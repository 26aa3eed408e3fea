// What the memory file stands on: one sparse file of the host (memfd), or plain arrays in a browser and in tests.
// The sentry implements it over `host`; `ArrayBacking` is the portable one.

export interface MemoryBacking {
  /** Bytes [index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE) of the file; shorter for the last one. The same object, always. */
  chunk(index: number): Uint8Array;
  /**
   * Makes the file at least `bytes` long (sparse: costs no memory until touched). Returns the new size, which may be more, or
   * -ENOMEM when it can't grow that far. New bytes read as zeros.
   */
  grow(bytes: number): number;
  /** Gives the memory behind [offset, offset + length) back; it reads as zeros from then on. Page multiples. 0 or -errno. */
  punch(offset: number, length: number): number;
  /**
   * [offset, offset + length) will be written to from start to end: has memory for it ready, so that touching it costs less. A hint. True: page
   * tables can be filled for it at once at no further cost (huge pages).
   */
  prepare?(offset: number, length: number): boolean;
  /** Bytes of memory that the host holds for the file, or -1 when it can't be known. */
  resident(): number;
  /**
   * Writes 1 to `into[at + k]` for each page k of [offset, offset + length) that the host holds, 0 for the others. Backings that can't
   * know leave it out: every page then counts as held.
   */
  present?(offset: number, length: number, into: Uint8Array, at: number): void;
}
