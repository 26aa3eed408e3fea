// /proc/PID/maps, smaps and smaps_rollup: proc_pid_maps(5), proc_pid_smaps(5).
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { TASK_ZOMBIE, type Task } from '@sandbox-kernel/kernel';
import {
  type AreaInfo,
  type AreaUsage,
  areaFlagNames,
  emptyAreaInfo,
  emptyAreaUsage,
} from '@sandbox-kernel/mm';

const KIB = 1024;
const NAME_COLUMN = 73;

function areaLine(area: AreaInfo): string {
  const { prot } = area;
  const rights = `${prot & PROT_READ ? 'r' : '-'}${prot & PROT_WRITE ? 'w' : '-'}${prot & PROT_EXEC ? 'x' : '-'}${area.shared ? 's' : 'p'}`;
  const range = `${hex(area.start, 8)}-${hex(area.end, 8)}`;
  const device = `${hex(area.deviceMajor, 2)}:${hex(area.deviceMinor, 2)}`;
  const left = `${range} ${rights} ${hex(area.offset, 8)} ${device} ${area.inode}`;
  const name = area.name.replaceAll('\n', '\\012');
  return name === '' ? `${left} \n` : `${left.padEnd(NAME_COLUMN - 1)} ${name}\n`;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}

export function mapsText(task: Task): string {
  if (task.state >= TASK_ZOMBIE) return '';
  const area = emptyAreaInfo();
  let text = '';
  for (let i = 0; i < task.memory.areaCount; i++) {
    task.memory.area(i, area);
    text += areaLine(area);
  }
  return text;
}

export function smapsText(task: Task): string {
  if (task.state >= TASK_ZOMBIE) return '';
  const area = emptyAreaInfo();
  const usage = emptyAreaUsage();
  let text = '';
  for (let i = 0; i < task.memory.areaCount; i++) {
    task.memory.area(i, area);
    task.memory.areaUsage(i, usage);
    const size = `${row('Size', area.end - area.start)}${row('KernelPageSize', 4096)}${row('MMUPageSize', 4096)}`;
    text += `${areaLine(area)}${size}${usageRows(usage)}THPeligible:           0\nVmFlags: ${areaFlagNames(area.flags)}\n`;
  }
  return text;
}

export function smapsRollupText(task: Task): string {
  if (task.state >= TASK_ZOMBIE || task.memory.areaCount === 0) return '';
  const area = emptyAreaInfo();
  const usage = emptyAreaUsage();
  const sum = emptyAreaUsage();
  let start = 0;
  for (let i = 0; i < task.memory.areaCount; i++) {
    task.memory.area(i, area);
    if (i === 0) start = area.start;
    task.memory.areaUsage(i, usage);
    for (const key of Object.keys(sum) as (keyof AreaUsage)[]) sum[key] += usage[key];
  }
  const head = `${hex(start, 8)}-${hex(area.end, 8)} ---p 00000000 00:00 0`;
  return `${head.padEnd(NAME_COLUMN - 1)} [rollup]\n${usageRows(sum)}`;
}

function usageRows(usage: AreaUsage): string {
  return [
    row('Rss', usage.rss),
    row('Pss', usage.pss),
    row('Shared_Clean', usage.sharedClean),
    row('Shared_Dirty', usage.sharedDirty),
    row('Private_Clean', usage.privateClean),
    row('Private_Dirty', usage.privateDirty),
    row('Referenced', usage.rss),
    row('Anonymous', usage.anonymous),
    row('KSM', 0),
    row('LazyFree', 0),
    row('AnonHugePages', 0),
    row('ShmemPmdMapped', 0),
    row('FilePmdMapped', 0),
    row('Shared_Hugetlb', 0),
    row('Private_Hugetlb', 0),
    row('Swap', 0),
    row('SwapPss', 0),
    row('Locked', usage.locked),
  ].join('');
}

function row(name: string, bytes: number): string {
  return `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / KIB)).padStart(8)} kB\n`;
}
