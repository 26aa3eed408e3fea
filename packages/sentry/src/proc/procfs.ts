// proc(5): the tree. Tasks come and go under their numbers; the rest is fixed.
import { ENOENT } from '@sandbox-kernel/abi';
import { TASK_DEAD, type Task } from '@sandbox-kernel/kernel';
import {
  createPseudoFilesystem,
  type FileCaller,
  type FilesystemType,
  PseudoDirectory,
  PseudoLink,
  type PseudoNode,
  StaticFile,
  StaticLink,
  type Superblock,
} from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { GeneratedFile } from './generated-file.js';
import { netDirectory } from './net.js';
import { sysDirectory } from './sysctl.js';
import {
  cpuinfoText,
  filesystemsText,
  loadavgText,
  meminfoText,
  procStatText,
  uptimeText,
  versionText,
} from './system-text.js';
import { sysvipcDirectory } from './sysvipc.js';
import { TaskDirectories } from './task-directory.js';

const PROC_SUPER_MAGIC = 0x9fa0;

const FILES: readonly (readonly [string, (kernel: SentryKernel) => string])[] = [
  ['cpuinfo', cpuinfoText],
  ['filesystems', filesystemsText],
  ['loadavg', loadavgText],
  ['meminfo', meminfoText],
  ['stat', procStatText],
  ['uptime', uptimeText],
  ['version', versionText],
];

class ProcRoot extends PseudoDirectory {
  readonly #kernel: SentryKernel;
  readonly #directories: TaskDirectories;

  constructor(kernel: SentryKernel, directories: TaskDirectories) {
    super(0o555);
    this.#kernel = kernel;
    this.#directories = directories;
  }

  override find(name: string): PseudoNode | null {
    const tid = Number(name);
    if (String(tid) !== name) return null;
    const task = this.#kernel.findTask(tid);
    return task === null || task.state >= TASK_DEAD ? null : this.#directories.processOf(task.group.leader);
  }

  override names(): string[] {
    const names: string[] = [];
    for (const task of this.#kernel.processes.tasks.values()) if (task.isLeader) names.push(String(task.tid));
    return names;
  }
}

/** `self` and `thread-self`: who reads decides. */
class SelfLink extends PseudoLink {
  readonly #thread: boolean;

  constructor(thread: boolean) {
    super();
    this.#thread = thread;
  }

  target(caller: FileCaller): string | number {
    const task = caller as Partial<Task>;
    if (task.group === undefined) return -ENOENT;
    return this.#thread ? `${task.group.pid}/task/${task.tid}` : String(task.group.pid);
  }
}

export function createProcfs(kernel: SentryKernel): Superblock {
  const directories = new TaskDirectories(netDirectory(kernel.network.internet));
  const root = new ProcRoot(kernel, directories);
  for (const [name, generate] of FILES) root.add(name, new GeneratedFile(kernel, generate));
  root
    .add('cmdline', new StaticFile('sandbox-kernel\n'))
    .add('devices', new StaticFile('Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n'))
    .add('partitions', new StaticFile('major minor  #blocks  name\n\n'))
    .add('swaps', new StaticFile('Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'))
    .add('modules', new StaticFile(''))
    .add('interrupts', new StaticFile(''))
    .add('mounts', new StaticLink('self/mounts'))
    .add('net', new StaticLink('self/net'))
    .add('self', new SelfLink(false))
    .add('thread-self', new SelfLink(true))
    .add('sys', sysDirectory(kernel))
    .add('sysvipc', sysvipcDirectory(kernel));
  const superblock = createPseudoFilesystem(kernel.vfs, { type: 'proc', magic: PROC_SUPER_MAGIC, root });
  superblock.namesFixed = true;
  return superblock;
}

/** For mount(2): every mount of proc shows the same tree. */
export function procType(kernel: SentryKernel): FilesystemType {
  return { name: 'proc', needsDevice: false, mount: () => createProcfs(kernel) };
}
