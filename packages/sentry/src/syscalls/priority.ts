// getpriority(2), setpriority(2), ioprio_get(2), ioprio_set(2): nice values and I/O priorities of threads, groups and users, kept and returned.
import {
  CAP_SYS_ADMIN,
  CAP_SYS_NICE,
  EACCES,
  EINVAL,
  EPERM,
  ESRCH,
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
  IOPRIO_CLASS_NONE,
  IOPRIO_CLASS_RT,
  PRIO_PGRP,
  PRIO_PROCESS,
  PRIO_USER,
  RLIMIT_NICE,
  SCHED_FIFO,
  SCHED_IDLE,
  SCHED_RR,
  SYS_getpriority,
  SYS_ioprio_get,
  SYS_ioprio_set,
  SYS_setpriority,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

const CLASS_SHIFT = 13;
const CLASS_MASK = 7;
const LEVELS = 8;
/** IOPRIO_WHO_PROCESS and its like are PRIO_PROCESS and its like, plus one. */
const IOPRIO_WHO_PROCESS = 1;

/** May the caller set scheduling attributes of `target`? */
export function mayManage(task: Task, target: Task): boolean {
  const from = task.credentials;
  const to = target.credentials;
  return from.euid === to.euid || from.euid === to.uid || from.hasCapability(CAP_SYS_NICE);
}

/** RLIMIT_NICE, whose numbers run from 1 (nice 19) to 40 (nice -20). */
export function mayLowerNice(target: Task, nice: number): boolean {
  return 20 - nice <= target.group.limits.soft[RLIMIT_NICE]!;
}

/** Threads that a (which, who) pair names. */
function threadsOf(task: Task, which: number, who: number): Task[] | number {
  const all = task.kernel.processes.tasks.values();
  switch (which) {
    case PRIO_PROCESS: {
      const target = who === 0 ? task : task.kernel.findTask(who);
      return target === null ? [] : [target];
    }
    case PRIO_PGRP: {
      const pgid = who === 0 ? task.group.processGroup.pgid : who;
      return [...all].filter((one) => one.group.processGroup.pgid === pgid);
    }
    case PRIO_USER: {
      const uid = who === 0 ? task.credentials.uid : who >>> 0;
      return [...all].filter((one) => one.credentials.uid === uid);
    }
    default:
      return -EINVAL;
  }
}

function getpriority(task: Task, args: SyscallArgs): number {
  const targets = threadsOf(task, args.int(0), args.int(1));
  if (typeof targets === 'number') return targets;
  if (targets.length === 0) return -ESRCH;
  let lowest = 19;
  for (const target of targets) lowest = Math.min(lowest, target.scheduling.nice);
  return 20 - lowest;
}

function setpriority(task: Task, args: SyscallArgs): number {
  const targets = threadsOf(task, args.int(0), args.int(1));
  if (typeof targets === 'number') return targets;
  const nice = Math.max(-20, Math.min(19, args.int(2)));
  let result = -ESRCH;
  for (const target of targets) {
    const one = setNice(task, target, nice);
    if (one < 0) result = one;
    else if (result === -ESRCH) result = 0;
  }
  return result;
}

function setNice(task: Task, target: Task, nice: number): number {
  if (!mayManage(task, target)) return -EPERM;
  const lowers = nice < target.scheduling.nice && !mayLowerNice(target, nice);
  if (lowers && !task.credentials.hasCapability(CAP_SYS_NICE)) return -EACCES;
  target.scheduling.nice = nice;
  return 0;
}

function ioprioGet(task: Task, args: SyscallArgs): number {
  const which = args.int(0) - IOPRIO_WHO_PROCESS;
  const targets = threadsOf(task, which, args.int(1));
  if (typeof targets === 'number') return targets;
  if (targets.length === 0) return -ESRCH;
  if (which === PRIO_PROCESS) return targets[0]!.scheduling.ioPriority;
  let best = Number.POSITIVE_INFINITY;
  for (const target of targets) best = Math.min(best, effective(target));
  return best;
}

/** Where none is set it follows from policy and nice value. */
function effective(target: Task): number {
  const { ioPriority, policy, nice } = target.scheduling;
  if (ioPriority >>> CLASS_SHIFT !== IOPRIO_CLASS_NONE) return ioPriority;
  const realtime = policy === SCHED_FIFO || policy === SCHED_RR;
  const idle = policy === SCHED_IDLE ? IOPRIO_CLASS_IDLE : IOPRIO_CLASS_BE;
  const group = realtime ? IOPRIO_CLASS_RT : idle;
  return (group << CLASS_SHIFT) | Math.floor((nice + 20) / 5);
}

function ioprioSet(task: Task, args: SyscallArgs): number {
  const value = args.int(2);
  const valid = checkIoPriority(task, value);
  if (valid !== 0) return valid;
  const targets = threadsOf(task, args.int(0) - IOPRIO_WHO_PROCESS, args.int(1));
  if (typeof targets === 'number') return targets;
  if (targets.length === 0) return -ESRCH;
  for (const target of targets) {
    if (!maySetIoPriority(task, target)) return -EPERM;
    target.scheduling.ioPriority = value;
  }
  return 0;
}

function checkIoPriority(task: Task, value: number): number {
  const level = value & (LEVELS - 1);
  switch ((value >> CLASS_SHIFT) & CLASS_MASK) {
    case IOPRIO_CLASS_RT: {
      const { credentials } = task;
      return credentials.hasCapability(CAP_SYS_ADMIN) || credentials.hasCapability(CAP_SYS_NICE) ? 0 : -EPERM;
    }
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
      return 0;
    case IOPRIO_CLASS_NONE:
      return level === 0 ? 0 : -EINVAL;
    default:
      return -EINVAL;
  }
}

function maySetIoPriority(task: Task, target: Task): boolean {
  const { credentials } = task;
  const { uid } = target.credentials;
  return uid === credentials.euid || uid === credentials.uid || credentials.hasCapability(CAP_SYS_NICE);
}

const KEPT = 'kept and returned; the host scheduler decides';

export const PRIORITY_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getpriority, name: 'getpriority', handler: getpriority, coverage: 'full', format: 'dd' },
  {
    nr: SYS_setpriority,
    name: 'setpriority',
    handler: setpriority,
    coverage: 'partial',
    note: KEPT,
    format: 'ddd',
  },
  { nr: SYS_ioprio_get, name: 'ioprio_get', handler: ioprioGet, coverage: 'full', format: 'dd' },
  {
    nr: SYS_ioprio_set,
    name: 'ioprio_set',
    handler: ioprioSet,
    coverage: 'partial',
    note: KEPT,
    format: 'ddd',
  },
];
