// What ptrace(2) reads and writes of a stopped task: memory, registers, signals, the call it is in. All requests come with the tracee already
// found and stopped; results are 0, a count, or the errno of Linux for that request.
import {
  ARCH_GET_FS,
  ARCH_GET_GS,
  ARCH_SET_FS,
  ARCH_SET_GS,
  AUDIT_ARCH_X86_64,
  EFAULT,
  EINVAL,
  EIO,
  EPERM,
  NT_PRFPREG,
  NT_PRSTATUS,
  NT_X86_XSTATE,
  PTRACE_EVENT_SECCOMP,
  PTRACE_EVENTMSG_SYSCALL_ENTRY,
  PTRACE_PEEKSIGINFO_SHARED,
  PTRACE_SYSCALL_INFO_ARCH,
  PTRACE_SYSCALL_INFO_ENTRY,
  PTRACE_SYSCALL_INFO_ENTRY_ARGS,
  PTRACE_SYSCALL_INFO_ENTRY_NR,
  PTRACE_SYSCALL_INFO_EXIT,
  PTRACE_SYSCALL_INFO_EXIT_IS_ERROR,
  PTRACE_SYSCALL_INFO_EXIT_RVAL,
  PTRACE_SYSCALL_INFO_INSTRUCTION_POINTER,
  PTRACE_SYSCALL_INFO_OP,
  PTRACE_SYSCALL_INFO_SECCOMP,
  PTRACE_SYSCALL_INFO_SECCOMP_RET_DATA,
  PTRACE_SYSCALL_INFO_SIZE,
  PTRACE_SYSCALL_INFO_STACK_POINTER,
  SIGTRAP,
  USER_REGS_ORIG_RAX,
  USER_REGS_R8,
  USER_REGS_R9,
  USER_REGS_R10,
  USER_REGS_RAX,
  USER_REGS_RDI,
  USER_REGS_RDX,
  USER_REGS_RIP,
  USER_REGS_RSI,
  USER_REGS_RSP,
  USER_REGS_SIZE,
} from '@sandbox-kernel/abi';
import { FRAME_FS_BASE, FRAME_GS_BASE } from '@sandbox-kernel/contracts';
import {
  DebugRegisters,
  getRegister,
  readRegisters,
  SIGINFO_BYTES,
  SignalInfo,
  setRegister,
  type Task,
  type TraceState,
  UNBLOCKABLE_SIGNALS,
  writeRegister,
  writeRegisters,
} from '@sandbox-kernel/kernel';
import { workspaceOf } from './workspace.js';

const WORD = 8;
/** struct user as the kernel has it: registers first, debug registers near the end. */
const USER_SIZE = 928;
const DEBUG_REGISTERS = 848;
const DEBUG_REGISTERS_END = DEBUG_REGISTERS + 8 * WORD;
const FXSAVE_BYTES = 512;
/** Where the extended state says which components it has. */
const XSTATE_COMPONENTS = 464;
const SYSCALL_MARK = 0x80;
const CALL_ARGUMENTS: readonly number[] = [
  USER_REGS_RDI,
  USER_REGS_RSI,
  USER_REGS_RDX,
  USER_REGS_R10,
  USER_REGS_R8,
  USER_REGS_R9,
];
const TWO_32 = 2 ** 32;

/** PTRACE_PEEKTEXT, PTRACE_PEEKDATA. */
export function peekMemory(task: Task, tracee: Task, addr: number, data: number): number {
  const { bytes } = workspaceOf(task);
  if (tracee.memory.readForced(addr, bytes, 0, WORD) !== WORD) return -EIO;
  return task.memory.copyOut(data, bytes, 0, WORD) === WORD ? 0 : -EFAULT;
}

/** PTRACE_POKETEXT, PTRACE_POKEDATA: `low` and `high` are the word itself. */
export function pokeMemory(task: Task, tracee: Task, addr: number, low: number, high: number): number {
  const { bytes, view } = workspaceOf(task);
  view.setUint32(0, low, true);
  view.setUint32(4, high, true);
  return tracee.memory.writeForced(addr, bytes, 0, WORD) === WORD ? 0 : -EIO;
}

/** PTRACE_PEEKUSR: registers; the rest of struct user reads as zeros. */
export function peekUser(task: Task, tracee: Task, offset: number, data: number): number {
  if (offset % WORD !== 0 || offset >= USER_SIZE) return -EIO;
  const { bytes, view } = workspaceOf(task);
  bytes.fill(0, 0, WORD);
  let at = 0;
  if (offset < USER_REGS_SIZE) {
    readRegisters(tracee, view, 0);
    at = offset;
  } else if (offset >= DEBUG_REGISTERS && offset < DEBUG_REGISTERS_END) {
    const index = (offset - DEBUG_REGISTERS) / WORD;
    const debug = debugRegistersOf(tracee);
    view.setUint32(0, debug.readLow(index), true);
    view.setUint32(4, debug.readHigh(index), true);
  }
  return task.memory.copyOut(data, bytes, at, WORD) === WORD ? 0 : -EFAULT;
}

/** PTRACE_POKEUSR. */
export function pokeUser(tracee: Task, offset: number, low: number, high: number): number {
  if (offset % WORD !== 0 || offset >= USER_SIZE) return -EIO;
  if (offset < USER_REGS_SIZE) return writeRegister(tracee, offset, low, high);
  if (offset < DEBUG_REGISTERS || offset >= DEBUG_REGISTERS_END) return -EIO;
  return debugRegistersOf(tracee).write(tracee, (offset - DEBUG_REGISTERS) / WORD, low, high);
}

function debugRegistersOf(tracee: Task): DebugRegisters {
  const trace = tracee.trace as TraceState;
  trace.debug ??= new DebugRegisters();
  return trace.debug;
}

/** PTRACE_ARCH_PRCTL: arch_prctl(2) for the tracee. `addr` is one of the tracer's. */
export function basesOf(task: Task, tracee: Task, addr: number, what: number): number {
  switch (what) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
      if (addr >= task.kernel.platform.features.addressLimit) return -EPERM;
      setRegister(tracee.frame, what === ARCH_SET_FS ? FRAME_FS_BASE : FRAME_GS_BASE, addr);
      return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS:
      return task.memory.writeU64(
        addr,
        getRegister(tracee.frame, what === ARCH_GET_FS ? FRAME_FS_BASE : FRAME_GS_BASE),
      );
    default:
      return -EINVAL;
  }
}

/** PTRACE_GETREGS. */
export function getRegisters(task: Task, tracee: Task, data: number): number {
  const { bytes, view } = workspaceOf(task);
  readRegisters(tracee, view, 0);
  return task.memory.copyOut(data, bytes, 0, USER_REGS_SIZE) === USER_REGS_SIZE ? 0 : -EFAULT;
}

/** PTRACE_SETREGS. */
export function setRegisters(task: Task, tracee: Task, data: number): number {
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(data, bytes, 0, USER_REGS_SIZE) !== USER_REGS_SIZE) return -EFAULT;
  return writeRegisters(tracee, view, 0);
}

/** The extended state at the start of `bytes`; its size. */
function saveExtended(tracee: Task, bytes: Uint8Array, view: DataView): number {
  const { dynamicFeatures, xcr0High, xcr0Low } = tracee.kernel.platform.features;
  const size = loadExtended(tracee, bytes);
  bytes.fill(0, XSTATE_COMPONENTS, FXSAVE_BYTES);
  const components = tracee.image.dynamicFeatures ? xcr0Low | dynamicFeatures : xcr0Low;
  view.setUint32(XSTATE_COMPONENTS, components >>> 0, true);
  view.setUint32(XSTATE_COMPONENTS + 4, xcr0High, true);
  return size;
}

/** The set has room for all that the processor has. */
function loadExtended(tracee: Task, bytes: Uint8Array): number {
  const size = tracee.kernel.platform.features.dynamicFpuSize;
  bytes.fill(0, Math.max(0, tracee.context.saveFpu(bytes, 0)), size);
  return size;
}

/** PTRACE_GETFPREGS: the part that every processor has. */
export function getFloats(task: Task, tracee: Task, data: number): number {
  const { bytes, view } = workspaceOf(task);
  saveExtended(tracee, bytes, view);
  bytes.fill(0, XSTATE_COMPONENTS, FXSAVE_BYTES);
  return task.memory.copyOut(data, bytes, 0, FXSAVE_BYTES) === FXSAVE_BYTES ? 0 : -EFAULT;
}

/** PTRACE_SETFPREGS: the other parts stay. */
export function setFloats(task: Task, tracee: Task, data: number): number {
  const { bytes } = workspaceOf(task);
  const size = loadExtended(tracee, bytes);
  if (task.memory.copyIn(data, bytes, 0, FXSAVE_BYTES) !== FXSAVE_BYTES) return -EFAULT;
  return restoreExtended(tracee, bytes, size, true);
}

function restoreExtended(tracee: Task, bytes: Uint8Array, size: number, legacy: boolean): number {
  bytes.fill(0, XSTATE_COMPONENTS, FXSAVE_BYTES);
  // x87 and SSE are there from now on, whatever the state said before.
  if (legacy && size > FXSAVE_BYTES) bytes[FXSAVE_BYTES] = (bytes[FXSAVE_BYTES] as number) | 3;
  return tracee.context.restoreFpu(bytes, 0, size) < 0 ? -EINVAL : 0;
}

/** PTRACE_GETREGSET, PTRACE_SETREGSET: `data` is a struct iovec. */
export function registerSet(task: Task, tracee: Task, kind: number, data: number, get: boolean): number {
  const base = task.memory.readU64(data);
  const wanted = task.memory.readU64(data + WORD);
  if (base < 0 || wanted < 0) return -EFAULT;
  const size = sizeOf(tracee, kind);
  if (size < 0 || wanted % WORD !== 0) return -EINVAL;
  const length = Math.min(wanted, size);
  const result = get ? readSet(task, tracee, kind, base, length) : writeSet(task, tracee, kind, base, length);
  if (result < 0) return result;
  return task.memory.writeU64(data + WORD, length);
}

function sizeOf(tracee: Task, kind: number): number {
  if (kind === NT_PRSTATUS) return USER_REGS_SIZE;
  if (kind === NT_PRFPREG) return FXSAVE_BYTES;
  return kind === NT_X86_XSTATE ? tracee.kernel.platform.features.dynamicFpuSize : -EINVAL;
}

function readSet(task: Task, tracee: Task, kind: number, base: number, length: number): number {
  const { bytes, view } = workspaceOf(task);
  if (kind === NT_PRSTATUS) readRegisters(tracee, view, 0);
  else {
    saveExtended(tracee, bytes, view);
    if (kind === NT_PRFPREG) bytes.fill(0, XSTATE_COMPONENTS, FXSAVE_BYTES);
  }
  return task.memory.copyOut(base, bytes, 0, length) === length ? 0 : -EFAULT;
}

function writeSet(task: Task, tracee: Task, kind: number, base: number, length: number): number {
  const { bytes, view } = workspaceOf(task);
  const size = tracee.kernel.platform.features.dynamicFpuSize;
  if (kind === NT_X86_XSTATE && length !== size) return -EFAULT;
  if (kind === NT_PRFPREG && length !== FXSAVE_BYTES) return -EINVAL;
  if (kind === NT_PRSTATUS) readRegisters(tracee, view, 0);
  else loadExtended(tracee, bytes);
  if (task.memory.copyIn(base, bytes, 0, length) !== length) return -EFAULT;
  if (kind === NT_PRSTATUS) return writeRegisters(tracee, view, 0);
  return restoreExtended(tracee, bytes, size, kind === NT_PRFPREG);
}

/** PTRACE_GETSIGINFO. */
export function getSignalInfo(task: Task, trace: TraceState, data: number): number {
  if (trace.info === null) return -EINVAL;
  const { bytes } = workspaceOf(task);
  trace.info.encode(bytes, 0);
  return task.memory.copyOut(data, bytes, 0, SIGINFO_BYTES) === SIGINFO_BYTES ? 0 : -EFAULT;
}

/** PTRACE_SETSIGINFO. */
export function setSignalInfo(task: Task, trace: TraceState, data: number): number {
  const { bytes } = workspaceOf(task);
  if (task.memory.copyIn(data, bytes, 0, SIGINFO_BYTES) !== SIGINFO_BYTES) return -EFAULT;
  if (trace.info === null) return -EINVAL;
  trace.info = new SignalInfo(0, 0).decode(bytes, 0);
  return 0;
}

/** PTRACE_PEEKSIGINFO: how many were copied. `addr` is a struct ptrace_peeksiginfo_args. */
export function peekSignals(task: Task, tracee: Task, addr: number, data: number): number {
  const { bytes } = workspaceOf(task);
  const first = task.memory.readU64(addr);
  const flags = task.memory.readU32(addr + 8);
  const count = task.memory.readU32(addr + 12);
  if (first < 0 || flags < 0 || count < 0) return -EFAULT;
  if ((flags & ~PTRACE_PEEKSIGINFO_SHARED) !== 0 || (count | 0) < 0) return -EINVAL;
  const queue = (flags & PTRACE_PEEKSIGINFO_SHARED) !== 0 ? tracee.group.pending : tracee.pending;
  for (let i = 0; i < count; i++) {
    const info = queue.at(first + i);
    if (info === null) return i;
    info.encode(bytes, 0);
    const to = data + i * SIGINFO_BYTES;
    if (task.memory.copyOut(to, bytes, 0, SIGINFO_BYTES) !== SIGINFO_BYTES) return i > 0 ? i : -EFAULT;
  }
  return count;
}

/** PTRACE_GETSIGMASK; `size` that of a sigset_t. */
export function getMask(task: Task, tracee: Task, size: number, data: number): number {
  if (size !== WORD) return -EINVAL;
  const mask = tracee.savedMask ?? tracee.blocked;
  const failed = task.memory.writeU32(data, mask.lo >>> 0) || task.memory.writeU32(data + 4, mask.hi >>> 0);
  return failed < 0 ? -EFAULT : 0;
}

/** PTRACE_SETSIGMASK. */
export function setMask(task: Task, tracee: Task, size: number, data: number): number {
  if (size !== WORD) return -EINVAL;
  const lo = task.memory.readU32(data);
  const hi = task.memory.readU32(data + 4);
  if (lo < 0 || hi < 0) return -EFAULT;
  tracee.savedMask = null;
  tracee.blocked.set(lo & ~UNBLOCKABLE_SIGNALS, hi);
  tracee.recalcSignals();
  return 0;
}

/** PTRACE_GET_SYSCALL_INFO: how many bytes there are to tell; at most `size` of them are copied. */
export function syscallInfo(task: Task, tracee: Task, trace: TraceState, size: number, data: number): number {
  const { bytes } = workspaceOf(task);
  const length = fillCallInfo(tracee, trace, bytes);
  const copied = Math.min(length, size);
  return task.memory.copyOut(data, bytes, 0, copied) === copied ? length : -EFAULT;
}

function fillCallInfo(tracee: Task, trace: TraceState, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const registers = new DataView(new ArrayBuffer(USER_REGS_SIZE));
  readRegisters(tracee, registers, 0);
  const put = (to: number, from: number): void => {
    view.setUint32(to, registers.getUint32(from, true), true);
    view.setUint32(to + 4, registers.getUint32(from + 4, true), true);
  };
  bytes.fill(0, 0, PTRACE_SYSCALL_INFO_SIZE);
  view.setUint32(PTRACE_SYSCALL_INFO_ARCH, AUDIT_ARCH_X86_64, true);
  put(PTRACE_SYSCALL_INFO_INSTRUCTION_POINTER, USER_REGS_RIP);
  put(PTRACE_SYSCALL_INFO_STACK_POINTER, USER_REGS_RSP);
  const filtered = trace.info?.code === (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8));
  if (trace.info?.code !== (SIGTRAP | SYSCALL_MARK) && !filtered) return PTRACE_SYSCALL_INFO_ENTRY_NR;
  if (filtered || trace.message === PTRACE_EVENTMSG_SYSCALL_ENTRY) {
    view.setUint8(PTRACE_SYSCALL_INFO_OP, filtered ? PTRACE_SYSCALL_INFO_SECCOMP : PTRACE_SYSCALL_INFO_ENTRY);
    put(PTRACE_SYSCALL_INFO_ENTRY_NR, USER_REGS_ORIG_RAX);
    CALL_ARGUMENTS.forEach((from, i) => {
      put(PTRACE_SYSCALL_INFO_ENTRY_ARGS + i * WORD, from);
    });
    if (!filtered) return PTRACE_SYSCALL_INFO_ENTRY_ARGS + CALL_ARGUMENTS.length * WORD;
    view.setUint32(PTRACE_SYSCALL_INFO_SECCOMP_RET_DATA, trace.message, true);
    return PTRACE_SYSCALL_INFO_SECCOMP_RET_DATA + 4;
  }
  view.setUint8(PTRACE_SYSCALL_INFO_OP, PTRACE_SYSCALL_INFO_EXIT);
  put(PTRACE_SYSCALL_INFO_EXIT_RVAL, USER_REGS_RAX);
  const value =
    registers.getInt32(USER_REGS_RAX + 4, true) * TWO_32 + registers.getUint32(USER_REGS_RAX, true);
  view.setUint8(PTRACE_SYSCALL_INFO_EXIT_IS_ERROR, value < 0 && value >= -4095 ? 1 : 0);
  return PTRACE_SYSCALL_INFO_EXIT_IS_ERROR + 1;
}
