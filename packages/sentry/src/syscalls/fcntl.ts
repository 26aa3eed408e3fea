// fcntl(2), flock(2).
import {
  DN_MULTISHOT,
  EACCES,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EOVERFLOW,
  EPERM,
  ERESTARTSYS,
  ESRCH,
  F_ADD_SEALS,
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_RW_HINT,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETLK,
  F_GETOWN,
  F_GETOWN_EX,
  F_GETOWNER_UIDS,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_NOTIFY,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_OWNER_PGRP,
  F_OWNER_PID,
  F_OWNER_TID,
  F_RDLCK,
  F_SET_RW_HINT,
  F_SETFD,
  F_SETFL,
  F_SETLEASE,
  F_SETLK,
  F_SETLKW,
  F_SETOWN,
  F_SETOWN_EX,
  F_SETPIPE_SZ,
  F_SETSIG,
  F_UNLCK,
  F_WRLCK,
  FASYNC,
  FD_CLOEXEC,
  LOCK_EX,
  LOCK_MAND,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  NSIG,
  O_APPEND,
  O_DIRECT,
  O_NOATIME,
  O_NONBLOCK,
  RWH_WRITE_LIFE_EXTREME,
  S_IFMT,
  S_IFREG,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
  SYS_fcntl,
  SYS_flock,
} from '@sandbox-kernel/abi';
import {
  BLOCKED,
  ownUnlessOwned,
  type SyscallArgs,
  setAsync,
  setFileOwner,
  type Task,
} from '@sandbox-kernel/kernel';
import {
  type FileDescription,
  FMODE_CREATED,
  findConflict,
  flock as flockFile,
  getLease,
  isOwner,
  locksOf,
  pipeOf,
  type RecordLock,
  setLease,
  setRecordLock,
  tmpfsFileOf,
  watchDirectory,
} from '@sandbox-kernel/vfs';
import { descriptorLimit } from './arguments.js';
import type { SyscallRow } from './row.js';
import { put64 } from './user-time.js';
import { workspaceOf } from './workspace.js';

const CAP_LEASE = 28;
const CAP_SYS_RESOURCE = 24;
const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
/** Commands that work on O_PATH descriptors too. */
const PATH_COMMANDS: readonly number[] = [
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_SETFD,
  F_GETFL,
  F_DUPFD_QUERY,
  F_CREATED_QUERY,
];
const FLOCK_SIZE = 32;
const TWO_32 = 2 ** 32;
const OFFSET_MAX = 2n ** 63n - 1n;

function fcntl(task: Task, args: SyscallArgs): number {
  const fd = args.int(0);
  const command = args.int(1);
  const file = task.files.get(fd);
  if (file === null || (file.pathOnly && !PATH_COMMANDS.includes(command))) return -EBADF;
  switch (command) {
    case F_DUPFD:
      return task.files.dup(fd, args.int(2), descriptorLimit(task), false);
    case F_DUPFD_CLOEXEC:
      return task.files.dup(fd, args.int(2), descriptorLimit(task), true);
    case F_GETFD:
      return task.files.closesOnExec(fd) === 1 ? FD_CLOEXEC : 0;
    case F_SETFD:
      return task.files.setCloseOnExec(fd, (args.int(2) & FD_CLOEXEC) !== 0);
    case F_GETFL:
      return file.flags;
    case F_SETFL:
      return setFlags(task, file, fd, args.int(2));
    default:
      return lockCommand(task, args, file, command);
  }
}

function setFlags(task: Task, file: FileDescription, fd: number, flags: number): number {
  const { inode } = file;
  const wanted = flags & SETTABLE;
  if (((wanted ^ file.flags) & O_APPEND) !== 0 && (wanted & O_APPEND) === 0) {
    if (inode !== null && (inode.attributes & 0x20) !== 0) return -EPERM;
  }
  if ((wanted & O_NOATIME) !== 0 && (file.flags & O_NOATIME) === 0) {
    if (inode !== null && !isOwner(inode, task.credentials)) return -EPERM;
  }
  if ((wanted & O_DIRECT) !== 0 && !file.ops.takesDirect(file)) return -EINVAL;
  const allowed = file.ops.flagsChanging(file, wanted);
  if (allowed !== 0) return allowed;
  setAsync(file, fd, (flags & FASYNC) !== 0, FASYNC);
  file.flags = (file.flags & ~SETTABLE) | wanted;
  return 0;
}

function lockCommand(task: Task, args: SyscallArgs, file: FileDescription, command: number): number {
  switch (command) {
    case F_GETLK:
      return testLock(task, file, args.addr(2), false);
    case F_OFD_GETLK:
      return testLock(task, file, args.addr(2), true);
    case F_SETLK:
      return changeLock(task, file, args.addr(2), false, false);
    case F_SETLKW:
      return changeLock(task, file, args.addr(2), false, true);
    case F_OFD_SETLK:
      return changeLock(task, file, args.addr(2), true, false);
    case F_OFD_SETLKW:
      return changeLock(task, file, args.addr(2), true, true);
    case F_GETLEASE:
      return getLease(file);
    case F_SETLEASE:
      return changeLease(task, file, args.int(0), args.int(2));
    case F_NOTIFY:
      return notifyDirectory(task, file, args.int(0), args.int(2));
    default:
      return ownerCommand(task, args, file, command);
  }
}

function ownerCommand(task: Task, args: SyscallArgs, file: FileDescription, command: number): number {
  switch (command) {
    case F_SETOWN:
      return setOwner(task, file, args.int(2));
    case F_GETOWN:
      return file.ownerKind === F_OWNER_PGRP ? -file.ownerId : file.ownerId;
    case F_SETOWN_EX:
      return setOwnerEx(task, file, args.addr(2));
    case F_GETOWN_EX: {
      const { memory } = task;
      const failed = memory.writeU32(args.addr(2), file.ownerKind);
      return failed < 0 ? failed : memory.writeU32(args.addr(2) + 4, file.ownerId);
    }
    case F_GETOWNER_UIDS: {
      const { memory } = task;
      const failed = memory.writeU32(args.addr(2), file.ownerUid);
      return failed < 0 ? failed : memory.writeU32(args.addr(2) + 4, file.ownerEuid);
    }
    case F_SETSIG:
      if (args.int(2) < 0 || args.int(2) > NSIG) return -EINVAL;
      file.ownerSignal = args.int(2);
      return 0;
    case F_GETSIG:
      return file.ownerSignal;
    default:
      return specialCommand(task, args, file, command);
  }
}

function specialCommand(task: Task, args: SyscallArgs, file: FileDescription, command: number): number {
  const pipe = pipeOf(file);
  switch (command) {
    case F_GETPIPE_SZ:
      return pipe === null ? -EBADF : pipe.capacity;
    case F_SETPIPE_SZ: {
      if (pipe === null) return -EBADF;
      const privileged = task.credentials.hasCapability(CAP_SYS_RESOURCE);
      return pipe.resize(args.int(2), privileged ? 2 ** 31 : task.fs.vfs.pipeMaxSize);
    }
    case F_ADD_SEALS:
      return addSeals(file, args.int(2));
    case F_GET_SEALS: {
      const data = file.inode === null ? -EINVAL : tmpfsFileOf(file.inode);
      return typeof data === 'number' ? -EINVAL : data.seals;
    }
    case F_GET_RW_HINT:
      return writeHint(task, args.addr(2), file.writeHint);
    case F_SET_RW_HINT: {
      const hint = task.memory.readU64(args.addr(2));
      if (hint < 0) return hint;
      if (hint > RWH_WRITE_LIFE_EXTREME) return -EINVAL;
      file.writeHint = hint;
      return 0;
    }
    case F_DUPFD_QUERY: {
      const other = task.files.get(args.int(2));
      if (other === null) return -EBADF;
      return other === file ? 1 : 0;
    }
    case F_CREATED_QUERY:
      return (file.mode & FMODE_CREATED) !== 0 ? 1 : 0;
    default:
      return -EINVAL;
  }
}

function writeHint(task: Task, addr: number, hint: number): number {
  return task.memory.writeU64(addr, hint);
}

function addSeals(file: FileDescription, seals: number): number {
  if (!file.writable) return -EPERM;
  const data = file.inode === null ? -EINVAL : tmpfsFileOf(file.inode);
  if (typeof data === 'number') return -EINVAL;
  return data.addSeals(seals);
}

function setOwner(task: Task, file: FileDescription, id: number): number {
  if (id === -(2 ** 31)) return -EINVAL;
  if (id > 0 && task.kernel.findTask(id) === null) return -ESRCH;
  if (id < 0 && !isGroup(task, -id)) return -ESRCH;
  setFileOwner(task, file, id < 0 ? F_OWNER_PGRP : F_OWNER_PID, Math.abs(id));
  return 0;
}

function setOwnerEx(task: Task, file: FileDescription, addr: number): number {
  const kind = task.memory.readU32(addr);
  const id = task.memory.readU32(addr + 4);
  if (kind < 0 || id < 0) return -EFAULT;
  if (kind !== F_OWNER_TID && kind !== F_OWNER_PID && kind !== F_OWNER_PGRP) return -EINVAL;
  if (id !== 0 && task.kernel.findTask(id) === null && !isGroup(task, id)) return -ESRCH;
  setFileOwner(task, file, kind, id);
  return 0;
}

function isGroup(task: Task, pgid: number): boolean {
  return task.kernel.processes.groups.has(pgid);
}

function changeLease(task: Task, file: FileDescription, fd: number, type: number): number {
  const { inode } = file;
  if (inode === null) return -EINVAL;
  const own = inode.uid === task.credentials.fsuid || task.credentials.hasCapability(CAP_LEASE);
  if (type !== F_UNLCK && !own) return -EACCES;
  if ((inode.mode & S_IFMT) !== S_IFREG) return -EINVAL;
  const result = setLease(file, fd, type);
  if (result === 0 && type !== F_UNLCK) ownUnlessOwned(task, file);
  return result;
}

function notifyDirectory(task: Task, file: FileDescription, fd: number, arg: number): number {
  const result = watchDirectory(file, task.files, fd, arg);
  if (result !== 0 || (arg & ~DN_MULTISHOT) === 0) return result;
  task.files.hasDirectoryWatches = true;
  ownUnlessOwned(task, file);
  return 0;
}

/** struct flock as asked for: absolute range, end Infinity for "to the end of file". */
class LockRequest {
  type = 0;
  start = 0;
  end = 0;
  pid = 0;
}

/** `asks`: for F_GETLK, which looks at the type first. */
function readLock(task: Task, file: FileDescription, addr: number, out: LockRequest, asks = false): number {
  const { bytes, view } = workspaceOf(task);
  if (task.memory.copyIn(addr, bytes, 0, FLOCK_SIZE) < FLOCK_SIZE) return -EFAULT;
  out.type = view.getInt16(0, true);
  out.pid = view.getInt32(24, true);
  if (asks && out.type !== F_RDLCK && out.type !== F_WRLCK) return -EINVAL;
  const base = lockBase(file, view.getInt16(2, true));
  if (base < 0) return base;
  const start = base + signed(view, 8);
  const length = signed(view, 16);
  if (start >= 2 ** 53 || length >= 2 ** 53) {
    const checked = checkExactly(base, view);
    if (checked !== 0) return checked;
  }
  if (start < 0 || (length < 0 && start + length < 0)) return -EINVAL;
  out.start = length < 0 ? start + length : start;
  out.end = length < 0 ? start : start + length;
  if (length === 0 || out.end >= 2 ** 63) out.end = Number.POSITIVE_INFINITY;
  return out.type === F_RDLCK || out.type === F_WRLCK || out.type === F_UNLCK ? 0 : -EINVAL;
}

function lockBase(file: FileDescription, whence: number): number {
  if (whence === SEEK_SET) return 0;
  if (whence === SEEK_CUR) return file.position;
  if (whence !== SEEK_END) return -EINVAL;
  const { inode } = file;
  const size = inode?.isDirectory === true ? inode.size : file.ops.size(file);
  return size >= 0 ? size : (inode?.size ?? 0);
}

/** Is the range within what offsets can be, to the byte? */
function checkExactly(base: number, view: DataView): number {
  const start = BigInt(base) + view.getBigInt64(8, true);
  const length = view.getBigInt64(16, true);
  if (start > OFFSET_MAX) return -EOVERFLOW;
  if (start < 0n || (length < 0n && start + length < 0n)) return -EINVAL;
  return length > 0n && length - 1n > OFFSET_MAX - start ? -EOVERFLOW : 0;
}

function signed(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

function testLock(task: Task, file: FileDescription, addr: number, ofd: boolean): number {
  const request = new LockRequest();
  const read = readLock(task, file, addr, request, !ofd);
  if (read < 0) return read;
  if (file.inode === null || (ofd && request.pid !== 0)) return -EINVAL;
  const owner = ofd ? file : task.files;
  const conflict = findConflict(file.inode, owner, request.type, request.start, request.end);
  const { bytes, view } = workspaceOf(task);
  if (conflict === null) view.setInt16(0, F_UNLCK, true);
  else describeLock(view, conflict);
  return task.memory.copyOut(addr, bytes, 0, FLOCK_SIZE) < FLOCK_SIZE ? -EFAULT : 0;
}

function describeLock(view: DataView, lock: RecordLock): void {
  view.setInt16(0, lock.type, true);
  view.setInt16(2, SEEK_SET, true);
  // The largest offset is not a number that a double has.
  if (lock.start >= 2 ** 63) view.setBigInt64(8, OFFSET_MAX, true);
  else put64(view, 8, lock.start);
  put64(view, 16, lock.end === Number.POSITIVE_INFINITY ? 0 : lock.end - lock.start);
  view.setInt32(24, lock.ofd ? -1 : lock.pid, true);
}

function changeLock(task: Task, file: FileDescription, addr: number, ofd: boolean, wait: boolean): number {
  const request = new LockRequest();
  const read = readLock(task, file, addr, request);
  if (read < 0) return read;
  const { inode } = file;
  if (inode === null || (ofd && request.pid !== 0)) return -EINVAL;
  if (request.type === F_RDLCK && !file.readable) return -EBADF;
  if (request.type === F_WRLCK && !file.writable) return -EBADF;
  const owner = ofd ? file : task.files;
  if (!ofd) task.files.hasLocks = true;
  const { type, start, end } = request;
  const result = setRecordLock(inode, owner, ofd, type, start, end, task.group.pid, wait);
  if (result !== -EAGAIN || !wait) return result;
  const blocked = task.blockOn(locksOf(inode).queue, 1, -ERESTARTSYS);
  if (blocked !== BLOCKED) task.fs.vfs.locks.done(owner);
  return blocked;
}

function flock(task: Task, args: SyscallArgs): number {
  // LOCK_MAND: accepted and without effect since Linux 5.17.
  if ((args.int(1) & LOCK_MAND) !== 0) return 0;
  const operation = args.int(1) & ~LOCK_NB;
  if (operation !== LOCK_SH && operation !== LOCK_EX && operation !== LOCK_UN) return -EINVAL;
  const file = task.files.getOpen(args.int(0));
  if (file === null || file.inode === null) return -EBADF;
  const result = flockFile(file, operation, task.group.pid);
  if (result !== -EAGAIN || (args.int(1) & LOCK_NB) !== 0) return result;
  return task.blockOn(locksOf(file.inode).queue, 1, -ERESTARTSYS);
}

export const FCNTL_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_fcntl, name: 'fcntl', handler: fcntl, coverage: 'full', format: 'fdx' },
  { nr: SYS_flock, name: 'flock', handler: flock, coverage: 'full', format: 'fd' },
];
