// Position-independent files whose own addresses lie above the place where they are put: what moves them is below zero.
import { executeProgram, REGISTERS_SET } from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { fork } from '../../support/calls.js';
import { tinyElf } from '../../support/elf.js';
import { Machine } from '../../support/machine.js';

const HIGH = 0x6fff;

/** Puts HIGH into bits 32 to 47 of the addresses of entry, code and data. */
function lifted(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (const at of [24, 64 + 16, 120 + 16]) view.setUint32(at + 4, HIGH, true);
  return bytes;
}

test.each([undefined, '/init'])('loads and begins inside of its code (interpreter: %s)', (interpreter) => {
  const machine = new Machine(undefined, 100_000);
  const child = fork(machine, machine.init);
  const options = interpreter === undefined ? { type: 3 } : { type: 3, interpreter };
  machine.writeFile(machine.init.fs, '/high', lifted(tinyElf(options)));
  const call = { dirfd: -100, path: '/high', argv: ['x'], envp: [], flags: 0 };
  machine.call(child, (task) => {
    const result = executeProgram(task, call);
    expect(result).toBe(REGISTERS_SET);
    return result;
  });
  const { startCode, endCode } = child.memory;
  expect(startCode).toBeGreaterThan(0xffff);
  expect(startCode).not.toBe(HIGH * 2 ** 32);
  expect(endCode - startCode).toBe(4096);
});
