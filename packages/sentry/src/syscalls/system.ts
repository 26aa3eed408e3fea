// sysinfo(2).
import { EFAULT, SYS_sysinfo, set64 } from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { memoryFigures } from '../proc/system-text.js';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

// struct sysinfo
const UPTIME = 0;
const TOTAL_RAM = 32;
const FREE_RAM = 40;
const PROCS = 80;
const MEM_UNIT = 104;
const SIZE = 112;
const NANOS_PER_SECOND = 1e9;

function sysinfo(task: Task, args: SyscallArgs): number {
  const kernel = task.kernel as SentryKernel;
  const { bytes, view } = workspaceOf(task);
  const { total, free } = memoryFigures(kernel);
  bytes.fill(0, 0, SIZE);
  set64(view, UPTIME, Math.floor((kernel.clock.monotonic() - kernel.bootTime) / NANOS_PER_SECOND));
  set64(view, TOTAL_RAM, total);
  set64(view, FREE_RAM, free);
  view.setUint16(PROCS, Math.min(kernel.processes.tasks.size, 0xffff), true);
  view.setUint32(MEM_UNIT, 1, true);
  return task.memory.copyOut(args.addr(0), bytes, 0, SIZE) < SIZE ? -EFAULT : 0;
}

export const SYSTEM_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_sysinfo,
    name: 'sysinfo',
    handler: sysinfo,
    coverage: 'partial',
    note: 'no load averages',
    format: 'p',
  },
];
