// sched_setaffinity(2), sched_yield(2), getcpu(2), membarrier(2): an affinity is kept and returned; the host's scheduler runs the threads.
import {
  EFAULT,
  EINVAL,
  EPERM,
  ERESTARTNOINTR,
  ESRCH,
  SYS_getcpu,
  SYS_membarrier,
  SYS_sched_getaffinity,
  SYS_sched_setaffinity,
  SYS_sched_yield,
} from '@sandbox-kernel/abi';
import { freezeImage, type SyscallArgs, TASK_RUNNING, type Task, thawImage } from '@sandbox-kernel/kernel';
import { mayManage } from './priority.js';
import type { SyscallRow } from './row.js';
import { schedulee } from './scheduling-policy.js';

const MEMBARRIER_COMMANDS = 0x3ff;
/** MEMBARRIER_CMD_REGISTER_*: global, private, sync core, rseq. */
const MEMBARRIER_REGISTRATIONS = 0x154;
const MEMBARRIER_PRIVATE = 0xa8;
const MEMBARRIER_CMD_GLOBAL = 1;
/** MEMBARRIER_CMD_GLOBAL and _GLOBAL_EXPEDITED. */
const MEMBARRIER_GLOBAL = 0x3;
const MEMBARRIER_CMD_GET_REGISTRATIONS = 0x200;

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
  // An unsigned int counts the bits.
  if ((size * 8) % 2 ** 32 < task.kernel.options.processors || size % 8 !== 0) return -EINVAL;
  const target = schedulee(task, args.int(0));
  if (typeof target === 'number') return -ESRCH;
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
  const target = schedulee(task, args.int(0));
  if (typeof target === 'number') return -ESRCH;
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

const KEPT = 'kept and returned; the host scheduler decides';

export const SCHEDULER_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_sched_yield, name: 'sched_yield', handler: schedYield, coverage: 'full', format: '' },
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
    note: "one that the task may use: the program's own choice where it made one",
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
];
