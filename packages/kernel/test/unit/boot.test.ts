import { ESTALE } from '@sandbox-kernel/abi';
import { FRAME_RIP, FRAME_RSP } from '@sandbox-kernel/contracts';
import { TASK_RUNNING } from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { DATA, Machine } from '../support/machine.js';

test('init runs at the entry of its program with argc, argv and the auxiliary vector on a 16-byte aligned stack', () => {
  const machine = new Machine();
  const task = machine.init;
  expect(task.state).toBe(TASK_RUNNING);
  expect(task.tid).toBe(1);
  expect(machine.register(task, FRAME_RIP)).toBe(0x400200);
  const sp = machine.register(task, FRAME_RSP);
  expect(sp % 16).toBe(0);
  expect(task.memory.readU64(sp)).toBe(1);
  expect(task.memory.readString(task.memory.readU64(sp + 8), 100)).toBe('init');
  expect(task.memory.readU64(sp + 16)).toBe(0);
  expect(task.memory.readString(task.memory.readU64(sp + 24), 100)).toBe('HOME=/');
  expect(task.comm).toBe('init');
});

test('what the file holds beyond a segment is zero in .bss', () => {
  const { init } = new Machine();
  expect(init.memory.readU8(DATA)).toBe(0xee);
  expect(init.memory.readU8(DATA + 15)).toBe(0xee);
  expect(init.memory.readU8(DATA + 16)).toBe(0);
  expect(init.memory.readU8(DATA + 8191)).toBe(0);
  expect(init.memory.readU8(DATA + 8192)).toBeLessThan(0);
});

test('a call that met names which the host was changing starts again, but not for ever', () => {
  const machine = new Machine();
  let runs = 0;
  expect(machine.call(machine.init, () => (++runs < 10 ? -ESTALE : 5))).toBe(5);
  expect(runs).toBe(10);
  expect(machine.call(machine.init, () => -ESTALE)).toBe(-ESTALE);
});
