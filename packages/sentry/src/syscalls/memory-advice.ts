// madvise(2), process_madvise(2), mincore(2), msync(2), mlock(2) and its family, pkey calls as on a machine without protection keys.
import {
  CAP_SYS_NICE,
  EBADF,
  EINVAL,
  ENOSPC,
  EPERM,
  ESRCH,
  MLOCK_ONFAULT,
  PKEY_ACCESS_MASK,
  SYS_madvise,
  SYS_mincore,
  SYS_mlock,
  SYS_mlock2,
  SYS_mlockall,
  SYS_msync,
  SYS_munlock,
  SYS_munlockall,
  SYS_pkey_alloc,
  SYS_pkey_free,
  SYS_pkey_mprotect,
  SYS_process_madvise,
  SYS_process_mrelease,
} from '@sandbox-kernel/abi';
import { mayTrace, pidfdTarget, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import { IOV_MAX, isRemoteAdvice, type MemoryManager } from '@sandbox-kernel/mm';
import { memoryOf, mprotect } from './memory.js';
import { readVector } from './memory-access.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

function madvise(task: Task, args: SyscallArgs): number {
  return memoryOf(task).madvise(args.addr(0), args.addr(1), args.int(2));
}

function processMadvise(task: Task, args: SyscallArgs): number {
  if (args.uint(4) !== 0) return -EINVAL;
  const count = args.addr(2);
  if (count > IOV_MAX) return -EINVAL;
  const { view } = workspaceOf(task);
  const vector = readVector(task, args.addr(1), count, view, 0);
  if (vector < 0) return vector;
  const file = task.files.getOpen(args.int(0));
  if (file === null) return -EBADF;
  const target = pidfdTarget(file);
  if (target === null) return -EBADF;
  if (target.ended) return -ESRCH;
  const other = target.thread ?? target.group.leader;
  const own = other.memory === task.memory;
  const advice = args.int(3);
  if (!own && !isRemoteAdvice(advice)) return -EINVAL;
  if (!own && !mayTrace(task, other)) return -EPERM;
  if (!own && !task.credentials.hasCapability(CAP_SYS_NICE)) return -EPERM;
  return adviseVector(own ? memoryOf(task) : other.memory, view, count, advice);
}

/**
 * process_mrelease(2). A process that was killed gives its memory back when it ends, which takes no other processor here: there is nothing to hurry
 * but to say so.
 */
function processMrelease(task: Task, args: SyscallArgs): number {
  if (args.uint(1) !== 0) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  const target = file === null ? null : pidfdTarget(file);
  if (target === null) return -EBADF;
  if (target.group.exited) return -ESRCH;
  return target.group.exiting ? 0 : -EINVAL;
}

/** Bytes advised before the first failure; its error when that is the first entry. */
function adviseVector(memory: MemoryManager, view: DataView, count: number, advice: number): number {
  let done = 0;
  for (let k = 0; k < count; k++) {
    const start = wordAt(view, k * 16);
    const length = wordAt(view, k * 16 + 8);
    const result = memory.madvise(start, length, advice);
    if (result < 0) return done === 0 ? result : done;
    done += length;
  }
  return done;
}

export function wordAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function mincore(task: Task, args: SyscallArgs): number {
  return memoryOf(task).mincore(args.addr(0), args.addr(1), args.addr(2));
}

function msync(task: Task, args: SyscallArgs): number {
  return memoryOf(task).msync(args.addr(0), args.addr(1), args.int(2));
}

function mlock(task: Task, args: SyscallArgs): number {
  return memoryOf(task).mlock(args.addr(0), args.addr(1), 0);
}

function mlock2(task: Task, args: SyscallArgs): number {
  const flags = args.int(2);
  if ((flags & ~MLOCK_ONFAULT) !== 0) return -EINVAL;
  return memoryOf(task).mlock(args.addr(0), args.addr(1), flags);
}

function munlock(task: Task, args: SyscallArgs): number {
  return memoryOf(task).munlock(args.addr(0), args.addr(1));
}

function mlockall(task: Task, args: SyscallArgs): number {
  return memoryOf(task).mlockall(args.int(0));
}

function munlockall(task: Task): number {
  return memoryOf(task).munlockall();
}

/** Key -1 is mprotect(2); no other key can have been allocated. */
function pkeyMprotect(task: Task, args: SyscallArgs): number {
  return args.int(3) === -1 ? mprotect(task, args) : -EINVAL;
}

function pkeyAlloc(_task: Task, args: SyscallArgs): number {
  if (args.addr(0) !== 0 || args.hi(1) !== 0 || (args.lo(1) & ~PKEY_ACCESS_MASK) !== 0) return -EINVAL;
  return -ENOSPC;
}

function pkeyFree(): number {
  return -EINVAL;
}

const NO_KEYS = 'as on a machine without protection keys';

export const MEMORY_ADVICE_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_process_mrelease,
    name: 'process_mrelease',
    handler: processMrelease,
    coverage: 'full',
    format: 'fx',
  },
  { nr: SYS_msync, name: 'msync', handler: msync, coverage: 'full', format: 'pzx' },
  {
    nr: SYS_mincore,
    name: 'mincore',
    handler: mincore,
    coverage: 'full',
    note: 'file pages count as there',
    format: 'pzp',
  },
  { nr: SYS_madvise, name: 'madvise', handler: madvise, coverage: 'full', format: 'pzd' },
  { nr: SYS_mlock, name: 'mlock', handler: mlock, coverage: 'full', format: 'pz' },
  { nr: SYS_munlock, name: 'munlock', handler: munlock, coverage: 'full', format: 'pz' },
  { nr: SYS_mlockall, name: 'mlockall', handler: mlockall, coverage: 'full', format: 'x' },
  { nr: SYS_munlockall, name: 'munlockall', handler: munlockall, coverage: 'full', format: '' },
  { nr: SYS_mlock2, name: 'mlock2', handler: mlock2, coverage: 'full', format: 'pzx' },
  {
    nr: SYS_pkey_mprotect,
    name: 'pkey_mprotect',
    handler: pkeyMprotect,
    coverage: 'full',
    note: NO_KEYS,
    format: 'pzxd',
  },
  {
    nr: SYS_pkey_alloc,
    name: 'pkey_alloc',
    handler: pkeyAlloc,
    coverage: 'full',
    note: NO_KEYS,
    format: 'xx',
  },
  { nr: SYS_pkey_free, name: 'pkey_free', handler: pkeyFree, coverage: 'full', note: NO_KEYS, format: 'd' },
  {
    nr: SYS_process_madvise,
    name: 'process_madvise',
    handler: processMadvise,
    coverage: 'full',
    format: 'fpzdx',
  },
];
