// rt_sigreturn(2): back from a handler, which may have changed every register. All that comes from the program's stack is checked;
// what can't be restored ends in SIGSEGV, as in Linux.
import { SIGSEGV } from '@sandbox-kernel/abi';
import {
  FRAME_CS,
  FRAME_EFLAGS,
  FRAME_FS,
  FRAME_GS,
  FRAME_R8,
  FRAME_RIP,
  FRAME_RSP,
  FRAME_SS,
} from '@sandbox-kernel/contracts';
import { getRegister } from '../registers.js';
import { REGISTERS_SET } from '../results.js';
import type { Task } from '../task.js';
import { UNBLOCKABLE_SIGNALS } from './default-action.js';
import { badFrame } from './deliver.js';
import { leastAlternateStack } from './dynamic-features.js';
import {
  FP_XSTATE_MAGIC1,
  FP_XSTATE_MAGIC2,
  FPX_SW_BYTES,
  FXSAVE_BYTES,
  SIGFRAME_FPSTATE,
  SIGFRAME_INFO,
  SIGFRAME_MCONTEXT,
  SIGFRAME_SIGMASK,
  SIGFRAME_UC_STACK,
  USER_CS,
  USER_SS,
} from './frame.js';

/** Flags a program may set: CF PF AF ZF SF TF DF OF RF AC. */
const FIX_EFLAGS = 0x50dd5;
const XSTATE_HEADER = 64;
/** Bytes of struct sigcontext before cs, gs, fs, ss: the general registers and flags. */
const GENERAL_BYTES = 144;

export function signalReturn(task: Task): number {
  const at = getRegister(task.frame, FRAME_RSP) - 8;
  const bytes = task.kernel.scratch(SIGFRAME_INFO);
  task.restartCode = 0;
  if (at < 0 || task.memory.copyIn(at, bytes, 0, SIGFRAME_INFO) !== SIGFRAME_INFO) {
    badFrame(task, SIGSEGV);
    return REGISTERS_SET;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIGFRAME_INFO);
  task.blocked.set(
    view.getInt32(SIGFRAME_SIGMASK, true) & ~UNBLOCKABLE_SIGNALS,
    view.getInt32(SIGFRAME_SIGMASK + 4, true),
  );
  task.savedMask = null;
  task.recalcSignals();
  if (!restoreRegisters(task, bytes, view) || !restoreFpuState(task, get64(view, SIGFRAME_FPSTATE))) {
    badFrame(task, SIGSEGV);
    return REGISTERS_SET;
  }
  restoreAlternateStack(task, view);
  return REGISTERS_SET;
}

function restoreRegisters(task: Task, bytes: Uint8Array, view: DataView): boolean {
  const frame = task.frame;
  const flags = frame.view.getUint32(frame.offset + FRAME_EFLAGS, true);
  const cs = view.getUint16(SIGFRAME_MCONTEXT + FRAME_CS, true) | 3;
  const rip = get64(view, SIGFRAME_MCONTEXT + FRAME_RIP);
  frame.bytes.set(
    bytes.subarray(SIGFRAME_MCONTEXT, SIGFRAME_MCONTEXT + GENERAL_BYTES),
    frame.offset + FRAME_R8,
  );
  const wanted = view.getUint32(SIGFRAME_MCONTEXT + FRAME_EFLAGS, true);
  frame.view.setUint32(frame.offset + FRAME_EFLAGS, (flags & ~FIX_EFLAGS) | (wanted & FIX_EFLAGS), true);
  frame.view.setUint32(frame.offset + FRAME_EFLAGS + 4, 0, true);
  frame.view.setUint16(frame.offset + FRAME_CS, USER_CS, true);
  frame.view.setUint16(frame.offset + FRAME_SS, USER_SS, true);
  frame.view.setUint16(frame.offset + FRAME_FS, 0, true);
  frame.view.setUint16(frame.offset + FRAME_GS, 0, true);
  // Only 64-bit user code segments exist here, and an address outside the canonical half faults at once.
  return cs === USER_CS && rip < task.kernel.platform.features.addressLimit;
}

function restoreFpuState(task: Task, at: number): boolean {
  if (at === 0) {
    task.context.resetFpu();
    return true;
  }
  const { dynamicFpuSize, fpuSize } = task.kernel.platform.features;
  const most = task.image.dynamicFeatures ? dynamicFpuSize : fpuSize;
  const bytes = task.kernel.fpuScratch(most);
  if (task.memory.copyIn(at, bytes, 0, FXSAVE_BYTES) !== FXSAVE_BYTES) return false;
  const size = extendedSize(task, bytes, at, most);
  if (size > FXSAVE_BYTES && task.memory.copyIn(at, bytes, 0, size) !== size) return false;
  if (size === FXSAVE_BYTES && fpuSize > FXSAVE_BYTES) return restoreLegacy(task, bytes, fpuSize);
  const whole = size > fpuSize ? most : fpuSize;
  bytes.fill(0, size, whole);
  bytes.fill(0, FPX_SW_BYTES, FXSAVE_BYTES);
  return task.context.restoreFpu(bytes, 0, whole) >= 0;
}

/** x87 and SSE state only: the rest goes back to its initial state. */
function restoreLegacy(task: Task, bytes: Uint8Array, fpuSize: number): boolean {
  bytes.fill(0, FPX_SW_BYTES, fpuSize);
  bytes[FXSAVE_BYTES] = 3;
  return task.context.restoreFpu(bytes, 0, fpuSize) >= 0;
}

/** Size of the state that the program left, if its marks are right; else that of the FXSAVE area alone. */
function extendedSize(task: Task, bytes: Uint8Array, at: number, fpuSize: number): number {
  if (fpuSize <= FXSAVE_BYTES) return FXSAVE_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset, FXSAVE_BYTES);
  if (view.getUint32(FPX_SW_BYTES, true) !== FP_XSTATE_MAGIC1) return FXSAVE_BYTES;
  const extended = view.getUint32(FPX_SW_BYTES + 4, true);
  const size = view.getUint32(FPX_SW_BYTES + 16, true);
  if (size < FXSAVE_BYTES + XSTATE_HEADER || size > fpuSize || size > extended) return FXSAVE_BYTES;
  return task.memory.readU32(at + size) === FP_XSTATE_MAGIC2 ? size : FXSAVE_BYTES;
}

function restoreAlternateStack(task: Task, view: DataView): void {
  // A refusal (the handler still runs on it) leaves the stack as it is, silently: so does Linux.
  task.alternateStack.set(
    get64(view, SIGFRAME_UC_STACK),
    get64(view, SIGFRAME_UC_STACK + 16),
    view.getUint32(SIGFRAME_UC_STACK + 8, true),
    getRegister(task.frame, FRAME_RSP),
    leastAlternateStack(task),
  );
}

function get64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}
