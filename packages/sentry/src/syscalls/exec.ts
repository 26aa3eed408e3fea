// execve(2), execveat(2): reads the arguments; the loader does the rest.
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  E2BIG,
  EAGAIN,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  SYS_execve,
  SYS_execveat,
} from '@sandbox-kernel/abi';
import {
  executeProgram,
  MAX_ARG_STRINGS,
  MAX_ARG_STRLEN,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import { forgetAsked } from '@sandbox-kernel/vfs';
import { waitForPermission } from './permission-wait.js';
import type { SyscallRow } from './row.js';

const PATH_MAX = 4096;
/** No argument list gets larger: a third of the largest stack limit that counts. */
const MOST_BYTES = 6 * 1024 * 1024;

function execve(task: Task, args: SyscallArgs): number {
  return run(task, AT_FDCWD, args.addr(0), args.addr(1), args.addr(2), 0);
}

function execveat(task: Task, args: SyscallArgs): number {
  return run(task, args.int(0), args.addr(1), args.addr(2), args.addr(3), args.int(4));
}

function run(
  task: Task,
  dirfd: number,
  pathAddr: number,
  argvAddr: number,
  envpAddr: number,
  flags: number,
): number {
  const path = task.memory.readString(pathAddr, PATH_MAX - 1);
  if (typeof path === 'number') return path;
  if (path === '' && (flags & AT_EMPTY_PATH) === 0) return -ENOENT;
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return -EINVAL;
  const argv = readStrings(task, argvAddr);
  if (typeof argv === 'number') return noProgram(task, dirfd, path, flags) || argv;
  const envp = readStrings(task, envpAddr);
  if (typeof envp === 'number') return noProgram(task, dirfd, path, flags) || envp;
  const result = executeProgram(task, { dirfd, path, argv, envp, flags });
  const { notify } = task.fs.vfs;
  if (notify.permissionGroups.length === 0) return result;
  if (result === -EAGAIN && notify.waiting !== null) return waitForPermission(task);
  forgetAsked(task);
  return result;
}

/** What is wrong with the program comes before what is wrong with its arguments. 0: nothing. */
function noProgram(task: Task, dirfd: number, path: string, flags: number): number {
  const { programs } = task.kernel;
  const file = programs.open(task, dirfd, path, flags);
  if (typeof file === 'number') return file;
  programs.close(file);
  return 0;
}

/** A NULL-terminated array of strings; a NULL array is empty. */
function readStrings(task: Task, addr: number): string[] | number {
  const strings: string[] = [];
  if (addr === 0) return strings;
  let bytes = 0;
  for (let i = 0; i < MAX_ARG_STRINGS; i++) {
    const pointer = task.memory.readU64(addr + i * 8);
    if (pointer < 0) return -EFAULT;
    if (pointer === 0) return strings;
    const text = task.memory.readString(pointer, MAX_ARG_STRLEN - 1);
    if (typeof text === 'number') return text === -ENAMETOOLONG ? -E2BIG : text;
    bytes += text.length + 9;
    if (bytes > MOST_BYTES) return -E2BIG;
    strings.push(text);
  }
  return -E2BIG;
}

export const EXEC_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_execve,
    name: 'execve',
    handler: execve,
    coverage: 'partial',
    format: 'spp',
    note: '64-bit ELF and #! scripts; file capabilities are not read',
  },
  {
    nr: SYS_execveat,
    name: 'execveat',
    handler: execveat,
    coverage: 'partial',
    format: 'dsppx',
    note: 'as execve',
  },
];
