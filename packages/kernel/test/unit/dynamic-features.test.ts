// AMX's tiles without a processor that has them: who may use them, and the frames of signals that grow with them.
import { EINVAL, ENOSPC, EOPNOTSUPP, MINSIGSTKSZ, SA_RESTORER, SIGUSR1 } from '@sandbox-kernel/abi';
import { FRAME_RSP } from '@sandbox-kernel/contracts';
import {
  leastAlternateStack,
  requestFeature,
  sendToTask,
  setRegister,
  signalReturn,
  type Task,
  userSignal,
} from '@sandbox-kernel/kernel';
import type { ScriptedAddressSpace, ScriptedContext } from '@sandbox-kernel/testkit';
import { expect, test } from 'vitest';
import { fork } from '../support/calls.js';
import { DATA, Machine } from '../support/machine.js';

const TILES = 18;
const USUAL = 2816;
const LARGE = USUAL + 8192;
const FPSTATE_POINTER = 48 + 184;
const XSTATE_BV = 512;

function setUp(): { machine: Machine; task: Task } {
  const features = { fpuSize: USUAL, dynamicFpuSize: LARGE, dynamicFeatures: 1 << TILES };
  const machine = new Machine(undefined, undefined, undefined, features);
  const task = fork(machine, machine.init);
  const action = task.group.handlers.get(SIGUSR1);
  action.handler = 0x400300;
  action.flags = SA_RESTORER >>> 0;
  action.restorer = 0x400400;
  return { machine, task };
}

/** The thread has used tiles: its state is longer from now on. */
function useTiles(task: Task): ScriptedContext {
  const context = task.context as ScriptedContext;
  context.fpu = new Uint8Array(LARGE).fill(0x33, USUAL);
  context.fpu[XSTATE_BV + 2] = 4;
  return context;
}

function signalled(machine: Machine, task: Task): { sp: number; at: number } {
  sendToTask(task, userSignal(SIGUSR1, 1, 0));
  machine.settle();
  const sp = machine.stackPointer(task);
  return { sp, at: task.memory.readU64(sp + FPSTATE_POINTER) };
}

test('only what the processor has can be asked for, and children have it', () => {
  const { machine, task } = setUp();
  expect([requestFeature(task, 2), requestFeature(task, 20)]).toEqual([-EOPNOTSUPP, -EINVAL]);
  expect((task.memory.space as ScriptedAddressSpace).dynamicFeatures).toBe(false);
  expect([requestFeature(task, TILES), requestFeature(task, TILES)]).toEqual([0, 0]);
  const child = fork(machine, task);
  expect(child.image.dynamicFeatures).toBe(true);
  expect((child.memory.space as ScriptedAddressSpace).dynamicFeatures).toBe(true);
});

test('an alternate stack without room for the larger frame and the permission exclude each other', () => {
  const { task } = setUp();
  expect(task.alternateStack.set(DATA, 4096, 0, 0, leastAlternateStack(task))).toBe(0);
  expect(requestFeature(task, TILES)).toBe(-ENOSPC);
  task.alternateStack.reset();
  expect(leastAlternateStack(task)).toBe(MINSIGSTKSZ);
  expect(requestFeature(task, TILES)).toBe(0);
  expect(leastAlternateStack(task)).toBeGreaterThan(LARGE);
});

test('frames have the usual size until the thread has used tiles', () => {
  const { machine, task } = setUp();
  requestFeature(task, TILES);
  const { at } = signalled(machine, task);
  expect(task.memory.readU32(at + 480)).toBe(USUAL);
  expect(task.memory.readU32(at + 472)).toBe(7);
});

test('the larger frame holds the tiles, and what a handler makes of them is what the program gets', () => {
  const { machine, task } = setUp();
  requestFeature(task, TILES);
  const context = useTiles(task);
  const { at, sp } = signalled(machine, task);
  expect(at % 64).toBe(0);
  expect(task.memory.readU32(at + 468)).toBe(LARGE + 4);
  expect(task.memory.readU32(at + 472)).toBe(7 | (1 << TILES));
  expect(task.memory.readU32(at + 480)).toBe(LARGE);
  expect(task.memory.readU32(at + LARGE)).toBe(0x46505845);
  expect(task.memory.readU8(at + LARGE - 1)).toBe(0x33);
  task.memory.writeU8(at + LARGE - 1, 0x44);
  setRegister(task.frame, FRAME_RSP, sp + 8);
  machine.call(task, signalReturn);
  expect([context.fpu[LARGE - 1], context.fpu[LARGE - 2], context.fpu[XSTATE_BV + 2]]).toEqual([
    0x44, 0x33, 4,
  ]);
});

test('without the permission a frame that claims to be larger restores the legacy state only', () => {
  const { machine, task } = setUp();
  const { at, sp } = signalled(machine, task);
  const context = task.context as ScriptedContext;
  task.memory.writeU32(at + 468, LARGE + 4);
  task.memory.writeU32(at + 480, LARGE);
  task.memory.writeU8(at + 600, 0x55);
  setRegister(task.frame, FRAME_RSP, sp + 8);
  machine.call(task, signalReturn);
  expect([context.fpu[600], context.fpu[XSTATE_BV]]).toEqual([0, 3]);
});

test('a child starts with the usual state', () => {
  const { machine, task } = setUp();
  requestFeature(task, TILES);
  useTiles(task);
  const child = fork(machine, task);
  const { fpu } = child.context as ScriptedContext;
  expect([fpu.length, fpu[XSTATE_BV + 2]]).toEqual([USUAL, 0]);
});
