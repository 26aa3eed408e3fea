// reboot(2): the sandbox is a PID namespace of its own, so that restarting and halting end it, and nothing else can be asked for.
import {
  CAP_SYS_BOOT,
  EINVAL,
  EPERM,
  LINUX_REBOOT_CMD_HALT,
  LINUX_REBOOT_CMD_POWER_OFF,
  LINUX_REBOOT_CMD_RESTART,
  LINUX_REBOOT_CMD_RESTART2,
  LINUX_REBOOT_MAGIC1,
  LINUX_REBOOT_MAGIC2,
  LINUX_REBOOT_MAGIC2A,
  LINUX_REBOOT_MAGIC2B,
  LINUX_REBOOT_MAGIC2C,
  SIGHUP,
  SIGINT,
  SYS_reboot,
} from '@sandbox-kernel/abi';
import { endAll, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from './row.js';

function isSecondMagic(magic: number): boolean {
  return (
    magic === LINUX_REBOOT_MAGIC2 ||
    magic === LINUX_REBOOT_MAGIC2A ||
    magic === LINUX_REBOOT_MAGIC2B ||
    magic === LINUX_REBOOT_MAGIC2C
  );
}

function reboot(task: Task, args: SyscallArgs): number {
  if (!task.credentials.hasCapability(CAP_SYS_BOOT)) return -EPERM;
  if (args.uint(0) !== LINUX_REBOOT_MAGIC1 || !isSecondMagic(args.uint(1))) return -EINVAL;
  switch (args.uint(2)) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
      return endAll(task, SIGHUP);
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
      return endAll(task, SIGINT);
    default:
      return -EINVAL;
  }
}

export const REBOOT_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_reboot,
    name: 'reboot',
    handler: reboot,
    coverage: 'full',
    note: 'ends the sandbox',
    format: 'xxxp',
  },
];
