import {
  EINVAL,
  EIO,
  ENOSPC,
  PTRACE_O_TRACESYSGOOD,
  SIGTRAP,
  TRAP_HWBKPT,
  TRAP_TRACE,
} from '@sandbox-kernel/abi';
import { FRAME_RIP, RESUME_SINGLE_STEP } from '@sandbox-kernel/contracts';
import {
  attach,
  DebugRegisters,
  resumeTraced,
  setRegister,
  TASK_RUNNING,
  TASK_TRACED,
  type Task,
} from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { fork } from '../../support/calls.js';
import { CODE, DATA, Machine } from '../../support/machine.js';

const STORE_4 = 0xd0000;
const RUN_FREELY = 0;
const RUN_ONE_STEP = 2;

/** A tracee that is stopped, with debug registers. */
function stopped(): { machine: Machine; tracee: Task; debug: DebugRegisters } {
  const machine = new Machine();
  const tracee = fork(machine, machine.init);
  attach(machine.init, tracee, false, PTRACE_O_TRACESYSGOOD);
  machine.poke(tracee);
  expect(tracee.state).toBe(TASK_TRACED);
  const debug = new DebugRegisters();
  tracee.trace!.debug = debug;
  return { machine, tracee, debug };
}

function go(machine: Machine, tracee: Task, mode = RUN_FREELY): void {
  resumeTraced(tracee, 0, mode);
  machine.settle();
}

/** The processor has executed one instruction and is at `rip`. */
function step(machine: Machine, tracee: Task, rip: number): void {
  setRegister(tracee.frame, FRAME_RIP, rip);
  machine.trap(tracee, { kind: 'exception', signal: SIGTRAP, code: TRAP_TRACE, vector: 1 });
}

test('addresses above the program are refused and leave the old one', () => {
  const { tracee, debug } = stopped();
  expect(debug.write(tracee, 0, 0x1000, 0)).toBe(0);
  expect(debug.write(tracee, 0, 0xfffff000, 0x7fff)).toBe(-EINVAL);
  expect(debug.readLow(0)).toBe(0x1000);
});

test('DR4 and DR5 are not there to write, and DR6 keeps what was written', () => {
  const { tracee, debug } = stopped();
  expect(debug.write(tracee, 4, 0, 0)).toBe(-EIO);
  expect(debug.write(tracee, 5, 0, 0)).toBe(-EIO);
  expect(debug.readLow(6)).toBe(0xffff0ff0);
  expect(debug.write(tracee, 6, 5, 6)).toBe(0);
  expect([debug.readLow(6), debug.readHigh(6)]).toEqual([5, 6]);
});

test('a control word with a bad kind, length or alignment changes nothing', () => {
  const { tracee, debug } = stopped();
  debug.write(tracee, 0, DATA + 1, 0);
  for (const bad of [0x20001, 0x40001, 0x50001 | STORE_4])
    expect(debug.write(tracee, 7, bad, 0)).toBe(-EINVAL);
  expect(debug.write(tracee, 7, 0x30001, 0)).toBe(-ENOSPC);
  expect(debug.readLow(7)).toBe(0);
  expect(debug.active).toBe(false);
});

test('the address of a watchpoint that is on stays aligned', () => {
  const { tracee, debug } = stopped();
  debug.write(tracee, 0, DATA, 0);
  expect(debug.write(tracee, 7, STORE_4 | 1, 0)).toBe(0);
  expect(debug.write(tracee, 0, DATA + 2, 0)).toBe(-EINVAL);
  expect(debug.write(tracee, 0, DATA + 4, 0)).toBe(0);
});

test('a store stops the thread after the instruction that made it', () => {
  const { machine, tracee, debug } = stopped();
  debug.write(tracee, 0, DATA, 0);
  debug.write(tracee, 7, STORE_4 | 1, 0);
  go(machine, tracee);
  expect(tracee.state).toBe(TASK_RUNNING);
  expect(tracee.resumeFlags).toBe(RESUME_SINGLE_STEP);
  step(machine, tracee, CODE + 3);
  expect(tracee.state).toBe(TASK_RUNNING);
  tracee.memory.writeU32(DATA, 77);
  step(machine, tracee, CODE + 6);
  expect(tracee.state).toBe(TASK_TRACED);
  expect(tracee.trace!.info!.signal).toBe(SIGTRAP);
  expect(tracee.trace!.info!.code).toBe(TRAP_HWBKPT);
  expect(debug.readLow(6)).toBe(0xffff0ff1);
});

test('what a system call stores is no store of the program', () => {
  const { machine, tracee, debug } = stopped();
  debug.write(tracee, 0, DATA, 0);
  debug.write(tracee, 7, STORE_4 | 1, 0);
  go(machine, tracee);
  machine.call(tracee, (task) => task.memory.writeU32(DATA, 5));
  step(machine, tracee, CODE + 9);
  expect(tracee.state).toBe(TASK_RUNNING);
});

test('a breakpoint stops before its instruction, once', () => {
  const { machine, tracee, debug } = stopped();
  debug.write(tracee, 1, CODE + 16, 0);
  debug.write(tracee, 7, 1 << 2, 0);
  go(machine, tracee);
  step(machine, tracee, CODE + 16);
  expect(tracee.state).toBe(TASK_TRACED);
  expect(debug.readLow(6)).toBe(0xffff0ff2);
  go(machine, tracee);
  expect(tracee.state).toBe(TASK_RUNNING);
  step(machine, tracee, CODE + 20);
  expect(tracee.state).toBe(TASK_RUNNING);
  step(machine, tracee, CODE + 16);
  expect(tracee.state).toBe(TASK_TRACED);
});

test('a step of the tracer ends at a breakpoint without it, which comes when the thread goes on', () => {
  const { machine, tracee, debug } = stopped();
  debug.write(tracee, 0, CODE + 16, 0);
  debug.write(tracee, 7, 1, 0);
  go(machine, tracee, RUN_ONE_STEP);
  step(machine, tracee, CODE + 16);
  expect(tracee.trace!.info!.code).toBe(TRAP_TRACE);
  expect(debug.readLow(6)).toBe(0xffff4ff0);
  go(machine, tracee);
  expect(tracee.state).toBe(TASK_TRACED);
  expect(tracee.trace!.info!.code).toBe(TRAP_HWBKPT);
});

test('turned off, the thread runs freely again', () => {
  const { machine, tracee, debug } = stopped();
  debug.write(tracee, 7, 1, 0);
  debug.write(tracee, 7, 0, 0);
  go(machine, tracee);
  expect(tracee.resumeFlags).toBe(0);
});
