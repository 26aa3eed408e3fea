// sched(7): policies, parameters and affinity are kept and returned; the host's scheduler runs the threads. Also sched_yield(2),
// getcpu(2), membarrier(2), ioprio_get(2).
import {
  CAP_SYS_NICE,
  E2BIG,
  EFAULT,
  EINVAL,
  EPERM,
  ERESTARTNOINTR,
  ESRCH,
  RLIMIT_RTPRIO,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_FIFO,
  SCHED_IDLE,
  SCHED_NORMAL,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
  SYS_getcpu,
  SYS_ioprio_get,
  SYS_ioprio_set,
  SYS_membarrier,
  SYS_sched_get_priority_max,
  SYS_sched_get_priority_min,
  SYS_sched_getaffinity,
  SYS_sched_getattr,
  SYS_sched_getparam,
  SYS_sched_getscheduler,
  SYS_sched_rr_get_interval,
  SYS_sched_setaffinity,
  SYS_sched_setattr,
  SYS_sched_setparam,
  SYS_sched_setscheduler,
  SYS_sched_yield,
} from '@sandbox-kernel/abi';
import { freezeImage, type SyscallArgs, TASK_RUNNING, type Task, thawImage } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { put64, writeTimespec } from './user-time.js';

const ATTR_SIZE_VER0 = 48;
const ATTR_SIZE_VER1 = 56;
const SLICE_NANOS = 100_000_000;
const FAIR_SLICE_NANOS = 3_000_000;
const MEMBARRIER_COMMANDS = 0x3ff;
/** MEMBARRIER_CMD_REGISTER_*: global, private, sync core, rseq. */
const MEMBARRIER_REGISTRATIONS = 0x154;
const MEMBARRIER_PRIVATE = 0xa8;
const MEMBARRIER_CMD_GLOBAL = 1;
/** MEMBARRIER_CMD_GLOBAL and _GLOBAL_EXPEDITED. */
const MEMBARRIER_GLOBAL = 0x3;
const MEMBARRIER_CMD_GET_REGISTRATIONS = 0x200;

function targetOf(task: Task, pid: number): Task | null | number {
  if (pid < 0) return -EINVAL;
  return pid === 0 ? task : task.kernel.findTask(pid);
}

function isRealtimePolicy(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

function validPriority(policy: number, priority: number): boolean {
  if (isRealtimePolicy(policy)) return priority >= 1 && priority <= 99;
  return (policy === SCHED_NORMAL || policy === SCHED_BATCH || policy === SCHED_IDLE) && priority === 0;
}

function mayManage(task: Task, target: Task): boolean {
  const from = task.credentials;
  const to = target.credentials;
  return from.euid === to.euid || from.euid === to.uid || from.hasCapability(CAP_SYS_NICE);
}

function setPolicy(task: Task, pid: number, rawPolicy: number, priority: number): number {
  const target = targetOf(task, pid);
  if (typeof target === 'number') return target;
  if (target === null) return -ESRCH;
  const scheduling = target.scheduling;
  const keep = rawPolicy === -1;
  const policy = keep ? scheduling.policy : rawPolicy & ~SCHED_RESET_ON_FORK;
  const reset = keep ? scheduling.resetOnFork : (rawPolicy & SCHED_RESET_ON_FORK) !== 0;
  if (!validPriority(policy, priority)) return -EINVAL;
  if (!mayManage(task, target)) return -EPERM;
  if (isRealtimePolicy(policy) && !task.credentials.hasCapability(CAP_SYS_NICE)) {
    const limit = target.group.limits.soft[RLIMIT_RTPRIO]!;
    if (policy !== scheduling.policy && limit === 0) return -EPERM;
    if (priority > scheduling.priority && priority > limit) return -EPERM;
  }
  scheduling.policy = policy;
  scheduling.priority = priority;
  scheduling.resetOnFork = reset;
  return 0;
}

function readPriority(task: Task, addr: number): number | null {
  const bytes = task.kernel.scratch(4);
  if (task.memory.copyIn(addr, bytes, 0, 4) !== 4) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
}

function schedSetscheduler(task: Task, args: SyscallArgs): number {
  const policy = args.int(1);
  const addr = args.addr(2);
  if (policy < 0 || addr === 0) return -EINVAL;
  const priority = readPriority(task, addr);
  return priority === null ? -EFAULT : setPolicy(task, args.int(0), policy, priority);
}

function schedSetparam(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  if (addr === 0) return -EINVAL;
  const priority = readPriority(task, addr);
  return priority === null ? -EFAULT : setPolicy(task, args.int(0), -1, priority);
}

function schedGetscheduler(task: Task, args: SyscallArgs): number {
  const target = targetOf(task, args.int(0));
  if (typeof target === 'number') return target;
  if (target === null) return -ESRCH;
  return target.scheduling.policy | (target.scheduling.resetOnFork ? SCHED_RESET_ON_FORK : 0);
}

function schedGetparam(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  const target = targetOf(task, args.int(0));
  if (addr === 0 || typeof target === 'number') return -EINVAL;
  if (target === null) return -ESRCH;
  return task.memory.writeU32(addr, target.scheduling.priority);
}

function priorityRange(policy: number, highest: boolean): number {
  if (isRealtimePolicy(policy)) return highest ? 99 : 1;
  const known =
    policy === SCHED_NORMAL || policy === SCHED_BATCH || policy === SCHED_IDLE || policy === SCHED_DEADLINE;
  return known ? 0 : -EINVAL;
}

const schedGetPriorityMax = (_task: Task, args: SyscallArgs): number => priorityRange(args.int(0), true);
const schedGetPriorityMin = (_task: Task, args: SyscallArgs): number => priorityRange(args.int(0), false);

function schedRrGetInterval(task: Task, args: SyscallArgs): number {
  const target = targetOf(task, args.int(0));
  if (typeof target === 'number') return target;
  if (target === null) return -ESRCH;
  const policy = target.scheduling.policy;
  const nanos = policy === SCHED_RR ? SLICE_NANOS : policy === SCHED_FIFO ? 0 : FAIR_SLICE_NANOS;
  return writeTimespec(task, args.addr(1), nanos);
}

function schedGetattr(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  const size = args.uint(2);
  const target = targetOf(task, args.int(0));
  if (addr === 0 || typeof target === 'number' || size < ATTR_SIZE_VER0 || size > 4096 || args.uint(3) !== 0)
    return -EINVAL;
  if (target === null) return -ESRCH;
  const scheduling = target.scheduling;
  const bytes = new Uint8Array(ATTR_SIZE_VER1);
  const view = new DataView(bytes.buffer);
  const used = Math.min(size, ATTR_SIZE_VER1);
  view.setUint32(0, used, true);
  view.setUint32(4, scheduling.policy, true);
  put64(view, 8, scheduling.resetOnFork ? 1 : 0);
  view.setInt32(16, isRealtimePolicy(scheduling.policy) ? 0 : scheduling.nice, true);
  view.setUint32(20, scheduling.priority, true);
  put64(view, 24, scheduling.runtime);
  put64(view, 32, scheduling.deadline);
  put64(view, 40, scheduling.period);
  view.setUint32(48, scheduling.utilMin, true);
  view.setUint32(52, scheduling.utilMax, true);
  return task.memory.copyOut(addr, bytes, 0, used) === used ? 0 : -EFAULT;
}

function schedSetattr(task: Task, args: SyscallArgs): number {
  const addr = args.addr(1);
  if (addr === 0 || args.int(0) < 0 || args.uint(2) !== 0) return -EINVAL;
  const bytes = new Uint8Array(ATTR_SIZE_VER1);
  const given = task.memory.readU32(addr);
  if (given < 0) return -EFAULT;
  const size = given === 0 ? ATTR_SIZE_VER0 : given;
  if (size < ATTR_SIZE_VER0 || size > 4096) {
    return task.memory.writeU32(addr, ATTR_SIZE_VER1) < 0 ? -EFAULT : -E2BIG;
  }
  const read = Math.min(size, ATTR_SIZE_VER1);
  if (task.memory.copyIn(addr, bytes, 0, read) !== read) return -EFAULT;
  const view = new DataView(bytes.buffer);
  const policy = view.getInt32(4, true);
  if (policy < 0 || policy === SCHED_DEADLINE) return policy < 0 ? -EINVAL : -EPERM;
  const reset = view.getUint32(8, true) & 1;
  const result = setPolicy(
    task,
    args.int(0),
    policy | (reset !== 0 ? SCHED_RESET_ON_FORK : 0),
    view.getInt32(20, true),
  );
  if (result < 0) return result;
  const target = targetOf(task, args.int(0));
  if (target !== null && typeof target !== 'number' && !isRealtimePolicy(policy)) {
    target.scheduling.nice = Math.max(-20, Math.min(19, view.getInt32(16, true)));
  }
  return 0;
}

/** Bits of processors that exist, as words. */
function allProcessors(task: Task): Uint32Array {
  const count = task.kernel.options.processors;
  const words = new Uint32Array(Math.ceil(count / 64) * 2);
  for (let cpu = 0; cpu < count; cpu++) words[cpu >>> 5]! |= 1 << (cpu & 31);
  return words;
}

function schedGetaffinity(task: Task, args: SyscallArgs): number {
  const size = args.uint(1);
  const all = allProcessors(task);
  if (size * 8 < task.kernel.options.processors || size % 8 !== 0) return -EINVAL;
  const target = targetOf(task, args.int(0));
  if (target === null || typeof target === 'number') return -ESRCH;
  const words = target.scheduling.affinity ?? all;
  const count = Math.min(size, words.byteLength);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  return task.memory.copyOut(args.addr(2), bytes, 0, count) === count ? count : -EFAULT;
}

function schedSetaffinity(task: Task, args: SyscallArgs): number {
  const all = allProcessors(task);
  const words = new Uint32Array(all.length);
  const bytes = new Uint8Array(words.buffer);
  const count = Math.min(args.uint(1), bytes.length);
  if (task.memory.copyIn(args.addr(2), bytes, 0, count) !== count) return -EFAULT;
  const target = targetOf(task, args.int(0));
  if (target === null || typeof target === 'number') return -ESRCH;
  if (!mayManage(task, target)) return -EPERM;
  let any = 0;
  for (let i = 0; i < words.length; i++) {
    words[i]! &= all[i]!;
    any |= words[i]!;
  }
  if (any === 0) return -EINVAL;
  target.scheduling.affinity = words;
  if (words.some((word, i) => word !== all[i])) task.kernel.options.vdso?.processorsChosen();
  return 0;
}

function schedYield(): number {
  return 0;
}

/** One on which the task may run, the same as rseq(2) says: nobody can tell which it is, but a program relies on its own choice. */
function firstProcessor(task: Task): number {
  if (task.rseqAddress !== 0 && task.rseqCpu >= 0) return task.rseqCpu;
  const words = task.scheduling.affinity;
  if (words === null) return 0;
  const at = words.findIndex((word) => word !== 0);
  return at < 0 ? 0 : at * 32 + 31 - Math.clz32(words[at]! & -words[at]!);
}

function getcpu(task: Task, args: SyscallArgs): number {
  const cpu = args.addr(0);
  const node = args.addr(1);
  if (cpu !== 0 && task.memory.writeU32(cpu, firstProcessor(task)) < 0) return -EFAULT;
  return node !== 0 && task.memory.writeU32(node, 0) < 0 ? -EFAULT : 0;
}

/** Every trap of a thread is a full barrier only for itself; interrupting the others makes it one for all. */
function membarrier(task: Task, args: SyscallArgs): number {
  const command = args.int(0);
  if (args.uint(1) !== 0) return -EINVAL;
  if (command === 0) return MEMBARRIER_COMMANDS;
  if (command === MEMBARRIER_CMD_GET_REGISTRATIONS) return task.image.membarrier;
  if ((command & ~MEMBARRIER_COMMANDS) !== 0 || (command & (command - 1)) !== 0) return -EINVAL;
  if ((command & MEMBARRIER_REGISTRATIONS) !== 0) {
    task.image.membarrier |= command;
    return 0;
  }
  // A private expedited barrier needs the registration whose bit is the next one.
  if ((command & MEMBARRIER_PRIVATE) !== 0 && (task.image.membarrier & (command << 1)) === 0) return -EPERM;
  // Whoever has been out of the program since has passed a barrier.
  const frozen = freezeImage(task, -ERESTARTNOINTR);
  if (frozen !== 0) return frozen;
  thawImage(task);
  if ((command & MEMBARRIER_GLOBAL) !== 0) interruptOthers(task, command);
  return 0;
}

/** Threads of other processes are interrupted, but not waited for. */
function interruptOthers(task: Task, command: number): void {
  for (const other of task.kernel.processes.tasks.values()) {
    if (other.state !== TASK_RUNNING || other.image === task.image) continue;
    if (command === MEMBARRIER_CMD_GLOBAL || (other.image.membarrier & (command << 1)) !== 0) {
      other.context.interrupt();
    }
  }
}

function ioprioGet(task: Task, args: SyscallArgs): number {
  if (args.int(0) < 1 || args.int(0) > 3) return -EINVAL;
  const target = args.int(0) === 1 ? targetOf(task, args.int(1)) : task;
  return target === null || typeof target === 'number' ? -ESRCH : target.scheduling.ioPriority;
}

function ioprioSet(task: Task, args: SyscallArgs): number {
  const value = args.int(2);
  if (value < 0 || value >>> 13 > 3 || args.int(0) < 1 || args.int(0) > 3) return -EINVAL;
  const target = args.int(0) === 1 ? targetOf(task, args.int(1)) : task;
  if (target === null || typeof target === 'number') return -ESRCH;
  if (!mayManage(task, target)) return -EPERM;
  target.scheduling.ioPriority = value;
  return 0;
}

const KEPT = 'kept and returned; the host scheduler decides';

export const SCHEDULER_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_sched_yield, name: 'sched_yield', handler: schedYield, coverage: 'full', format: '' },
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
    note: 'no SCHED_DEADLINE; kept and returned',
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
  {
    nr: SYS_sched_setaffinity,
    name: 'sched_setaffinity',
    handler: schedSetaffinity,
    coverage: 'partial',
    note: KEPT,
    format: 'dzp',
  },
  {
    nr: SYS_sched_getaffinity,
    name: 'sched_getaffinity',
    handler: schedGetaffinity,
    coverage: 'full',
    format: 'dzp',
  },
  {
    nr: SYS_getcpu,
    name: 'getcpu',
    handler: getcpu,
    coverage: 'partial',
    note: 'always processor 0',
    format: 'ppp',
  },
  {
    nr: SYS_membarrier,
    name: 'membarrier',
    handler: membarrier,
    coverage: 'partial',
    note: 'threads of other processes are interrupted, not waited for',
    format: 'dxd',
  },
  {
    nr: SYS_ioprio_get,
    name: 'ioprio_get',
    handler: ioprioGet,
    coverage: 'partial',
    note: 'one process only',
    format: 'dd',
  },
  {
    nr: SYS_ioprio_set,
    name: 'ioprio_set',
    handler: ioprioSet,
    coverage: 'partial',
    note: 'kept and returned',
    format: 'ddd',
  },
];
