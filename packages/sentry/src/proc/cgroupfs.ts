// The control group that every program of the sandbox is in, as its container shows it (Documentation/admin-guide/cgroup-v2.rst): limits and
// use of memory and tasks, for runtimes that size themselves by them. Nothing can be written, and no group can be made.
import { EROFS } from '@sandbox-kernel/abi';
import {
  createPseudoFilesystem,
  type FilesystemType,
  PseudoDirectory,
  PseudoFile,
  type Superblock,
} from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';

const CGROUP2_SUPER_MAGIC = 0x63677270;
const MICROS_PER_NANO = 1e-3;

type Generator = (kernel: SentryKernel) => string;

class ControlFile extends PseudoFile {
  readonly #kernel: SentryKernel;
  readonly #generate: Generator;

  constructor(kernel: SentryKernel, generate: Generator) {
    super(0o444);
    this.#kernel = kernel;
    this.#generate = generate;
  }

  text(): string {
    return this.#generate(this.#kernel);
  }

  override write(): number {
    return -EROFS;
  }
}

/** The cap, or `max` when the machine's memory is the only limit. */
function memoryMax({ memoryFile }: SentryKernel): string {
  return memoryFile.limit < memoryFile.total ? `${memoryFile.limit}\n` : 'max\n';
}

function memoryStat(kernel: SentryKernel): string {
  let anonymous = 0;
  let shared = 0;
  const seen = new Set<object>();
  for (const task of kernel.processes.tasks.values()) {
    if (seen.has(task.image) || task.exiting) continue;
    seen.add(task.image);
    anonymous += task.memory.sizes.rssAnonymous;
    shared += task.memory.sizes.rssShared;
  }
  return `anon ${anonymous}\nfile ${shared}\nkernel 0\nkernel_stack 0\npagetables 0\nsock 0\nshmem ${shared}\nfile_mapped 0\nfile_dirty 0\nfile_writeback 0\nswapcached 0\nanon_thp 0\ninactive_anon 0\nactive_anon ${anonymous}\ninactive_file 0\nactive_file 0\nunevictable 0\n`;
}

function memoryEvents(kernel: SentryKernel): string {
  const kills = kernel.oomKills;
  return `low 0\nhigh 0\nmax ${kills}\noom ${kills}\noom_kill ${kills}\noom_group_kill 0\n`;
}

function cpuStat(kernel: SentryKernel): string {
  let user = 0;
  let system = 0;
  for (const task of kernel.processes.tasks.values()) {
    user += task.userNanos();
    system += task.systemNanos;
  }
  const micros = (nanos: number): number => Math.floor(nanos * MICROS_PER_NANO);
  return `usage_usec ${micros(user + system)}\nuser_usec ${micros(user)}\nsystem_usec ${micros(system)}\n`;
}

function processes(kernel: SentryKernel): string {
  let text = '';
  for (const task of kernel.processes.tasks.values()) if (task.isLeader) text += `${task.tid}\n`;
  return text;
}

function tasksMax(kernel: SentryKernel): string {
  const limit = kernel.options.taskLimit;
  return limit === undefined ? 'max\n' : `${limit}\n`;
}

const FILES: readonly (readonly [string, Generator])[] = [
  ['cgroup.controllers', () => 'cpu memory pids\n'],
  ['cgroup.events', () => 'populated 1\nfrozen 0\n'],
  ['cgroup.procs', processes],
  ['cgroup.subtree_control', () => '\n'],
  ['cgroup.type', () => 'domain\n'],
  ['cpu.max', () => 'max 100000\n'],
  ['cpu.stat', cpuStat],
  ['cpu.weight', () => '100\n'],
  ['memory.current', (kernel) => `${kernel.memoryFile.resident()}\n`],
  ['memory.events', memoryEvents],
  ['memory.high', () => 'max\n'],
  ['memory.low', () => '0\n'],
  ['memory.max', memoryMax],
  ['memory.min', () => '0\n'],
  ['memory.oom.group', () => '0\n'],
  ['memory.peak', (kernel) => `${kernel.memoryFile.peak}\n`],
  ['memory.stat', memoryStat],
  ['memory.swap.current', () => '0\n'],
  ['memory.swap.max', () => '0\n'],
  ['pids.current', (kernel) => `${kernel.processes.tasks.size}\n`],
  ['pids.max', tasksMax],
];

export function createCgroupfs(kernel: SentryKernel): Superblock {
  const root = new PseudoDirectory();
  for (const [name, generate] of FILES) root.add(name, new ControlFile(kernel, generate));
  return createPseudoFilesystem(kernel.vfs, {
    type: 'cgroup2',
    magic: CGROUP2_SUPER_MAGIC,
    root,
    source: 'cgroup',
  });
}

export function cgroupType(kernel: SentryKernel): FilesystemType {
  return { name: 'cgroup2', needsDevice: false, mount: () => createCgroupfs(kernel) };
}
