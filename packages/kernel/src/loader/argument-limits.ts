// How much argv and envp may be (execve(2), "Limits on size of arguments and environment").
import { E2BIG } from '@sandbox-kernel/abi';

/** One string, its NUL included. */
export const MAX_ARG_STRLEN = 131072;
export const MAX_ARG_STRINGS = 0x7fffffff;
const ARG_MAX = 131072;
const THREE_QUARTERS_OF_DEFAULT_STACK = (8 * 1024 * 1024 * 3) / 4;

/** 0, or -E2BIG. `bytes`: all strings with their NULs, the file name's too. */
export function checkArguments(bytes: number, argc: number, envc: number, stackLimit: number): number {
  const limit = Math.max(Math.min(THREE_QUARTERS_OF_DEFAULT_STACK, Math.floor(stackLimit / 4)), ARG_MAX);
  const pointers = (Math.max(argc, 1) + envc) * 8;
  return limit <= pointers || bytes > limit - pointers ? -E2BIG : 0;
}

/** Bytes of the strings with NULs. */
export function stringBytes(strings: readonly string[]): number {
  let sum = 0;
  for (const text of strings) sum += text.length + 1;
  return sum;
}
