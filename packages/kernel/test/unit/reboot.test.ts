import { SIGHUP, SIGKILL } from '@sandbox-kernel/abi';
import { endAll } from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { CLONE_THREAD, fork } from '../support/calls.js';
import { Machine, NOT_RUNNING } from '../support/machine.js';

test('a reboot kills every process, and init seems to have died of the signal that says which', () => {
  const machine = new Machine();
  const caller = fork(machine, machine.init);
  const other = fork(machine, machine.init);
  const thread = fork(machine, other, CLONE_THREAD);
  expect(machine.call(caller, (task) => endAll(task, SIGHUP))).toBe(NOT_RUNNING);
  machine.poke(other);
  machine.poke(thread);
  machine.poke(machine.init);
  expect(machine.happenings).toContainEqual({ what: 'init', pid: 1, status: SIGHUP });
  expect(machine.happenings).toContainEqual({ what: 'exit', pid: other.tid, status: SIGKILL });
  expect(machine.happenings).toContainEqual({ what: 'exit', pid: caller.tid, status: 0 });
});

test('init itself may ask', () => {
  const machine = new Machine();
  const other = fork(machine, machine.init);
  machine.call(machine.init, (task) => endAll(task, SIGHUP));
  machine.poke(other);
  expect(machine.kernel.initStatus).toBe(SIGHUP);
  expect(other.group.exited).toBe(true);
});
