import { EEXIST, EINVAL, ENOENT, ENOSPC, IPC_CREAT, IPC_EXCL, IPC_PRIVATE } from '@sandbox-kernel/abi';
import { describe, expect, test } from 'vitest';
import { Credentials } from '../../../src/credentials/credentials.js';
import { UserAccounts } from '../../../src/credentials/user-account.js';
import { UserNamespace } from '../../../src/credentials/user-namespace.js';
import { IpcObject } from '../../../src/ipc/ipc-object.js';
import { IpcTable } from '../../../src/ipc/ipc-table.js';

const users = new UserAccounts();
const namespace = new UserNamespace(null, 0, 0);
const who = (uid: number) => new Credentials(uid, uid, [], users.get(uid), namespace);
const make = (key: number, mode = 0o600, uid = 1000) => new IpcObject(key, mode, who(uid), 1);

describe('IpcTable', () => {
  test('gives the lowest free index, with another sequence number each time it is used again', () => {
    const table = new IpcTable<IpcObject>(8);
    const first = make(IPC_PRIVATE);
    expect(table.add(first)).toBe(0);
    expect(table.add(make(IPC_PRIVATE))).toBe(1);
    table.remove(first);
    expect(table.get(0)).toBe(-EINVAL);
    const again = make(IPC_PRIVATE);
    expect(table.add(again)).toBe(32768);
    expect(table.get(32768)).toBe(again);
    expect(table.at(0)).toBe(again);
    expect(table.get(0)).toBe(-EINVAL);
  });

  test('finds by key, and says what get(2) must do without one', () => {
    const table = new IpcTable<IpcObject>(8);
    const object = make(77);
    table.add(object);
    expect(table.find(77, 0)).toBe(object);
    expect(table.find(77, IPC_CREAT | IPC_EXCL)).toBe(-EEXIST);
    expect(table.find(78, 0)).toBe(-ENOENT);
    expect(table.find(78, IPC_CREAT)).toBe(0);
    expect(table.find(IPC_PRIVATE, 0)).toBe(0);
    table.remove(object);
    expect(table.find(77, 0)).toBe(-ENOENT);
  });

  test('is full at its limit', () => {
    const table = new IpcTable<IpcObject>(1);
    table.add(make(1));
    expect(table.add(make(2))).toBe(-ENOSPC);
  });
});

describe('IpcObject', () => {
  test('rights of owner, group, others and root', () => {
    const object = make(1, 0o640, 1000);
    expect(object.check(who(1000), 0o600)).toBe(0);
    expect(object.check(who(1001), 0o400)).toBe(-13);
    expect(object.check(who(0), 0o600)).toBe(0);
    expect(object.checkOwner(who(1001))).toBe(-1);
    expect(object.setOwner(1001, 1001, 0o777, 9)).toBe(0);
    expect(object.checkOwner(who(1001))).toBe(0);
    expect(object.changeTime).toBe(9);
    expect(object.setOwner(0xffffffff, 0, 0, 9)).toBe(-EINVAL);
  });
});
