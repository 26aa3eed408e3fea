// The registers of a stopped task as a debugger sees them (struct user_regs_struct, sys/user.h). The trap frame keeps the number of a call
// in RAX until the call is over for good; a debugger sees it in orig_rax, and in RAX what the call returned, or would have.
import {
  EIO,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  USER_REGS_CS,
  USER_REGS_DS,
  USER_REGS_EFLAGS,
  USER_REGS_ES,
  USER_REGS_FS,
  USER_REGS_FS_BASE,
  USER_REGS_GS,
  USER_REGS_GS_BASE,
  USER_REGS_ORIG_RAX,
  USER_REGS_R8,
  USER_REGS_R9,
  USER_REGS_R10,
  USER_REGS_R11,
  USER_REGS_R12,
  USER_REGS_R13,
  USER_REGS_R14,
  USER_REGS_R15,
  USER_REGS_RAX,
  USER_REGS_RBP,
  USER_REGS_RBX,
  USER_REGS_RCX,
  USER_REGS_RDI,
  USER_REGS_RDX,
  USER_REGS_RIP,
  USER_REGS_RSI,
  USER_REGS_RSP,
  USER_REGS_SIZE,
  USER_REGS_SS,
} from '@sandbox-kernel/abi';
import {
  FRAME_EFLAGS,
  FRAME_FS_BASE,
  FRAME_GS_BASE,
  FRAME_R8,
  FRAME_R9,
  FRAME_R10,
  FRAME_R11,
  FRAME_R12,
  FRAME_R13,
  FRAME_R14,
  FRAME_R15,
  FRAME_RAX,
  FRAME_RBP,
  FRAME_RBX,
  FRAME_RCX,
  FRAME_RDI,
  FRAME_RDX,
  FRAME_RIP,
  FRAME_RSI,
  FRAME_RSP,
} from '@sandbox-kernel/contracts';
import { setResult } from '../registers.js';
import { USER_CS, USER_SS } from '../signal/frame.js';
import type { Task } from '../task.js';
import { STOP_AGAIN, STOP_ENTRY, STOP_FILTER, STOP_FINISH, type TraceState } from './trace-state.js';

/** (offset in user_regs_struct, offset in the frame) of what is the same in both. */
const PLAIN: readonly (readonly [number, number])[] = [
  [USER_REGS_R15, FRAME_R15],
  [USER_REGS_R14, FRAME_R14],
  [USER_REGS_R13, FRAME_R13],
  [USER_REGS_R12, FRAME_R12],
  [USER_REGS_RBP, FRAME_RBP],
  [USER_REGS_RBX, FRAME_RBX],
  [USER_REGS_R11, FRAME_R11],
  [USER_REGS_R10, FRAME_R10],
  [USER_REGS_R9, FRAME_R9],
  [USER_REGS_R8, FRAME_R8],
  [USER_REGS_RCX, FRAME_RCX],
  [USER_REGS_RDX, FRAME_RDX],
  [USER_REGS_RSI, FRAME_RSI],
  [USER_REGS_RDI, FRAME_RDI],
  [USER_REGS_RIP, FRAME_RIP],
  [USER_REGS_RSP, FRAME_RSP],
  [USER_REGS_FS_BASE, FRAME_FS_BASE],
  [USER_REGS_GS_BASE, FRAME_GS_BASE],
];
/** Flags that a debugger may set: CF PF AF ZF SF TF DF OF NT RF AC, as Linux's FLAG_MASK. */
const SETTABLE_FLAGS = 0x54dd5;
const RESTARTS: readonly number[] = [ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK];

/** Fills USER_REGS_SIZE bytes at `at`. Pre: stopped. */
export function readRegisters(task: Task, view: DataView, at: number): void {
  const { frame } = task;
  const trace = task.trace as TraceState;
  for (const [to, from] of PLAIN) copy64(frame.view, frame.offset + from, view, at + to);
  const flags = frame.view.getUint32(frame.offset + FRAME_EFLAGS, true);
  put64(view, at + USER_REGS_EFLAGS, flags);
  put64(view, at + USER_REGS_CS, USER_CS);
  put64(view, at + USER_REGS_SS, USER_SS);
  for (const segment of [USER_REGS_DS, USER_REGS_ES, USER_REGS_FS, USER_REGS_GS])
    put64(view, at + segment, 0);
  put64(view, at + USER_REGS_ORIG_RAX, trace.callNumber);
  if (isWithinCall(trace)) put64(view, at + USER_REGS_RAX, trace.entryResult);
  else if (task.restartCode !== 0) put64(view, at + USER_REGS_RAX, -task.restartCode);
  else copy64(frame.view, frame.offset + FRAME_RAX, view, at + USER_REGS_RAX);
}

/** Takes USER_REGS_SIZE bytes at `at`. 0, or -EIO for what no program may have; then nothing has changed. Pre: stopped. */
export function writeRegisters(task: Task, view: DataView, at: number): number {
  if (!isAllowed(task, view, at)) return -EIO;
  const { frame } = task;
  for (const [from, to] of PLAIN) copy64(view, at + from, frame.view, frame.offset + to);
  const flags = frame.view.getUint32(frame.offset + FRAME_EFLAGS, true);
  const wanted = view.getUint32(at + USER_REGS_EFLAGS, true);
  frame.view.setUint32(
    frame.offset + FRAME_EFLAGS,
    (flags & ~SETTABLE_FLAGS) | (wanted & SETTABLE_FLAGS),
    true,
  );
  writeResult(task, view, at);
  return 0;
}

/** The call has no result yet. */
function isWithinCall(trace: TraceState): boolean {
  const { point } = trace;
  return point === STOP_ENTRY || point === STOP_FILTER || point === STOP_FINISH || point === STOP_AGAIN;
}

/** RAX and orig_rax: the result so far, and whether a call that was cut short starts again. */
function writeResult(task: Task, view: DataView, at: number): void {
  const { frame } = task;
  const trace = task.trace as TraceState;
  const number = view.getInt32(at + USER_REGS_ORIG_RAX, true);
  const low = view.getInt32(at + USER_REGS_RAX, true);
  const high = view.getInt32(at + USER_REGS_RAX + 4, true);
  trace.callNumber = number;
  if (isWithinCall(trace)) {
    trace.entryResult = high * 2 ** 32 + (low >>> 0);
    return;
  }
  if (number >= 0 && high === -1 && RESTARTS.includes(-low)) {
    task.restartCode = -low;
    setResult(frame, number);
    return;
  }
  task.restartCode = 0;
  copy64(view, at + USER_REGS_RAX, frame.view, frame.offset + FRAME_RAX);
}

function isAllowed(task: Task, view: DataView, at: number): boolean {
  const limit = task.kernel.platform.features.addressLimit;
  for (const base of [USER_REGS_FS_BASE, USER_REGS_GS_BASE])
    if (get64(view, at + base) >= limit) return false;
  for (const segment of [USER_REGS_CS, USER_REGS_SS]) {
    const selector = view.getUint16(at + segment, true);
    if (selector !== 0 && (selector & 3) !== 3) return false;
    if (selector === 0) return false;
  }
  return true;
}

/** One register by its offset in struct user_regs_struct; 0 or -EIO. */
export function writeRegister(task: Task, offset: number, low: number, high: number): number {
  const view = new DataView(new ArrayBuffer(USER_REGS_SIZE));
  readRegisters(task, view, 0);
  view.setUint32(offset, low, true);
  view.setUint32(offset + 4, high, true);
  return writeRegisters(task, view, 0);
}

function copy64(from: DataView, at: number, to: DataView, target: number): void {
  to.setUint32(target, from.getUint32(at, true), true);
  to.setUint32(target + 4, from.getUint32(at + 4, true), true);
}

function get64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** Numbers from -2^53 on; negative ones in two's complement. */
function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32) >>> 0, true);
}
