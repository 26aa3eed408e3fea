// sched_setscheduler(2), sched_setattr(2) and their like: policies and parameters are checked as sched(7) says, kept and returned; the host's
// scheduler runs the threads. SCHED_DEADLINE finds no bandwidth (EBUSY), utilization clamps are not supported.
import {
  CAP_SYS_NICE,
  E2BIG,
  EBUSY,
  EFAULT,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
  ESRCH,
  RLIMIT_RTPRIO,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_EXT,
  SCHED_FIFO,
  SCHED_FLAG_ALL,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_FLAG_UTIL_CLAMP,
  SCHED_IDLE,
  SCHED_NORMAL,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
  SYS_sched_get_priority_max,
  SYS_sched_get_priority_min,
  SYS_sched_getattr,
  SYS_sched_getparam,
  SYS_sched_getscheduler,
  SYS_sched_rr_get_interval,
  SYS_sched_setattr,
  SYS_sched_setparam,
  SYS_sched_setscheduler,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import { mayLowerNice, mayManage } from './priority.js';
import type { SyscallRow } from './row.js';
import { put64, writeTimespec } from './user-time.js';

const ATTR_SIZE_VER0 = 48;
const ATTR_SIZE_VER1 = 56;
const PAGE = 4096;
const SLICE_NANOS = 100_000_000;
const FAIR_SLICE_NANOS = 3_000_000;
const MAX_RT_PRIORITY = 99;
const MIN_DEADLINE_RUNTIME = 1024;
const TWO_32 = 2 ** 32;

/** struct sched_attr as asked for. `policy` -1: the one it has. */
interface Wanted {
  policy: number;
  flags: number;
  nice: number;
  priority: number;
  runtime: number;
  deadline: number;
  period: number;
}

/** A thread by pid (0: the caller); -EINVAL, -ESRCH. */
export function schedulee(task: Task, pid: number): Task | number {
  if (pid < 0) return -EINVAL;
  return pid === 0 ? task : (task.kernel.findTask(pid) ?? -ESRCH);
}

function isRealtime(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

function isFair(policy: number): boolean {
  return policy === SCHED_NORMAL || policy === SCHED_BATCH;
}

function isPolicy(policy: number): boolean {
  return isFair(policy) || isRealtime(policy) || policy === SCHED_IDLE || policy === SCHED_DEADLINE;
}

function set(task: Task, target: Task, wanted: Wanted): number {
  const { scheduling } = target;
  const keepsPolicy = wanted.policy < 0;
  const policy = keepsPolicy ? scheduling.policy : wanted.policy;
  const reset = keepsPolicy ? scheduling.resetOnFork : (wanted.flags & SCHED_FLAG_RESET_ON_FORK) !== 0;
  if (!isPolicy(policy)) return -EINVAL;
  const valid = checkParameters(policy, wanted);
  if (valid !== 0) return valid;
  if (!task.credentials.hasCapability(CAP_SYS_NICE) && needsPrivilege(task, target, policy, reset, wanted))
    return -EPERM;
  if ((wanted.flags & SCHED_FLAG_UTIL_CLAMP) !== 0) return -EOPNOTSUPP;
  if (policy === SCHED_DEADLINE) return -EBUSY;
  scheduling.resetOnFork = reset;
  scheduling.policy = policy;
  if ((wanted.flags & SCHED_FLAG_KEEP_PARAMS) !== 0) return 0;
  scheduling.priority = wanted.priority;
  if (isFair(policy)) scheduling.nice = wanted.nice;
  return 0;
}

function checkParameters(policy: number, wanted: Wanted): number {
  if ((wanted.flags & ~SCHED_FLAG_ALL) !== 0) return -EINVAL;
  if (wanted.priority > MAX_RT_PRIORITY) return -EINVAL;
  if (isRealtime(policy) !== (wanted.priority !== 0)) return -EINVAL;
  if (policy !== SCHED_DEADLINE) return 0;
  const period = wanted.period || wanted.deadline;
  const ordered = wanted.runtime <= wanted.deadline && wanted.deadline <= period;
  return wanted.deadline > 0 && wanted.runtime >= MIN_DEADLINE_RUNTIME && ordered ? 0 : -EINVAL;
}

/** For callers without CAP_SYS_NICE. */
function needsPrivilege(task: Task, target: Task, policy: number, reset: boolean, wanted: Wanted): boolean {
  const { scheduling } = target;
  if (isFair(policy) && wanted.nice < scheduling.nice && !mayLowerNice(target, wanted.nice)) return true;
  if (isRealtime(policy)) {
    const limit = target.group.limits.soft[RLIMIT_RTPRIO]!;
    if (policy !== scheduling.policy && limit === 0) return true;
    if (wanted.priority > scheduling.priority && wanted.priority > limit) return true;
  }
  if (policy === SCHED_DEADLINE) return true;
  // SCHED_IDLE counts as nice 20: leaving it is a reduction.
  if (scheduling.policy === SCHED_IDLE && policy !== SCHED_IDLE && !mayLowerNice(target, scheduling.nice))
    return true;
  return !mayManage(task, target) || (scheduling.resetOnFork && !reset);
}

function plain(target: Task, policy: number, priority: number): Wanted {
  const flags = policy >= 0 && (policy & SCHED_RESET_ON_FORK) !== 0 ? SCHED_FLAG_RESET_ON_FORK : 0;
  return {
    policy: policy < 0 ? policy : policy & ~SCHED_RESET_ON_FORK,
    flags,
    nice: target.scheduling.nice,
    priority,
    runtime: 0,
    deadline: 0,
    period: 0,
  };
}

function setPriority(task: Task, pid: number, policy: number, addr: number): number {
  if (addr === 0 || pid < 0) return -EINVAL;
  const bytes = task.kernel.scratch(4);
  if (task.memory.copyIn(addr, bytes, 0, 4) !== 4) return -EFAULT;
  const priority = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
  const target = schedulee(task, pid);
  if (typeof target === 'number') return target;
  // As unsigned: a negative priority is beyond all.
  return set(task, target, plain(target, policy, priority >>> 0));
}

function schedSetscheduler(task: Task, args: SyscallArgs): number {
  const policy = args.int(1);
  return policy < 0 ? -EINVAL : setPriority(task, args.int(0), policy, args.addr(2));
}

function schedSetparam(task: Task, args: SyscallArgs): number {
  return setPriority(task, args.int(0), -1, args.addr(1));
}

function schedGetscheduler(task: Task, args: SyscallArgs): number {
  const target = schedulee(task, args.int(0));
  if (typeof target === 'number') return target;
  return target.scheduling.policy | (target.scheduling.resetOnFork ? SCHED_RESET_ON_FORK : 0);
}

function schedGetparam(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  if (addr === 0) return -EINVAL;
  const target = schedulee(task, args.int(0));
  return typeof target === 'number' ? target : task.memory.writeU32(addr, target.scheduling.priority);
}

function schedSetattr(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  if (addr === 0 || args.int(0) < 0 || args.uint(2) !== 0) return -EINVAL;
  const view = readAttributes(task, addr);
  if (typeof view === 'number') return view;
  const flagsHigh = view.getUint32(12, true);
  const wanted: Wanted = {
    policy: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    nice: Math.max(-20, Math.min(19, view.getInt32(16, true))),
    priority: view.getUint32(20, true),
    runtime: get64(view, 24),
    deadline: get64(view, 32),
    period: get64(view, 40),
  };
  if (wanted.policy < 0) return -EINVAL;
  if ((wanted.flags & SCHED_FLAG_KEEP_POLICY) !== 0) wanted.policy = -1;
  const target = schedulee(task, args.int(0));
  if (typeof target === 'number') return target;
  if (flagsHigh !== 0) return -EINVAL;
  if ((wanted.flags & SCHED_FLAG_KEEP_PARAMS) !== 0) keepParameters(target, wanted);
  return set(task, target, wanted);
}

function keepParameters(target: Task, wanted: Wanted): void {
  const { policy, priority, nice } = target.scheduling;
  if (isRealtime(policy)) wanted.priority = priority;
  else wanted.nice = nice;
}

/** struct sched_attr of any size (extensible: what is not known must be 0), or -errno. */
function readAttributes(task: Task, addr: number): DataView | number {
  const given = task.memory.readU32(addr);
  if (given < 0) return -EFAULT;
  const size = given === 0 ? ATTR_SIZE_VER0 : given;
  if (size < ATTR_SIZE_VER0 || size > PAGE) return tooLarge(task, addr);
  const bytes = new Uint8Array(Math.max(size, ATTR_SIZE_VER1));
  if (task.memory.copyIn(addr, bytes, 0, size) !== size) return -EFAULT;
  for (let i = ATTR_SIZE_VER1; i < size; i++) if (bytes[i] !== 0) return tooLarge(task, addr);
  const view = new DataView(bytes.buffer);
  if ((view.getUint32(8, true) & SCHED_FLAG_UTIL_CLAMP) !== 0 && size < ATTR_SIZE_VER1) return -EINVAL;
  return view;
}

/** Tells what is known. */
function tooLarge(task: Task, addr: number): number {
  task.memory.writeU32(addr, ATTR_SIZE_VER1);
  return -E2BIG;
}

function schedGetattr(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  const size = args.uint(2);
  const pid = args.int(0);
  if (addr === 0 || pid < 0 || size < ATTR_SIZE_VER0 || size > PAGE || args.uint(3) !== 0) return -EINVAL;
  const target = schedulee(task, pid);
  if (typeof target === 'number') return target;
  const { scheduling } = target;
  const bytes = new Uint8Array(ATTR_SIZE_VER1);
  const view = new DataView(bytes.buffer);
  const used = Math.min(size, ATTR_SIZE_VER1);
  const realtime = isRealtime(scheduling.policy);
  view.setUint32(0, used, true);
  view.setUint32(4, scheduling.policy, true);
  put64(view, 8, scheduling.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0);
  view.setInt32(16, realtime ? 0 : scheduling.nice, true);
  view.setUint32(20, realtime ? scheduling.priority : 0, true);
  return task.memory.copyOut(addr, bytes, 0, used) === used ? 0 : -EFAULT;
}

function get64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}

function priorityRange(policy: number, highest: boolean): number {
  if (isRealtime(policy)) return highest ? MAX_RT_PRIORITY : 1;
  return isPolicy(policy) || policy === SCHED_EXT ? 0 : -EINVAL;
}

const schedGetPriorityMax = (_task: Task, args: SyscallArgs): number => priorityRange(args.int(0), true);
const schedGetPriorityMin = (_task: Task, args: SyscallArgs): number => priorityRange(args.int(0), false);

function schedRrGetInterval(task: Task, args: SyscallArgs): number {
  const target = schedulee(task, args.int(0));
  if (typeof target === 'number') return target;
  const { policy } = target.scheduling;
  const nanos = policy === SCHED_RR ? SLICE_NANOS : policy === SCHED_FIFO ? 0 : FAIR_SLICE_NANOS;
  return writeTimespec(task, args.addr(1), nanos);
}

const KEPT = 'kept and returned; the host scheduler decides';

export const SCHEDULING_POLICY_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_sched_setscheduler,
    name: 'sched_setscheduler',
    handler: schedSetscheduler,
    coverage: 'partial',
    note: KEPT,
    format: 'ddp',
  },
  {
    nr: SYS_sched_getscheduler,
    name: 'sched_getscheduler',
    handler: schedGetscheduler,
    coverage: 'full',
    format: 'd',
  },
  {
    nr: SYS_sched_setparam,
    name: 'sched_setparam',
    handler: schedSetparam,
    coverage: 'partial',
    note: KEPT,
    format: 'dp',
  },
  { nr: SYS_sched_getparam, name: 'sched_getparam', handler: schedGetparam, coverage: 'full', format: 'dp' },
  {
    nr: SYS_sched_setattr,
    name: 'sched_setattr',
    handler: schedSetattr,
    coverage: 'partial',
    note: `${KEPT}; SCHED_DEADLINE is EBUSY, no utilization clamps`,
    format: 'dpx',
  },
  { nr: SYS_sched_getattr, name: 'sched_getattr', handler: schedGetattr, coverage: 'full', format: 'dpux' },
  {
    nr: SYS_sched_get_priority_max,
    name: 'sched_get_priority_max',
    handler: schedGetPriorityMax,
    coverage: 'full',
    format: 'd',
  },
  {
    nr: SYS_sched_get_priority_min,
    name: 'sched_get_priority_min',
    handler: schedGetPriorityMin,
    coverage: 'full',
    format: 'd',
  },
  {
    nr: SYS_sched_rr_get_interval,
    name: 'sched_rr_get_interval',
    handler: schedRrGetInterval,
    coverage: 'full',
    format: 'dp',
  },
];
