import {
  EAGAIN,
  EDEADLK,
  EINVAL,
  EPERM,
  ERESTART_RESTARTBLOCK,
  ESRCH,
  ETIMEDOUT,
  SIGUSR1,
} from '@sandbox-kernel/abi';
import {
  futexCmpRequeuePi,
  futexRequeue,
  futexWait,
  futexWaitRequeuePi,
  futexWake,
  futexWakeOp,
  lockPi,
  RobustList,
  type SyscallHandler,
  sendToTask,
  type Task,
  unlockPi,
  userSignal,
} from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { CLONE_THREAD, exitThread, fork } from '../support/calls.js';
import { BLOCKED_NOW, DATA, Machine } from '../support/machine.js';

const WORD = DATA + 256;
const OTHER = DATA + 512;
const ANY = 0xffffffff;
const WAITERS = 0x80000000;
const OWNER_DIED = 0x40000000;

function threads(count: number): { machine: Machine; leader: Task; others: Task[] } {
  const machine = new Machine();
  const leader = fork(machine, machine.init);
  const others = Array.from({ length: count }, () => fork(machine, leader, CLONE_THREAD, { exitSignal: 0 }));
  return { machine, leader, others };
}

const wait =
  (address: number, expected: number, bitset = ANY, deadline = Number.POSITIVE_INFINITY): SyscallHandler =>
  (task) =>
    futexWait(task, address, false, expected, bitset, deadline);
const wake =
  (address: number, count: number, bitset = ANY): SyscallHandler =>
  (task) =>
    futexWake(task, address, false, count, bitset);
const lock: SyscallHandler = (task) => lockPi(task, WORD, false, Number.POSITIVE_INFINITY, false);
const unlock: SyscallHandler = (task) => unlockPi(task, WORD, false);

test('wait refuses when the word has changed', () => {
  const { machine, leader } = threads(0);
  expect(machine.call(leader, wait(WORD, 1))).toBe(-EAGAIN);
});

test('wake wakes as many as asked for, oldest first', () => {
  const { machine, leader, others } = threads(3);
  for (const task of others) expect(machine.call(task, wait(WORD, 0))).toBe(BLOCKED_NOW);
  expect(machine.call(leader, wake(WORD, 2))).toBe(2);
  expect(others.map((task) => machine.result(task))).toEqual([0, 0, BLOCKED_NOW]);
  expect(machine.call(leader, wake(WORD, 9))).toBe(1);
  expect(machine.kernel.futexes.size).toBe(0);
});

test('bitsets choose whom to wake', () => {
  const { machine, leader, others } = threads(2);
  machine.call(others[0]!, wait(WORD, 0, 1));
  machine.call(others[1]!, wait(WORD, 0, 2));
  expect(machine.call(leader, wake(WORD, 9, 2))).toBe(1);
  expect(machine.result(others[0]!)).toBe(BLOCKED_NOW);
});

test('a wait ends with ETIMEDOUT at its deadline', () => {
  const { machine, leader } = threads(0);
  const deadline = machine.clock.monotonic() + 1000;
  expect(machine.call(leader, wait(WORD, 0, ANY, deadline))).toBe(BLOCKED_NOW);
  machine.advance(1000);
  expect(machine.result(leader)).toBe(-ETIMEDOUT);
  expect(machine.kernel.futexes.size).toBe(0);
});

test('a signal takes the waiter out of the queue and a timed wait restarts through its block', () => {
  const { machine, leader } = threads(0);
  leader.group.handlers.get(SIGUSR1).handler = 1;
  machine.call(leader, wait(WORD, 0, ANY, machine.clock.monotonic() + 1e9));
  leader.group.handlers.get(SIGUSR1).handler = 0x400300;
  leader.group.handlers.get(SIGUSR1).flags = 0x04000000;
  sendToTask(leader, userSignal(SIGUSR1, 1, 0));
  machine.settle();
  expect(machine.kernel.futexes.size).toBe(0);
  expect(leader.restartBlock).not.toBeNull();
  expect(ERESTART_RESTARTBLOCK).toBe(516);
});

test('requeue moves waiters without waking them', () => {
  const { machine, leader, others } = threads(3);
  for (const task of others) machine.call(task, wait(WORD, 0));
  expect(machine.call(leader, (task) => futexRequeue(task, WORD, OTHER, false, false, 1, 9, 0))).toBe(3);
  expect(machine.result(others[0]!)).toBe(0);
  expect(machine.call(leader, wake(WORD, 9))).toBe(0);
  expect(machine.call(leader, wake(OTHER, 9))).toBe(2);
});

test('wake_op changes the second word and wakes by its old value', () => {
  const { machine, leader, others } = threads(2);
  machine.call(others[0]!, wait(WORD, 0));
  leader.memory.writeU32(OTHER, 5);
  machine.call(others[1]!, wait(OTHER, 5));
  const operation = (1 << 28) | (0 << 24) | (3 << 12) | 5;
  expect(machine.call(leader, (task) => futexWakeOp(task, WORD, OTHER, false, 1, 1, operation))).toBe(2);
  expect(leader.memory.readU32(OTHER)).toBe(8);
});

test('shared words meet across processes', () => {
  const machine = new Machine();
  const parent = fork(machine, machine.init);
  const shared = parent.memory.mmap(0, 4096, 3, 0x21, null, 0);
  const child = fork(machine, parent);
  expect(machine.call(child, (task) => futexWait(task, shared, true, 0, ANY, Number.POSITIVE_INFINITY))).toBe(
    BLOCKED_NOW,
  );
  expect(machine.call(parent, (task) => futexWake(task, shared, true, 1, ANY))).toBe(1);
  expect(machine.result(child)).toBe(0);
});

test('a PI lock is handed to the longest waiter', () => {
  const { machine, leader, others } = threads(2);
  expect(machine.call(leader, lock)).toBe(0);
  expect(leader.memory.readU32(WORD)).toBe(leader.tid);
  expect(machine.call(leader, lock)).toBe(-EDEADLK);
  for (const task of others) expect(machine.call(task, lock)).toBe(BLOCKED_NOW);
  expect(leader.memory.readU32(WORD)).toBe((leader.tid | WAITERS) >>> 0);
  expect(machine.call(leader, unlock)).toBe(0);
  expect(others.map((task) => machine.result(task))).toEqual([0, BLOCKED_NOW]);
  expect(leader.memory.readU32(WORD)).toBe((others[0]!.tid | WAITERS) >>> 0);
  expect(machine.call(leader, unlock)).toBe(-EPERM);
  expect(machine.call(others[0]!, unlock)).toBe(0);
  expect(leader.memory.readU32(WORD)).toBe(others[1]!.tid);
  expect(machine.call(others[1]!, unlock)).toBe(0);
  expect(leader.memory.readU32(WORD)).toBe(0);
  expect(machine.kernel.futexes.size).toBe(0);
});

test('a PI lock of nobody is ESRCH, and one whose owner dies goes on with OWNER_DIED', () => {
  const { machine, leader, others } = threads(1);
  leader.memory.writeU32(WORD, 4242);
  expect(machine.call(leader, lock)).toBe(-ESRCH);
  leader.memory.writeU32(WORD, 0);
  machine.call(others[0]!, lock);
  machine.call(leader, lock);
  machine.call(others[0]!, exitThread(0));
  expect(machine.result(leader)).toBe(0);
  expect(leader.memory.readU32(WORD)).toBe((leader.tid | OWNER_DIED) >>> 0);
});

test('a robust lock is marked and its waiter woken when the holder exits; a looping list ends', () => {
  const { machine, leader, others } = threads(1);
  const head = DATA + 1024;
  const entry = DATA + 1100 + 4;
  leader.memory.writeU64(head, entry);
  leader.memory.writeU64(head + 8, 8);
  leader.memory.writeU64(head + 16, 0);
  leader.memory.writeU64(entry, entry);
  leader.memory.writeU32(entry + 8, (others[0]!.tid | WAITERS) >>> 0);
  const expected = (others[0]!.tid | WAITERS) >>> 0;
  machine.call(leader, wait(entry + 8, expected));
  others[0]!.robustList = new RobustList(head);
  machine.call(others[0]!, exitThread(0));
  expect(machine.result(leader)).toBe(0);
  expect(leader.memory.readU32(entry + 8)).toBe((WAITERS | OWNER_DIED) >>> 0);
});

const waitForLock =
  (deadline = Number.POSITIVE_INFINITY): SyscallHandler =>
  (task) =>
    futexWaitRequeuePi(task, OTHER, WORD, false, 0, deadline);
const requeue =
  (moves: number): SyscallHandler =>
  (task) =>
    futexCmpRequeuePi(task, OTHER, WORD, false, 1, moves, 0);

test('waiters of a condition are moved to the lock that is held, and get it one after the other', () => {
  const { machine, leader, others } = threads(2);
  machine.call(leader, lock);
  for (const task of others) expect(machine.call(task, waitForLock())).toBe(BLOCKED_NOW);
  expect(machine.call(leader, wake(OTHER, 1))).toBe(-EINVAL);
  expect(machine.call(leader, requeue(10))).toBe(2);
  expect(leader.memory.readU32(WORD)).toBe((leader.tid | WAITERS) >>> 0);
  expect(machine.call(leader, unlock)).toBe(0);
  expect(others.map((task) => machine.result(task))).toEqual([0, BLOCKED_NOW]);
  expect(machine.call(others[0]!, unlock)).toBe(0);
  expect(machine.result(others[1]!)).toBe(0);
  expect(machine.call(others[1]!, unlock)).toBe(0);
  expect(machine.kernel.futexes.size).toBe(0);
});

test('the first waiter of a condition gets a free lock at once, in the order of real-time priority afterwards', () => {
  const { machine, leader, others } = threads(3);
  for (const task of others) machine.call(task, waitForLock());
  others[2]!.scheduling.priority = 10;
  expect(machine.call(leader, requeue(10))).toBe(3);
  expect(others.map((task) => machine.result(task))).toEqual([0, BLOCKED_NOW, BLOCKED_NOW]);
  machine.call(others[0]!, unlock);
  expect(others.map((task) => machine.result(task))).toEqual([0, BLOCKED_NOW, 0]);
});

test('a wait for a condition with a PI lock times out before and after the move', () => {
  const { machine, leader, others } = threads(2);
  machine.call(leader, lock);
  machine.call(others[0]!, waitForLock(machine.clock.monotonic() + 1000));
  machine.advance(2000);
  expect(machine.result(others[0]!)).toBe(-ETIMEDOUT);
  machine.call(others[1]!, waitForLock(machine.clock.monotonic() + 1000));
  expect(machine.call(leader, requeue(1))).toBe(1);
  machine.advance(2000);
  expect(machine.result(others[1]!)).toBe(-ETIMEDOUT);
  expect(machine.call(leader, unlock)).toBe(0);
  expect(machine.kernel.futexes.size).toBe(0);
});
