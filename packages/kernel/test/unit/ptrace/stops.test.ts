import {
  CLD_KILLED,
  ENOSYS,
  EPERM,
  P_ALL,
  P_PID,
  PTRACE_EVENT_EXIT,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_STOP,
  PTRACE_O_EXITKILL,
  PTRACE_O_TRACEEXIT,
  PTRACE_O_TRACEFORK,
  PTRACE_O_TRACESYSGOOD,
  SIGKILL,
  SIGSTOP,
  SIGTRAP,
  SIGUSR1,
  USER_REGS_ORIG_RAX,
  USER_REGS_RAX,
  USER_REGS_SIZE,
  WEXITED,
  WNOHANG,
  WSTOPPED,
} from '@sandbox-kernel/abi';
import { FRAME_RAX } from '@sandbox-kernel/contracts';
import {
  attach,
  cloneTask,
  detach,
  readRegisters,
  resumeTraced,
  TASK_RUNNING,
  TASK_TRACED,
  type Task,
  traceeOf,
  traceMe,
  wakeForTrap,
  writeRegister,
} from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import {
  CLONE_THREAD,
  exitCall,
  fork,
  killCall,
  request,
  WaitResult,
  waitCall,
} from '../../support/calls.js';
import { BLOCKED_NOW, Machine } from '../../support/machine.js';

const RUN_FREELY = 0;
const RUN_TO_CALL = 1;
const RUN_EMULATED = 3;

function traced(seized = false, options = 0): { machine: Machine; tracer: Task; tracee: Task } {
  const machine = new Machine();
  const tracer = fork(machine, machine.init);
  const tracee = fork(machine, tracer);
  expect(attach(tracer, tracee, seized, options)).toBe(0);
  machine.poke(tracee);
  return { machine, tracer, tracee };
}

function go(machine: Machine, tracee: Task, mode = RUN_FREELY, signal = 0): void {
  resumeTraced(tracee, signal, mode);
  machine.settle();
}

/** The status that wait(2) gives the tracer for its tracee, or 0. */
function news(machine: Machine, tracer: Task, tracee: Task): number {
  const out = new WaitResult();
  const got = machine.call(tracer, waitCall(out, P_PID, tracee.tid, WSTOPPED | WEXITED | WNOHANG));
  return got === tracee.tid ? out.status : 0;
}

const stop = (signal: number, event = 0): number => 0x7f | (signal << 8) | (event << 16);

function register(task: Task, offset: number): number {
  const view = new DataView(new ArrayBuffer(USER_REGS_SIZE));
  readRegisters(task, view, 0);
  return Number(view.getBigInt64(offset, true));
}

test('PTRACE_ATTACH stops with SIGSTOP, which is told once; PTRACE_SEIZE stops nobody', () => {
  const { machine, tracer, tracee } = traced();
  expect(tracee.state).toBe(TASK_TRACED);
  expect(news(machine, tracer, tracee)).toBe(stop(SIGSTOP));
  expect(news(machine, tracer, tracee)).toBe(0);
  expect(traced(true).tracee.state).toBe(TASK_RUNNING);
});

test('a traced task, a thread of the same process and one that ends cannot be attached to', () => {
  const { machine, tracer, tracee } = traced();
  expect(attach(machine.init, tracee, false, 0)).toBe(-EPERM);
  const thread = fork(machine, tracer, CLONE_THREAD);
  expect(attach(tracer, thread, false, 0)).toBe(-EPERM);
  machine.call(thread, (task) => traceMe(task));
  expect(thread.tracer).toBe(machine.init);
});

test('commands are for the tracer, and for a stopped task', () => {
  const { machine, tracer, tracee } = traced();
  expect(traceeOf(machine.init, tracee.tid, false)).toBeNull();
  expect(traceeOf(tracer, tracee.tid, false)).toBe(tracee);
  go(machine, tracee);
  expect(traceeOf(tracer, tracee.tid, false)).toBeNull();
  expect(traceeOf(tracer, tracee.tid, true)).toBe(tracee);
});

test('a signal stops with it, and is delivered only if the tracer says so', () => {
  const { machine, tracer, tracee } = traced();
  news(machine, tracer, tracee);
  go(machine, tracee);
  machine.call(tracer, killCall(tracee.tid, SIGUSR1));
  expect(news(machine, tracer, tracee)).toBe(stop(SIGUSR1));
  go(machine, tracee);
  expect(tracee.state).toBe(TASK_RUNNING);
  machine.call(tracer, killCall(tracee.tid, SIGUSR1));
  news(machine, tracer, tracee);
  go(machine, tracee, RUN_FREELY, SIGUSR1);
  expect(news(machine, tracer, tracee)).toBe(SIGUSR1);
});

test('PTRACE_SYSCALL stops before a call and after it, with what the tracer sees in RAX', () => {
  const { machine, tracer, tracee } = traced(false, PTRACE_O_TRACESYSGOOD);
  news(machine, tracer, tracee);
  go(machine, tracee, RUN_TO_CALL);
  machine.start(tracee, () => 42);
  expect(news(machine, tracer, tracee)).toBe(stop(SIGTRAP | 0x80));
  expect(register(tracee, USER_REGS_RAX)).toBe(-ENOSYS);
  const nr = register(tracee, USER_REGS_ORIG_RAX);
  expect(machine.handlers[nr]).toBeDefined();
  go(machine, tracee, RUN_TO_CALL);
  expect(news(machine, tracer, tracee)).toBe(stop(SIGTRAP | 0x80));
  expect(register(tracee, USER_REGS_RAX)).toBe(42);
  go(machine, tracee);
  expect(machine.register(tracee, FRAME_RAX)).toBe(42);
});

test('a call whose number the tracer takes away is not made, and returns what it wrote to RAX', () => {
  const { machine, tracee } = traced();
  go(machine, tracee, RUN_TO_CALL);
  let made = 0;
  machine.start(tracee, () => ++made);
  writeRegister(tracee, USER_REGS_ORIG_RAX, -1, -1);
  writeRegister(tracee, USER_REGS_RAX, 7, 0);
  go(machine, tracee);
  expect(made).toBe(0);
  expect(machine.register(tracee, FRAME_RAX)).toBe(7);
});

test('PTRACE_SYSEMU makes no call', () => {
  const { machine, tracee } = traced();
  go(machine, tracee, RUN_EMULATED);
  let made = 0;
  machine.start(tracee, () => ++made);
  expect(tracee.state).toBe(TASK_TRACED);
  go(machine, tracee);
  expect(made).toBe(0);
  expect(tracee.state).toBe(TASK_RUNNING);
});

test('PTRACE_INTERRUPT stops a seized task in a call that waits, which goes on afterwards', () => {
  const { machine, tracer, tracee } = traced(true);
  const out = new WaitResult();
  fork(machine, tracee);
  expect(machine.call(tracee, waitCall(out, P_ALL, 0, WEXITED))).toBe(BLOCKED_NOW);
  tracee.trace!.trapStop = true;
  wakeForTrap(tracee);
  machine.settle();
  expect(news(machine, tracer, tracee)).toBe(stop(SIGTRAP, PTRACE_EVENT_STOP));
  go(machine, tracee);
  expect(tracee.state).toBe(TASK_RUNNING);
  expect(machine.restarts(tracee)).toBe(true);
});

test('PTRACE_O_TRACEFORK stops in the parent and at the start of the child, which has the same tracer', () => {
  const { machine, tracer, tracee } = traced(true, PTRACE_O_TRACEFORK);
  machine.start(tracee, (task) => cloneTask(task, request()));
  expect(news(machine, tracer, tracee)).toBe(stop(SIGTRAP, PTRACE_EVENT_FORK));
  const child = machine.kernel.findTask(tracee.trace!.message)!;
  expect(child.tracer).toBe(tracer);
  expect(news(machine, tracer, child)).toBe(stop(SIGTRAP, PTRACE_EVENT_STOP));
});

test('PTRACE_O_TRACEEXIT stops with the status, before the end', () => {
  const { machine, tracer, tracee } = traced(true, PTRACE_O_TRACEEXIT);
  machine.start(tracee, exitCall(3));
  expect(news(machine, tracer, tracee)).toBe(stop(SIGTRAP, PTRACE_EVENT_EXIT));
  expect(tracee.trace!.message).toBe(0x300);
  go(machine, tracee);
  expect(news(machine, tracer, tracee)).toBe(0x300);
});

test('SIGKILL ends a stopped tracee', () => {
  const { machine, tracer, tracee } = traced();
  machine.call(tracer, killCall(tracee.tid, SIGKILL));
  const out = new WaitResult();
  expect(machine.call(tracer, waitCall(out, P_PID, tracee.tid, WEXITED))).toBe(tracee.tid);
  expect([out.status, out.code]).toEqual([SIGKILL, CLD_KILLED]);
});

test('detached, a task goes on with the signal, and nobody hears of it any more', () => {
  const { machine, tracer, tracee } = traced();
  news(machine, tracer, tracee);
  expect(detach(tracee, 0)).toBe(0);
  machine.settle();
  expect(tracee.state).toBe(TASK_RUNNING);
  expect(tracee.tracer).toBeNull();
  expect(tracer.group.tracees?.size).toBe(0);
});

test('tracees outlive their tracer, unless PTRACE_O_EXITKILL says otherwise', () => {
  for (const options of [0, PTRACE_O_EXITKILL]) {
    const machine = new Machine();
    const tracer = fork(machine, machine.init);
    const tracee = fork(machine, machine.init);
    expect(attach(tracer, tracee, true, options)).toBe(0);
    machine.call(tracer, exitCall(0));
    machine.poke(tracee);
    expect(tracee.state === TASK_RUNNING).toBe(options === 0);
    expect(tracee.tracer).toBeNull();
  }
});

test('a traced child of somebody else is its tracer’s to wait for first', () => {
  const machine = new Machine();
  const tracer = fork(machine, machine.init);
  const tracee = fork(machine, machine.init);
  attach(tracer, tracee, true, 0);
  machine.call(tracee, exitCall(1));
  expect(news(machine, machine.init, tracee)).toBe(0);
  expect(news(machine, tracer, tracee)).toBe(0x100);
  expect(news(machine, machine.init, tracee)).toBe(0x100);
});
