// ptrace(2): a process watches and changes another one. Stops and who may trace whom are the kernel package's (ptrace/); here requests are
// decoded, in the order in which Linux refuses them.
import {
  CAP_SYS_ADMIN,
  EFAULT,
  EINVAL,
  EIO,
  EPERM,
  ESRCH,
  NSIG,
  PTRACE_ARCH_PRCTL,
  PTRACE_ATTACH,
  PTRACE_CONT,
  PTRACE_DETACH,
  PTRACE_EVENT_STOP,
  PTRACE_GET_RSEQ_CONFIGURATION,
  PTRACE_GET_SYSCALL_INFO,
  PTRACE_GETEVENTMSG,
  PTRACE_GETFPREGS,
  PTRACE_GETREGS,
  PTRACE_GETREGSET,
  PTRACE_GETSIGINFO,
  PTRACE_GETSIGMASK,
  PTRACE_INTERRUPT,
  PTRACE_KILL,
  PTRACE_LISTEN,
  PTRACE_O_MASK,
  PTRACE_O_SUSPEND_SECCOMP,
  PTRACE_OLDSETOPTIONS,
  PTRACE_PEEKDATA,
  PTRACE_PEEKSIGINFO,
  PTRACE_PEEKTEXT,
  PTRACE_PEEKUSR,
  PTRACE_POKEDATA,
  PTRACE_POKETEXT,
  PTRACE_POKEUSR,
  PTRACE_SECCOMP_GET_FILTER,
  PTRACE_SECCOMP_GET_METADATA,
  PTRACE_SEIZE,
  PTRACE_SETFPREGS,
  PTRACE_SETOPTIONS,
  PTRACE_SETREGS,
  PTRACE_SETREGSET,
  PTRACE_SETSIGINFO,
  PTRACE_SETSIGMASK,
  PTRACE_SINGLESTEP,
  PTRACE_SYSCALL,
  PTRACE_SYSEMU,
  PTRACE_SYSEMU_SINGLESTEP,
  PTRACE_TRACEME,
  SECCOMP_MODE_DISABLED,
  SIGKILL,
  SYS_ptrace,
} from '@sandbox-kernel/abi';
import {
  attach,
  detach,
  RUN_EMULATED,
  RUN_EMULATED_STEP,
  RUN_FREELY,
  RUN_ONE_STEP,
  RUN_TO_CALL,
  resumeTraced,
  type SyscallArgs,
  sendToGroup,
  type Task,
  type TraceState,
  traceeOf,
  traceMe,
  userSignal,
  wakeForTrap,
} from '@sandbox-kernel/kernel';
import {
  basesOf,
  getFloats,
  getMask,
  getRegisters,
  getSignalInfo,
  peekMemory,
  peekSignals,
  peekUser,
  pokeMemory,
  pokeUser,
  registerSet,
  setFloats,
  setMask,
  setRegisters,
  setSignalInfo,
  syscallInfo,
} from './ptrace-data.js';
import type { SyscallRow } from './row.js';
import { filterMetadata, filterOf } from './seccomp.js';
import { workspaceOf } from './workspace.js';

const RSEQ_CONFIGURATION_SIZE = 24;

function ptrace(task: Task, args: SyscallArgs): number {
  const request = args.addr(0);
  if (request === PTRACE_TRACEME) return traceMe(task);
  const tid = args.int(1);
  if (request === PTRACE_ATTACH || request === PTRACE_SEIZE) {
    const target = task.kernel.findTask(tid);
    if (target === null) return -ESRCH;
    if (request === PTRACE_ATTACH) return attach(task, target, false, 0);
    const options = args.addr(3);
    if (args.addr(2) !== 0 || options > PTRACE_O_MASK || (options & ~PTRACE_O_MASK) !== 0) return -EIO;
    return checkOptions(task, options) || attach(task, target, true, options);
  }
  const tracee = traceeOf(task, tid, request === PTRACE_KILL || request === PTRACE_INTERRUPT);
  return tracee === null ? -ESRCH : command(task, tracee, request, args);
}

function checkOptions(task: Task, options: number): number {
  if (options > PTRACE_O_MASK || (options & ~PTRACE_O_MASK) !== 0) return -EINVAL;
  if ((options & PTRACE_O_SUSPEND_SECCOMP) === 0) return 0;
  const free = task.seccomp.mode === SECCOMP_MODE_DISABLED;
  return free && task.credentials.hasCapability(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

function command(task: Task, tracee: Task, request: number, args: SyscallArgs): number {
  const trace = tracee.trace as TraceState;
  switch (request) {
    case PTRACE_CONT:
      return go(tracee, args, RUN_FREELY);
    case PTRACE_SYSCALL:
      return go(tracee, args, RUN_TO_CALL);
    case PTRACE_SINGLESTEP:
      return go(tracee, args, RUN_ONE_STEP);
    case PTRACE_SYSEMU:
      return go(tracee, args, RUN_EMULATED);
    case PTRACE_SYSEMU_SINGLESTEP:
      return go(tracee, args, RUN_EMULATED_STEP);
    case PTRACE_DETACH:
      return args.addr(3) > NSIG ? -EIO : detach(tracee, args.int(3));
    case PTRACE_KILL:
      sendToGroup(tracee.group, userSignal(SIGKILL, task.group.pid, task.credentials.uid));
      return 0;
    case PTRACE_INTERRUPT:
      return interrupt(tracee, trace);
    case PTRACE_LISTEN:
      return listen(tracee, trace);
    case PTRACE_SETOPTIONS:
    case PTRACE_OLDSETOPTIONS:
      return setOptions(task, trace, args.addr(3));
    default:
      return transfer(task, tracee, trace, request, args);
  }
}

function go(tracee: Task, args: SyscallArgs, mode: number): number {
  if (args.addr(3) > NSIG) return -EIO;
  resumeTraced(tracee, args.int(3), mode);
  return 0;
}

function interrupt(tracee: Task, trace: TraceState): number {
  if (!trace.seized) return -EIO;
  trace.trapStop = true;
  wakeForTrap(tracee);
  return 0;
}

function listen(tracee: Task, trace: TraceState): number {
  if (!trace.seized || trace.info === null || trace.info.code >> 8 !== PTRACE_EVENT_STOP) return -EIO;
  trace.listening = true;
  if (trace.trapNotify) wakeForTrap(tracee);
  return 0;
}

function setOptions(task: Task, trace: TraceState, options: number): number {
  const refused = checkOptions(task, options);
  if (refused === 0) trace.options = options;
  return refused;
}

/** Requests that move something between the two. */
function transfer(task: Task, tracee: Task, trace: TraceState, request: number, args: SyscallArgs): number {
  const addr = args.addr(2);
  const data = args.addr(3);
  switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      return peekMemory(task, tracee, addr, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return pokeMemory(task, tracee, addr, args.lo(3), args.hi(3));
    case PTRACE_PEEKUSR:
      return peekUser(task, tracee, addr, data);
    case PTRACE_POKEUSR:
      return pokeUser(tracee, addr, args.lo(3), args.hi(3));
    case PTRACE_GETREGS:
      return getRegisters(task, tracee, data);
    case PTRACE_SETREGS:
      return setRegisters(task, tracee, data);
    case PTRACE_GETFPREGS:
      return getFloats(task, tracee, data);
    case PTRACE_SETFPREGS:
      return setFloats(task, tracee, data);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return registerSet(task, tracee, addr, data, request === PTRACE_GETREGSET);
    case PTRACE_ARCH_PRCTL:
      return basesOf(task, tracee, addr, data);
    case PTRACE_GET_RSEQ_CONFIGURATION:
      return sequenceOf(task, tracee, addr, data);
    default:
      return transferSignals(task, tracee, trace, request, addr, data);
  }
}

function transferSignals(
  task: Task,
  tracee: Task,
  trace: TraceState,
  request: number,
  addr: number,
  data: number,
): number {
  switch (request) {
    case PTRACE_GETEVENTMSG:
      return task.memory.writeU64(data, trace.message) < 0 ? -EFAULT : 0;
    case PTRACE_GETSIGINFO:
      return getSignalInfo(task, trace, data);
    case PTRACE_SETSIGINFO:
      return setSignalInfo(task, trace, data);
    case PTRACE_PEEKSIGINFO:
      return peekSignals(task, tracee, addr, data);
    case PTRACE_GETSIGMASK:
      return getMask(task, tracee, addr, data);
    case PTRACE_SETSIGMASK:
      return setMask(task, tracee, addr, data);
    case PTRACE_GET_SYSCALL_INFO:
      return syscallInfo(task, tracee, trace, addr, data);
    case PTRACE_SECCOMP_GET_FILTER:
      return filterOf(task, tracee, addr, data);
    case PTRACE_SECCOMP_GET_METADATA:
      return filterMetadata(task, tracee, addr, data);
    default:
      return -EIO;
  }
}

/** PTRACE_GET_RSEQ_CONFIGURATION: bytes copied of struct ptrace_rseq_configuration. */
function sequenceOf(task: Task, tracee: Task, size: number, data: number): number {
  const { bytes, view } = workspaceOf(task);
  bytes.fill(0, 0, RSEQ_CONFIGURATION_SIZE);
  view.setBigUint64(0, BigInt(tracee.rseqAddress), true);
  view.setUint32(8, tracee.rseqLength, true);
  view.setUint32(12, tracee.rseqSignature, true);
  const length = Math.min(size, RSEQ_CONFIGURATION_SIZE);
  return task.memory.copyOut(data, bytes, 0, length) === length ? RSEQ_CONFIGURATION_SIZE : -EFAULT;
}

export const PTRACE_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_ptrace,
    name: 'ptrace',
    handler: ptrace,
    coverage: 'partial',
    format: 'xdxx',
    note: 'debug registers by single steps, none for loads; no PTRACE_SINGLEBLOCK, no 32-bit programs',
  },
];
