// struct timespec and struct timeval in a program's memory, checked as the kernel checks them.
import { EFAULT, EINVAL } from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';

const TWO_32 = 2 ** 32;
const MOST_SECONDS = 2 ** 53 / 1e9;

/** Seconds and nanoseconds as read last; one object per caller. */
export class UserTime {
  seconds: number;
  nanos: number;

  constructor() {
    this.seconds = 0;
    this.nanos = 0;
  }

  /** As ns; Infinity when beyond what a double can count exactly. */
  get total(): number {
    return this.seconds >= MOST_SECONDS ? Infinity : this.seconds * 1e9 + this.nanos;
  }
}

/** 0, -EFAULT, or -EINVAL for values out of range. */
export function readTimespec(task: Task, addr: number, out: UserTime): number {
  const failed = readPair(task, addr, out);
  if (failed !== 0) return failed;
  return out.seconds < 0 || out.nanos < 0 || out.nanos >= 1e9 ? -EINVAL : 0;
}

/** As select(2) takes it: a second and more of microseconds count as seconds. */
export function readLooseTimeval(task: Task, addr: number, out: UserTime): number {
  const failed = readPair(task, addr, out);
  if (failed !== 0) return failed;
  if (out.seconds < 0 || out.nanos < 0) return -EINVAL;
  out.seconds += Math.floor(out.nanos / 1e6);
  out.nanos = (out.nanos % 1e6) * 1000;
  return 0;
}

/** Microseconds become ns. */
export function readTimeval(task: Task, addr: number, out: UserTime): number {
  const failed = readPair(task, addr, out);
  if (failed !== 0) return failed;
  if (out.seconds < 0 || out.nanos < 0 || out.nanos >= 1e6) return -EINVAL;
  out.nanos *= 1000;
  return 0;
}

function readPair(task: Task, addr: number, out: UserTime): number {
  const bytes = task.kernel.scratch(16);
  if (task.memory.copyIn(addr, bytes, 0, 16) !== 16) return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  out.seconds = view.getInt32(4, true) * TWO_32 + view.getUint32(0, true);
  out.nanos = view.getInt32(12, true) * TWO_32 + view.getUint32(8, true);
  return 0;
}

/** Two 64-bit words. 0 or -EFAULT. */
export function writePair(task: Task, addr: number, first: number, second: number): number {
  const bytes = task.kernel.scratch(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  put64(view, 0, first);
  put64(view, 8, second);
  return task.memory.copyOut(addr, bytes, 0, 16) === 16 ? 0 : -EFAULT;
}

export function writeTimespec(task: Task, addr: number, nanos: number): number {
  const seconds = Math.floor(nanos / 1e9);
  return writePair(task, addr, seconds, nanos - seconds * 1e9);
}

export function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
}
