// The memory file as others than mm see it: pages for tmpfs data, pipes and caches, so that they can be mapped into programs.

export const PAGE_SIZE = 4096;
/** The memory file is seen as arrays of this many bytes; no allocation crosses a border between two. */
export const CHUNK_SIZE = 2 ** 30;

export interface PageStore {
  /** Most bytes in use at a time, as of now; absent without a limit. */
  readonly limit?: number;
  /** `bytes` (page multiple) of consecutive zeroed pages with one reference each. Offset in the memory file, or -ENOMEM. */
  allocate(bytes: number): number;
  /** One more owner for each page of the range. */
  retain(offset: number, bytes: number): void;
  /** One owner less; pages without owner go back to the host. */
  release(offset: number, bytes: number): void;
  /** The array that holds `offset`; the index in it is `offset % CHUNK_SIZE`. The same object for the same chunk, always. */
  chunk(offset: number): Uint8Array;
}
