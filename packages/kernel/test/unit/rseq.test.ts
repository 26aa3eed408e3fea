import { EBUSY, EINVAL, EPERM } from '@sandbox-kernel/abi';
import { FRAME_RIP } from '@sandbox-kernel/contracts';
import { registerSequence, type SyscallHandler, type Task } from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { setRegister } from '../../src/registers.js';
import { CLONE_THREAD, fork } from '../support/calls.js';
import { CODE, DATA, Machine, NOT_RUNNING } from '../support/machine.js';

const SIGNATURE = 0x53053053;
const CPU_ID = 4;
const SECTION = 8;
const areaOf = (index: number): number => DATA + 512 + 32 * index;
const DESCRIPTOR = DATA + 1024;
const START = CODE + 16;

const register =
  (index: number, flags = 0, signature = SIGNATURE): SyscallHandler =>
  (task) =>
    registerSequence(task, areaOf(index), 32, flags, signature);

function threads(count: number): { machine: Machine; tasks: Task[] } {
  const machine = new Machine();
  const leader = fork(machine, machine.init);
  const others = Array.from({ length: count - 1 }, () =>
    fork(machine, leader, CLONE_THREAD, { exitSignal: 0 }),
  );
  return { machine, tasks: [leader, ...others] };
}

/** A descriptor of a critical section of 8 bytes with its abort handler in readable memory. */
function describe(task: Task): number {
  const abort = DATA + 1200;
  task.memory.writeU32(abort - 4, SIGNATURE);
  task.memory.writeU64(DESCRIPTOR, 0);
  task.memory.writeU64(DESCRIPTOR + 8, START);
  task.memory.writeU64(DESCRIPTOR + 16, 8);
  task.memory.writeU64(DESCRIPTOR + 24, abort);
  return abort;
}

test('running threads of one address space have different processors', () => {
  const { machine, tasks } = threads(2);
  for (const [index, task] of tasks.entries()) expect(machine.call(task, register(index))).toBe(0);
  const numbers = tasks.map((task, index) => task.memory.readU32(areaOf(index) + CPU_ID));
  expect(numbers.toSorted()).toEqual([0, 1]);
});

test('registering twice is EBUSY, unregistering needs the same arguments', () => {
  const { machine, tasks } = threads(1);
  const task = tasks[0]!;
  machine.call(task, register(0));
  expect(machine.call(task, register(0))).toBe(-EBUSY);
  expect(machine.call(task, register(1))).toBe(-EINVAL);
  expect(machine.call(task, register(0, 1, 7))).toBe(-EPERM);
  expect(machine.call(task, register(0, 1))).toBe(0);
  expect(task.memory.readU32(areaOf(0) + CPU_ID)).toBe(0xffffffff);
});

test('a thread interrupted inside a critical section goes on at its abort handler', () => {
  const { machine, tasks } = threads(1);
  const task = tasks[0]!;
  machine.call(task, register(0));
  const abort = describe(task);
  task.memory.writeU64(areaOf(0) + SECTION, DESCRIPTOR);
  setRegister(task.frame, FRAME_RIP, START + 4);
  machine.poke(task);
  expect(machine.register(task, FRAME_RIP)).toBe(abort);
  expect(task.memory.readU64(areaOf(0) + SECTION)).toBe(0);
});

test('outside of it the thread goes on where it was', () => {
  const { machine, tasks } = threads(1);
  const task = tasks[0]!;
  machine.call(task, register(0));
  describe(task);
  task.memory.writeU64(areaOf(0) + SECTION, DESCRIPTOR);
  setRegister(task.frame, FRAME_RIP, START + 8);
  machine.poke(task);
  expect(machine.register(task, FRAME_RIP)).toBe(START + 8);
});

test('with critical sections and more threads than processors, threads take turns', () => {
  const { machine, tasks } = threads(3);
  for (const [index, task] of tasks.entries()) {
    if (index < 2) machine.call(task, register(index));
  }
  const [first, second, third] = tasks as [Task, Task, Task];
  describe(first);
  first.memory.writeU64(areaOf(0) + SECTION, DESCRIPTOR);
  setRegister(first.frame, FRAME_RIP, START + 8);
  machine.poke(first);
  expect(machine.call(third, register(2))).toBe(NOT_RUNNING);
  machine.advance(4_000_000);
  expect(machine.result(third)).toBe(0);
  const cpu = third.memory.readU32(areaOf(2) + CPU_ID);
  const running = [first, second].filter((task) => machine.result(task) !== NOT_RUNNING);
  expect(running).toHaveLength(1);
  expect(running[0]?.rseqCpu).not.toBe(cpu);
});
