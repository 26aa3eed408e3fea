import { EAGAIN, EEXIST, EINVAL, EPERM, SIGKILL } from '@sandbox-kernel/abi';
import { FRAME_FS_BASE, FRAME_RSP } from '@sandbox-kernel/contracts';
import { cloneTask, executeProgram, TASK_DEAD, TASK_RUNNING } from '@sandbox-kernel/kernel';
import { FdTable } from '@sandbox-kernel/vfs';
import { expect, test } from 'vitest';
import {
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  exitCall,
  exitThread,
  fork,
  killCall,
  request,
} from '../support/calls.js';
import { tinyElf } from '../support/elf.js';
import { BLOCKED_NOW, DATA, Machine, NOT_RUNNING } from '../support/machine.js';

const SETTLS = 0x80000;
const PARENT_SETTID = 0x100000;
const CHILD_CLEARTID = 0x200000;
const CHILD_SETTID = 0x1000000;

test('fork gives the child 0, a copy of memory and its own descriptors', () => {
  const machine = new Machine();
  machine.init.memory.writeU32(DATA, 111);
  const child = fork(machine, machine.init);
  expect(machine.result(child)).toBe(0);
  child.memory.writeU32(DATA, 222);
  expect(machine.init.memory.readU32(DATA)).toBe(111);
  expect(child.files).not.toBe(machine.init.files);
  expect(child.group.parent).toBe(machine.init.group);
});

test('fork in a threaded process waits until the other threads are out of the program, then lets them go on', () => {
  const machine = new Machine();
  const parent = fork(machine, machine.init);
  const thread = fork(machine, parent, CLONE_THREAD, { exitSignal: 0 });
  const child = fork(machine, parent);
  expect(thread.state).toBe(TASK_RUNNING);
  expect(child.group.threads).toEqual([child]);
  expect(parent.image.freezer).toBeNull();
});

test('a thread shares memory, starts on its own stack and gets its tls, and its number is told and cleared', () => {
  const machine = new Machine();
  const parent = machine.init;
  const flags = CLONE_THREAD | SETTLS | PARENT_SETTID | CHILD_CLEARTID | CHILD_SETTID;
  const thread = fork(machine, parent, flags, {
    exitSignal: 0,
    stackPointer: DATA + 4096,
    tls: 0x7000_0000_0000,
    parentTid: DATA + 64,
    childTid: DATA + 68,
  });
  expect(thread.memory).toBe(parent.memory);
  expect(machine.register(thread, FRAME_RSP)).toBe(DATA + 4096);
  expect(machine.register(thread, FRAME_FS_BASE)).toBe(0x7000_0000_0000);
  expect(parent.memory.readU32(DATA + 64)).toBe(thread.tid);
  expect(parent.memory.readU32(DATA + 68)).toBe(thread.tid);
  machine.call(thread, exitThread(0));
  expect(parent.memory.readU32(DATA + 68)).toBe(0);
  expect(machine.kernel.findTask(thread.tid)).toBeNull();
  expect(parent.state).toBe(TASK_RUNNING);
});

test('the process of an exited leader lives on with its threads and is ends with the code of the last one', () => {
  const machine = new Machine();
  const leader = fork(machine, machine.init);
  const thread = fork(machine, leader, CLONE_THREAD, { exitSignal: 0 });
  machine.call(leader, exitThread(4));
  expect(leader.group.exited).toBe(false);
  machine.call(thread, exitThread(5));
  expect(leader.group.exited).toBe(true);
  expect(machine.happenings).toContainEqual({ what: 'exit', pid: leader.tid, status: 0x500 });
});

test('vfork keeps the parent until the child executes a program', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/prog', tinyElf());
  expect(machine.call(machine.init, (task) => cloneTask(task, request(CLONE_VM | CLONE_VFORK)))).toBe(
    BLOCKED_NOW,
  );
  const child = [...machine.init.group.children][0]!.leader;
  expect(child.memory).toBe(machine.init.memory);
  machine.call(child, (task) =>
    executeProgram(task, { dirfd: -100, path: '/prog', argv: ['prog'], envp: [], flags: 0 }),
  );
  expect(machine.result(machine.init)).toBe(child.tid);
  expect(child.memory).not.toBe(machine.init.memory);
  expect(machine.init.memory.readU8(DATA)).toBe(0xee);
});

test('vfork keeps the parent until the child exits, and signals wait', () => {
  const machine = new Machine();
  const parent = fork(machine, machine.init);
  machine.call(parent, (task) => cloneTask(task, request(CLONE_VM | CLONE_VFORK)));
  const child = [...parent.group.children][0]!.leader;
  parent.group.handlers.get(10).handler = 0x400300;
  machine.call(machine.init, killCall(parent.tid, 10));
  expect(machine.result(parent)).toBe(BLOCKED_NOW);
  machine.call(child, exitCall(0));
  expect(machine.result(parent)).not.toBe(BLOCKED_NOW);
});

test('SIGKILL ends a parent in vfork', () => {
  const machine = new Machine();
  const parent = fork(machine, machine.init);
  machine.call(parent, (task) => cloneTask(task, request(CLONE_VM | CLONE_VFORK)));
  machine.call(machine.init, killCall(parent.tid, SIGKILL));
  expect(parent.group.exited).toBe(true);
});

test('flags that exclude each other are EINVAL', () => {
  const machine = new Machine();
  for (const flags of [0x10000, 0x800, 0x20200]) {
    expect(machine.call(machine.init, (task) => cloneTask(task, request(flags)))).toBe(-EINVAL);
  }
});

test('namespaces need CAP_SYS_ADMIN', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  const next = child.credentials.edit();
  next.effective = next.effective.without(next.effective);
  child.credentials = next;
  expect(machine.call(child, (task) => cloneTask(task, request(0x20000000)))).toBe(-EPERM);
});

test('set_tid takes a free number only', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init, 0, { setTid: 777 });
  expect(child.tid).toBe(777);
  expect(machine.call(machine.init, (task) => cloneTask(task, request(0, { setTid: 777 })))).toBe(-EEXIST);
});

test('beyond the cap fork is EAGAIN and nothing is left of the attempt', () => {
  const machine = new Machine(undefined, 3);
  fork(machine, machine.init);
  fork(machine, machine.init);
  const contexts = machine.platform.contexts.filter((context) => !context.released).length;
  expect(machine.call(machine.init, (task) => cloneTask(task, request()))).toBe(-EAGAIN);
  expect(machine.platform.contexts.filter((context) => !context.released).length).toBe(contexts);
});

test('execve of a thread ends the others and takes the number of the leader', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/prog', tinyElf());
  const leader = fork(machine, machine.init);
  const thread = fork(machine, leader, CLONE_THREAD, { exitSignal: 0 });
  const pid = leader.tid;
  machine.call(thread, (task) =>
    executeProgram(task, { dirfd: -100, path: '/prog', argv: ['prog'], envp: [], flags: 0 }),
  );
  expect(thread.tid).toBe(pid);
  expect(thread.state).toBe(TASK_RUNNING);
  expect(machine.kernel.findTask(pid)).toBe(thread);
  expect(leader.state).toBe(TASK_DEAD);
  expect(thread.group.leader).toBe(thread);
  expect(thread.comm).toBe('prog');
  machine.call(thread, exitCall(9));
  expect(machine.happenings).toContainEqual({ what: 'exit', pid, status: 0x900 });
});

test('execve while another thread waits in a call ends that thread too', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/prog', tinyElf());
  const leader = fork(machine, machine.init);
  const thread = fork(machine, leader, CLONE_THREAD, { exitSignal: 0 });
  machine.call(thread, (task) => task.blockUntil(Number.POSITIVE_INFINITY, -512));
  machine.call(leader, (task) =>
    executeProgram(task, { dirfd: -100, path: '/prog', argv: [], envp: [], flags: 0 }),
  );
  expect(leader.state).toBe(TASK_RUNNING);
  expect(machine.result(thread)).toBe(NOT_RUNNING);
  expect(leader.group.live).toBe(1);
});

test('a failed execve leaves the program as it was', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/bad', Uint8Array.from([1, 2, 3]));
  machine.writeFile(machine.init.fs, '/plain', tinyElf(), 0o644);
  const child = fork(machine, machine.init);
  const memory = child.memory;
  const run = (path: string) =>
    machine.call(child, (task) =>
      executeProgram(task, { dirfd: -100, path, argv: ['x'], envp: [], flags: 0 }),
    );
  expect(run('/bad')).toBe(-8);
  expect(run('/missing')).toBe(-2);
  expect(run('/plain')).toBe(-13);
  expect(run('/')).toBe(-13);
  expect(child.memory).toBe(memory);
  expect(child.group.hasExecuted).toBe(false);
});

test('execve resets handlers, keeps ignored signals, and closes marked descriptors', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/prog', tinyElf());
  const child = fork(machine, machine.init);
  child.group.handlers.get(10).handler = 0x400300;
  child.group.handlers.get(12).handler = 1;
  child.files = new FdTable();
  machine.call(child, (task) =>
    executeProgram(task, { dirfd: -100, path: '/prog', argv: ['x'], envp: [], flags: 0 }),
  );
  expect(child.group.handlers.get(10).handler).toBe(0);
  expect(child.group.handlers.get(12).handler).toBe(1);
});

test('scripts run their interpreter with the path and one argument', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/interp', tinyElf());
  const text = '#! /interp -a b \nrest';
  machine.writeFile(
    machine.init.fs,
    '/script',
    Uint8Array.from(text, (c) => c.charCodeAt(0)),
  );
  const child = fork(machine, machine.init);
  machine.call(child, (task) =>
    executeProgram(task, { dirfd: -100, path: '/script', argv: ['name', 'one'], envp: [], flags: 0 }),
  );
  const sp = machine.stackPointer(child);
  const argc = child.memory.readU64(sp);
  const argv = Array.from({ length: argc }, (_, i) =>
    child.memory.readString(child.memory.readU64(sp + 8 + i * 8), 100),
  );
  expect(argv).toEqual(['/interp', '-a b', '/script', 'one']);
  expect(child.comm).toBe('script');
});

test('interpreters that are scripts end in ELOOP', () => {
  const machine = new Machine();
  machine.writeFile(
    machine.init.fs,
    '/loop',
    Uint8Array.from('#!/loop\n', (c) => c.charCodeAt(0)),
  );
  const child = fork(machine, machine.init);
  expect(
    machine.call(child, (task) =>
      executeProgram(task, { dirfd: -100, path: '/loop', argv: ['x'], envp: [], flags: 0 }),
    ),
  ).toBe(-40);
});

test('a set-user-ID program changes the effective id, unless no_new_privs', () => {
  const machine = new Machine();
  machine.writeFile(machine.init.fs, '/prog', tinyElf(), 0o4755);
  const child = fork(machine, machine.init);
  const plain = child.credentials.edit();
  for (const key of ['uid', 'euid', 'suid', 'fsuid'] as const) plain[key] = 1000;
  plain.effective = plain.effective.without(plain.effective);
  plain.permitted = plain.effective;
  child.credentials = plain;
  const sibling = fork(machine, child);
  const locked = sibling.credentials.edit();
  locked.noNewPrivileges = true;
  sibling.credentials = locked;
  for (const task of [child, sibling]) {
    machine.call(task, (one) =>
      executeProgram(one, { dirfd: -100, path: '/prog', argv: ['x'], envp: [], flags: 0 }),
    );
  }
  expect([child.credentials.uid, child.credentials.euid, child.credentials.hasCapability(7)]).toEqual([
    1000,
    0,
    true,
  ]);
  expect([sibling.credentials.euid, sibling.credentials.hasCapability(7)]).toEqual([1000, false]);
});
