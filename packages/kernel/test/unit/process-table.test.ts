import { EAGAIN, EEXIST, EINVAL } from '@sandbox-kernel/abi';
import { ProcessTable, type Task } from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';

const TASK = {} as Task;

function take(table: ProcessTable, wanted = 0): number {
  const pid = table.allocate(wanted);
  if (pid > 0) table.tasks.set(pid, TASK);
  return pid;
}

test('numbers rise, wrap around above the reserved ones, and are not given twice', () => {
  const table = new ProcessTable(400, 1000);
  for (let pid = 1; pid < 400; pid++) expect(take(table)).toBe(pid);
  expect(take(table)).toBe(-EAGAIN);
  table.tasks.delete(5);
  expect(take(table)).toBe(-EAGAIN);
  table.tasks.delete(350);
  table.tasks.delete(340);
  expect([take(table), take(table), take(table)]).toEqual([340, 350, -EAGAIN]);
});

test('a number that was just freed is not the next one', () => {
  const table = new ProcessTable(400, 1000);
  take(table);
  table.tasks.delete(take(table));
  expect(take(table)).toBe(3);
});

test('a number stays taken while it names a process group or a session', () => {
  const table = new ProcessTable(303, 1000);
  table.lastPid = 300;
  table.groups.set(301, {} as never);
  table.sessions.set(302, {} as never);
  expect(take(table)).toBe(300);
  expect(take(table)).toBe(-EAGAIN);
});

test('a wanted number is given as it is, when it is free and below the maximum', () => {
  const table = new ProcessTable(400, 1000);
  expect(take(table, 77)).toBe(77);
  expect(take(table, 77)).toBe(-EEXIST);
  expect(take(table, 400)).toBe(-EINVAL);
  expect(take(table)).toBe(1);
});

test('the cap of tasks is EAGAIN for wanted numbers too', () => {
  const table = new ProcessTable(400, 2);
  take(table);
  take(table);
  expect([take(table), take(table, 9)]).toEqual([-EAGAIN, -EAGAIN]);
});
