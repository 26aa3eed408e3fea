// Decoding that many families share: paths, descriptors, timespecs, limits.
import { EFAULT, EINVAL, PATH_MAX, RLIMIT_FSIZE, RLIMIT_NOFILE } from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';

/** fcntl(2)'s name for FASYNC (asm-generic/fcntl.h). */
export const O_ASYNC = 0o20000;

/** A path argument, one character per byte; -EFAULT or -ENAMETOOLONG. */
export function pathArgument(task: Task, args: SyscallArgs, i: number): string | number {
  return task.memory.readString(args.addr(i), PATH_MAX - 1);
}

/** RLIMIT_NOFILE. */
export function descriptorLimit(task: Task): number {
  return task.group.limits.soft[RLIMIT_NOFILE] as number;
}

/** RLIMIT_FSIZE. */
export function fileSizeLimit(task: Task): number {
  return task.group.limits.soft[RLIMIT_FSIZE] as number;
}

const NANOS_PER_SECOND = 1e9;
const TWO_32 = 2 ** 32;

/** Seconds and nanoseconds of the last `readTimespec`. */
export interface TimespecParts {
  seconds: number;
  nanos: number;
}

/** struct timespec at `addr` into `out`, not yet validated. 0 or -EFAULT. */
export function readTimespec(task: Task, addr: number, out: TimespecParts): number {
  const memory = task.memory;
  const low = memory.readU32(addr);
  const high = memory.readU32(addr + 4);
  const nanosLow = memory.readU32(addr + 8);
  const nanosHigh = memory.readU32(addr + 12);
  if (low < 0 || high < 0 || nanosLow < 0 || nanosHigh < 0) return -EFAULT;
  out.seconds = (high | 0) * TWO_32 + low;
  out.nanos = (nanosHigh | 0) * TWO_32 + nanosLow;
  return 0;
}

/** A relative timeout as nanoseconds; Infinity for a null pointer; -EFAULT; -EINVAL when out of range. */
export function relativeTimeout(task: Task, addr: number): number {
  if (addr === 0) return Number.POSITIVE_INFINITY;
  const parts: TimespecParts = { seconds: 0, nanos: 0 };
  const error = readTimespec(task, addr, parts);
  if (error !== 0) return error;
  if (parts.seconds < 0 || parts.nanos < 0 || parts.nanos >= NANOS_PER_SECOND) return -EINVAL;
  return parts.seconds * NANOS_PER_SECOND + parts.nanos;
}
