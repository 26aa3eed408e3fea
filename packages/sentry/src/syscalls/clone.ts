// clone(2), clone3(2), fork(2), vfork(2): decoding and the checks that differ between the old and the new call.
import {
  CLONE_DETACHED,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  CSIGNAL,
  E2BIG,
  EBADF,
  EFAULT,
  EINVAL,
  NSIG,
  SIGCHLD,
  SYS_clone,
  SYS_clone3,
  SYS_fork,
  SYS_vfork,
} from '@sandbox-kernel/abi';
import { cloneTask, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

const CLONE_ARGS_VER0 = 64;
const CLONE_ARGS_VER1 = 80;
const CLONE_ARGS_VER2 = 88;
const PAGE = 4096;
const TWO_32 = 2 ** 32;
const MAX_PID_NS_LEVEL = 32;
/** CLONE_INTO_CGROUP in the high word. */
const INTO_CGROUP = 2;

function clone(task: Task, args: SyscallArgs): number {
  const low = args.uint(0);
  const flags = low & ~CSIGNAL;
  // The parent's tid and the pidfd share one argument: both can't be asked for.
  if ((flags & CLONE_PIDFD) !== 0 && (flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)) !== 0) return -EINVAL;
  return cloneTask(task, {
    flags,
    flagsHigh: 0,
    pidfd: args.addr(2),
    childTid: args.addr(3),
    parentTid: args.addr(2),
    exitSignal: low & CSIGNAL,
    stackPointer: args.addr(1),
    tls: args.addr(4),
    setTid: 0,
  });
}

function fork(task: Task): number {
  return cloneTask(task, plain(0));
}

function vfork(task: Task): number {
  return cloneTask(task, plain(CLONE_VM | CLONE_VFORK));
}

function plain(flags: number): Parameters<typeof cloneTask>[1] {
  return {
    flags,
    flagsHigh: 0,
    pidfd: 0,
    childTid: 0,
    parentTid: 0,
    exitSignal: SIGCHLD,
    stackPointer: 0,
    tls: 0,
    setTid: 0,
  };
}

function clone3(task: Task, args: SyscallArgs): number {
  const size = args.size(1);
  if (size < 0 || size > PAGE) return -E2BIG;
  if (size < CLONE_ARGS_VER0) return -EINVAL;
  const bytes = new Uint8Array(Math.max(size, CLONE_ARGS_VER2));
  if (task.memory.copyIn(args.addr(0), bytes, 0, size) !== size) return -EFAULT;
  for (let i = CLONE_ARGS_VER2; i < size; i++) if (bytes[i] !== 0) return -E2BIG;
  const view = new DataView(bytes.buffer);
  const word = (i: number): number => view.getUint32(i * 8 + 4, true) * TWO_32 + view.getUint32(i * 8, true);
  const flags = view.getUint32(0, true) | 0;
  const flagsHigh = view.getUint32(4, true);
  const stack = word(5);
  const stackSize = word(6);
  const exitSignal = word(4);
  if (flagsHigh > 3 || (flags & CSIGNAL & ~0x80) !== 0 || (flags & CLONE_DETACHED) !== 0) return -EINVAL;
  if (exitSignal > NSIG || ((flags & (CLONE_THREAD | CLONE_PARENT)) !== 0 && exitSignal !== 0))
    return -EINVAL;
  if ((stack === 0) !== (stackSize === 0)) return -EINVAL;
  const setTid = readSetTid(
    task,
    size >= CLONE_ARGS_VER1 ? word(8) : 0,
    size >= CLONE_ARGS_VER1 ? word(9) : 0,
  );
  if (setTid < 0) return setTid;
  if ((flagsHigh & INTO_CGROUP) !== 0) {
    const group = size >= CLONE_ARGS_VER2 ? word(10) : Number.POSITIVE_INFINITY;
    const refused = checkControlGroup(task, group);
    if (refused !== 0) return refused;
  }
  return cloneTask(task, {
    flags,
    flagsHigh,
    pidfd: word(1),
    childTid: word(2),
    parentTid: word(3),
    exitSignal,
    stackPointer: stack + stackSize,
    tls: word(7),
    setTid,
  });
}

/** There is one control group: a descriptor of its directory is right, and changes nothing. */
function checkControlGroup(task: Task, fd: number): number {
  if (fd > 0x7fffffff) return -EINVAL;
  const type = task.files.get(fd)?.inode?.superblock.filesystem.type;
  return type === 'cgroup2' ? 0 : -EBADF;
}

/** The number wanted in this (the only) pid namespace, or -errno. */
function readSetTid(task: Task, addr: number, count: number): number {
  if (count > MAX_PID_NS_LEVEL || (addr === 0) !== (count === 0)) return -EINVAL;
  if (count === 0) return 0;
  if (count > 1) return -EINVAL;
  const tid = task.memory.readU32(addr);
  if (tid < 0) return -EFAULT;
  return (tid | 0) <= 0 ? -EINVAL : tid;
}

export const CLONE_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_clone,
    name: 'clone',
    handler: clone,
    coverage: 'partial',
    format: 'xpppp',
    note: 'no new namespaces; CLONE_IO is accepted without effect',
  },
  { nr: SYS_fork, name: 'fork', handler: fork, coverage: 'full', format: '' },
  { nr: SYS_vfork, name: 'vfork', handler: vfork, coverage: 'full', format: '' },
  {
    nr: SYS_clone3,
    name: 'clone3',
    handler: clone3,
    coverage: 'partial',
    format: 'pz',
    note: 'no new namespaces; CLONE_INTO_CGROUP takes the only group there is',
  },
];
