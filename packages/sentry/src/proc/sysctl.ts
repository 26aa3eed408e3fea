// /proc/sys: values that programs look up, some of them settable by root inside. proc_sys_kernel(5), proc_sys_vm(5), proc_sys_fs(5).
import { RELEASE, SYSNAME, VERSION } from '@sandbox-kernel/kernel';
import { NumberKnob, PseudoDirectory, PseudoFile, StaticFile } from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { GeneratedFile } from './generated-file.js';
import { netSysctlDirectory } from './net.js';
import { fsDirectory } from './sysctl-fs.js';
import { LastPid, PidMaximum } from './sysctl-pid.js';

const NAME_LIMIT = 64;

class NodeName extends PseudoFile {
  readonly #kernel: SentryKernel;
  readonly #field: 'nodename' | 'domainname';

  constructor(kernel: SentryKernel, field: 'nodename' | 'domainname') {
    super(0o644);
    this.#kernel = kernel;
    this.#field = field;
  }

  text(): string {
    return `${this.#kernel.uts[this.#field]}\n`;
  }

  override write(text: string): number {
    this.#kernel.uts[this.#field] = (text.split('\n')[0] as string).slice(0, NAME_LIMIT);
    return text.length;
  }
}

function randomUuid(kernel: SentryKernel): string {
  const bytes = new Uint8Array(16);
  kernel.random.fill(bytes, 0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}\n`;
}

function kernelDirectory(kernel: SentryKernel): PseudoDirectory {
  const bootId = randomUuid(kernel);
  const random = new PseudoDirectory()
    .add('boot_id', new StaticFile(bootId))
    .add('uuid', new GeneratedFile(kernel, randomUuid))
    .add('entropy_avail', new StaticFile('256\n'))
    .add('poolsize', new StaticFile('256\n'));
  return new PseudoDirectory()
    .add('hostname', new NodeName(kernel, 'nodename'))
    .add('domainname', new NodeName(kernel, 'domainname'))
    .add('osrelease', new StaticFile(`${RELEASE}\n`))
    .add('ostype', new StaticFile(`${SYSNAME}\n`))
    .add('version', new StaticFile(`${VERSION}\n`))
    .add('pid_max', new PidMaximum(kernel))
    .add('ns_last_pid', new LastPid(kernel))
    .add('threads-max', new StaticFile(`${kernel.options.taskLimit ?? 32768}\n`))
    .add('cap_last_cap', new StaticFile('40\n'))
    .add('ngroups_max', new StaticFile('65536\n'))
    .add('overflowuid', new NumberKnob(65534, 0, 65535))
    .add('overflowgid', new NumberKnob(65534, 0, 65535))
    .add('core_pattern', new StaticFile('core\n'))
    .add('randomize_va_space', new NumberKnob(2, 0, 2))
    .add('sem', new StaticFile('32000\t1024000000\t500\t32000\n'))
    .add('shmmax', new StaticFile('18446744073692774399\n'))
    .add('shmall', new StaticFile('18446744073692774399\n'))
    .add('shmmni', new StaticFile('4096\n'))
    .add('msgmax', new StaticFile('8192\n'))
    .add('msgmnb', new StaticFile('16384\n'))
    .add('msgmni', new StaticFile('32000\n'))
    .add('random', random);
}

export function sysDirectory(kernel: SentryKernel): PseudoDirectory {
  const vm = new PseudoDirectory()
    .add('overcommit_memory', new NumberKnob(0, 0, 2))
    .add('overcommit_ratio', new NumberKnob(50))
    .add('max_map_count', new NumberKnob(65530))
    .add('mmap_min_addr', new StaticFile('65536\n'))
    .add('unprivileged_userfaultfd', new StaticFile('0\n'))
    .add('swappiness', new NumberKnob(60, 0, 200));
  return new PseudoDirectory()
    .add('kernel', kernelDirectory(kernel))
    .add('fs', fsDirectory(kernel))
    .add('net', netSysctlDirectory(kernel.network.internet))
    .add('vm', vm);
}
