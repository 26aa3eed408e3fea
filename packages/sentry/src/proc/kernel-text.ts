// Texts of /proc that tools read of a kernel as a whole: locks, vmstat, diskstats, interrupts and their like. What a sandbox does not
// have (disks, interrupts, slabs) is there and empty, as on a machine without them.
import { F_RDLCK, F_UNLCK } from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { type FileDescription, type Inode, majorOf, minorOf } from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';

function lockFile(inode: Inode): string {
  const { device } = inode.superblock;
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return `${hex(majorOf(device))}:${hex(minorOf(device))}:${inode.number}`;
}

function access(type: number): string {
  if (type === F_UNLCK) return 'UNLCK';
  return type === F_RDLCK ? 'READ ' : 'WRITE';
}

/** Locks of one file, a line each without its number; `only`: of one open file. */
function lockLines(inode: Inode, only: FileDescription | null, owner: object | null): string[] {
  const { locks } = inode;
  if (locks === null) return [];
  const file = lockFile(inode);
  const lines: string[] = [];
  for (const { exclusive, pid, file: open } of locks.flocks)
    if (only === null || only === open)
      lines.push(`FLOCK  ADVISORY  ${exclusive ? 'WRITE' : 'READ '} ${pid} ${file} 0 EOF`);
  for (const { ofd, type, pid, start, end, owner: holder } of locks.records) {
    if (only !== null && holder !== (ofd ? only : owner)) continue;
    const last = end === Number.POSITIVE_INFINITY ? 'EOF' : String(end - 1);
    const kind = ofd ? 'OFDLCK' : 'POSIX ';
    lines.push(`${kind} ADVISORY  ${access(type)} ${ofd ? -1 : pid} ${file} ${start} ${last}`);
  }
  for (const { type, target, file: open } of locks.leases) {
    if (only !== null && only !== open) continue;
    const state = target >= 0 ? 'BREAKING ' : 'ACTIVE   ';
    lines.push(`LEASE  ${state} ${access(target >= 0 ? target : type)} ${open.ownerId} ${file} 0 EOF`);
  }
  return lines;
}

/** proc_locks(5): every lock of every file. */
export function locksText(kernel: SentryKernel): string {
  let text = '';
  let id = 0;
  for (const inode of kernel.vfs.locks.inodes)
    for (const line of lockLines(inode, null, null)) text += `${++id}: ${line}\n`;
  return text;
}

/** Those of one open file, for its fdinfo. `owner`: the descriptor table that reads. */
export function locksOfFile(file: FileDescription, owner: object): string {
  if (file.inode === null) return '';
  return lockLines(file.inode, file, owner)
    .map((line, i) => `lock:\t${i + 1}: ${line}\n`)
    .join('');
}

/** Counters that vmstat(8) and its like look for; what is not counted is 0. */
export function vmstatText(kernel: SentryKernel): string {
  const { limit, used } = kernel.memoryFile;
  let faults = 0;
  for (const task of kernel.processes.tasks.values()) faults += task.minorFaults;
  const pages = (bytes: number): number => Math.floor(bytes / PAGE_SIZE);
  const rows: readonly (readonly [string, number])[] = [
    ['nr_free_pages', pages(Math.max(limit - used, 0))],
    ['nr_inactive_anon', 0],
    ['nr_active_anon', pages(used)],
    ['nr_inactive_file', 0],
    ['nr_active_file', 0],
    ['nr_unevictable', 0],
    ['nr_anon_pages', pages(used)],
    ['nr_mapped', 0],
    ['nr_file_pages', 0],
    ['nr_dirty', 0],
    ['nr_writeback', 0],
    ['nr_shmem', 0],
    ['pgpgin', 0],
    ['pgpgout', 0],
    ['pswpin', 0],
    ['pswpout', 0],
    ['pgalloc_normal', 0],
    ['pgfree', 0],
    ['pgfault', faults],
    ['pgmajfault', 0],
    ['oom_kill', 0],
  ];
  return rows.map(([name, value]) => `${name} ${value}\n`).join('');
}

const PROCESSOR_WIDTH = 11;

function processorColumns(kernel: SentryKernel, lead: number): string {
  let text = ''.padEnd(lead);
  for (let cpu = 0; cpu < kernel.options.processors; cpu++) text += `CPU${cpu}`.padEnd(PROCESSOR_WIDTH);
  return `${text.trimEnd()}\n`;
}

export function interruptsText(kernel: SentryKernel): string {
  return processorColumns(kernel, 11);
}

const SOFT_INTERRUPTS = [
  'HI',
  'TIMER',
  'NET_TX',
  'NET_RX',
  'BLOCK',
  'IRQ_POLL',
  'TASKLET',
  'SCHED',
  'HRTIMER',
  'RCU',
];

export function softirqsText(kernel: SentryKernel): string {
  const zeros = '0'.padStart(PROCESSOR_WIDTH).repeat(kernel.options.processors);
  return (
    processorColumns(kernel, 20) +
    SOFT_INTERRUPTS.map((name) => `${`${name}:`.padStart(12)}${zeros}\n`).join('')
  );
}

/** proc_pid_mountstats(5). */
export function mountstatsText(mounts: string): string {
  return mounts
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [source, target, type] = line.split(' ');
      return `device ${source} mounted on ${target} with fstype ${type}\n`;
    })
    .join('');
}
