import { expect, it } from 'vitest';
import { errnoName, SYSCALL_LIMIT, SYSCALLS, signalName, syscallName } from '../../src/index.js';

it('names an errno whatever its sign', () => {
  expect([errnoName(1), errnoName(-13), errnoName(11), errnoName(35), errnoName(133)]).toEqual([
    'EPERM',
    'EACCES',
    'EAGAIN',
    'EDEADLK',
    'EHWPOISON',
  ]);
  expect([errnoName(0), errnoName(4000)]).toEqual(['errno_0', 'errno_4000']);
});

it('names standard and real-time signals', () => {
  expect([signalName(9), signalName(17), signalName(32), signalName(35), signalName(64)]).toEqual([
    'SIGKILL',
    'SIGCHLD',
    'SIGRTMIN',
    'SIGRTMIN+3',
    'SIGRTMIN+32',
  ]);
  expect([signalName(0), signalName(65)]).toEqual(['signal_0', 'signal_65']);
});

it('names system calls and leaves the gap without names', () => {
  expect([syscallName(0), syscallName(59), syscallName(466)]).toEqual(['read', 'execve', 'removexattrat']);
  expect([syscallName(400), syscallName(9999), syscallName(-1)]).toEqual([
    'syscall_400',
    'syscall_9999',
    'syscall_-1',
  ]);
  expect(SYSCALLS.length).toBe(SYSCALL_LIMIT);
  expect(SYSCALLS.slice(335, 424).every((name) => name === null)).toBe(true);
});
