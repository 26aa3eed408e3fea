// rseq(2): restartable sequences. What a program relies on is that between two aborts no other thread of it runs on the processor that
// `cpu_id` names. Nobody here knows on which of the host's processors a thread runs, so the numbers are the sandbox's own: each is lent to
// one running thread of an address space at a time. With more running threads than processors, numbers are shared for as long as no
// thread has a critical section (glibc registers every thread and never enters one); after the first that is seen, threads take turns.
import { EBUSY, EFAULT, EINVAL, EPERM, RSEQ_FLAG_UNREGISTER, RSEQ_SIZE, SIGSEGV } from '@sandbox-kernel/abi';
import { FRAME_RIP } from '@sandbox-kernel/contracts';
import type { Kernel } from './kernel.js';
import { getRegister, setRegister } from './registers.js';
import { forceSignal } from './signal/send.js';
import { kernelSignal } from './signal/signal-info.js';
import type { Task } from './task.js';
import { TASK_HELD, TASK_RUNNING } from './task-state.js';
import { TimerNode, type TimerOwner } from './timer-heap.js';

const CPU_ID_START = 0;
const CPU_ID = 4;
const CRITICAL_SECTION = 8;
const NODE_ID = 20;
const CONCURRENCY_ID = 24;
const UNINITIALIZED = 0xffffffff;
const SIGNATURE_BYTES = 4;
/** How long a thread keeps its processor while another waits for one, ns. */
const SLICE = 3_000_000;

/** The processors of one address space: who runs on which, and who waits for one. */
export class ProcessorSlots implements TimerOwner {
  private readonly kernel: Kernel;
  private readonly users: (Task | null)[];
  private readonly waiting: Task[];
  private readonly slice: TimerNode;
  /** A thread with a critical section was seen: numbers are no longer shared. */
  exclusive: boolean;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.users = new Array(kernel.options.processors).fill(null);
    this.waiting = [];
    this.slice = new TimerNode(this);
    this.exclusive = false;
  }

  /** The number that `task` runs with, or -1: it must wait. */
  claim(task: Task): number {
    const last = task.rseqCpu;
    if (last >= 0 && mayUse(task, last)) {
      const user = this.users[last];
      if (user === task) return last;
      if (user === null) return this.take(task, last);
    }
    let allowed = -1;
    for (let cpu = 0; cpu < this.users.length; cpu++) {
      if (!mayUse(task, cpu)) continue;
      if (allowed < 0) allowed = cpu;
      if (this.users[cpu] === null) return this.take(task, cpu);
    }
    const shared = last >= 0 && mayUse(task, last) ? last : allowed;
    if (!this.exclusive) this.exclusive = hasSection(task) || hasSection(this.users[shared]!);
    if (!this.exclusive) return shared;
    this.waiting.push(task);
    if (!this.slice.armed) this.kernel.timers.arm(this.slice, this.kernel.clock.monotonic() + SLICE);
    return -1;
  }

  private take(task: Task, cpu: number): number {
    this.users[cpu] = task;
    return cpu;
  }

  /** `task` no longer runs; the longest waiter that may use its processor gets it. */
  release(task: Task): void {
    const cpu = task.rseqCpu;
    if (cpu < 0 || this.users[cpu] !== task) return;
    this.users[cpu] = null;
    for (let i = 0; i < this.waiting.length; i++) {
      const next = this.waiting[i]!;
      if (!mayUse(next, cpu)) continue;
      this.waiting.splice(i, 1);
      next.rseqCpu = cpu;
      this.users[cpu] = next;
      next.makeRunnable();
      return;
    }
  }

  /** Somebody has waited long enough: those that run make way. */
  timerExpired(node: TimerNode, now: number): void {
    if (this.waiting.length === 0) return;
    for (const user of this.users) if (user !== null && user.state === TASK_RUNNING) user.context.interrupt();
    this.kernel.timers.arm(node, now + SLICE);
  }
}

function mayUse(task: Task, cpu: number): boolean {
  const words = task.scheduling.affinity;
  return words === null || ((words[cpu >>> 5]! >>> (cpu & 31)) & 1) === 1;
}

function hasSection(task: Task): boolean {
  return task.rseqAddress !== 0 && task.memory.readU64(task.rseqAddress + CRITICAL_SECTION) > 0;
}

/** rseq(2). */
export function registerSequence(
  task: Task,
  address: number,
  length: number,
  flags: number,
  signature: number,
): number {
  if ((flags & RSEQ_FLAG_UNREGISTER) !== 0) return unregister(task, address, length, flags, signature);
  if (flags !== 0) return -EINVAL;
  if (task.rseqAddress !== 0) {
    if (task.rseqAddress !== address || task.rseqLength !== length) return -EINVAL;
    return task.rseqSignature === signature ? -EBUSY : -EPERM;
  }
  if (length < RSEQ_SIZE || address % RSEQ_SIZE !== 0) return -EINVAL;
  if (address === 0 || task.memory.writeU64(address + CRITICAL_SECTION, 0) < 0) return -EFAULT;
  task.rseqAddress = address;
  task.rseqLength = length;
  task.rseqSignature = signature;
  task.rseqCpu = -1;
  task.rseqWritten = -1;
  return 0;
}

function unregister(task: Task, address: number, length: number, flags: number, signature: number): number {
  if ((flags & ~RSEQ_FLAG_UNREGISTER) !== 0) return -EINVAL;
  if (task.rseqAddress === 0 || task.rseqAddress !== address || task.rseqLength !== length) return -EINVAL;
  if (task.rseqSignature !== signature) return -EPERM;
  if (!writeProcessor(task, 0, UNINITIALIZED)) return -EFAULT;
  forgetSequence(task);
  return 0;
}

/** A new program has none. Pre: the task is in the kernel. */
export function forgetSequence(task: Task): void {
  task.image.processors?.release(task);
  task.rseqAddress = 0;
  task.rseqCpu = -1;
  task.rseqWritten = -1;
}

function writeProcessor(task: Task, start: number, cpu: number): boolean {
  const { memory, rseqAddress } = task;
  return (
    memory.writeU32(rseqAddress + CPU_ID_START, start) >= 0 &&
    memory.writeU32(rseqAddress + CPU_ID, cpu) >= 0 &&
    memory.writeU32(rseqAddress + NODE_ID, 0) >= 0 &&
    memory.writeU32(rseqAddress + CONCURRENCY_ID, start) >= 0
  );
}

export const SEQUENCE_READY = 0;
/** The task is held until a processor is free. */
export const SEQUENCE_HELD = 1;
/** The program spoilt its area: a signal waits. */
export const SEQUENCE_FAULT = 2;

/** The last thing before a registered task goes to its program. */
export function lendProcessor(task: Task): number {
  const { image } = task;
  if (image.processors === null) image.processors = new ProcessorSlots(task.kernel);
  const cpu = image.processors.claim(task);
  if (cpu < 0) {
    task.state = TASK_HELD;
    return SEQUENCE_HELD;
  }
  task.rseqCpu = cpu;
  if (task.rseqWritten === cpu) return SEQUENCE_READY;
  if (!writeProcessor(task, cpu, cpu)) return spoilt(task);
  task.rseqWritten = cpu;
  return SEQUENCE_READY;
}

/** The task has trapped, or will not run after all. */
export function returnProcessor(task: Task): void {
  task.image.processors?.release(task);
}

/**
 * The program was interrupted (signal, preemption, fault) where its registers say: inside a critical section it goes on at the
 * section's abort handler instead. SEQUENCE_READY or SEQUENCE_FAULT.
 */
export function abortSequence(task: Task): number {
  const { memory } = task;
  const at = memory.readU64(task.rseqAddress + CRITICAL_SECTION);
  if (at === 0) return SEQUENCE_READY;
  if (at < 0) return spoilt(task);
  if (task.image.processors !== null) task.image.processors.exclusive = true;
  const version = memory.readU32(at);
  const flags = memory.readU32(at + 4);
  const start = memory.readU64(at + 8);
  const length = memory.readU64(at + 16);
  const abort = memory.readU64(at + 24);
  const limit = task.kernel.platform.features.addressLimit;
  if (version < 0 || abort < 0 || start >= limit || start + length > limit || abort >= limit)
    return spoilt(task);
  if (version > 0 || (abort >= start && abort < start + length)) return spoilt(task);
  if (memory.readU32(abort - SIGNATURE_BYTES) !== task.rseqSignature) return spoilt(task);
  const ip = getRegister(task.frame, FRAME_RIP);
  const inside = ip >= start && ip < start + length;
  if (inside && (flags !== 0 || memory.readU32(task.rseqAddress + 16) !== 0)) return spoilt(task);
  if (memory.writeU64(task.rseqAddress + CRITICAL_SECTION, 0) < 0) return spoilt(task);
  if (inside) setRegister(task.frame, FRAME_RIP, abort);
  return SEQUENCE_READY;
}

function spoilt(task: Task): number {
  forceSignal(task, kernelSignal(SIGSEGV));
  return SEQUENCE_FAULT;
}
