// The six raw arguments of a system call, read from the trap frame's words (System V AMD64 kernel convention:
// rdi, rsi, rdx, r10, r8, r9). Nothing is copied: a blocked call that runs again reads the same registers.

import type { FrameMemory } from '@sandbox-kernel/contracts';
import { FRAME_R8, FRAME_R9, FRAME_R10, FRAME_RDI, FRAME_RDX, FRAME_RSI } from '@sandbox-kernel/contracts';

const TWO_32 = 2 ** 32;
const WORD: readonly number[] = [
  FRAME_RDI >>> 2,
  FRAME_RSI >>> 2,
  FRAME_RDX >>> 2,
  FRAME_R10 >>> 2,
  FRAME_R8 >>> 2,
  FRAME_R9 >>> 2,
];

export class SyscallArgs {
  private readonly words: Uint32Array;
  private readonly base: number;

  constructor(frame: FrameMemory) {
    this.words = frame.words;
    this.base = frame.offset >>> 2;
  }

  /** Low 32 bits, unsigned. */
  lo(i: number): number {
    return this.words[this.base + WORD[i]!]!;
  }

  /** High 32 bits, unsigned. */
  hi(i: number): number {
    return this.words[this.base + WORD[i]! + 1]!;
  }

  /** As a C int. */
  int(i: number): number {
    return this.words[this.base + WORD[i]!]! | 0;
  }

  /** As a C unsigned int. */
  uint(i: number): number {
    return this.words[this.base + WORD[i]!]!;
  }

  /** As an unsigned 64-bit number; rounded above 2^53, which stays far outside every valid address. */
  addr(i: number): number {
    const at = this.base + WORD[i]!;
    return this.words[at + 1]! * TWO_32 + this.words[at]!;
  }

  /** As a signed 64-bit number; rounded beyond ±2^53. */
  long(i: number): number {
    const at = this.base + WORD[i]!;
    return (this.words[at + 1]! | 0) * TWO_32 + this.words[at]!;
  }

  /** As an ssize_t: negative values mean a size over 2^63, which every call refuses. */
  size(i: number): number {
    return this.long(i);
  }
}
