import { ENOEXEC, SIG_IGN, SIGCHLD, SIGKILL } from '@sandbox-kernel/abi';
import { executeProgram, TASK_RUNNING } from '@sandbox-kernel/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fork, killCall } from '../support/calls.js';
import { tinyElf } from '../support/elf.js';
import { Machine } from '../support/machine.js';

const run = (machine: Machine, bytes: Uint8Array): number => {
  machine.init.group.handlers.get(SIGCHLD).handler = SIG_IGN;
  const child = fork(machine, machine.init);
  machine.writeFile(machine.init.fs, '/fuzz', bytes);
  let result = 0;
  machine.call(child, (task) => {
    result = executeProgram(task, { dirfd: -100, path: '/fuzz', argv: ['x'], envp: [], flags: 0 });
    return result;
  });
  expect(child.state).toBe(TASK_RUNNING);
  machine.call(machine.init, killCall(child.tid, SIGKILL));
  return result;
};

const failedOrRan = (result: number): boolean => (result < 0 && result > -4096) || result === -0x10001;

test('arbitrary bytes are refused or run, and never throw', () => {
  const machine = new Machine(undefined, 100_000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(failedOrRan(run(machine, bytes))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('an ELF file with any bytes of its headers changed is refused or runs', () => {
  const machine = new Machine(undefined, 100_000);
  const change = fc.record({ at: fc.nat(63 + 3 * 56), value: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), fc.boolean(), (changes, dynamic) => {
      const bytes = tinyElf({ type: dynamic ? 3 : 2, interpreter: '/init' });
      for (const { at, value } of changes) bytes[at] = value;
      expect(failedOrRan(run(machine, bytes))).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('an ELF file cut anywhere is refused or runs', () => {
  const machine = new Machine(undefined, 100_000);
  fc.assert(
    fc.property(fc.nat(8192), (length) => {
      expect(failedOrRan(run(machine, tinyElf({ interpreter: '/init' }).subarray(0, length)))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('scripts with any first line are refused or run, and an endless line is no program', () => {
  const machine = new Machine(undefined, 100_000);
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'binary-ascii' }), (line) => {
      const text = Uint8Array.from(`#!${line}`, (char) => char.charCodeAt(0));
      expect(failedOrRan(run(machine, text))).toBe(true);
    }),
    { numRuns: 200 },
  );
  expect(
    run(
      machine,
      Uint8Array.from(`#!${'/'.repeat(300)}`, (char) => char.charCodeAt(0)),
    ),
  ).toBe(-ENOEXEC);
});
