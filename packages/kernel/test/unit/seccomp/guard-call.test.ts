import {
  BPF_ABS,
  BPF_JEQ,
  BPF_JMP,
  BPF_K,
  BPF_LD,
  BPF_RET,
  BPF_W,
  PTRACE_EVENT_SECCOMP,
  PTRACE_O_TRACESECCOMP,
  parseSeccompFilter,
  SECCOMP_MODE_FILTER,
  SECCOMP_MODE_STRICT,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SIGKILL,
  SIGSYS,
  SIGTRAP,
} from '@sandbox-kernel/abi';
import { FRAME_RAX } from '@sandbox-kernel/contracts';
import {
  attach,
  resumeTraced,
  SeccompFilter,
  TASK_RUNNING,
  TASK_TRACED,
  type Task,
} from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { assemble, type Instruction } from '../../../../abi/test/support/assemble.js';
import { CLONE_THREAD, fork } from '../../support/calls.js';
import { Machine, NOT_RUNNING } from '../../support/machine.js';

/** Everything from the call numbers of tests on gets `answer`; or only `nr`. */
function filterOf(answer: number, previous: SeccompFilter | null = null, nr = -1): SeccompFilter {
  const code: Instruction[] = [[BPF_RET | BPF_K, 0, 0, answer]];
  if (nr >= 0)
    code.unshift(
      [BPF_LD | BPF_W | BPF_ABS, 0, 0, 0],
      [BPF_JMP | BPF_JEQ | BPF_K, 1, 0, nr],
      [BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW],
    );
  const program = parseSeccompFilter(assemble(code), 0, code.length);
  if (typeof program === 'number') throw new Error(`filter: ${program}`);
  return new SeccompFilter(program, previous, false);
}

function put(task: Task, filter: SeccompFilter | null): void {
  task.seccomp.mode = filter === null ? SECCOMP_MODE_STRICT : SECCOMP_MODE_FILTER;
  task.seccomp.filter = filter;
  task.refreshCallWork();
}

function child(): { machine: Machine; task: Task } {
  const machine = new Machine();
  return { machine, task: fork(machine, machine.init) };
}

test('a refused call is not made and returns the errno that the filter names', () => {
  const { machine, task } = child();
  put(task, filterOf(SECCOMP_RET_ERRNO | 13));
  let made = 0;
  expect(machine.call(task, () => ++made)).toBe(-13);
  expect(made).toBe(0);
});

test('an errno above 4095 is 4095', () => {
  const { machine, task } = child();
  put(task, filterOf(SECCOMP_RET_ERRNO | 0xffff));
  expect(machine.call(task, () => 0)).toBe(-4095);
});

test('of several filters the strictest counts, and the newest between equals', () => {
  const { machine, task } = child();
  const oldest = filterOf(SECCOMP_RET_ERRNO | 5);
  put(task, filterOf(SECCOMP_RET_LOG, oldest));
  expect(machine.call(task, () => 1)).toBe(-5);
  put(task, filterOf(SECCOMP_RET_ERRNO | 6, oldest));
  expect(machine.call(task, () => 1)).toBe(-6);
});

test('a filter sees the number of the call', () => {
  const { machine, task } = child();
  put(task, filterOf(SECCOMP_RET_ERRNO | 1, null, 1000 + machine.handlers.length + 1));
  expect(machine.call(task, () => 7)).toBe(7);
});

test('killing the thread spares the others, killing the process nobody', () => {
  for (const answer of [SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS]) {
    const { machine, task } = child();
    const thread = fork(machine, task, CLONE_THREAD);
    put(thread, filterOf(answer));
    expect(machine.call(thread, () => 0)).toBe(NOT_RUNNING);
    machine.poke(task);
    expect(task.state === TASK_RUNNING).toBe(answer === SECCOMP_RET_KILL_THREAD);
  }
});

test('the only thread takes its process along, with SIGSYS', () => {
  const { machine, task } = child();
  put(task, filterOf(SECCOMP_RET_KILL_THREAD));
  machine.call(task, () => 0);
  expect(machine.happenings).toEqual([{ what: 'exit', pid: task.tid, status: expect.any(Number) }]);
  expect(machine.happenings[0]!.status & 0x7f).toBe(SIGSYS);
});

test('strict mode ends with SIGKILL whoever calls anything else', () => {
  const { machine, task } = child();
  put(task, null);
  machine.call(task, () => 0);
  expect(machine.happenings[0]!.status & 0x7f).toBe(SIGKILL);
});

test('children inherit filters, and keep them when the parent adds one', () => {
  const { machine, task } = child();
  const first = filterOf(SECCOMP_RET_ERRNO | 2, null, 1);
  put(task, first);
  const grandchild = fork(machine, task);
  put(task, filterOf(SECCOMP_RET_ERRNO | 3, first));
  expect(grandchild.seccomp.filter).toBe(first);
  expect(task.seccomp.filter!.descendsFrom(first)).toBe(true);
  expect(first.descendsFrom(task.seccomp.filter)).toBe(false);
  expect(task.seccomp.filter!.count).toBe(2);
});

test('a chain that is too long says so', () => {
  let filter = filterOf(SECCOMP_RET_ALLOW);
  // One instruction each, and four more for every filter before it.
  for (let i = 1; i < 6554; i++) filter = filterOf(SECCOMP_RET_ALLOW, filter);
  expect(filter.tooLong).toBe(false);
  expect(filterOf(SECCOMP_RET_ALLOW, filter).tooLong).toBe(true);
});

test('SECCOMP_RET_TRACE stops for the tracer that wants it, once per call', () => {
  const { machine, task } = child();
  attach(machine.init, task, true, PTRACE_O_TRACESECCOMP);
  put(task, filterOf(SECCOMP_RET_TRACE | 21));
  machine.start(task, () => 9);
  expect(task.state).toBe(TASK_TRACED);
  expect(task.trace!.info!.code).toBe(SIGTRAP | (PTRACE_EVENT_SECCOMP << 8));
  expect(task.trace!.message).toBe(21);
  resumeTraced(task, 0, 0);
  machine.settle();
  expect(machine.register(task, FRAME_RAX)).toBe(9);
});

test('without such a tracer the call fails with ENOSYS', () => {
  const { machine, task } = child();
  put(task, filterOf(SECCOMP_RET_TRACE));
  expect(machine.call(task, () => 9)).toBe(-38);
});
