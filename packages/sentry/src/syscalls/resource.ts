// getrlimit(2), setrlimit(2), prlimit(2), getrusage(2), times(2).
import {
  CAP_SYS_RESOURCE,
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  RLIM_NLIMITS,
  RLIMIT_CPU,
  RLIMIT_NOFILE,
  RUSAGE_CHILDREN,
  RUSAGE_RU_MAXRSS,
  RUSAGE_RU_MINFLT,
  RUSAGE_RU_NVCSW,
  RUSAGE_SELF,
  RUSAGE_SIZE,
  RUSAGE_THREAD,
  SYS_getrlimit,
  SYS_getrusage,
  SYS_prlimit64,
  SYS_setrlimit,
  SYS_times,
} from '@sandbox-kernel/abi';
import {
  NR_OPEN,
  type ResourceUsage,
  type SyscallArgs,
  type Task,
  usageOfChildren,
  usageOfGroup,
  usageOfTask,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';
import { put64, writePair } from './user-time.js';

const TWO_32 = 2 ** 32;
const INFINITE = 2 ** 64;
const NANOS_PER_TICK = 10_000_000;

/** Writes struct rusage. 0 or -EFAULT. */
export function writeUsage(task: Task, addr: number, usage: ResourceUsage): number {
  const bytes = new Uint8Array(RUSAGE_SIZE);
  const view = new DataView(bytes.buffer);
  putTimeval(view, 0, usage.userNanos);
  putTimeval(view, 16, usage.systemNanos);
  put64(view, RUSAGE_RU_MAXRSS, usage.maxRss);
  put64(view, RUSAGE_RU_MINFLT, usage.minorFaults);
  put64(view, RUSAGE_RU_MINFLT + 8, usage.majorFaults);
  put64(view, RUSAGE_RU_NVCSW, usage.voluntarySwitches);
  put64(view, RUSAGE_RU_NVCSW + 8, usage.involuntarySwitches);
  return task.memory.copyOut(addr, bytes, 0, RUSAGE_SIZE) === RUSAGE_SIZE ? 0 : -EFAULT;
}

function putTimeval(view: DataView, at: number, nanos: number): void {
  const seconds = Math.floor(nanos / 1e9);
  put64(view, at, seconds);
  put64(view, at + 8, Math.floor((nanos - seconds * 1e9) / 1000));
}

function getrusage(task: Task, args: SyscallArgs): number {
  switch (args.int(0)) {
    case RUSAGE_SELF:
      return writeUsage(task, args.addr(1), usageOfGroup(task.group));
    case RUSAGE_CHILDREN:
      return writeUsage(task, args.addr(1), usageOfChildren(task.group));
    case RUSAGE_THREAD:
      return writeUsage(task, args.addr(1), usageOfTask(task));
    default:
      return -EINVAL;
  }
}

function times(task: Task, args: SyscallArgs): number {
  const group = task.group;
  const addr = args.addr(0);
  const ticks = (nanos: number): number => Math.floor(nanos / NANOS_PER_TICK);
  if (addr !== 0) {
    if (writePair(task, addr, ticks(group.userNanos()), ticks(group.systemNanos())) < 0) return -EFAULT;
    if (writePair(task, addr + 16, ticks(group.childUserNanos), ticks(group.childSystemNanos)) < 0)
      return -EFAULT;
  }
  task.kernel.clock.step?.();
  return ticks(task.kernel.clock.monotonic());
}

function getrlimit(task: Task, args: SyscallArgs): number {
  const resource = args.uint(0);
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const { soft, hard } = task.group.limits;
  return writeLimit(task, { soft: soft[resource]!, hard: hard[resource]! }, args.addr(1));
}

function setrlimit(task: Task, args: SyscallArgs): number {
  const wanted = readLimit(task, args.addr(1));
  return typeof wanted === 'number' ? wanted : changeLimit(task, task, args.uint(0), wanted, 0);
}

interface Limit {
  readonly soft: number;
  readonly hard: number;
}

function readLimit(task: Task, addr: number): Limit | number {
  const bytes = new Uint8Array(16);
  if (task.memory.copyIn(addr, bytes, 0, 16) !== 16) return -EFAULT;
  const view = new DataView(bytes.buffer);
  return { soft: limitOf(view, 0), hard: limitOf(view, 8) };
}

function prlimit(task: Task, args: SyscallArgs): number {
  const wanted = args.addr(2) === 0 ? null : readLimit(task, args.addr(2));
  if (typeof wanted === 'number') return wanted;
  const pid = args.int(0);
  const target = pid === 0 ? task : task.kernel.findTask(pid);
  if (target === null) return -ESRCH;
  if (target.group !== task.group && !mayChange(task, target)) return -EPERM;
  return changeLimit(task, target, args.uint(1), wanted, args.addr(3));
}

function mayChange(task: Task, target: Task): boolean {
  const from = task.credentials;
  const to = target.credentials;
  const sameUser = from.uid === to.euid && from.uid === to.suid && from.uid === to.uid;
  const sameGroup = from.gid === to.egid && from.gid === to.sgid && from.gid === to.gid;
  return (sameUser && sameGroup) || from.hasCapability(CAP_SYS_RESOURCE);
}

function writeLimit(task: Task, limit: Limit, addr: number): number {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  putLimit(view, 0, limit.soft);
  putLimit(view, 8, limit.hard);
  return task.memory.copyOut(addr, bytes, 0, 16) === 16 ? 0 : -EFAULT;
}

function putLimit(view: DataView, at: number, value: number): void {
  if (value === Infinity) {
    view.setUint32(at, 0xffffffff, true);
    view.setUint32(at + 4, 0xffffffff, true);
  } else put64(view, at, value);
}

function limitOf(view: DataView, at: number): number {
  const value = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
  return value >= INFINITE ? Infinity : value;
}

/** Checks and sets the new limit, and gives out the old one: what can't be given out is set all the same. */
function changeLimit(
  task: Task,
  target: Task,
  resource: number,
  wanted: Limit | null,
  oldAddr: number,
): number {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  if (wanted !== null) {
    const { soft, hard } = wanted;
    if (soft > hard) return -EINVAL;
    if (resource === RLIMIT_NOFILE && hard > NR_OPEN) return -EPERM;
    const raises = hard > target.group.limits.hard[resource]!;
    if (raises && !task.credentials.hasCapability(CAP_SYS_RESOURCE)) return -EPERM;
  }
  const old = { soft: target.group.limits.soft[resource]!, hard: target.group.limits.hard[resource]! };
  if (wanted !== null) {
    target.group.limits.soft[resource] = wanted.soft;
    target.group.limits.hard[resource] = wanted.hard;
    if (resource === RLIMIT_CPU) target.group.cpuLimit.arm();
  }
  return oldAddr === 0 ? 0 : writeLimit(task, old, oldAddr);
}

export const RESOURCE_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getrlimit, name: 'getrlimit', handler: getrlimit, coverage: 'full', format: 'dp' },
  { nr: SYS_setrlimit, name: 'setrlimit', handler: setrlimit, coverage: 'full', format: 'dp' },
  { nr: SYS_prlimit64, name: 'prlimit64', handler: prlimit, coverage: 'full', format: 'ddpp' },
  {
    nr: SYS_getrusage,
    name: 'getrusage',
    handler: getrusage,
    coverage: 'partial',
    format: 'dp',
    note: 'no block or message counts; involuntary switches are those that the sentry caused',
  },
  { nr: SYS_times, name: 'times', handler: times, coverage: 'full', format: 'p' },
];
