import {
  __WCLONE,
  CLD_CONTINUED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  ECHILD,
  P_ALL,
  P_PGID,
  P_PID,
  SA_NOCLDWAIT,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
} from '@sandbox-kernel/abi';
import { setProcessGroup } from '@sandbox-kernel/kernel';
import { expect, test } from 'vitest';
import { exitCall, fork, killCall, WaitResult, waitCall } from '../support/calls.js';
import { BLOCKED_NOW, Machine } from '../support/machine.js';

const status = (out: WaitResult): readonly number[] => [out.pid, out.status, out.code, out.value];

test('without children wait fails with ECHILD', () => {
  const machine = new Machine();
  expect(machine.call(machine.init, waitCall(new WaitResult(), P_ALL, 0, WEXITED))).toBe(-ECHILD);
});

test('wait returns an exited child once and frees its number', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  machine.call(child, exitCall(3));
  const out = new WaitResult();
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED))).toBe(child.tid);
  expect(status(out)).toEqual([child.tid, 0x300, CLD_EXITED, 3]);
  expect(machine.kernel.findTask(child.tid)).toBeNull();
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED))).toBe(-ECHILD);
});

test('wait blocks until a child exits', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  const out = new WaitResult();
  expect(machine.call(machine.init, waitCall(out, P_PID, child.tid, WEXITED))).toBe(BLOCKED_NOW);
  machine.call(child, exitCall(0));
  expect(machine.result(machine.init)).toBe(child.tid);
});

test('WNOHANG returns 0 while children live', () => {
  const machine = new Machine();
  fork(machine, machine.init);
  expect(machine.call(machine.init, waitCall(new WaitResult(), P_ALL, 0, WEXITED | WNOHANG))).toBe(0);
});

test('WNOWAIT leaves the zombie for a later wait', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  machine.call(child, exitCall(1));
  const out = new WaitResult();
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED | WNOWAIT))).toBe(child.tid);
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED))).toBe(child.tid);
});

test('a child killed by a signal reports the signal', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  machine.call(machine.init, killCall(child.tid, SIGKILL));
  const out = new WaitResult();
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED))).toBe(child.tid);
  expect(status(out)).toEqual([child.tid, SIGKILL, CLD_KILLED, SIGKILL]);
});

test('stops and continuations are reported once each', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init);
  machine.call(machine.init, killCall(child.tid, SIGSTOP));
  const out = new WaitResult();
  const any = WEXITED | WSTOPPED | WCONTINUED | WNOHANG;
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED | WNOHANG))).toBe(0);
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, any))).toBe(child.tid);
  expect(status(out)).toEqual([child.tid, (SIGSTOP << 8) | 0x7f, CLD_STOPPED, SIGSTOP]);
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, any))).toBe(0);
  machine.call(machine.init, killCall(child.tid, SIGCONT));
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, any))).toBe(child.tid);
  expect(status(out)).toEqual([child.tid, 0xffff, CLD_CONTINUED, SIGCONT]);
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, any))).toBe(0);
});

test('a parent that ignores SIGCHLD has no zombies, and its wait ends with ECHILD when the last child is gone', () => {
  const machine = new Machine();
  machine.init.group.handlers.get(SIGCHLD).handler = SIG_IGN;
  const child = fork(machine, machine.init);
  expect(machine.call(machine.init, waitCall(new WaitResult(), P_ALL, 0, WEXITED))).toBe(BLOCKED_NOW);
  machine.call(child, exitCall(0));
  expect(machine.result(machine.init)).toBe(-ECHILD);
  expect(machine.kernel.findTask(child.tid)).toBeNull();
});

test('SA_NOCLDWAIT reaps at once but still signals', () => {
  const machine = new Machine();
  const action = machine.init.group.handlers.get(SIGCHLD);
  action.flags = SA_NOCLDWAIT;
  action.handler = 0x400300;
  machine.init.blocked.add(SIGCHLD);
  const child = fork(machine, machine.init);
  machine.call(child, exitCall(0));
  expect(machine.kernel.findTask(child.tid)).toBeNull();
  expect(machine.init.group.pending.set.has(SIGCHLD)).toBe(true);
});

test('a process group selects its members', () => {
  const machine = new Machine();
  const first = fork(machine, machine.init);
  const second = fork(machine, machine.init);
  machine.call(second, (task) => setProcessGroup(task, 0, 0));
  machine.call(first, exitCall(1));
  machine.call(second, exitCall(2));
  const out = new WaitResult();
  expect(machine.call(machine.init, waitCall(out, P_PGID, second.tid, WEXITED))).toBe(second.tid);
  expect(machine.call(machine.init, waitCall(out, P_PGID, second.tid, WEXITED))).toBe(-ECHILD);
});

test('clone children need __WCLONE', () => {
  const machine = new Machine();
  const child = fork(machine, machine.init, 0, { exitSignal: 0 });
  machine.call(child, exitCall(0));
  const out = new WaitResult();
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED))).toBe(-ECHILD);
  expect(machine.call(machine.init, waitCall(out, P_ALL, 0, WEXITED | __WCLONE))).toBe(child.tid);
});

test('orphans go to init, or to the nearest subreaper', () => {
  const machine = new Machine();
  const parent = fork(machine, machine.init);
  const middle = fork(machine, parent);
  const leaf = fork(machine, middle);
  parent.group.isSubreaper = true;
  machine.call(middle, exitCall(0));
  expect(leaf.group.parent).toBe(parent.group);
  machine.call(parent, exitCall(0));
  expect(leaf.group.parent).toBe(machine.init.group);
});

test('PR_SET_PDEATHSIG reaches the child of a thread that ends', () => {
  const machine = new Machine();
  const parent = fork(machine, machine.init);
  const child = fork(machine, parent);
  child.parentDeathSignal = SIGTERM;
  machine.call(parent, exitCall(0));
  const out = new WaitResult();
  machine.call(machine.init, waitCall(out, P_PID, child.tid, WEXITED));
  expect(out.status).toBe(SIGTERM);
});
