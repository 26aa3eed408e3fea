// clock_nanosleep(2), nanosleep(2): absolute sleeps restart as they are; relative ones go on through the restart block and tell
// what is left when a handler ends them.
import { EINTR, ERESTART_RESTARTBLOCK, ERESTARTNOHAND } from '@sandbox-kernel/abi';
import { RestartBlock } from '../restart-block.js';
import type { Task } from '../task.js';

const NANOS = 1_000_000_000;

/** Until `deadline` (ns monotonic), with nothing to report. */
export function sleepUntil(task: Task, deadline: number): number {
  if (task.kernel.clock.monotonic() >= deadline) return 0;
  return task.blockUntil(deadline, -ERESTARTNOHAND);
}

/** For `nanos`; `remaining`: where a struct timespec with the rest goes, 0 for nowhere. */
export function sleepFor(task: Task, nanos: number, remaining: number): number {
  const now = task.kernel.clock.monotonic();
  if (task.call.phase === 0) {
    task.call.phase = 1;
    // A processor's timer slack lets Linux oversleep; the sentry's wake-ups are late enough by themselves.
    task.call.deadline = now + nanos;
  }
  return goOn(task, task.call.deadline, remaining);
}

function goOn(task: Task, deadline: number, remaining: number): number {
  const now = task.kernel.clock.monotonic();
  if (now >= deadline) return 0;
  const result = task.blockUntil(deadline, -ERESTART_RESTARTBLOCK);
  if (result !== -ERESTART_RESTARTBLOCK) return result;
  task.restartBlock = new SleepRestart(deadline, remaining);
  return writeRemaining(task, deadline - now, remaining) < 0 ? -14 : result;
}

function writeRemaining(task: Task, left: number, remaining: number): number {
  if (remaining === 0) return 0;
  const seconds = Math.floor(left / NANOS);
  const bad =
    task.memory.writeU64(remaining, seconds) | task.memory.writeU64(remaining + 8, left - seconds * NANOS);
  return bad < 0 ? -1 : 0;
}

class SleepRestart extends RestartBlock {
  readonly deadline: number;
  readonly remaining: number;

  constructor(deadline: number, remaining: number) {
    super();
    this.deadline = deadline;
    this.remaining = remaining;
  }

  restart(task: Task): number {
    return goOn(task, this.deadline, this.remaining);
  }
}

/** restart_syscall(2). */
export function restartCall(task: Task): number {
  const block = task.restartBlock;
  return block === null ? -EINTR : block.restart(task);
}
