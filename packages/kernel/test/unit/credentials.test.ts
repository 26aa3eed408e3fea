// Tables of capabilities(7) and of the setuid family's man pages.
import {
  CAP_CHOWN,
  CAP_KILL,
  CAP_NET_RAW,
  CAP_SETPCAP,
  CAP_SETUID,
  EPERM,
  S_ISUID,
  SECBIT_KEEP_CAPS,
  SECBIT_NO_SETUID_FIXUP,
  SECBIT_NOROOT,
} from '@sandbox-kernel/abi';
import {
  ALL_CAPABILITIES,
  type CapabilitySet,
  Credentials,
  changeAmbient,
  credentialsAfterExec,
  dropBounding,
  NO_CAPABILITIES,
  setCapabilities,
  setFsuid,
  setKeepCapabilities,
  setResuid,
  setReuid,
  setSecurebits,
  setUid,
  type Task,
  UserAccounts,
  UserNamespace,
} from '@sandbox-kernel/kernel';
import { describe, expect, test } from 'vitest';
import { fork } from '../support/calls.js';
import { Machine } from '../support/machine.js';

const namespace = new UserNamespace(null, 0, 0);
const users = new UserAccounts();
const user = (uid: number): Credentials => new Credentials(uid, uid, [], users.get(uid), namespace);
const caps = (...list: number[]): CapabilitySet => list.reduce((set, one) => set.with(one), NO_CAPABILITIES);
const PLAIN = { mode: 0o755, uid: 0, gid: 0, noSetId: false, capabilities: null };

function rootTask(): Task {
  const machine = new Machine();
  return fork(machine, machine.init);
}
const ids = (task: Task): number[] => {
  const own = task.credentials;
  return [own.uid, own.euid, own.suid, own.fsuid];
};

describe('user ids', () => {
  test('setuid by root changes all and drops every capability', () => {
    const task = rootTask();
    expect(setUid(task, 1000)).toBe(0);
    expect(ids(task)).toEqual([1000, 1000, 1000, 1000]);
    expect(task.credentials.permitted.empty && task.credentials.effective.empty).toBe(true);
    expect(setUid(task, 0)).toBe(-EPERM);
  });

  test('seteuid and back keeps permitted and raises effective again', () => {
    const task = rootTask();
    expect(setResuid(task, -1, 1000, -1)).toBe(0);
    expect(task.credentials.hasCapability(CAP_CHOWN)).toBe(false);
    expect(task.credentials.permitted.has(CAP_CHOWN)).toBe(true);
    expect(setResuid(task, -1, 0, -1)).toBe(0);
    expect(task.credentials.hasCapability(CAP_CHOWN)).toBe(true);
  });

  test('setreuid sets the saved id when the real one is set, or the effective one differs from it', () => {
    const task = rootTask();
    expect(setReuid(task, -1, 1000)).toBe(0);
    expect(ids(task)).toEqual([0, 1000, 1000, 1000]);
    expect(setReuid(task, 1000, -1)).toBe(0);
    expect(ids(task)).toEqual([1000, 1000, 1000, 1000]);
    expect(setReuid(task, 0, -1)).toBe(-EPERM);
  });

  test('KEEP_CAPS keeps permitted only; NO_SETUID_FIXUP keeps all', () => {
    const kept = rootTask();
    expect(setKeepCapabilities(kept, 1)).toBe(0);
    setResuid(kept, 1000, 1000, 1000);
    expect([kept.credentials.permitted.has(CAP_KILL), kept.credentials.effective.empty]).toEqual([
      true,
      true,
    ]);
    const fixed = rootTask();
    setSecurebits(fixed, SECBIT_NO_SETUID_FIXUP);
    setResuid(fixed, 1000, 1000, 1000);
    expect(fixed.credentials.hasCapability(CAP_KILL)).toBe(true);
  });

  test('setfsuid returns the old id and takes the filesystem capabilities along', () => {
    const task = rootTask();
    expect(setFsuid(task, 1000)).toBe(0);
    expect([task.credentials.hasCapability(CAP_CHOWN), task.credentials.hasCapability(CAP_KILL)]).toEqual([
      false,
      true,
    ]);
    expect(setFsuid(task, -1)).toBe(1000);
    expect(setFsuid(task, 0)).toBe(1000);
    expect(task.credentials.hasCapability(CAP_CHOWN)).toBe(true);
  });
});

describe('capability sets', () => {
  test('permitted can only shrink, effective stays within it, inheritable within permitted or bounding', () => {
    const task = rootTask();
    expect(setCapabilities(task, caps(CAP_KILL), caps(CAP_KILL, CAP_SETUID), NO_CAPABILITIES)).toBe(0);
    expect(setCapabilities(task, caps(CAP_KILL), caps(CAP_KILL, CAP_CHOWN), NO_CAPABILITIES)).toBe(-EPERM);
    expect(setCapabilities(task, caps(CAP_KILL), caps(CAP_SETUID), NO_CAPABILITIES)).toBe(-EPERM);
    expect(setCapabilities(task, NO_CAPABILITIES, caps(CAP_KILL), caps(CAP_NET_RAW))).toBe(-EPERM);
  });

  test('the bounding set loses members for good, with CAP_SETPCAP', () => {
    const task = rootTask();
    expect(dropBounding(task, CAP_NET_RAW)).toBe(0);
    expect(task.credentials.bounding.has(CAP_NET_RAW)).toBe(false);
    setCapabilities(task, NO_CAPABILITIES, NO_CAPABILITIES, NO_CAPABILITIES);
    expect(dropBounding(task, CAP_SETPCAP)).toBe(-EPERM);
  });

  test('an ambient capability needs to be permitted and inheritable, and goes when it stops being so', () => {
    const task = rootTask();
    expect(changeAmbient(task, 2, CAP_NET_RAW)).toBe(-EPERM);
    setCapabilities(task, ALL_CAPABILITIES, ALL_CAPABILITIES, caps(CAP_NET_RAW));
    expect(changeAmbient(task, 2, CAP_NET_RAW)).toBe(0);
    expect(changeAmbient(task, 1, CAP_NET_RAW)).toBe(1);
    setCapabilities(task, ALL_CAPABILITIES, ALL_CAPABILITIES, NO_CAPABILITIES);
    expect(changeAmbient(task, 1, CAP_NET_RAW)).toBe(0);
  });

  test('locked securebits stay', () => {
    const task = rootTask();
    expect(setSecurebits(task, SECBIT_KEEP_CAPS | (SECBIT_KEEP_CAPS << 1))).toBe(0);
    expect(setSecurebits(task, 0)).toBe(-EPERM);
    expect(setKeepCapabilities(task, 0)).toBe(-EPERM);
  });
});

describe('execve', () => {
  test('root gets everything in its bounding set', () => {
    const root = user(0);
    root.bounding = ALL_CAPABILITIES.dropping(CAP_NET_RAW);
    root.permitted = NO_CAPABILITIES;
    root.effective = NO_CAPABILITIES;
    const { credentials, secure } = credentialsAfterExec(root, PLAIN);
    expect([credentials.effective.has(CAP_KILL), credentials.effective.has(CAP_NET_RAW), secure]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('an ordinary user gets nothing, but keeps ambient capabilities', () => {
    const plain = user(1000);
    plain.inheritable = caps(CAP_NET_RAW);
    plain.permitted = caps(CAP_NET_RAW, CAP_KILL);
    plain.effective = plain.permitted;
    plain.ambient = caps(CAP_NET_RAW);
    const { credentials, secure } = credentialsAfterExec(plain, PLAIN);
    expect([credentials.permitted, credentials.effective, secure]).toEqual([
      caps(CAP_NET_RAW),
      caps(CAP_NET_RAW),
      false,
    ]);
  });

  test('set-user-ID root raises all and is secure; nosuid, no_new_privs and SECBIT_NOROOT stop it', () => {
    const program = { ...PLAIN, mode: S_ISUID | 0o755 };
    const raised = credentialsAfterExec(user(1000), program);
    expect([raised.credentials.euid, raised.credentials.hasCapability(CAP_KILL), raised.secure]).toEqual([
      0,
      true,
      true,
    ]);
    expect(credentialsAfterExec(user(1000), { ...program, noSetId: true }).credentials.euid).toBe(1000);
    const locked = user(1000);
    locked.noNewPrivileges = true;
    expect(credentialsAfterExec(locked, program).credentials.euid).toBe(1000);
    const noroot = user(1000);
    noroot.securebits = SECBIT_NOROOT;
    expect(credentialsAfterExec(noroot, program).credentials.hasCapability(CAP_KILL)).toBe(false);
  });

  test('file capabilities: permitted through the bounding set, inheritable with the thread’s', () => {
    const plain = user(1000);
    plain.inheritable = caps(CAP_CHOWN);
    plain.bounding = ALL_CAPABILITIES.dropping(CAP_KILL);
    const file = {
      permitted: caps(CAP_KILL, CAP_NET_RAW),
      inheritable: caps(CAP_CHOWN, CAP_SETUID),
      effective: true,
    };
    const { credentials, secure } = credentialsAfterExec(plain, { ...PLAIN, capabilities: file });
    expect(credentials.effective).toEqual(caps(CAP_NET_RAW, CAP_CHOWN));
    expect(secure).toBe(true);
  });
});
