// The vDSO as the sentry supplies it: pages of the memory file, mapped into each program with the data pages before them.

export interface VdsoImage {
  /** Offset in the memory file and bytes (page multiples) of the code. */
  readonly offset: number;
  readonly size: number;
  /** The same for the data pages that stand right below it; size 0 for none. */
  readonly dataOffset: number;
  readonly dataSize: number;
  /** A program has asked for certain processors: from now on getcpu is a system call, which knows of that. */
  processorsChosen(): void;
}
