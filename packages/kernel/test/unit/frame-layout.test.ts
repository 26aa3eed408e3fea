// Compares what stands on the handler's stack with the layout that abi declares from the system's headers.
import { SA_RESTORER, SA_SIGINFO, SIGUSR1, SIGUSR2 } from '@sandbox-kernel/abi';
import { FRAME_R8, FRAME_RAX, FRAME_RSP } from '@sandbox-kernel/contracts';
import { sendToTask, setRegister, signalReturn, userSignal } from '@sandbox-kernel/kernel';
import type { ScriptedContext } from '@sandbox-kernel/testkit';
import { expect, test } from 'vitest';
import { fork } from '../support/calls.js';
import { Machine, NOT_RUNNING } from '../support/machine.js';

const UC = 8;
const MCONTEXT = UC + 40;
const FPSTATE_POINTER = MCONTEXT + 184;
const SIGMASK = MCONTEXT + 256;

function delivered(): { machine: Machine; task: ReturnType<typeof fork>; sp: number; fpu: Uint8Array } {
  const machine = new Machine();
  const task = fork(machine, machine.init);
  const action = task.group.handlers.get(SIGUSR1);
  action.handler = 0x400300;
  action.flags = (SA_RESTORER | SA_SIGINFO) >>> 0;
  action.restorer = 0x400400;
  task.blocked.add(SIGUSR2);
  const context = task.context as ScriptedContext;
  for (let i = 0; i < context.fpu.length; i++) context.fpu[i] = i & 0xff;
  const fpu = context.fpu.slice();
  for (let offset = FRAME_R8; offset < FRAME_RSP; offset += 8)
    setRegister(task.frame, offset, 0x1000 + offset);
  sendToTask(task, userSignal(SIGUSR1, 1, 0));
  machine.settle();
  return { machine, task, sp: machine.stackPointer(task), fpu };
}

test('ucontext holds flags, stack, registers in order of struct sigcontext, and the mask', () => {
  const { task, sp } = delivered();
  const { memory } = task;
  expect(memory.readU64(sp + UC)).toBe(7);
  expect(memory.readU32(sp + UC + 24)).toBe(2);
  for (let i = 0; i < 14; i++) expect(memory.readU64(sp + MCONTEXT + i * 8)).toBe(0x1000 + i * 8);
  expect(memory.readU16(sp + MCONTEXT + 144)).toBe(0x33);
  expect(memory.readU16(sp + MCONTEXT + 150)).toBe(0x2b);
  expect(memory.readU32(sp + SIGMASK)).toBe(1 << (SIGUSR2 - 1));
});

test('the extended state is 64-byte aligned and carries both magic numbers, sizes and features', () => {
  const { task, sp, fpu } = delivered();
  const { memory } = task;
  const at = memory.readU64(sp + FPSTATE_POINTER);
  expect(at % 64).toBe(0);
  expect(memory.readU32(at + 464)).toBe(0x46505853);
  expect(memory.readU32(at + 468)).toBe(fpu.length + 4);
  expect(memory.readU64(at + 472)).toBe(7);
  expect(memory.readU32(at + 480)).toBe(fpu.length);
  expect(memory.readU32(at + fpu.length)).toBe(0x46505845);
  expect(memory.readU8(at + 600)).toBe(600 & 0xff);
});

test('what a handler writes into the saved state is what the program gets', () => {
  const { machine, task, sp } = delivered();
  const at = task.memory.readU64(sp + FPSTATE_POINTER);
  task.memory.writeU8(at + 160, 0x5a);
  task.memory.writeU64(sp + MCONTEXT + FRAME_RAX, 4242);
  setRegister(task.frame, FRAME_RSP, sp + 8);
  machine.call(task, signalReturn);
  expect((task.context as ScriptedContext).fpu[160]).toBe(0x5a);
  expect(machine.result(task)).toBe(4242);
});

test('without the second magic number only the legacy state is restored', () => {
  const { machine, task, sp, fpu } = delivered();
  const at = task.memory.readU64(sp + FPSTATE_POINTER);
  task.memory.writeU32(at + fpu.length, 0);
  setRegister(task.frame, FRAME_RSP, sp + 8);
  machine.call(task, signalReturn);
  const { fpu: restored } = task.context as ScriptedContext;
  expect([restored[160], restored[600], restored[512]]).toEqual([160, 0, 3]);
});

test('a return to an address outside user space is SIGSEGV', () => {
  const { machine, task, sp } = delivered();
  task.memory.writeU32(sp + MCONTEXT + 132, 0xffff8000);
  setRegister(task.frame, FRAME_RSP, sp + 8);
  expect(machine.call(task, signalReturn)).toBe(NOT_RUNNING);
  expect(task.group.exitStatus).toBe(11);
});
