// ioctl(2): requests that mean the same for every file; all others go to the file's own operations.
import {
  EBADF,
  EFAULT,
  EISDIR,
  ENOTTY,
  EOPNOTSUPP,
  FASYNC,
  FICLONE,
  FICLONERANGE,
  FIGETBSZ,
  FIOASYNC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  FIOQSIZE,
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  O_NONBLOCK,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  SYS_ioctl,
} from '@sandbox-kernel/abi';
import { type SyscallArgs, setAsync, type Task } from '@sandbox-kernel/kernel';
import type { FileDescription } from '@sandbox-kernel/vfs';
import { attributeFlags, getExtended, setAttributeFlags, setExtended } from './file-attributes.js';
import type { SyscallRow } from './row.js';

function ioctl(task: Task, args: SyscallArgs): number {
  const fd = args.int(0);
  const file = task.files.getOpen(fd);
  if (file === null) return -EBADF;
  const request = args.uint(1);
  switch (request) {
    case FIOCLEX:
      return task.files.setCloseOnExec(fd, true);
    case FIONCLEX:
      return task.files.setCloseOnExec(fd, false);
    case FIONBIO:
      return setFlag(task, file, args.addr(2), O_NONBLOCK);
    case FIOASYNC:
      return setAsyncFlag(task, file, args);
    case FICLONE:
    case FICLONERANGE:
      return -EOPNOTSUPP;
    default:
      return fileRequest(task, args, file, request);
  }
}

function setAsyncFlag(task: Task, file: FileDescription, args: SyscallArgs): number {
  const on = task.memory.readU32(args.addr(2));
  if (on < 0) return -EFAULT;
  if (!file.ops.signalsReadiness(file)) return (on !== 0) === ((file.flags & FASYNC) !== 0) ? 0 : -ENOTTY;
  setAsync(file, args.int(0), on !== 0, FASYNC);
  return 0;
}

function setFlag(task: Task, file: FileDescription, addr: number, flag: number): number {
  const on = task.memory.readU32(addr);
  if (on < 0) return -EFAULT;
  file.flags = on !== 0 ? file.flags | flag : file.flags & ~flag;
  return 0;
}

function fileRequest(task: Task, args: SyscallArgs, file: FileDescription, request: number): number {
  const type = (file.inode?.mode ?? 0) & S_IFMT;
  const onDisk = (type === S_IFREG || type === S_IFDIR) && file.mount !== null;
  const { memory } = task;
  const addr = args.addr(2);
  if (request === FIONREAD && type === S_IFREG) {
    return memory.writeU32(addr, Math.max(file.ops.size(file) - file.position, 0) >>> 0);
  }
  if (request === FIOQSIZE && onDisk) return memory.writeU64(addr, file.inode!.size);
  if (request === FIGETBSZ && onDisk) return memory.writeU32(addr, 4096);
  if (request === FS_IOC_GETFLAGS && onDisk) return memory.writeU32(addr, attributeFlags(file.inode!));
  if (request === FS_IOC_SETFLAGS && onDisk) return setAttributes(task, file, addr);
  if (request === FS_IOC_FSGETXATTR && onDisk) return getExtended(task, file, addr);
  if (request === FS_IOC_FSSETXATTR && onDisk) return setExtended(task, file, addr);
  if (request === FIONREAD && type === S_IFDIR) return -EISDIR;
  const result = file.ops.ioctl(file, task, request, addr);
  return type === S_IFREG && result === -ENOTTY ? -ENOTTY : result;
}

function setAttributes(task: Task, file: FileDescription, addr: number): number {
  const flags = task.memory.readU32(addr);
  return flags < 0 ? -EFAULT : setAttributeFlags(task, file.mount!, file.inode!, flags);
}

export const IOCTL_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_ioctl, name: 'ioctl', handler: ioctl, coverage: 'full', format: 'fxp' },
];
