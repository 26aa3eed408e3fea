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
import { interruptsText, locksText, softirqsText, vmstatText } from './kernel-text.js';
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
  ['interrupts', interruptsText],
  ['locks', locksText],
  ['softirqs', softirqsText],
  ['vmstat', vmstatText],
  ['filesystems', filesystemsText],
  ['loadavg', loadavgText],
  ['meminfo', meminfoText],
  ['stat', procStatText],
  ['uptime', uptimeText],
  ['version', versionText],
];

const SLABINFO =
  'slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n';
/** Name, path prefix, major, minors, type: how tools name terminals. */
const TTY_DRIVERS = [
  '/dev/tty             /dev/tty        5       0 system:/dev/tty',
  '/dev/console         /dev/console    5       1 system:console',
  '/dev/ptmx            /dev/ptmx       5       2 system',
  'pty_slave            /dev/pts      136 0-1048575 pty:slave',
  'pty_master           /dev/ptm      128 0-1048575 pty:master',
  '',
].join('\n');

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
  const directories = new TaskDirectories(netDirectory(kernel.network.internet), kernel.namespaces);
  const root = new ProcRoot(kernel, directories);
  for (const [name, generate] of FILES) root.add(name, new GeneratedFile(kernel, generate));
  root
    .add('cmdline', new StaticFile('sandbox-kernel\n'))
    .add('devices', new StaticFile('Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n'))
    .add('partitions', new StaticFile('major minor  #blocks  name\n\n'))
    .add('swaps', new StaticFile('Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'))
    .add('modules', new StaticFile(''))
    .add('cgroups', new StaticFile('#subsys_name\thierarchy\tnum_cgroups\tenabled\n'))
    .add('diskstats', new StaticFile(''))
    .add('execdomains', new StaticFile('0-0\tLinux           \t[kernel]\n'))
    .add('fb', new StaticFile(''))
    .add('misc', new StaticFile(''))
    .add('slabinfo', new StaticFile(SLABINFO, 0o400))
    .add('tty', new PseudoDirectory().add('drivers', new StaticFile(TTY_DRIVERS)))
    .add('mounts', new StaticLink('self/mounts'))
    .add('net', new StaticLink('self/net'))
    .add('self', new SelfLink(false))
    .add('thread-self', new SelfLink(true))
    .add('sys', sysDirectory(kernel))
    .add('sysvipc', sysvipcDirectory(kernel));
  const superblock = createPseudoFilesystem(kernel.vfs, { type: 'proc', magic: PROC_SUPER_MAGIC, root });
  superblock.namesFixed = true;
  kernel.taskNames.add(superblock);
  return superblock;
}

/** For mount(2): every mount of proc shows the same tree. */
export function procType(kernel: SentryKernel): FilesystemType {
  return { name: 'proc', needsDevice: false, mount: () => createProcfs(kernel) };
}
