// exit(2), exit_group(2).
import { SYS_exit, SYS_exit_group } from '@sandbox-kernel/abi';
import { exitedStatus, exitGroup, exitTask, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

function exit(task: Task, args: SyscallArgs): number {
  return exitTask(task, exitedStatus(args.int(0)));
}

function exitGroupCall(task: Task, args: SyscallArgs): number {
  return exitGroup(task, exitedStatus(args.int(0)));
}

export const EXIT_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_exit, name: 'exit', handler: exit, coverage: 'full', format: 'd' },
  { nr: SYS_exit_group, name: 'exit_group', handler: exitGroupCall, coverage: 'full', format: 'd' },
];
