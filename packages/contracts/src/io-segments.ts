// A scattered buffer: where the bytes of one read or write come from or go to. Guest memory resolves to segments of the
// memory file, so that files, pipes and sockets copy without an intermediate buffer and the host can do vectored I/O on them.

/** Filled by its producer, valid until the guest's mappings change (that is: within one synchronous operation). */
export interface IoSegments {
  /** Segments in use. */
  count: number;
  /** Sum of their lengths. */
  total: number;
  /** Segment i is `arrays[i][starts[i] .. starts[i] + lengths[i])`. */
  readonly arrays: Uint8Array[];
  readonly starts: number[];
  readonly lengths: number[];
  /** Offset of segment i in the memory file, or -1 when it is other memory. */
  readonly fileOffsets: number[];
}
