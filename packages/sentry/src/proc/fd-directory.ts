// /proc/PID/fd and fdinfo: proc_pid_fd(5). Each link leads to the open file itself, whatever its name has become.
import { ENOENT, O_CLOEXEC, S_IFMT } from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';
import {
  type FileCaller,
  fileName,
  type Location,
  PseudoDirectory,
  PseudoLink,
  type PseudoNode,
  placeOfFile,
} from '@sandbox-kernel/vfs';
import { GeneratedFile } from './generated-file.js';
import { locksOfFile } from './kernel-text.js';
import { mayLookInto, ownByTask } from './task-access.js';

class FdLink extends PseudoLink {
  readonly #task: Task;
  readonly #fd: number;

  constructor(task: Task, fd: number) {
    super(true);
    this.#task = task;
    this.#fd = fd;
  }

  override refresh(): number {
    const file = this.#task.files.get(this.#fd);
    if (file === null) return -ENOENT;
    this.mode = (this.mode & S_IFMT) | 0o100 | (file.readable ? 0o400 : 0) | (file.writable ? 0o200 : 0);
    return 0;
  }

  target(): string | number {
    const allowed = mayLookInto(this.#task);
    if (allowed !== 0) return allowed;
    const file = this.#task.files.get(this.#fd);
    return file === null ? -ENOENT : fileName(file, this.#task.fs.root);
  }

  override jump(_caller: FileCaller, out: Location): number {
    const allowed = mayLookInto(this.#task);
    if (allowed !== 0) return allowed;
    const file = this.#task.files.get(this.#fd);
    return file === null ? -ENOENT : placeOfFile(file, out);
  }
}

/** Entries that come and go with the descriptors. */
class DescriptorDirectory extends PseudoDirectory {
  protected readonly task: Task;
  readonly #make: (fd: number) => PseudoNode;
  readonly #nodes = new Map<number, PseudoNode>();

  constructor(task: Task, make: (fd: number) => PseudoNode) {
    super(0o500);
    this.task = task;
    this.#make = make;
  }

  override refresh(): number {
    ownByTask(this, this.task);
    return 0;
  }

  override find(name: string): PseudoNode | null {
    const fd = Number(name);
    if (String(fd) !== name || this.task.files.get(fd) === null) return null;
    let node = this.#nodes.get(fd);
    if (node === undefined) {
      node = this.#make(fd);
      this.#nodes.set(fd, node);
    }
    ownByTask(node, this.task);
    return node;
  }

  override names(): string[] {
    const names: string[] = [];
    for (let fd = this.task.files.next(0); fd >= 0; fd = this.task.files.next(fd + 1)) names.push(String(fd));
    return names;
  }
}

class FdinfoDirectory extends DescriptorDirectory {
  override mayOpen(): number {
    return mayLookInto(this.task);
  }
}

export function fdDirectory(task: Task): PseudoDirectory {
  return new DescriptorDirectory(task, (fd) => new FdLink(task, fd));
}

export function fdinfoDirectory(task: Task): PseudoDirectory {
  return new FdinfoDirectory(task, (fd) => new GeneratedFile(task, () => fdinfoText(task, fd), 0o400));
}

function fdinfoText(task: Task, fd: number): string | number {
  const file = task.files.get(fd);
  if (file === null) return -ENOENT;
  const cloexec = task.files.closesOnExec(fd) === 1 ? O_CLOEXEC : 0;
  const flags = `0${(file.flags | cloexec).toString(8)}`;
  const place = `mnt_id:\t${file.mount?.id ?? 0}\nino:\t${file.inode?.number ?? 0}\n`;
  const locks = locksOfFile(file, task.files);
  return `pos:\t${file.position}\nflags:\t${flags}\n${place}${locks}${file.ops.fdinfo(file)}`;
}
