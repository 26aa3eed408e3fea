// sysfs(5), as far as programs look for processors: /sys/devices/system/cpu and node.
import {
  createPseudoFilesystem,
  type FilesystemType,
  PseudoDirectory,
  StaticFile,
  type Superblock,
} from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { ClassNetDirectory } from './net.js';

const SYSFS_MAGIC = 0x62656572;

function processorRange(count: number): string {
  return count === 1 ? '0\n' : `0-${count - 1}\n`;
}

function cpuDirectory(count: number): PseudoDirectory {
  const range = processorRange(count);
  const directory = new PseudoDirectory();
  for (const name of ['online', 'possible', 'present']) directory.add(name, new StaticFile(range));
  directory.add('offline', new StaticFile('\n')).add('kernel_max', new StaticFile('8191\n'));
  for (let cpu = 0; cpu < count; cpu++) {
    const topology = new PseudoDirectory()
      .add('core_id', new StaticFile(`${cpu}\n`))
      .add('physical_package_id', new StaticFile('0\n'))
      .add('thread_siblings_list', new StaticFile(`${cpu}\n`));
    directory.add(`cpu${cpu}`, new PseudoDirectory().add('topology', topology));
  }
  return directory;
}

export function createSysfs(kernel: SentryKernel): Superblock {
  const count = kernel.options.processors;
  const range = processorRange(count);
  const node0 = new PseudoDirectory().add('cpulist', new StaticFile(range));
  const node = new PseudoDirectory()
    .add('online', new StaticFile('0\n'))
    .add('possible', new StaticFile('0\n'))
    .add('node0', node0);
  const system = new PseudoDirectory().add('cpu', cpuDirectory(count)).add('node', node);
  const root = new PseudoDirectory()
    .add('devices', new PseudoDirectory().add('system', system))
    .add('kernel', new PseudoDirectory().add('mm', new PseudoDirectory()))
    .add('class', new PseudoDirectory().add('net', new ClassNetDirectory(kernel.network.internet)))
    .add('block', new PseudoDirectory())
    .add('fs', new PseudoDirectory().add('cgroup', new PseudoDirectory()));
  return createPseudoFilesystem(kernel.vfs, { type: 'sysfs', magic: SYSFS_MAGIC, root });
}

export function sysfsType(kernel: SentryKernel): FilesystemType {
  return { name: 'sysfs', needsDevice: false, mount: () => createSysfs(kernel) };
}
