// The general registers of a stopped task, in its trap frame. Offsets are contracts' FRAME_*.

import type { FrameMemory } from '@sandbox-kernel/contracts';
import { FRAME_RAX } from '@sandbox-kernel/contracts';

const TWO_32 = 2 ** 32;

/** A 64-bit register as an unsigned number (rounded above 2^53). */
export function getRegister(frame: FrameMemory, offset: number): number {
  const at = (frame.offset + offset) >>> 2;
  return frame.words[at + 1]! * TWO_32 + frame.words[at]!;
}

/** Stores a number in (-2^53, 2^63): negative ones in two's complement. */
export function setRegister(frame: FrameMemory, offset: number, value: number): void {
  const at = (frame.offset + offset) >>> 2;
  frame.words[at] = value;
  frame.words[at + 1] = Math.floor(value / TWO_32);
}

/** RAX, the result of a call: the fast case of small numbers first. */
export function setResult(frame: FrameMemory, value: number): void {
  const at = (frame.offset + FRAME_RAX) >>> 2;
  frame.words[at] = value;
  if (value >= 0 && value < TWO_32) frame.words[at + 1] = 0;
  else frame.words[at + 1] = Math.floor(value / TWO_32);
}
