import { P_ALL, WEXITED } from '@sandbox-kernel/abi';
import { RESUME_DUE } from '@sandbox-kernel/contracts';
import type { Task } from '@sandbox-kernel/kernel';
import type { ScriptedContext } from '@sandbox-kernel/testkit';
import { expect, test } from 'vitest';
import { exitCall, fork, WaitResult, waitCall } from '../support/calls.js';
import { BLOCKED_NOW, Machine } from '../support/machine.js';

const flags = (task: Task): number => (task.context as ScriptedContext).flags;

const sleeping =
  (until: number) =>
  (task: Task): number =>
    task.kernel.clock.monotonic() >= until ? 0 : task.blockUntil(until, -512);

test('a task whose deadline has come goes on as one that is due, once', () => {
  const machine = new Machine();
  const until = machine.clock.monotonic() + 1000;
  expect(machine.call(machine.init, sleeping(until))).toBe(BLOCKED_NOW);
  machine.advance(1000);
  expect(machine.result(machine.init)).toBe(0);
  expect(flags(machine.init)).toBe(RESUME_DUE);
  expect(machine.call(machine.init, () => 7)).toBe(7);
  expect(flags(machine.init)).toBe(0);
});

test('what another task does makes nobody due', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  expect(machine.call(machine.init, waitCall(new WaitResult(), P_ALL, 0, WEXITED))).toBe(BLOCKED_NOW);
  machine.call(child, exitCall(0));
  expect(machine.result(machine.init)).toBe(child.tid);
  expect(flags(machine.init)).toBe(0);
});
