// seccomp(2), and its part of prctl(2) and ptrace(2). Departures: calls can't be handed to another process (SECCOMP_FILTER_FLAG_NEW_LISTENER),
// which is refused as by kernels before 5.0, and nothing is logged.
import {
  BPF_MAXINSNS,
  type BpfProgram,
  CAP_SYS_ADMIN,
  EACCES,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOMEM,
  EOPNOTSUPP,
  ESRCH,
  parseSeccompFilter,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
  SECCOMP_GET_ACTION_AVAIL,
  SECCOMP_MODE_DISABLED,
  SECCOMP_MODE_FILTER,
  SECCOMP_MODE_STRICT,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_SET_MODE_FILTER,
  SECCOMP_SET_MODE_STRICT,
  SOCK_FPROG_SIZE,
  SYS_seccomp,
} from '@sandbox-kernel/abi';
import { commitCredentials, SeccompFilter, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import { encodeProgram, programAddress, programLength, readInstructions } from './filter-program.js';
import type { SyscallRow } from './row.js';

const KNOWN_FLAGS =
  SECCOMP_FILTER_FLAG_TSYNC |
  SECCOMP_FILTER_FLAG_LOG |
  SECCOMP_FILTER_FLAG_SPEC_ALLOW |
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
const ACTIONS: readonly number[] = [
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_LOG,
  SECCOMP_RET_ALLOW,
];
/** struct seccomp_metadata */
const METADATA_SIZE = 16;
const METADATA_INDEX_SIZE = 8;

function seccomp(task: Task, args: SyscallArgs): number {
  const flags = args.uint(1);
  const addr = args.addr(2);
  switch (args.uint(0)) {
    case SECCOMP_SET_MODE_STRICT:
      return flags !== 0 || addr !== 0 ? -EINVAL : setStrict(task);
    case SECCOMP_SET_MODE_FILTER:
      return setFilter(task, flags, addr);
    case SECCOMP_GET_ACTION_AVAIL: {
      if (flags !== 0) return -EINVAL;
      const action = task.memory.readU32(addr);
      if (action < 0) return action;
      return ACTIONS.includes(action) ? 0 : -EOPNOTSUPP;
    }
    default:
      return -EINVAL;
  }
}

/** PR_SET_SECCOMP. */
export function setSeccomp(task: Task, mode: number, addr: number): number {
  if (mode === SECCOMP_MODE_STRICT) return setStrict(task);
  return mode === SECCOMP_MODE_FILTER ? setFilter(task, 0, addr) : -EINVAL;
}

function setStrict(task: Task): number {
  const { seccomp } = task;
  if (seccomp.mode === SECCOMP_MODE_FILTER) return -EINVAL;
  seccomp.mode = SECCOMP_MODE_STRICT;
  task.refreshCallWork();
  return 0;
}

/** 0, -errno, or the tid of a thread that has filters of its own (SECCOMP_FILTER_FLAG_TSYNC). */
function setFilter(task: Task, flags: number, addr: number): number {
  if ((flags & ~KNOWN_FLAGS) !== 0) return -EINVAL;
  const program = readProgram(task, addr);
  if (typeof program === 'number') return program;
  if (task.seccomp.mode === SECCOMP_MODE_STRICT) return -EINVAL;
  const all = (flags & SECCOMP_FILTER_FLAG_TSYNC) !== 0;
  const apart = all ? threadApart(task) : null;
  if (apart !== null) return (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) !== 0 ? -ESRCH : apart.tid;
  const filter = new SeccompFilter(program, task.seccomp.filter, (flags & SECCOMP_FILTER_FLAG_LOG) !== 0);
  if (filter.tooLong) return -ENOMEM;
  for (const thread of all ? task.group.threads : [task]) put(thread, filter, task);
  return 0;
}

function readProgram(task: Task, addr: number): BpfProgram | number {
  const head = new Uint8Array(SOCK_FPROG_SIZE);
  if (task.memory.copyIn(addr, head, 0, SOCK_FPROG_SIZE) !== SOCK_FPROG_SIZE) return -EFAULT;
  const view = new DataView(head.buffer);
  const length = programLength(view);
  if (length === 0 || length > BPF_MAXINSNS) return -EINVAL;
  const { credentials } = task;
  if (!credentials.noNewPrivileges && !credentials.hasCapability(CAP_SYS_ADMIN)) return -EACCES;
  const at = programAddress(view);
  if (at === 0) return -EINVAL;
  const code = readInstructions(task, at, length);
  return code === null ? -EFAULT : parseSeccompFilter(code, 0, length);
}

/** A thread whose filters are not a beginning of the caller's. */
function threadApart(task: Task): Task | null {
  const own = task.seccomp.filter;
  for (const thread of task.group.threads) {
    const { mode, filter } = thread.seccomp;
    if (thread === task || mode === SECCOMP_MODE_DISABLED) continue;
    if (mode === SECCOMP_MODE_STRICT || !(own?.descendsFrom(filter) ?? filter === null)) return thread;
  }
  return null;
}

function put(thread: Task, filter: SeccompFilter, from: Task): void {
  thread.seccomp.mode = SECCOMP_MODE_FILTER;
  thread.seccomp.filter = filter;
  thread.refreshCallWork();
  if (!from.credentials.noNewPrivileges || thread.credentials.noNewPrivileges) return;
  const next = thread.credentials.edit();
  next.noNewPrivileges = true;
  commitCredentials(thread, next);
}

// ── for tracers ──

/** Filters count from the oldest. */
function filterAt(tracee: Task, index: number): SeccompFilter | number {
  const newest = tracee.seccomp.filter;
  if (newest === null) return -EINVAL;
  for (let at: SeccompFilter | null = newest; at !== null; at = at.previous)
    if (at.count === index + 1) return at;
  return -ENOENT;
}

/** PTRACE_SECCOMP_GET_FILTER: how many instructions; they are written to `data`, unless that is 0. */
export function filterOf(task: Task, tracee: Task, index: number, data: number): number {
  if (!mayAsk(task)) return -EACCES;
  const filter = filterAt(tracee, index);
  if (typeof filter === 'number' || data === 0)
    return typeof filter === 'number' ? filter : filter.program.length;
  const { program } = filter;
  const bytes = encodeProgram(program);
  return task.memory.copyOut(data, bytes, 0, bytes.length) === bytes.length ? program.length : -EFAULT;
}

/** PTRACE_SECCOMP_GET_METADATA: bytes of struct seccomp_metadata. */
export function filterMetadata(task: Task, tracee: Task, size: number, data: number): number {
  if (!mayAsk(task)) return -EACCES;
  const length = Math.min(size, METADATA_SIZE);
  if (length < METADATA_INDEX_SIZE) return -EINVAL;
  const index = task.memory.readU64(data);
  if (index < 0) return -EFAULT;
  const filter = filterAt(tracee, index);
  if (typeof filter === 'number') return filter;
  const flags = filter.logs ? SECCOMP_FILTER_FLAG_LOG : 0;
  if (length < METADATA_SIZE) return length;
  return task.memory.writeU64(data + METADATA_INDEX_SIZE, flags) < 0 ? -EFAULT : length;
}

/** Who is filtered may not look at filters. */
function mayAsk(task: Task): boolean {
  return task.credentials.hasCapability(CAP_SYS_ADMIN) && task.seccomp.mode === SECCOMP_MODE_DISABLED;
}

export const SECCOMP_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_seccomp,
    name: 'seccomp',
    handler: seccomp,
    coverage: 'partial',
    format: 'dxp',
    note: 'no user notification, no log',
  },
];
