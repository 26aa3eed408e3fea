// add_key(2), request_key(2), keyctl(2): keys of types user, logon and keyring. There is no request-key(8) to ask, so what is not
// found is ENOKEY. Departures: no watches, restrictions, public keys and Diffie-Hellman (EOPNOTSUPP).
import {
  CAP_SYS_ADMIN,
  EACCES,
  EDEADLK,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOENT,
  ENOKEY,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
  KEY_SPEC_PROCESS_KEYRING,
  KEY_SPEC_SESSION_KEYRING,
  KEY_SPEC_THREAD_KEYRING,
  KEY_SPEC_USER_KEYRING,
  KEY_SPEC_USER_SESSION_KEYRING,
  KEYCTL_ASSUME_AUTHORITY,
  KEYCTL_CAPABILITIES,
  KEYCTL_CAPS0_CAPABILITIES,
  KEYCTL_CAPS0_INVALIDATE,
  KEYCTL_CHOWN,
  KEYCTL_CLEAR,
  KEYCTL_DESCRIBE,
  KEYCTL_GET_KEYRING_ID,
  KEYCTL_INSTANTIATE,
  KEYCTL_INVALIDATE,
  KEYCTL_JOIN_SESSION_KEYRING,
  KEYCTL_LINK,
  KEYCTL_NEGATE,
  KEYCTL_READ,
  KEYCTL_REVOKE,
  KEYCTL_SEARCH,
  KEYCTL_SET_TIMEOUT,
  KEYCTL_SETPERM,
  KEYCTL_UNLINK,
  KEYCTL_UPDATE,
  SYS_add_key,
  SYS_keyctl,
  SYS_request_key,
} from '@sandbox-kernel/abi';
import {
  KEY_LINK,
  KEY_READ,
  KEY_SEARCH,
  KEY_SETATTR,
  KEY_VIEW,
  KEY_WRITE,
  type Key,
  type KeyStore,
  type KeyType,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

const TYPES: readonly string[] = ['user', 'logon', 'keyring'];
const TYPE_MAX = 31;
const DESCRIPTION_MAX = 4095;
const PAYLOAD_MAX = 32767;
const CALLOUT_MAX = 4095;
/** What no type takes: refused before anything else is looked at. */
const MOST_BYTES = 2 ** 20;
const RIGHTS = 0x3f3f3f3f;

/** A kernel with keys: what the sentry boots. */
interface KeyOwner {
  readonly keys: KeyStore;
}

function storeOf(task: Task): KeyStore {
  return (task.kernel as unknown as KeyOwner).keys;
}

function now(task: Task): number {
  return task.kernel.clock.monotonic();
}

/** KEY_SPEC_* or a serial; made when `create`. Rights are checked. */
function keyOf(task: Task, serial: number, create: boolean, wanted: number): Key | number {
  const key = serial > 0 ? storeOf(task).find(serial) : specialKey(task, serial, create);
  if (typeof key === 'number') return key;
  if (key === null) return -ENOKEY;
  const state = key.state(now(task));
  if (state !== 0) return state;
  return wanted === 0 || storeOf(task).allows(task, key, wanted) ? key : -EACCES;
}

function specialKey(task: Task, serial: number, create: boolean): Key | number | null {
  const store = storeOf(task);
  switch (serial) {
    case KEY_SPEC_THREAD_KEYRING:
      return store.thread(task, create);
    case KEY_SPEC_PROCESS_KEYRING:
      return store.process(task, create);
    case KEY_SPEC_SESSION_KEYRING:
      return store.session(task) ?? (create ? store.join(task, null) : store.userSession(task));
    case KEY_SPEC_USER_KEYRING:
      return store.user(task);
    case KEY_SPEC_USER_SESSION_KEYRING:
      return store.userSession(task);
    default:
      return -EINVAL;
  }
}

function ringOf(task: Task, serial: number, wanted: number): Key | number {
  const key = keyOf(task, serial, true, wanted);
  return typeof key !== 'number' && key.links === null ? -ENOTDIR : key;
}

function typeArgument(task: Task, address: number): string | number {
  const type = task.memory.readString(address, TYPE_MAX);
  if (typeof type === 'number') return type === -EFAULT ? type : -EINVAL;
  if (type === '') return -EINVAL;
  return type.startsWith('.') ? -EPERM : type;
}

function descriptionArgument(task: Task, address: number): string | number {
  const text = task.memory.readString(address, DESCRIPTION_MAX);
  return typeof text === 'number' && text !== -EFAULT ? -EINVAL : text;
}

function readPayload(task: Task, address: number, size: number): Uint8Array | number {
  if (size < 0 || size > PAYLOAD_MAX) return -EINVAL;
  const bytes = new Uint8Array(size);
  return task.memory.copyIn(address, bytes, 0, size) < size ? -EFAULT : bytes;
}

/** What a type says of name and data. */
function checkNew(type: string, description: string, size: number): number {
  if (!TYPES.includes(type)) return -ENODEV;
  if (description === '') return -EINVAL;
  if (type === 'keyring') return size === 0 ? 0 : -EINVAL;
  if (type === 'logon' && description.indexOf(':') < 1) return -EINVAL;
  return size === 0 ? -EINVAL : 0;
}

function addKey(task: Task, args: SyscallArgs): number {
  if (args.addr(3) >= MOST_BYTES) return -EINVAL;
  const type = typeArgument(task, args.addr(0));
  if (typeof type === 'number') return type;
  const description = args.addr(1) === 0 ? '' : descriptionArgument(task, args.addr(1));
  if (typeof description === 'number') return description;
  if (type === 'keyring' && description.startsWith('.')) return -EPERM;
  const payload = readPayload(task, args.addr(2), args.size(3));
  if (typeof payload === 'number') return payload;
  const ring = ringOf(task, args.int(4), KEY_WRITE);
  if (typeof ring === 'number') return ring;
  const refused = checkNew(type, description, payload.length);
  if (refused !== 0) return refused;
  const old = ring.links!.find((key) => key.type === type && key.description === description);
  if (old !== undefined && type !== 'keyring' && old.state(now(task)) === 0) {
    if (!storeOf(task).allows(task, old, KEY_WRITE)) return -EACCES;
    const stored = storeOf(task).setData(old, payload);
    return stored < 0 ? stored : old.serial;
  }
  const key = storeOf(task).create(task, type as KeyType, description);
  if (typeof key === 'number') return key;
  const stored = storeOf(task).setData(key, payload);
  if (stored < 0) {
    storeOf(task).forget(key);
    return stored;
  }
  ring.link(key);
  return key.serial;
}

function requestKey(task: Task, args: SyscallArgs): number {
  const type = typeArgument(task, args.addr(0));
  if (typeof type === 'number') return type;
  const description = descriptionArgument(task, args.addr(1));
  if (typeof description === 'number') return description;
  const callout = args.addr(2) === 0 ? 0 : task.memory.readString(args.addr(2), CALLOUT_MAX);
  if (typeof callout === 'number' && callout < 0) return callout === -EFAULT ? callout : -EINVAL;
  const into = args.int(3) === 0 ? 0 : ringOf(task, args.int(3), KEY_WRITE);
  if (typeof into === 'number' && into < 0) return into;
  const store = storeOf(task);
  for (const root of store.roots(task)) {
    const key = store.search(root, type, description, now(task));
    if (key === null) continue;
    if (!store.allows(task, key, KEY_SEARCH)) return -EACCES;
    if (typeof into !== 'number') into.link(key);
    return key.serial;
  }
  // Somebody would be asked to make one.
  if (typeof callout !== 'number' && type === 'keyring') return -EPERM;
  return typeof callout !== 'number' && TYPES.includes(type) && description === '' ? -EINVAL : -ENOKEY;
}

function keyctl(task: Task, args: SyscallArgs): number {
  switch (args.int(0)) {
    case KEYCTL_GET_KEYRING_ID: {
      const key = keyOf(task, args.int(1), args.int(2) !== 0, KEY_SEARCH);
      return typeof key === 'number' ? key : key.serial;
    }
    case KEYCTL_JOIN_SESSION_KEYRING:
      return joinSession(task, args);
    case KEYCTL_LINK:
      return link(task, args);
    case KEYCTL_UNLINK:
      return unlink(task, args);
    case KEYCTL_SEARCH:
      return search(task, args);
    case KEYCTL_READ:
      return read(task, args);
    case KEYCTL_DESCRIBE:
      return describe(task, args);
    default:
      return change(task, args);
  }
}

function joinSession(task: Task, args: SyscallArgs): number {
  const name = args.addr(1) === 0 ? null : descriptionArgument(task, args.addr(1));
  if (typeof name === 'number') return name;
  if (name?.startsWith('.') === true) return -EPERM;
  const key = storeOf(task).join(task, name);
  return typeof key === 'number' ? key : key.serial;
}

function link(task: Task, args: SyscallArgs): number {
  const ring = ringOf(task, args.int(2), KEY_WRITE);
  if (typeof ring === 'number') return ring;
  const key = keyOf(task, args.int(1), true, KEY_LINK);
  if (typeof key === 'number') return key;
  if (key.contains(ring)) return -EDEADLK;
  ring.link(key);
  return 0;
}

function unlink(task: Task, args: SyscallArgs): number {
  const ring = ringOf(task, args.int(2), KEY_WRITE);
  if (typeof ring === 'number') return ring;
  const key = storeOf(task).find(args.int(1));
  if (key === null) return -ENOKEY;
  return ring.unlink(key) ? 0 : -ENOENT;
}

function search(task: Task, args: SyscallArgs): number {
  const type = typeArgument(task, args.addr(2));
  if (typeof type === 'number') return type;
  const description = descriptionArgument(task, args.addr(3));
  if (typeof description === 'number') return description;
  const ring = ringOf(task, args.int(1), KEY_SEARCH);
  if (typeof ring === 'number') return ring;
  const key = storeOf(task).search(ring, type, description, now(task));
  return key === null ? -ENOKEY : key.serial;
}

/** The size of it all; copied is what fits, of a keyring whole serials. */
function read(task: Task, args: SyscallArgs): number {
  const key = keyOf(task, args.int(1), false, 0);
  if (typeof key === 'number') return key;
  const store = storeOf(task);
  if (!store.allows(task, key, KEY_READ) && !store.possesses(task, key)) return -EACCES;
  if (key.type === 'logon') return -EOPNOTSUPP;
  const data = key.links === null ? key.data : serials(key.links);
  const room = args.addr(2) === 0 ? 0 : args.size(3);
  if (room === 0 || (key.links === null && room < data.length)) return data.length;
  const size = Math.min(room, data.length);
  return task.memory.copyOut(args.addr(2), data, 0, size) < size ? -EFAULT : data.length;
}

function serials(links: readonly Key[]): Uint8Array {
  return new Uint8Array(Int32Array.from(links, (key) => key.serial).buffer);
}

function describe(task: Task, args: SyscallArgs): number {
  const key = keyOf(task, args.int(1), false, KEY_VIEW);
  if (typeof key === 'number') return key;
  const permissions = (key.permissions >>> 0).toString(16).padStart(8, '0');
  const text = `${key.type};${key.uid};${key.gid};${permissions};${key.description}`;
  const bytes = Uint8Array.from(`${text}\0`, (character) => character.charCodeAt(0));
  if (args.addr(2) === 0 || args.addr(3) < bytes.length) return bytes.length;
  return task.memory.copyOut(args.addr(2), bytes, 0, bytes.length) < bytes.length ? -EFAULT : bytes.length;
}

function change(task: Task, args: SyscallArgs): number {
  const serial = args.int(1);
  switch (args.int(0)) {
    case KEYCTL_UPDATE:
      return update(task, serial, args);
    case KEYCTL_REVOKE: {
      const key = keyOf(task, serial, false, 0);
      if (typeof key === 'number') return key;
      const store = storeOf(task);
      if (!store.allows(task, key, KEY_WRITE) && !store.allows(task, key, KEY_SETATTR)) return -EACCES;
      key.revoked = true;
      return 0;
    }
    case KEYCTL_INVALIDATE: {
      const key = keyOf(task, serial, false, KEY_SEARCH);
      if (typeof key === 'number') return key;
      key.invalidated = true;
      storeOf(task).forget(key);
      return 0;
    }
    case KEYCTL_CLEAR: {
      const ring = ringOf(task, serial, KEY_WRITE);
      if (typeof ring === 'number') return ring;
      ring.links!.length = 0;
      return 0;
    }
    case KEYCTL_INSTANTIATE:
    case KEYCTL_NEGATE:
      // Nobody is asked for keys, so nobody has the authority.
      return -EPERM;
    case KEYCTL_ASSUME_AUTHORITY:
      if (serial < 0) return -EINVAL;
      return serial === 0 ? 0 : -ENOKEY;
    case KEYCTL_CAPABILITIES:
      return tellCapabilities(task, args.addr(1), args.size(2));
    default:
      return changeAttribute(task, serial, args);
  }
}

/** How many bytes there are to tell. */
function tellCapabilities(task: Task, addr: number, size: number): number {
  const bytes = Uint8Array.of(KEYCTL_CAPS0_CAPABILITIES | KEYCTL_CAPS0_INVALIDATE, 0);
  const count = size < 0 ? bytes.length : Math.min(size, bytes.length);
  return task.memory.copyOut(addr, bytes, 0, count) < count ? -EFAULT : bytes.length;
}

function update(task: Task, serial: number, args: SyscallArgs): number {
  const payload = readPayload(task, args.addr(2), args.size(3));
  if (typeof payload === 'number') return payload;
  const key = keyOf(task, serial, false, KEY_WRITE);
  if (typeof key === 'number') return key;
  if (key.links !== null) return -EOPNOTSUPP;
  if (payload.length === 0) return -EINVAL;
  return storeOf(task).setData(key, payload);
}

function changeAttribute(task: Task, serial: number, args: SyscallArgs): number {
  const operation = args.int(0);
  if (operation !== KEYCTL_SETPERM && operation !== KEYCTL_SET_TIMEOUT && operation !== KEYCTL_CHOWN)
    return -EOPNOTSUPP;
  if (operation === KEYCTL_SETPERM && (args.uint(2) & ~RIGHTS) !== 0) return -EINVAL;
  const key = keyOf(task, serial, true, KEY_SETATTR);
  if (typeof key === 'number') return key;
  const privileged = task.credentials.hasCapability(CAP_SYS_ADMIN);
  if (operation === KEYCTL_SET_TIMEOUT) {
    const seconds = args.uint(2);
    key.expiry = seconds === 0 ? Number.POSITIVE_INFINITY : now(task) + seconds * 1e9;
    return 0;
  }
  if (operation === KEYCTL_SETPERM) {
    if (!privileged && key.uid !== task.credentials.fsuid) return -EACCES;
    key.permissions = args.uint(2);
    return 0;
  }
  const uid = args.int(2);
  const gid = args.int(3);
  if (!privileged && ((uid !== -1 && uid !== key.uid) || (gid !== -1 && !task.credentials.inGroup(gid))))
    return -EACCES;
  if (uid !== -1) storeOf(task).setOwner(key, uid >>> 0);
  if (gid !== -1) key.gid = gid >>> 0;
  return 0;
}

export const KEYCTL_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_add_key,
    name: 'add_key',
    handler: addKey,
    coverage: 'partial',
    note: 'types user, logon and keyring',
    format: 'sspzd',
  },
  {
    nr: SYS_request_key,
    name: 'request_key',
    handler: requestKey,
    coverage: 'partial',
    note: 'no upcall: what is not there is ENOKEY',
    format: 'sssd',
  },
  {
    nr: SYS_keyctl,
    name: 'keyctl',
    handler: keyctl,
    coverage: 'partial',
    note: 'no instantiation, persistent keyrings, restrictions, watches and public keys',
    format: 'dxxxx',
  },
];
