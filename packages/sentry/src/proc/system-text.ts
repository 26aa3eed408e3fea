// The texts of /proc that concern the whole system: cpuinfo, meminfo, stat, uptime, loadavg, version, filesystems, devices.

import { readFileSync } from 'node:fs';
import { cpus, freemem } from 'node:os';
import { RELEASE, SYSNAME, VERSION } from '@sandbox-kernel/kernel';
import type { SentryKernel } from '../boot/sentry-kernel.js';

const KIB = 1024;
const NANOS_PER_SECOND = 1e9;

/** The host's own description of its processors, one block each for those that programs see; without AMX where the platform has none. */
export function cpuinfoText(kernel: SentryKernel): string {
  const tiles = kernel.platform.features.dynamicFeatures !== 0;
  const blocks = readHost('/proc/cpuinfo').split('\n\n');
  return blocks
    .slice(0, kernel.options.processors)
    .map((block) => `${(tiles ? block : block.replace(/ amx_\w+/g, '')).trimEnd()}\n\n`)
    .join('');
}

function readHost(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Memory as programs should see it: the sandbox's cap where there is one. */
export interface MemoryFigures {
  readonly total: number;
  readonly free: number;
}

export function memoryFigures(kernel: SentryKernel): MemoryFigures {
  const { limit } = kernel.memoryFile;
  return { total: limit, free: Math.min(Math.max(limit - kernel.memoryFile.resident(), 0), freemem()) };
}

export function meminfoText(kernel: SentryKernel): string {
  const { total, free } = memoryFigures(kernel);
  const used = kernel.memoryFile.resident();
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', used],
    ['Inactive', 0],
    ['Active(anon)', used],
    ['Inactive(anon)', 0],
    ['Active(file)', 0],
    ['Inactive(file)', 0],
    ['Unevictable', 0],
    ['Mlocked', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', used],
    ['Mapped', 0],
    ['Shmem', 0],
    ['KReclaimable', 0],
    ['Slab', 0],
    ['SReclaimable', 0],
    ['SUnreclaim', 0],
    ['KernelStack', kernel.processes.tasks.size * 16 * KIB],
    ['PageTables', 0],
    ['CommitLimit', total],
    ['Committed_AS', used],
    ['VmallocTotal', 2 ** 45],
    ['VmallocUsed', 0],
    ['VmallocChunk', 0],
    ['AnonHugePages', 0],
  ];
  const lines = rows.map(
    ([name, bytes]) => `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / KIB)).padStart(8)} kB\n`,
  );
  return `${lines.join('')}HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\nHugepagesize:       2048 kB\n`;
}

function uptimeSeconds(kernel: SentryKernel): number {
  return (kernel.clock.monotonic() - kernel.bootTime) / NANOS_PER_SECOND;
}

export function uptimeText(kernel: SentryKernel): string {
  const seconds = uptimeSeconds(kernel).toFixed(2);
  return `${seconds} ${seconds}\n`;
}

export function loadavgText(kernel: SentryKernel): string {
  let running = 0;
  let last = 0;
  for (const task of kernel.processes.tasks.values()) {
    if (task.state <= 2) running++;
    last = Math.max(last, task.tid);
  }
  return `0.00 0.00 0.00 ${running}/${kernel.processes.tasks.size} ${last}\n`;
}

export function versionText(): string {
  return `${SYSNAME} version ${RELEASE} (sandbox-kernel) ${VERSION}\n`;
}

export function procStatText(kernel: SentryKernel): string {
  let user = 0;
  let system = 0;
  for (const task of kernel.processes.tasks.values()) {
    user += task.userNanos();
    system += task.systemNanos;
  }
  const ticks = (nanos: number): number => Math.floor(nanos / 1e7);
  const busy = `${ticks(user)} 0 ${ticks(system)} ${ticks(uptimeSeconds(kernel) * NANOS_PER_SECOND)} 0 0 0 0 0 0`;
  const each = cpus()
    .slice(0, kernel.options.processors)
    .map((_, i) => `cpu${i} ${busy}\n`)
    .join('');
  const boot = Math.floor(kernel.realtimeNanos() / NANOS_PER_SECOND - uptimeSeconds(kernel));
  return `cpu  ${busy}\n${each}intr 0\nctxt 0\nbtime ${boot}\nprocesses ${kernel.forks}\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n`;
}

export function filesystemsText(kernel: SentryKernel): string {
  let text = '';
  for (const type of kernel.vfs.filesystemTypes.values())
    text += `${type.needsDevice ? '' : 'nodev'}\t${type.name}\n`;
  return text;
}
