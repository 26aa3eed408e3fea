// getpid(2), gettid(2), getppid(2), setpgid(2), setsid(2), set_tid_address(2), uname(2), sethostname(2), personality(2).
import {
  CAP_SYS_ADMIN,
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  SYS_getpgid,
  SYS_getpgrp,
  SYS_getpid,
  SYS_getppid,
  SYS_getsid,
  SYS_gettid,
  SYS_personality,
  SYS_set_tid_address,
  SYS_setdomainname,
  SYS_sethostname,
  SYS_setpgid,
  SYS_setsid,
  SYS_uname,
} from '@sandbox-kernel/abi';
import {
  MACHINE,
  newSession,
  RELEASE,
  SYSNAME,
  type SyscallArgs,
  setProcessGroup,
  type Task,
  VERSION,
} from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

/** __NEW_UTS_LEN. */
const NEW_UTS_LEN = 64;
const UTS_FIELD = NEW_UTS_LEN + 1;

function getpid(task: Task): number {
  return task.group.pid;
}

function gettid(task: Task): number {
  return task.tid;
}

function getppid(task: Task): number {
  const parent = task.group.parent;
  return parent === null ? 0 : parent.pid;
}

function getpgrp(task: Task): number {
  return task.group.processGroup.pgid;
}

function getpgid(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  if (pid === 0) return task.group.processGroup.pgid;
  const target = task.kernel.findTask(pid);
  return target === null ? -ESRCH : target.group.processGroup.pgid;
}

function getsid(task: Task, args: SyscallArgs): number {
  const pid = args.int(0);
  if (pid === 0) return task.group.processGroup.session.sid;
  const target = task.kernel.findTask(pid);
  return target === null ? -ESRCH : target.group.processGroup.session.sid;
}

function setpgid(task: Task, args: SyscallArgs): number {
  return setProcessGroup(task, args.int(0), args.int(1));
}

function setsid(task: Task): number {
  return newSession(task);
}

function setTidAddress(task: Task, args: SyscallArgs): number {
  task.clearChildTid = args.addr(0);
  return task.tid;
}

function uname(task: Task, args: SyscallArgs): number {
  const bytes = new Uint8Array(UTS_FIELD * 6);
  const uts = task.kernel.uts;
  const fields = [SYSNAME, uts.nodename, RELEASE, VERSION, MACHINE, uts.domainname];
  for (let i = 0; i < fields.length; i++) {
    const text = fields[i]!;
    for (let k = 0; k < text.length && k < NEW_UTS_LEN; k++) bytes[i * UTS_FIELD + k] = text.charCodeAt(k);
  }
  return task.memory.copyOut(args.addr(0), bytes, 0, bytes.length) === bytes.length ? 0 : -EFAULT;
}

function readName(task: Task, args: SyscallArgs): string | number {
  if (!task.credentials.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  const length = args.int(1);
  if (length < 0 || length > NEW_UTS_LEN) return -EINVAL;
  const bytes = new Uint8Array(length);
  if (task.memory.copyIn(args.addr(0), bytes, 0, length) !== length) return -EFAULT;
  return String.fromCharCode(...bytes);
}

function sethostname(task: Task, args: SyscallArgs): number {
  const name = readName(task, args);
  if (typeof name === 'number') return name;
  task.kernel.uts.nodename = name;
  return 0;
}

function setdomainname(task: Task, args: SyscallArgs): number {
  const name = readName(task, args);
  if (typeof name === 'number') return name;
  task.kernel.uts.domainname = name;
  return 0;
}

function personality(task: Task, args: SyscallArgs): number {
  const old = task.personality;
  const wanted = args.uint(0);
  if (wanted !== 0xffffffff) task.personality = wanted;
  return old;
}

export const PROCESS_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_getpid, name: 'getpid', handler: getpid, coverage: 'full', format: '' },
  { nr: SYS_gettid, name: 'gettid', handler: gettid, coverage: 'full', format: '' },
  { nr: SYS_getppid, name: 'getppid', handler: getppid, coverage: 'full', format: '' },
  { nr: SYS_getpgrp, name: 'getpgrp', handler: getpgrp, coverage: 'full', format: '' },
  { nr: SYS_getpgid, name: 'getpgid', handler: getpgid, coverage: 'full', format: 'd' },
  { nr: SYS_getsid, name: 'getsid', handler: getsid, coverage: 'full', format: 'd' },
  { nr: SYS_setpgid, name: 'setpgid', handler: setpgid, coverage: 'full', format: 'dd' },
  { nr: SYS_setsid, name: 'setsid', handler: setsid, coverage: 'full', format: '' },
  { nr: SYS_set_tid_address, name: 'set_tid_address', handler: setTidAddress, coverage: 'full', format: 'p' },
  { nr: SYS_uname, name: 'uname', handler: uname, coverage: 'full', format: 'p' },
  { nr: SYS_sethostname, name: 'sethostname', handler: sethostname, coverage: 'full', format: 'pz' },
  { nr: SYS_setdomainname, name: 'setdomainname', handler: setdomainname, coverage: 'full', format: 'pz' },
  { nr: SYS_personality, name: 'personality', handler: personality, coverage: 'full', format: 'x' },
];
