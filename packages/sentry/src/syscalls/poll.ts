// poll(2), ppoll(2). The array is read at each run of the call and written once, at its end.
import {
  EFAULT,
  EINVAL,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  POLLERR,
  POLLHUP,
  POLLNVAL,
  SYS_poll,
  SYS_ppoll,
} from '@sandbox-kernel/abi';
import {
  BLOCKED,
  dropTemporaryMask,
  RestartBlock,
  type SyscallArgs,
  type Task,
  useTemporaryMask,
} from '@sandbox-kernel/kernel';
import { descriptorLimit } from './arguments.js';
import type { SyscallRow } from './row.js';
import { readMask, UserMask } from './signal.js';
import { readTimespec, UserTime, writeTimespec } from './user-time.js';
import { WORKSPACE_BYTES, workspaceOf } from './workspace.js';

const POLLFD_SIZE = 8;
const SIGSET_SIZE = 8;

function poll(task: Task, args: SyscallArgs): number {
  const timeout = args.int(2);
  startDeadline(task, timeout < 0 ? Number.POSITIVE_INFINITY : timeout * 1e6);
  return restartable(task, args.addr(0), args.uint(1));
}

/** After a stop the timeout goes on, and does not start again. */
function restartable(task: Task, addr: number, count: number): number {
  const result = pollArray(task, addr, count);
  if (result !== -ERESTARTNOHAND) return result;
  task.restartBlock = new PollRestart(addr, count, task.call.deadline);
  return -ERESTART_RESTARTBLOCK;
}

class PollRestart extends RestartBlock {
  readonly addr: number;
  readonly count: number;
  readonly deadline: number;

  constructor(addr: number, count: number, deadline: number) {
    super();
    this.addr = addr;
    this.count = count;
    this.deadline = deadline;
  }

  restart(task: Task): number {
    task.call.deadline = this.deadline;
    return restartable(task, this.addr, this.count);
  }
}

function ppoll(task: Task, args: SyscallArgs): number {
  const prepared = prepareWait(task, args.addr(2), args.addr(3), args.size(4));
  if (prepared !== 0) return prepared;
  return finishWait(task, pollArray(task, args.addr(0), args.uint(1)), args.addr(2), writeTimespec);
}

/** Sets the call's deadline at its first run. `nanos`: from now. */
export function startDeadline(task: Task, nanos: number): void {
  const { call } = task;
  if (call.phase !== 0) return;
  call.phase = 1;
  call.deadline = nanos === Number.POSITIVE_INFINITY ? nanos : task.kernel.clock.monotonic() + nanos;
}

/** Timeout and signal mask of ppoll, pselect6 and epoll_pwait2, checked at each run, in force from the first. 0 or -errno. */
export function prepareWait(task: Task, timeAddr: number, maskAddr: number, maskSize: number): number {
  const time = new UserTime();
  if (timeAddr !== 0 && task.call.phase === 0) {
    const read = readTimespec(task, timeAddr, time);
    if (read !== 0) return read;
  }
  startDeadline(task, timeAddr === 0 ? Number.POSITIVE_INFINITY : time.total);
  return applyMask(task, maskAddr, maskSize);
}

/** A null mask leaves the old one. */
export function applyMask(task: Task, addr: number, size: number): number {
  if (addr === 0) return 0;
  if (size !== SIGSET_SIZE) return -EINVAL;
  const mask = new UserMask();
  const read = readMask(task, addr, mask);
  if (read !== 0) return read;
  useTemporaryMask(task, mask.lo, mask.hi);
  return 0;
}

/** What is left of the timeout is told, and the old mask is back, unless a signal ends the call. */
export function finishWait(
  task: Task,
  result: number,
  timeAddr: number,
  write: (task: Task, addr: number, nanos: number) => number,
): number {
  if (result === BLOCKED) return BLOCKED;
  if (result !== -ERESTARTNOHAND) dropTemporaryMask(task);
  if (timeAddr !== 0) write(task, timeAddr, Math.max(task.call.deadline - task.kernel.clock.monotonic(), 0));
  return result;
}

export function expired(task: Task): boolean {
  return task.call.deadline <= task.kernel.clock.monotonic();
}

function pollArray(task: Task, addr: number, count: number): number {
  if (count > descriptorLimit(task)) return -EINVAL;
  const size = count * POLLFD_SIZE;
  const space = workspaceOf(task);
  const bytes = size <= WORKSPACE_BYTES ? space.bytes : new Uint8Array(size);
  const view = size <= WORKSPACE_BYTES ? space.view : new DataView(bytes.buffer);
  if (size > 0 && task.memory.copyIn(addr, bytes, 0, size) < size) return -EFAULT;
  let ready = 0;
  for (let i = 0; i < count; i++) {
    const at = i * POLLFD_SIZE;
    const events = eventsOf(task, view.getInt32(at, true), view.getUint16(at + 4, true));
    view.setUint16(at + 6, events, true);
    if (events !== 0) ready++;
  }
  if (ready === 0 && !expired(task)) return waitForAny(task, view, count);
  return size > 0 && task.memory.copyOut(addr, bytes, 0, size) < size ? -EFAULT : ready;
}

function eventsOf(task: Task, fd: number, wanted: number): number {
  if (fd < 0) return 0;
  const file = task.files.getOpen(fd);
  if (file === null) return POLLNVAL;
  return file.ops.poll(file) & (wanted | POLLERR | POLLHUP);
}

function waitForAny(task: Task, view: DataView, count: number): number {
  for (let i = 0; i < count; i++) {
    const at = i * POLLFD_SIZE;
    const fd = view.getInt32(at, true);
    const file = fd < 0 ? null : task.files.getOpen(fd);
    if (file !== null) task.watch(file, view.getUint16(at + 4, true) | POLLERR | POLLHUP, false);
  }
  task.wakeAt(task.call.deadline);
  return task.block(-ERESTARTNOHAND);
}

export const POLL_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_poll,
    name: 'poll',
    handler: poll,
    coverage: 'full',
    format: 'pud',
  },
  { nr: SYS_ppoll, name: 'ppoll', handler: ppoll, coverage: 'full', format: 'puppz' },
];
