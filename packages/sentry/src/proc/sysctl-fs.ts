// /proc/sys/fs: proc_sys_fs(5). Limits that this kernel enforces can be read and, where they may change, set.

import { EINVAL } from '@sandbox-kernel/abi';
import { NumberKnob, PseudoDirectory, PseudoFile, StaticFile } from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { AIO_MAX_NR, aioRequests } from '../syscalls/aio.js';
import { GeneratedFile } from './generated-file.js';

/** A number that lives in another object. `unit`: what one of the file's is worth there. */
class FieldKnob<K extends string> extends PseudoFile {
  readonly #target: Record<K, number>;
  readonly #field: K;
  readonly #maximum: number;
  readonly #unit: number;

  constructor(target: Record<K, number>, field: K, maximum: number, unit = 1) {
    super(0o644);
    this.#target = target;
    this.#field = field;
    this.#maximum = maximum;
    this.#unit = unit;
  }

  text(): string {
    return `${this.#target[this.#field] / this.#unit}\n`;
  }

  override write(text: string): number {
    const trimmed = text.trim();
    const value = Number(trimmed);
    if (!/^\d+$/.test(trimmed) || value > this.#maximum) return -EINVAL;
    this.#target[this.#field] = value * this.#unit;
    return text.length;
  }
}

function openFiles(kernel: SentryKernel): number {
  const tables = new Set([...kernel.processes.tasks.values()].map((task) => task.files));
  let count = 0;
  for (const table of tables) count += table.used;
  return count;
}

function inotifyDirectory(): PseudoDirectory {
  return new PseudoDirectory()
    .add('max_queued_events', new StaticFile('16384\n'))
    .add('max_user_instances', new StaticFile('128\n'))
    .add('max_user_watches', new StaticFile('65536\n'));
}

function mqueueDirectory(kernel: SentryKernel): PseudoDirectory {
  const { mqueues } = kernel;
  return new PseudoDirectory()
    .add('msg_default', new FieldKnob(mqueues, 'messagesDefault', 65536))
    .add('msg_max', new FieldKnob(mqueues, 'messagesMax', 65536))
    .add('msgsize_default', new FieldKnob(mqueues, 'sizeDefault', 1 << 24))
    .add('msgsize_max', new FieldKnob(mqueues, 'sizeMax', 1 << 24))
    .add('queues_max', new FieldKnob(mqueues, 'queuesMax', 2 ** 31 - 1));
}

export function fsDirectory(kernel: SentryKernel): PseudoDirectory {
  const { vfs } = kernel;
  return new PseudoDirectory()
    .add('aio-max-nr', new StaticFile(`${AIO_MAX_NR}\n`))
    .add('aio-nr', new GeneratedFile(kernel, (each) => `${aioRequests({ kernel: each })}\n`))
    .add('dentry-state', new StaticFile('0\t0\t45\t0\t0\t0\n'))
    .add('dir-notify-enable', new StaticFile('1\n'))
    .add('epoll', new PseudoDirectory().add('max_user_watches', new StaticFile('5000000\n')))
    .add('file-max', new StaticFile('9223372036854775807\n'))
    .add('file-nr', new GeneratedFile(kernel, (each) => `${openFiles(each)}\t0\t9223372036854775807\n`))
    .add('inode-nr', new StaticFile('0\t0\n'))
    .add('inode-state', new StaticFile('0\t0\t0\t0\t0\t0\t0\n'))
    .add('inotify', inotifyDirectory())
    .add('lease-break-time', new FieldKnob(vfs.locks, 'leaseBreakNanos', 2 ** 31 - 1, 1e9))
    .add('leases-enable', new StaticFile('1\n'))
    .add('mount-max', new StaticFile('100000\n'))
    .add('mqueue', mqueueDirectory(kernel))
    .add('nr_open', new StaticFile('1048576\n'))
    .add('pipe-max-size', new NumberKnob(vfs.pipeMaxSize, 4096))
    .add('protected_fifos', new NumberKnob(0, 0, 2))
    .add('protected_hardlinks', new NumberKnob(0, 0, 1))
    .add('protected_regular', new NumberKnob(0, 0, 2))
    .add('protected_symlinks', new NumberKnob(0, 0, 1))
    .add('suid_dumpable', new NumberKnob(0, 0, 2));
}
