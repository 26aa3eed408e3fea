// The clocks of clock_gettime(2), in ns on each clock's own scale. Processor clocks of others are encoded in the clock id, as
// clock_getcpuclockid(3) and pthread_getcpuclockid(3) make them.
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  EINVAL,
} from '@sandbox-kernel/abi';
import type { Task } from '../task.js';

const NANOS = 1_000_000_000;
// Bits of a processor clock's id: ~pid << 3 | thread << 2 | kind.
const PER_THREAD = 4;
const KIND_MASK = 3;
const KIND_VIRT = 1;
const KIND_FD = 3;

/** Seconds and nanoseconds of a clock. Owned by the caller. */
export class TimeValue {
  seconds: number;
  nanos: number;

  constructor() {
    this.seconds = 0;
    this.nanos = 0;
  }

  set(nanos: number): void {
    this.seconds = Math.floor(nanos / NANOS);
    this.nanos = nanos - this.seconds * NANOS;
  }
}

export function isRealtime(clock: number): boolean {
  return (
    clock === CLOCK_REALTIME ||
    clock === CLOCK_REALTIME_ALARM ||
    clock === CLOCK_REALTIME_COARSE ||
    clock === CLOCK_TAI
  );
}

/** 0 with `out` filled, or -EINVAL. */
export function readClock(task: Task, clock: number, out: TimeValue): number {
  const source = task.kernel.clock;
  source.step?.();
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI: {
      const nanos = source.realtimeNanos + source.monotonic();
      out.set(nanos);
      out.seconds += source.realtimeSeconds;
      return 0;
    }
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      out.set(source.monotonic());
      return 0;
    default: {
      const nanos = processorTime(task, clock);
      if (nanos < 0) return nanos;
      out.set(nanos);
      return 0;
    }
  }
}

/** ns used, or -EINVAL. Negative ids name a process or thread (0: the caller's). */
export function processorTime(task: Task, clock: number): number {
  if (clock === CLOCK_PROCESS_CPUTIME_ID) return task.group.userNanos() + task.group.systemNanos();
  if (clock === CLOCK_THREAD_CPUTIME_ID) return task.userNanos() + task.systemNanos;
  if (clock >= 0 || (clock & KIND_MASK) === KIND_FD) return -EINVAL;
  const pid = ~(clock >> 3);
  const perThread = (clock & PER_THREAD) !== 0;
  const target = pid === 0 ? task : task.kernel.findTask(pid);
  if (target === null || (perThread ? target.group !== task.group : pid !== 0 && !target.isLeader))
    return -EINVAL;
  const onlyUser = (clock & KIND_MASK) === KIND_VIRT;
  if (perThread) return target.userNanos() + (onlyUser ? 0 : target.systemNanos);
  return target.group.userNanos() + (onlyUser ? 0 : target.group.systemNanos());
}

/** Absolute time on `clock` (seconds, nanos) as a deadline on the monotonic clock; Infinity beyond what a double can count. */
export function monotonicDeadline(task: Task, clock: number, seconds: number, nanos: number): number {
  const source = task.kernel.clock;
  // Wall time in ns has more digits than a double: the difference comes first.
  const deadline = isRealtime(clock)
    ? (seconds - source.realtimeSeconds) * NANOS + (nanos - source.realtimeNanos)
    : seconds * NANOS + nanos;
  return deadline < Number.MAX_SAFE_INTEGER ? deadline : Number.POSITIVE_INFINITY;
}
