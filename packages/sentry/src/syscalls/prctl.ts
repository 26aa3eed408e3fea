// prctl(2): what has meaning here, with Linux's checks of unused arguments.
import {
  CAP_SYS_RESOURCE,
  EFAULT,
  EINVAL,
  EPERM,
  NSIG,
  PR_CAP_AMBIENT,
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_IO_FLUSHER,
  PR_GET_KEEPCAPS,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_GET_SECCOMP,
  PR_GET_SECUREBITS,
  PR_GET_THP_DISABLE,
  PR_GET_TID_ADDRESS,
  PR_GET_TIMERSLACK,
  PR_GET_TIMING,
  PR_GET_TSC,
  PR_MCE_KILL,
  PR_MCE_KILL_CLEAR,
  PR_MCE_KILL_DEFAULT,
  PR_MCE_KILL_GET,
  PR_MCE_KILL_SET,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_IO_FLUSHER,
  PR_SET_KEEPCAPS,
  PR_SET_MM,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_PTRACER,
  PR_SET_SECCOMP,
  PR_SET_SECUREBITS,
  PR_SET_THP_DISABLE,
  PR_SET_TIMERSLACK,
  PR_SET_TIMING,
  PR_SET_TSC,
  PR_SET_VMA,
  PR_TASK_PERF_EVENTS_DISABLE,
  PR_TASK_PERF_EVENTS_ENABLE,
  SECBIT_KEEP_CAPS,
  SYS_prctl,
} from '@sandbox-kernel/abi';
import {
  changeAmbient,
  commitCredentials,
  dropBounding,
  readBounding,
  SUID_DUMP_USER,
  type SyscallArgs,
  setKeepCapabilities,
  setSecurebits,
  type Task,
} from '@sandbox-kernel/kernel';
import { execution } from './prctl-execution.js';
import { setMemory } from './prctl-memory.js';
import type { SyscallRow } from './row.js';
import { setSeccomp } from './seccomp.js';

const COMM_BYTES = 16;
const ANON_NAME_LIMIT = 80;

function prctl(task: Task, args: SyscallArgs): number {
  const option = args.int(0);
  const result = identity(task, args, option);
  if (result !== null) return result;
  const rest = privileges(task, args, option);
  return rest !== null ? rest : memoryAndMachine(task, args, option);
}

function zeroFrom(args: SyscallArgs, first: number): boolean {
  for (let i = first; i < 5; i++) if (args.addr(i) !== 0) return false;
  return true;
}

/** Names, parents, reapers. Null: not one of these. */
function identity(task: Task, args: SyscallArgs, option: number): number | null {
  switch (option) {
    case PR_SET_NAME:
      return setName(task, args.addr(1));
    case PR_GET_NAME:
      return getName(task, args.addr(1));
    case PR_SET_PDEATHSIG: {
      const signal = args.addr(1);
      if (signal > NSIG) return -EINVAL;
      task.parentDeathSignal = signal;
      return 0;
    }
    case PR_GET_PDEATHSIG:
      return task.memory.writeU32(args.addr(1), task.parentDeathSignal);
    case PR_SET_CHILD_SUBREAPER:
      task.group.isSubreaper = args.addr(1) !== 0;
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      return task.memory.writeU32(args.addr(1), task.group.isSubreaper ? 1 : 0);
    case PR_GET_TID_ADDRESS:
      return task.memory.writeU64(args.addr(1), task.clearChildTid);
    case PR_SET_TIMERSLACK:
      task.timerSlackNanos = args.long(1) <= 0 ? task.defaultSlackNanos : args.long(1);
      return 0;
    case PR_GET_TIMERSLACK:
      return task.timerSlackNanos;
    default:
      return null;
  }
}

function setName(task: Task, addr: number): number {
  const bytes = new Uint8Array(COMM_BYTES);
  const got = task.memory.copyIn(addr, bytes, 0, COMM_BYTES);
  let name = '';
  for (let i = 0; i < COMM_BYTES - 1; i++) {
    if (i >= got) return -EFAULT;
    if (bytes[i] === 0) break;
    name += String.fromCharCode(bytes[i]!);
  }
  task.comm = name;
  return 0;
}

function getName(task: Task, addr: number): number {
  const bytes = new Uint8Array(COMM_BYTES);
  for (let i = 0; i < task.comm.length; i++) bytes[i] = task.comm.charCodeAt(i);
  return task.memory.copyOut(addr, bytes, 0, COMM_BYTES) === COMM_BYTES ? 0 : -EFAULT;
}

function privileges(task: Task, args: SyscallArgs, option: number): number | null {
  switch (option) {
    case PR_CAPBSET_READ:
      return readBounding(task, args.long(1));
    case PR_CAPBSET_DROP:
      return dropBounding(task, args.long(1));
    case PR_CAP_AMBIENT:
      return zeroFrom(args, 3) ? changeAmbient(task, args.addr(1), args.long(2)) : -EINVAL;
    case PR_GET_SECUREBITS:
      return task.credentials.securebits;
    case PR_SET_SECUREBITS:
      return setSecurebits(task, args.addr(1));
    case PR_GET_KEEPCAPS:
      return (task.credentials.securebits & SECBIT_KEEP_CAPS) !== 0 ? 1 : 0;
    case PR_SET_KEEPCAPS:
      return setKeepCapabilities(task, args.long(1));
    case PR_SET_NO_NEW_PRIVS: {
      if (args.addr(1) !== 1 || !zeroFrom(args, 2)) return -EINVAL;
      const next = task.credentials.edit();
      next.noNewPrivileges = true;
      commitCredentials(task, next);
      return 0;
    }
    case PR_GET_NO_NEW_PRIVS:
      return zeroFrom(args, 1) ? (task.credentials.noNewPrivileges ? 1 : 0) : -EINVAL;
    case PR_GET_SECCOMP:
      return task.seccomp.mode;
    case PR_SET_SECCOMP:
      return setSeccomp(task, args.addr(1), args.addr(2));
    case PR_SET_PTRACER:
      return 0;
    default:
      return null;
  }
}

function memoryAndMachine(task: Task, args: SyscallArgs, option: number): number {
  switch (option) {
    case PR_GET_DUMPABLE:
      return task.image.dumpable;
    case PR_SET_DUMPABLE:
      if (args.addr(1) > SUID_DUMP_USER) return -EINVAL;
      task.image.dumpable = args.int(1);
      return 0;
    case PR_GET_TIMING:
      return 0;
    case PR_SET_TIMING:
      return args.addr(1) === 0 ? 0 : -EINVAL;
    case PR_GET_TSC:
      return task.memory.writeU32(args.addr(1), 1);
    case PR_SET_TSC:
      return args.int(1) === 1 ? 0 : -EINVAL;
    case PR_SET_THP_DISABLE:
      if (!zeroFrom(args, 2)) return -EINVAL;
      task.image.hugePagesDisabled = args.addr(1) !== 0;
      return 0;
    case PR_GET_THP_DISABLE:
      return zeroFrom(args, 1) ? (task.image.hugePagesDisabled ? 1 : 0) : -EINVAL;
    case PR_MCE_KILL:
      return setMachineCheckPolicy(task, args);
    case PR_MCE_KILL_GET:
      return zeroFrom(args, 1) ? task.machineCheckPolicy : -EINVAL;
    case PR_SET_IO_FLUSHER:
    case PR_GET_IO_FLUSHER:
      return ioFlusher(task, args, option === PR_SET_IO_FLUSHER);
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
      // Of none: perf_event_open(2) is not there.
      return 0;
    case PR_SET_VMA:
      return setAnonymousName(task, args);
    case PR_SET_MM:
      return setMemory(task, args);
    default:
      return execution(task, args, option);
  }
}

/** No machine check reaches a program here. */
function setMachineCheckPolicy(task: Task, args: SyscallArgs): number {
  const policy = args.addr(2);
  if (!zeroFrom(args, 3)) return -EINVAL;
  switch (args.addr(1)) {
    case PR_MCE_KILL_CLEAR:
      if (policy !== 0) return -EINVAL;
      task.machineCheckPolicy = PR_MCE_KILL_DEFAULT;
      return 0;
    case PR_MCE_KILL_SET:
      if (policy > PR_MCE_KILL_DEFAULT) return -EINVAL;
      task.machineCheckPolicy = policy;
      return 0;
    default:
      return -EINVAL;
  }
}

function ioFlusher(task: Task, args: SyscallArgs, sets: boolean): number {
  if (!task.credentials.hasCapability(CAP_SYS_RESOURCE)) return -EPERM;
  if (!zeroFrom(args, sets ? 2 : 1)) return -EINVAL;
  if (!sets) return task.ioFlusher ? 1 : 0;
  if (args.addr(1) > 1) return -EINVAL;
  task.ioFlusher = args.addr(1) === 1;
  return 0;
}

function setAnonymousName(task: Task, args: SyscallArgs): number {
  if (args.int(1) !== 0) return -EINVAL;
  const addr = args.addr(4);
  if (addr === 0) return task.memory.setAnonymousName(args.addr(2), args.addr(3), null);
  const name = task.memory.readString(addr, ANON_NAME_LIMIT - 1);
  if (typeof name === 'number') return name === -EFAULT ? -EFAULT : -EINVAL;
  for (let i = 0; i < name.length; i++) if (!isNameByte(name.charCodeAt(i))) return -EINVAL;
  return task.memory.setAnonymousName(args.addr(2), args.addr(3), name);
}

/** Printable, but none of \ ` $ [ ] */
function isNameByte(byte: number): boolean {
  return byte > 0x1f && byte < 0x7f && ![0x5c, 0x60, 0x24, 0x5b, 0x5d].includes(byte);
}

export const PRCTL_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_prctl,
    name: 'prctl',
    handler: prctl,
    coverage: 'partial',
    format: 'dxxxx',
    note: 'no core scheduling, speculation always on, TSC always on',
  },
];
