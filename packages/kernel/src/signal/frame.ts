// struct rt_sigframe (x86-64): what a handler finds on its stack, byte for byte as Linux lays it out (asm/sigcontext.h,
// asm/ucontext.h): return address, ucontext with registers, mask and alternate stack, siginfo, and above it the XSAVE area.
import { SA_ONSTACK, SA_RESTORER, SA_SIGINFO, SS_AUTODISARM } from '@sandbox-kernel/abi';
import {
  FRAME_CS,
  FRAME_EFLAGS,
  FRAME_R8,
  FRAME_RAX,
  FRAME_RDI,
  FRAME_RDX,
  FRAME_RIP,
  FRAME_RSI,
  FRAME_RSP,
  FRAME_SS,
} from '@sandbox-kernel/contracts';
import { getRegister, setRegister } from '../registers.js';
import type { Task } from '../task.js';
import type { SignalAction } from './signal-handlers.js';
import { SIGINFO_BYTES, type SignalInfo } from './signal-info.js';

// Offsets in struct rt_sigframe.
export const SIGFRAME_UCONTEXT = 8;
export const SIGFRAME_UC_STACK = SIGFRAME_UCONTEXT + 16;
export const SIGFRAME_MCONTEXT = SIGFRAME_UCONTEXT + 40;
export const SIGFRAME_FPSTATE = SIGFRAME_MCONTEXT + 184;
export const SIGFRAME_SIGMASK = SIGFRAME_MCONTEXT + 256;
export const SIGFRAME_INFO = SIGFRAME_SIGMASK + 8;
export const SIGFRAME_SIZE = SIGFRAME_INFO + SIGINFO_BYTES;
// Offsets in struct sigcontext_64, beyond the registers that it shares with the trap frame.
const SC_ERR = 152;
const SC_TRAPNO = 160;
const SC_OLDMASK = 168;
const SC_CR2 = 176;
const REGISTER_BYTES = 152;

export const UC_FP_XSTATE = 1;
const UC_SIGCONTEXT_SS = 2;
const UC_STRICT_RESTORE_SS = 4;

export const FXSAVE_BYTES = 512;
/** Offset of struct _fpx_sw_bytes in the FXSAVE area. */
export const FPX_SW_BYTES = 464;
export const FP_XSTATE_MAGIC1 = 0x46505853;
export const FP_XSTATE_MAGIC2 = 0x46505845;
export const XSAVE_ALIGNMENT = 64;

export const USER_CS = 0x33;
export const USER_SS = 0x2b;
const RED_ZONE = 128;
const EFLAGS_TF = 0x100;
const EFLAGS_DF = 0x400;
const EFLAGS_RF = 0x10000;

/** Builds the frame and points the registers at the handler. False: the stack can't take it. */
export function pushSignalFrame(task: Task, info: SignalInfo, action: SignalAction): boolean {
  if ((action.flags & SA_RESTORER) === 0) return false;
  const sp = getRegister(task.frame, FRAME_RSP);
  const onStack = task.alternateStack.inUse(sp);
  const entering = (action.flags & SA_ONSTACK) !== 0 && !onStack && task.alternateStack.size !== 0;
  const start = entering ? task.alternateStack.base + task.alternateStack.size : sp - RED_ZONE;
  const fpSize = task.context.saveFpu(fpuBytes(task), 0);
  if (fpSize < 0) return false;
  const fpstate = alignDown(start - signalFpuBytes(fpSize), XSAVE_ALIGNMENT);
  const at = alignDown(fpstate - SIGFRAME_SIZE, 16) - 8;
  if (at < 0) return false;
  if ((onStack || entering) && !task.alternateStack.contains(at)) return false;
  if (!writeFpuState(task, fpstate, fpSize)) return false;
  const bytes = task.kernel.scratch(SIGFRAME_SIZE);
  fillFrame(task, bytes, fpstate, action, fpSize);
  const withInfo = (action.flags & SA_SIGINFO) !== 0;
  if (withInfo) info.encode(bytes, SIGFRAME_INFO);
  const length = withInfo ? SIGFRAME_SIZE : SIGFRAME_INFO;
  if (task.memory.copyOut(at, bytes, 0, length) !== length) return false;
  if ((task.alternateStack.flags & SS_AUTODISARM) !== 0) task.alternateStack.reset();
  enterHandler(task, info.signal, action.handler, at);
  return true;
}

function alignDown(addr: number, to: number): number {
  return addr - (((addr % to) + to) % to);
}

/** Room for the extended state of a task, and the mark behind it. */
function fpuBytes(task: Task): Uint8Array {
  return task.kernel.fpuScratch(signalFpuBytes(task.kernel.platform.features.dynamicFpuSize));
}

/** Bytes of the extended state on a signal stack. */
export function signalFpuBytes(fpuSize: number): number {
  return fpuSize > FXSAVE_BYTES ? fpuSize + 4 : FXSAVE_BYTES;
}

/** AT_MINSIGSTKSZ as Linux reckons it: frame, alignment, and a little for the handler. */
export function leastSignalStack(fpuSize: number): number {
  return Math.ceil((fpuSize + 936) / 16) * 16;
}

function fillFrame(
  task: Task,
  bytes: Uint8Array,
  fpstate: number,
  action: SignalAction,
  fpSize: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIGFRAME_SIZE);
  bytes.fill(0, 0, SIGFRAME_SIZE);
  put64(view, 0, action.restorer);
  const xstate = fpSize > FXSAVE_BYTES ? UC_FP_XSTATE : 0;
  view.setUint32(SIGFRAME_UCONTEXT, xstate | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS, true);
  put64(view, SIGFRAME_UC_STACK, task.alternateStack.base);
  view.setUint32(SIGFRAME_UC_STACK + 8, task.alternateStack.flags, true);
  put64(view, SIGFRAME_UC_STACK + 16, task.alternateStack.size);
  const frame = task.frame;
  const from = frame.offset + FRAME_R8;
  bytes.set(frame.bytes.subarray(from, from + REGISTER_BYTES), SIGFRAME_MCONTEXT);
  const mask = task.savedMask ?? task.blocked;
  put64(view, SIGFRAME_MCONTEXT + SC_ERR, task.trapError);
  put64(view, SIGFRAME_MCONTEXT + SC_TRAPNO, task.trapNumber);
  view.setInt32(SIGFRAME_MCONTEXT + SC_OLDMASK, mask.lo, true);
  view.setInt32(SIGFRAME_MCONTEXT + SC_OLDMASK + 4, mask.hi, true);
  put64(view, SIGFRAME_MCONTEXT + SC_CR2, task.trapAddress);
  put64(view, SIGFRAME_FPSTATE, fpstate);
  view.setInt32(SIGFRAME_SIGMASK, mask.lo, true);
  view.setInt32(SIGFRAME_SIGMASK + 4, mask.hi, true);
}

/** The XSAVE area, which stands in `fpuBytes`, with the software bytes that tell the handler how large it is. */
function writeFpuState(task: Task, at: number, fpuSize: number): boolean {
  const total = signalFpuBytes(fpuSize);
  const bytes = fpuBytes(task);
  if (fpuSize > FXSAVE_BYTES) {
    const features = task.kernel.platform.features;
    const dynamic = fpuSize > features.fpuSize ? features.dynamicFeatures : 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, total);
    bytes.fill(0, FPX_SW_BYTES, FXSAVE_BYTES);
    view.setUint32(FPX_SW_BYTES, FP_XSTATE_MAGIC1, true);
    view.setUint32(FPX_SW_BYTES + 4, total, true);
    view.setUint32(FPX_SW_BYTES + 8, (features.xcr0Low | dynamic) >>> 0, true);
    view.setUint32(FPX_SW_BYTES + 12, features.xcr0High, true);
    view.setUint32(FPX_SW_BYTES + 16, fpuSize, true);
    view.setUint32(fpuSize, FP_XSTATE_MAGIC2, true);
  }
  return task.memory.copyOut(at, bytes, 0, total) === total;
}

function enterHandler(task: Task, signal: number, handler: number, at: number): void {
  const frame = task.frame;
  setRegister(frame, FRAME_RDI, signal);
  setRegister(frame, FRAME_RAX, 0);
  setRegister(frame, FRAME_RSI, at + SIGFRAME_INFO);
  setRegister(frame, FRAME_RDX, at + SIGFRAME_UCONTEXT);
  setRegister(frame, FRAME_RIP, handler);
  setRegister(frame, FRAME_RSP, at);
  const flags = getRegister(frame, FRAME_EFLAGS) & ~(EFLAGS_DF | EFLAGS_RF | EFLAGS_TF);
  setRegister(frame, FRAME_EFLAGS, flags);
  frame.view.setUint16(frame.offset + FRAME_CS, USER_CS, true);
  frame.view.setUint16(frame.offset + FRAME_SS, USER_SS, true);
  task.context.resetFpu();
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
