// sysfs(5), as far as programs look for processors: /sys/devices/system/cpu and node.
import {
  createPseudoFilesystem,
  type FilesystemType,
  PseudoDirectory,
  StaticFile,
  type Superblock,
} from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { GeneratedFile } from './generated-file.js';
import { ClassNetDirectory } from './net.js';
import { meminfoText } from './system-text.js';

const SYSFS_MAGIC = 0x62656572;

function processorRange(count: number): string {
  return count === 1 ? '0\n' : `0-${count - 1}\n`;
}

/** A mask as sysfs prints it: hexadecimal words of 32 processors, the highest first. */
function processorMask(wanted: (cpu: number) => boolean, count: number): string {
  const words: string[] = [];
  for (let base = 0; base < count; base += 32) {
    let word = 0;
    for (let cpu = base; cpu < Math.min(base + 32, count); cpu++) if (wanted(cpu)) word += 2 ** (cpu - base);
    words.unshift(word.toString(16).padStart(base + 32 < count ? 8 : Math.ceil((count - base) / 4), '0'));
  }
  return `${words.join(',')}\n`;
}

/** One package of cores without siblings. */
function topologyOf(cpu: number, count: number): PseudoDirectory {
  const own = processorMask((each) => each === cpu, count);
  const all = processorMask(() => true, count);
  const range = processorRange(count);
  return new PseudoDirectory()
    .add('cluster_id', new StaticFile('65535\n'))
    .add('core_cpus', new StaticFile(own))
    .add('core_cpus_list', new StaticFile(`${cpu}\n`))
    .add('core_id', new StaticFile(`${cpu}\n`))
    .add('core_siblings', new StaticFile(all))
    .add('core_siblings_list', new StaticFile(range))
    .add('die_cpus', new StaticFile(all))
    .add('die_cpus_list', new StaticFile(range))
    .add('die_id', new StaticFile('0\n'))
    .add('package_cpus', new StaticFile(all))
    .add('package_cpus_list', new StaticFile(range))
    .add('physical_package_id', new StaticFile('0\n'))
    .add('thread_siblings', new StaticFile(own))
    .add('thread_siblings_list', new StaticFile(`${cpu}\n`));
}

function cpuDirectory(count: number): PseudoDirectory {
  const range = processorRange(count);
  const directory = new PseudoDirectory();
  for (const name of ['online', 'possible', 'present']) directory.add(name, new StaticFile(range));
  directory
    .add('isolated', new StaticFile('\n'))
    .add('kernel_max', new StaticFile('8191\n'))
    .add('modalias', new StaticFile('cpu:type:x86\n'))
    .add('offline', new StaticFile('\n'))
    .add(
      'smt',
      new PseudoDirectory()
        .add('active', new StaticFile('0\n'))
        .add('control', new StaticFile('notsupported\n')),
    );
  for (let cpu = 0; cpu < count; cpu++) {
    directory.add(`cpu${cpu}`, new PseudoDirectory().add('topology', topologyOf(cpu, count)));
  }
  return directory;
}

/** /sys/devices/system/node: one node with everything. */
function nodeDirectory(kernel: SentryKernel, count: number): PseudoDirectory {
  const node0 = new PseudoDirectory()
    .add('cpulist', new StaticFile(processorRange(count)))
    .add('cpumap', new StaticFile(processorMask(() => true, count)))
    .add('distance', new StaticFile('10\n'))
    .add('meminfo', new GeneratedFile(kernel, nodeMeminfoText))
    .add(
      'numastat',
      new StaticFile(
        'numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0\n',
      ),
    );
  const directory = new PseudoDirectory();
  for (const name of ['has_cpu', 'has_memory', 'has_normal_memory', 'online', 'possible'])
    directory.add(name, new StaticFile('0\n'));
  return directory.add('node0', node0);
}

function nodeMeminfoText(kernel: SentryKernel): string {
  return meminfoText(kernel)
    .split('\n')
    .filter(
      (line) =>
        /^(Mem|Active|Inactive|Dirty|AnonPages|Mapped|Shmem)/.test(line) && !line.startsWith('MemAvailable'),
    )
    .map((line) => `Node 0 ${line}\n`)
    .join('');
}

/** Huge pages are never used: what allocators look at before they ask for some. */
function memoryDirectory(): PseudoDirectory {
  const huge = new PseudoDirectory()
    .add('defrag', new StaticFile('always defer defer+madvise madvise [never]\n'))
    .add('enabled', new StaticFile('always madvise [never]\n'))
    .add('hpage_pmd_size', new StaticFile('2097152\n'))
    .add('shmem_enabled', new StaticFile('always within_size advise [never] deny force\n'))
    .add('use_zero_page', new StaticFile('1\n'));
  return new PseudoDirectory().add('transparent_hugepage', huge);
}

function empty(...names: readonly string[]): PseudoDirectory {
  const directory = new PseudoDirectory();
  for (const name of names) directory.add(name, new PseudoDirectory());
  return directory;
}

export function createSysfs(kernel: SentryKernel): Superblock {
  const count = kernel.options.processors;
  const system = new PseudoDirectory()
    .add('cpu', cpuDirectory(count))
    .add('node', nodeDirectory(kernel, count));
  const root = new PseudoDirectory()
    .add('bus', new PseudoDirectory())
    .add('dev', empty('block', 'char'))
    .add('devices', empty('virtual').add('system', system))
    .add('firmware', new PseudoDirectory())
    .add('module', new PseudoDirectory())
    .add('power', new PseudoDirectory())
    .add('kernel', new PseudoDirectory().add('mm', memoryDirectory()))
    .add('class', empty('block', 'mem', 'tty').add('net', new ClassNetDirectory(kernel.network.internet)))
    .add('block', new PseudoDirectory())
    .add('fs', new PseudoDirectory().add('cgroup', new PseudoDirectory()));
  return createPseudoFilesystem(kernel.vfs, { type: 'sysfs', magic: SYSFS_MAGIC, root });
}

export function sysfsType(kernel: SentryKernel): FilesystemType {
  return { name: 'sysfs', needsDevice: false, mount: () => createSysfs(kernel) };
}
