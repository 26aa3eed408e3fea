import { CAP_SYS_PTRACE } from '@sandbox-kernel/abi';
import {
  commitCredentials,
  mayInspect,
  mayTrace,
  SUID_DUMP_DISABLE,
  type Task,
} from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { fork } from '../../support/calls.js';
import { Machine } from '../../support/machine.js';

function user(task: Task, uid: number): Task {
  const next = task.credentials.edit();
  next.uid = uid;
  next.euid = uid;
  next.suid = uid;
  next.fsuid = uid;
  next.effective = next.effective.and(next.inheritable);
  next.permitted = next.permitted.and(next.inheritable);
  commitCredentials(task, next);
  return task;
}

function two(): { machine: Machine; one: Task; other: Task } {
  const machine = new Machine();
  return { machine, one: fork(machine, machine.init), other: fork(machine, machine.init) };
}

test('root, who has CAP_SYS_PTRACE, may look into everybody', () => {
  const { one, other } = two();
  expect(one.credentials.hasCapability(CAP_SYS_PTRACE)).toBe(true);
  user(other, 1000);
  other.image.dumpable = SUID_DUMP_DISABLE;
  expect(mayTrace(one, other)).toBe(true);
});

test('a user may look into own processes, if they are dumpable, and no others', () => {
  const { machine, one, other } = two();
  user(one, 1000);
  user(other, 1000);
  other.image.dumpable = 1;
  expect(mayTrace(one, other)).toBe(true);
  expect(mayInspect(one, other)).toBe(true);
  other.image.dumpable = SUID_DUMP_DISABLE;
  expect(mayTrace(one, other)).toBe(false);
  expect(mayTrace(one, machine.init)).toBe(false);
  expect(mayTrace(one, one)).toBe(true);
});

test('one different id of three is enough to be refused', () => {
  const { one, other } = two();
  user(one, 1000);
  user(other, 1000);
  other.image.dumpable = 1;
  const next = other.credentials.edit();
  next.suid = 0;
  commitCredentials(other, next);
  other.image.dumpable = 1;
  expect(mayTrace(one, other)).toBe(false);
});
