import {
  EINTR,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  MINSIGSTKSZ,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_DFL,
  SIG_IGN,
  SIGALRM,
  SIGCONT,
  SIGSEGV,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  SYS_restart_syscall,
} from '@sandbox-kernel/abi';
import { FRAME_RAX, FRAME_RDI, FRAME_RDX, FRAME_RIP, FRAME_RSI, FRAME_RSP } from '@sandbox-kernel/contracts';
import {
  SignalInfo,
  sendToGroup,
  sendToTask,
  setRegister,
  signalReturn,
  sleepFor,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_ZOMBIE,
  type Task,
  userSignal,
} from '@sandbox-kernel/kernel';
import { WaitQueue } from '@sandbox-kernel/vfs';
import { describe, expect, test } from 'vitest';
import { CLONE_THREAD, exitCall, fork, killCall } from '../support/calls.js';
import { BLOCKED_NOW, DATA, Machine, NOT_RUNNING } from '../support/machine.js';

const HANDLER = 0x400300;
const RESTORER = 0x400400;

function handle(task: Task, signal: number, flags = 0): void {
  const action = task.group.handlers.get(signal);
  action.handler = HANDLER;
  action.restorer = RESTORER;
  action.flags = (SA_RESTORER | flags) >>> 0;
}

function setUp(): { machine: Machine; task: Task } {
  const machine = new Machine();
  return { machine, task: fork(machine, machine.init) };
}

describe('disposition', () => {
  test('SIGTERM by default ends the process', () => {
    const { machine, task } = setUp();
    machine.call(machine.init, killCall(task.tid, SIGTERM));
    expect(task.state).toBe(TASK_ZOMBIE);
    expect(machine.happenings).toContainEqual({ what: 'exit', pid: task.tid, status: SIGTERM });
  });

  test('an ignored signal does nothing', () => {
    const { machine, task } = setUp();
    task.group.handlers.get(SIGTERM).handler = SIG_IGN;
    machine.call(machine.init, killCall(task.tid, SIGTERM));
    expect(task.state).toBe(TASK_RUNNING);
    expect(task.group.pending.set.isEmpty()).toBe(true);
  });

  test('a blocked signal waits, even when it is ignored now', () => {
    const { machine, task } = setUp();
    task.group.handlers.get(SIGTERM).handler = SIG_IGN;
    task.blocked.add(SIGTERM);
    machine.call(machine.init, killCall(task.tid, SIGTERM));
    expect(task.group.pending.set.has(SIGTERM)).toBe(true);
  });

  test('init does not get signals that it has no handler for, from inside', () => {
    const { machine, task } = setUp();
    machine.call(task, killCall(1, SIGTERM));
    expect(machine.init.state).toBe(TASK_RUNNING);
  });

  test('SIGSTOP stops every thread and SIGCONT lets them go', () => {
    const { machine, task } = setUp();
    const thread = fork(machine, task, CLONE_THREAD, { exitSignal: 0 });
    machine.call(machine.init, killCall(task.tid, SIGSTOP));
    expect([task.state, thread.state]).toEqual([TASK_STOPPED, TASK_STOPPED]);
    machine.call(machine.init, killCall(task.tid, SIGCONT));
    expect([task.state, thread.state]).toEqual([TASK_RUNNING, TASK_RUNNING]);
  });

  test('SIGKILL ends a stopped process', () => {
    const { machine, task } = setUp();
    machine.call(machine.init, killCall(task.tid, SIGSTOP));
    machine.call(machine.init, killCall(task.tid, 9));
    expect(task.group.exited).toBe(true);
  });

  test('a fatal signal ends every thread', () => {
    const { machine, task } = setUp();
    const thread = fork(machine, task, CLONE_THREAD, { exitSignal: 0 });
    machine.call(machine.init, killCall(task.tid, SIGTERM));
    expect(task.group.exited).toBe(true);
    expect(thread.state).toBeGreaterThanOrEqual(TASK_ZOMBIE);
  });
});

describe('queue', () => {
  test('standard signals collapse, real-time ones queue in order', () => {
    const { task } = setUp();
    for (const signal of [SIGUSR1, 34]) task.blocked.add(signal);
    for (let i = 0; i < 3; i++) {
      sendToTask(task, userSignal(SIGUSR1, i, 0));
      sendToTask(task, new SignalInfo(34, -1).sender(i, 0));
    }
    expect(task.pending.length).toBe(4);
    expect(task.pending.take(SIGUSR1)?.pid).toBe(0);
    expect([0, 1, 2].map(() => task.pending.take(34)?.pid)).toEqual([0, 1, 2]);
    expect(task.pending.set.isEmpty()).toBe(true);
  });

  test('SIGCONT takes pending stop signals away', () => {
    const { task } = setUp();
    task.blocked.add(20);
    sendToGroup(task.group, userSignal(20, 1, 0));
    sendToGroup(task.group, userSignal(SIGCONT, 1, 0));
    expect(task.group.pending.set.has(20)).toBe(false);
  });

  test('RLIMIT_SIGPENDING stops real-time signals with EAGAIN and keeps standard ones pending', () => {
    const { task } = setUp();
    task.group.limits.soft[11] = 0;
    for (const signal of [SIGUSR1, 34]) task.blocked.add(signal);
    expect(sendToTask(task, new SignalInfo(34, -1))).toBe(-11);
    expect(sendToTask(task, userSignal(SIGUSR1, 1, 0))).toBe(0);
    expect(task.pending.set.has(SIGUSR1)).toBe(true);
  });
});

describe('handler', () => {
  test('it gets signal, siginfo and ucontext, and rt_sigreturn brings every register back', () => {
    const { machine, task } = setUp();
    handle(task, SIGUSR1, SA_SIGINFO);
    const before = machine.stackPointer(task);
    setRegister(task.frame, FRAME_RDX, 0x1234_5678_9abc);
    sendToTask(task, userSignal(SIGUSR1, 77, 5));
    machine.settle();
    const sp = machine.stackPointer(task);
    expect(sp % 16).toBe(8);
    expect(sp).toBeLessThan(before - 128 - 832);
    expect(machine.register(task, FRAME_RIP)).toBe(HANDLER);
    expect(machine.register(task, FRAME_RDI)).toBe(SIGUSR1);
    expect(machine.register(task, FRAME_RDX)).toBe(sp + 8);
    const info = machine.register(task, FRAME_RSI);
    expect([0, 8, 16, 20].map((at) => task.memory.readU32(info + at))).toEqual([SIGUSR1, 0, 77, 5]);
    expect(task.memory.readU64(sp)).toBe(RESTORER);
    expect(task.blocked.has(SIGUSR1)).toBe(true);
    setRegister(task.frame, FRAME_RSP, sp + 8);
    machine.call(task, signalReturn);
    expect(machine.stackPointer(task)).toBe(before);
    expect(machine.register(task, FRAME_RDX)).toBe(0x1234_5678_9abc);
    expect(task.blocked.has(SIGUSR1)).toBe(false);
  });

  test('SA_NODEFER leaves the signal unblocked and SA_RESETHAND forgets the handler', () => {
    const { machine, task } = setUp();
    handle(task, SIGUSR1, SA_NODEFER | SA_RESETHAND);
    sendToTask(task, userSignal(SIGUSR1, 1, 0));
    machine.settle();
    expect(task.blocked.has(SIGUSR1)).toBe(false);
    expect(task.group.handlers.get(SIGUSR1).handler).toBe(SIG_DFL);
  });

  test('SA_ONSTACK runs it on the alternate stack', () => {
    const { machine, task } = setUp();
    handle(task, SIGUSR1, SA_ONSTACK);
    task.alternateStack.set(DATA, 8192, 0, machine.stackPointer(task), MINSIGSTKSZ);
    sendToTask(task, userSignal(SIGUSR1, 1, 0));
    machine.settle();
    const sp = machine.stackPointer(task);
    expect(sp).toBeGreaterThan(DATA);
    expect(sp).toBeLessThan(DATA + 8192);
    expect(task.alternateStack.set(0, 0, 2, sp, MINSIGSTKSZ)).toBe(-1);
  });

  test('a stack that can not take the frame ends in SIGSEGV', () => {
    const { machine, task } = setUp();
    handle(task, SIGUSR1);
    setRegister(task.frame, FRAME_RSP, 0x1000);
    sendToTask(task, userSignal(SIGUSR1, 1, 0));
    machine.settle();
    expect(machine.happenings).toContainEqual({ what: 'exit', pid: task.tid, status: SIGSEGV });
  });

  test('a frame that finds no memory waits until another process has made room', () => {
    const { machine, task } = setUp();
    const large = fork(machine, machine.init);
    large.group.oomScoreAdjust = 1000;
    handle(task, SIGUSR1, SA_SIGINFO);
    const { memoryFile } = machine.kernel;
    memoryFile.purge();
    memoryFile.limit = memoryFile.used;
    sendToTask(task, userSignal(SIGUSR1, 77, 5));
    machine.settle();
    expect(large.group.exited).toBe(true);
    memoryFile.limit = Number.POSITIVE_INFINITY;
    machine.advance(1e7);
    expect(machine.register(task, FRAME_RIP)).toBe(HANDLER);
    expect(task.memory.readU32(machine.register(task, FRAME_RSI) + 16)).toBe(77);
    expect(task.credentials.user.pendingSignals).toBe(0);
  });

  test('a frame that can not be read ends in SIGSEGV', () => {
    const { machine, task } = setUp();
    setRegister(task.frame, FRAME_RSP, 8);
    expect(machine.call(task, signalReturn)).toBe(NOT_RUNNING);
    expect(machine.happenings).toContainEqual({ what: 'exit', pid: task.tid, status: SIGSEGV });
  });

  test('a fault with a handler tells the address; blocked, it kills', () => {
    const { machine, task } = setUp();
    handle(task, SIGSEGV, SA_SIGINFO);
    machine.trap(task, { kind: 'fault', address: 0x10, error: 4 });
    const info = machine.register(task, FRAME_RSI);
    expect([
      task.memory.readU32(info),
      task.memory.readU32(info + 8),
      task.memory.readU64(info + 16),
    ]).toEqual([SIGSEGV, 1, 0x10]);
    machine.trap(task, { kind: 'fault', address: 0x20, error: 4 });
    expect(task.group.exitStatus).toBe(SIGSEGV);
    expect(task.group.exited).toBe(true);
  });
});

describe('a call that a signal interrupts', () => {
  const queue = new WaitQueue();
  const waiting =
    (code: number) =>
    (task: Task): number =>
      task.blockOn(queue, 1, -code);

  const cases: readonly [string, number, number, boolean][] = [
    ['ERESTARTSYS without SA_RESTART', ERESTARTSYS, 0, false],
    ['ERESTARTSYS with SA_RESTART', ERESTARTSYS, SA_RESTART, true],
    ['ERESTARTNOINTR', ERESTARTNOINTR, 0, true],
    ['ERESTARTNOHAND', ERESTARTNOHAND, SA_RESTART, false],
    ['ERESTART_RESTARTBLOCK', ERESTART_RESTARTBLOCK, SA_RESTART, false],
  ];
  for (const [name, code, flags, again] of cases) {
    test(`${name} ${again ? 'starts again' : 'fails with EINTR'} after a handler`, () => {
      const { machine, task } = setUp();
      handle(task, SIGALRM, flags);
      expect(machine.call(task, waiting(code))).toBe(BLOCKED_NOW);
      const nr = machine.register(task, FRAME_RAX);
      sendToTask(task, userSignal(SIGALRM, 1, 0));
      machine.settle();
      expect(machine.register(task, FRAME_RIP)).toBe(HANDLER);
      setRegister(task.frame, FRAME_RSP, machine.stackPointer(task) + 8);
      machine.call(task, signalReturn);
      expect(machine.restarts(task)).toBe(again);
      expect(machine.result(task)).toBe(again ? nr : -EINTR);
    });

    test(`${name} starts again when a stop and SIGCONT came in between`, () => {
      const { machine, task } = setUp();
      machine.call(task, waiting(code));
      const nr = machine.register(task, FRAME_RAX);
      machine.call(machine.init, killCall(task.tid, SIGSTOP));
      expect(task.state).toBe(TASK_STOPPED);
      machine.call(machine.init, killCall(task.tid, SIGCONT));
      expect(machine.restarts(task)).toBe(true);
      expect(machine.result(task)).toBe(code === ERESTART_RESTARTBLOCK ? SYS_restart_syscall : nr);
    });
  }

  test('a relative sleep tells what is left', () => {
    const { machine, task } = setUp();
    handle(task, SIGUSR2);
    expect(machine.call(task, (caller) => sleepFor(caller, 5e9, DATA + 64))).toBe(BLOCKED_NOW);
    machine.advance(2e9);
    sendToTask(task, userSignal(SIGUSR2, 1, 0));
    machine.settle();
    expect([task.memory.readU64(DATA + 64), task.memory.readU64(DATA + 72)]).toEqual([3, 0]);
  });

  test('a sleep ends at its deadline', () => {
    const { machine, task } = setUp();
    machine.call(task, (caller) => sleepFor(caller, 5e9, 0));
    machine.advance(4.9e9);
    expect(machine.result(task)).toBe(BLOCKED_NOW);
    machine.advance(0.1e9);
    expect(machine.result(task)).toBe(0);
  });
});

test('kill of a process without permission fails', () => {
  const { machine, task } = setUp();
  const other = fork(machine, machine.init);
  const next = task.credentials.edit();
  next.uid = 1000;
  next.euid = 1000;
  next.suid = 1000;
  next.effective = next.effective.without(next.effective);
  task.credentials = next;
  expect(machine.call(task, killCall(other.tid, SIGTERM))).toBe(-1);
  expect(machine.call(task, killCall(99999, SIGTERM))).toBe(-3);
  machine.call(other, exitCall(0));
});
