// getuid(2) and its family, setuid(2) … setfsgid(2), getgroups(2), setgroups(2), capget(2), capset(2).
import {
  _LINUX_CAPABILITY_VERSION_1,
  _LINUX_CAPABILITY_VERSION_2,
  _LINUX_CAPABILITY_VERSION_3,
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  SYS_capget,
  SYS_capset,
  SYS_getegid,
  SYS_geteuid,
  SYS_getgid,
  SYS_getgroups,
  SYS_getresgid,
  SYS_getresuid,
  SYS_getuid,
  SYS_setfsgid,
  SYS_setfsuid,
  SYS_setgid,
  SYS_setgroups,
  SYS_setregid,
  SYS_setresgid,
  SYS_setresuid,
  SYS_setreuid,
  SYS_setuid,
} from '@sandbox-kernel/abi';
import {
  capabilitiesFrom,
  type SyscallArgs,
  setCapabilities,
  setFsgid,
  setFsuid,
  setGid,
  setGroups,
  setRegid,
  setResgid,
  setResuid,
  setReuid,
  setUid,
  type Task,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

const NGROUPS_MAX = 65536;
const DATA_BYTES = 12;

/** An id argument: 0xffffffff stands for "as it is" and is -1 to the workers. */
function id(args: SyscallArgs, i: number): number {
  const value = args.uint(i);
  return value === 0xffffffff ? -1 : value;
}

const getuid = (task: Task): number => task.credentials.uid;
const geteuid = (task: Task): number => task.credentials.euid;
const getgid = (task: Task): number => task.credentials.gid;
const getegid = (task: Task): number => task.credentials.egid;

function setuid(task: Task, args: SyscallArgs): number {
  const uid = id(args, 0);
  return uid === -1 ? -EINVAL : setUid(task, uid);
}

function setgid(task: Task, args: SyscallArgs): number {
  const gid = id(args, 0);
  return gid === -1 ? -EINVAL : setGid(task, gid);
}

const setreuid = (task: Task, args: SyscallArgs): number => setReuid(task, id(args, 0), id(args, 1));
const setregid = (task: Task, args: SyscallArgs): number => setRegid(task, id(args, 0), id(args, 1));
const setresuid = (task: Task, args: SyscallArgs): number =>
  setResuid(task, id(args, 0), id(args, 1), id(args, 2));
const setresgid = (task: Task, args: SyscallArgs): number =>
  setResgid(task, id(args, 0), id(args, 1), id(args, 2));
const setfsuid = (task: Task, args: SyscallArgs): number => setFsuid(task, id(args, 0));
const setfsgid = (task: Task, args: SyscallArgs): number => setFsgid(task, id(args, 0));

function getresuid(task: Task, args: SyscallArgs): number {
  const own = task.credentials;
  return writeThree(task, args, own.uid, own.euid, own.suid);
}

function getresgid(task: Task, args: SyscallArgs): number {
  const own = task.credentials;
  return writeThree(task, args, own.gid, own.egid, own.sgid);
}

function writeThree(task: Task, args: SyscallArgs, first: number, second: number, third: number): number {
  if (task.memory.writeU32(args.addr(0), first) < 0) return -EFAULT;
  if (task.memory.writeU32(args.addr(1), second) < 0) return -EFAULT;
  return task.memory.writeU32(args.addr(2), third) < 0 ? -EFAULT : 0;
}

function getgroups(task: Task, args: SyscallArgs): number {
  const size = args.int(0);
  if (size < 0) return -EINVAL;
  const groups = task.credentials.groups;
  if (size === 0) return groups.length;
  if (size < groups.length) return -EINVAL;
  const list = new Uint8Array(new Uint32Array(groups).buffer);
  return task.memory.copyOut(args.addr(1), list, 0, list.length) === list.length ? groups.length : -EFAULT;
}

function setgroups(task: Task, args: SyscallArgs): number {
  const count = args.uint(0);
  const allowed = setGroupsAllowed(task);
  if (allowed < 0) return allowed;
  if (count > NGROUPS_MAX) return -EINVAL;
  const list = new Uint32Array(count);
  const bytes = new Uint8Array(list.buffer);
  if (task.memory.copyIn(args.addr(1), bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  if (list.includes(0xffffffff)) return -EINVAL;
  return setGroups(
    task,
    [...list].sort((a, b) => a - b),
  );
}

const CAP_SETGID = 6;

function setGroupsAllowed(task: Task): number {
  return task.credentials.hasCapability(CAP_SETGID) ? 0 : -EPERM;
}

/** Words of data for the header's version; 0 when it was unknown and has been corrected. -errno. */
function readHeader(task: Task, addr: number, out: { pid: number }, wantsPid = true): number {
  const version = task.memory.readU32(addr);
  if (version < 0) return -EFAULT;
  const words = wordsOf(version);
  if (words === 0) return task.memory.writeU32(addr, _LINUX_CAPABILITY_VERSION_3) < 0 ? -EFAULT : 0;
  if (!wantsPid) return words;
  const pid = task.memory.readU32(addr + 4);
  out.pid = pid | 0;
  return pid < 0 ? -EFAULT : words;
}

function wordsOf(version: number): number {
  if (version === _LINUX_CAPABILITY_VERSION_1) return 1;
  return version === _LINUX_CAPABILITY_VERSION_2 || version === _LINUX_CAPABILITY_VERSION_3 ? 2 : 0;
}

function capget(task: Task, args: SyscallArgs): number {
  const header = { pid: 0 };
  const dataAddr = args.addr(1);
  const words = readHeader(task, args.addr(0), header, dataAddr !== 0);
  if (words < 0) return words;
  if (dataAddr === 0) return 0;
  if (words === 0) return -EINVAL;
  if (header.pid < 0) return -EINVAL;
  const target = header.pid === 0 ? task : task.kernel.findTask(header.pid);
  if (target === null) return -ESRCH;
  const { effective, permitted, inheritable } = target.credentials;
  const data = new Int32Array([
    effective.lo,
    permitted.lo,
    inheritable.lo,
    effective.hi,
    permitted.hi,
    inheritable.hi,
  ]);
  const size = words * DATA_BYTES;
  return task.memory.copyOut(dataAddr, new Uint8Array(data.buffer), 0, size) === size ? 0 : -EFAULT;
}

function capset(task: Task, args: SyscallArgs): number {
  const header = { pid: 0 };
  const words = readHeader(task, args.addr(0), header);
  if (words < 0) return words;
  if (words === 0) return -EINVAL;
  if (header.pid !== 0 && header.pid !== task.tid) return -EPERM;
  const data = new Int32Array(6);
  const bytes = new Uint8Array(data.buffer);
  const size = words * DATA_BYTES;
  if (task.memory.copyIn(args.addr(1), bytes, 0, size) !== size) return -EFAULT;
  return setCapabilities(
    task,
    capabilitiesFrom(data[0]!, data[3]!),
    capabilitiesFrom(data[1]!, data[4]!),
    capabilitiesFrom(data[2]!, data[5]!),
  );
}

export const CREDENTIALS_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getuid, name: 'getuid', handler: getuid, coverage: 'full', format: '' },
  { nr: SYS_geteuid, name: 'geteuid', handler: geteuid, coverage: 'full', format: '' },
  { nr: SYS_getgid, name: 'getgid', handler: getgid, coverage: 'full', format: '' },
  { nr: SYS_getegid, name: 'getegid', handler: getegid, coverage: 'full', format: '' },
  { nr: SYS_setuid, name: 'setuid', handler: setuid, coverage: 'full', format: 'u' },
  { nr: SYS_setgid, name: 'setgid', handler: setgid, coverage: 'full', format: 'u' },
  { nr: SYS_setreuid, name: 'setreuid', handler: setreuid, coverage: 'full', format: 'uu' },
  { nr: SYS_setregid, name: 'setregid', handler: setregid, coverage: 'full', format: 'uu' },
  { nr: SYS_setresuid, name: 'setresuid', handler: setresuid, coverage: 'full', format: 'uuu' },
  { nr: SYS_setresgid, name: 'setresgid', handler: setresgid, coverage: 'full', format: 'uuu' },
  { nr: SYS_getresuid, name: 'getresuid', handler: getresuid, coverage: 'full', format: 'ppp' },
  { nr: SYS_getresgid, name: 'getresgid', handler: getresgid, coverage: 'full', format: 'ppp' },
  { nr: SYS_setfsuid, name: 'setfsuid', handler: setfsuid, coverage: 'full', format: 'u' },
  { nr: SYS_setfsgid, name: 'setfsgid', handler: setfsgid, coverage: 'full', format: 'u' },
  { nr: SYS_getgroups, name: 'getgroups', handler: getgroups, coverage: 'full', format: 'dp' },
  { nr: SYS_setgroups, name: 'setgroups', handler: setgroups, coverage: 'full', format: 'zp' },
  { nr: SYS_capget, name: 'capget', handler: capget, coverage: 'full', format: 'pp' },
  { nr: SYS_capset, name: 'capset', handler: capset, coverage: 'full', format: 'pp' },
];
