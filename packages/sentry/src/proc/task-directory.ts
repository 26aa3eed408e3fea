// /proc/PID and /proc/PID/task/TID: one directory object per task, for as long as the task is there.
import { EINVAL, ENOENT, EPERM } from '@sandbox-kernel/abi';
import { oomScore, PidfdTarget, TASK_ZOMBIE, type Task } from '@sandbox-kernel/kernel';
import {
  type FileCaller,
  type FileDescription,
  type Location,
  PseudoDirectory,
  PseudoFile,
  PseudoLink,
  type PseudoNode,
  placeName,
} from '@sandbox-kernel/vfs';
import { fdDirectory, fdinfoDirectory } from './fd-directory.js';
import { GeneratedFile } from './generated-file.js';
import { mountstatsText } from './kernel-text.js';
import { mapsText, smapsRollupText, smapsText } from './memory-text.js';
import { mountinfoText, mountsText } from './mount-text.js';
import type { Namespaces } from './namespaces.js';
import { mayLookInto, ownByTask } from './task-access.js';
import { clearRefsFile, memFile, numaMapsText, pagemapFile } from './task-memory.js';
import {
  auxvText,
  cmdlineText,
  environText,
  limitsText,
  statmText,
  statText,
  statusText,
} from './task-text.js';

type Generator = (task: Task) => string | number;

/** For those alone who may look into the task, whatever the permission bits say. */
const GUARDED: ReadonlySet<string> = new Set([
  'auxv',
  'environ',
  'maps',
  'numa_maps',
  'smaps',
  'smaps_rollup',
]);

/** Opened by whom the permission bits let, told to who may look into the task. */
function personalityText(task: Task): string | number {
  return mayLookInto(task) === 0 ? `${task.personality.toString(16).padStart(8, '0')}\n` : -EPERM;
}

/** proc_pid_children(5): processes that this thread made, each followed by a space. */
function childrenText(task: Task): string {
  let text = '';
  for (const child of task.group.children) if (child.parentTask === task) text += `${child.pid} `;
  return text;
}

const FILES: readonly (readonly [string, Generator, number])[] = [
  ['auxv', auxvText, 0o400],
  ['cgroup', () => '0::/\n', 0o444],
  ['cmdline', cmdlineText, 0o444],
  ['environ', environText, 0o400],
  ['limits', limitsText, 0o444],
  ['loginuid', () => '4294967295', 0o644],
  ['maps', mapsText, 0o444],
  ['mountinfo', mountinfoText, 0o444],
  ['mounts', mountsText, 0o444],
  ['mountstats', (task) => mountstatsText(mountsText(task)), 0o400],
  ['numa_maps', numaMapsText, 0o444],
  ['oom_score', (task) => `${oomScore(task.group)}\n`, 0o444],
  ['personality', personalityText, 0o400],
  ['sessionid', () => '4294967295', 0o444],
  ['smaps', smapsText, 0o444],
  ['smaps_rollup', smapsRollupText, 0o444],
  ['stat', statText, 0o444],
  ['statm', statmText, 0o444],
  ['status', statusText, 0o444],
  ['wchan', () => '0', 0o444],
];

/** A file of a task, owned by the task's user: some are for nobody else to read. */
class TaskFile extends GeneratedFile<Task> {
  readonly #task: Task;
  readonly #guarded: boolean;

  constructor(task: Task, name: string, generate: Generator, permissions: number) {
    super(task, generate, permissions);
    this.#task = task;
    this.#guarded = GUARDED.has(name);
  }

  override refresh(): number {
    ownByTask(this, this.#task);
    return 0;
  }

  override mayOpen(): number {
    return this.#guarded ? mayLookInto(this.#task) : 0;
  }
}

class CommFile extends PseudoFile {
  readonly #task: Task;

  constructor(task: Task) {
    super(0o644);
    this.#task = task;
  }

  text(): string {
    return `${this.#task.comm}\n`;
  }

  override write(text: string): number {
    // A newline stays, as on Linux; a NUL ends it.
    this.#task.comm = (text.split('\0')[0] as string).slice(0, 15);
    return text.length;
  }
}

class OomScoreFile extends PseudoFile {
  readonly #task: Task;

  constructor(task: Task) {
    super(0o644);
    this.#task = task;
  }

  text(): string {
    return `${this.#task.group.oomScoreAdjust}\n`;
  }

  override write(text: string): number {
    const value = Number(text.trim());
    if (!/^-?\d+$/.test(text.trim()) || value < -1000 || value > 1000) return -EINVAL;
    this.#task.group.oomScoreAdjust = value;
    return text.length;
  }
}

/** A place the task stands at: cwd, root. */
class PlaceLink extends PseudoLink {
  readonly #task: Task;
  readonly #which: 'cwd' | 'root';

  constructor(task: Task, which: 'cwd' | 'root') {
    super(true);
    this.#task = task;
    this.#which = which;
  }

  target(caller: FileCaller): string | number {
    const allowed = mayLookInto(this.#task);
    if (allowed !== 0) return allowed;
    if (this.#task.state >= TASK_ZOMBIE) return -ENOENT;
    const place = this.#task.fs[this.#which];
    return placeName(place.mount, place.dentry, caller.fs.root);
  }

  override jump(_caller: FileCaller, out: Location): number {
    const allowed = mayLookInto(this.#task);
    if (allowed !== 0) return allowed;
    if (this.#task.state >= TASK_ZOMBIE) return -ENOENT;
    const place = this.#task.fs[this.#which];
    out.set(place.mount, place.dentry);
    return 0;
  }
}

class ExecutableLink extends PseudoLink {
  readonly #task: Task;

  constructor(task: Task) {
    super(true);
    this.#task = task;
  }

  target(caller: FileCaller): string | number {
    const file = this.#file();
    return typeof file === 'number' ? file : placeName(file.mount, file.dentry!, caller.fs.root);
  }

  override jump(_caller: FileCaller, out: Location): number {
    const file = this.#file();
    if (typeof file === 'number') return file;
    if (file.mount === null) return -ENOENT;
    out.set(file.mount, file.dentry!);
    return 0;
  }

  #file(): FileDescription | number {
    const allowed = mayLookInto(this.#task);
    if (allowed !== 0) return allowed;
    const file = this.#task.state >= TASK_ZOMBIE ? null : this.#task.image.executable;
    return file === null || file.dentry === null ? -ENOENT : file;
  }
}

/** Owned by the task's user, as Linux shows it. */
class TaskDirectory extends PseudoDirectory {
  readonly task: Task;

  constructor(task: Task) {
    super(0o555);
    this.immutable = true;
    this.task = task;
  }

  override refresh(): number {
    this.uid = this.task.credentials.euid;
    this.gid = this.task.credentials.egid;
    return 0;
  }

  override entry(name: string): PseudoNode | null {
    const node = super.entry(name);
    if (node !== null && !(node instanceof ThreadsDirectory)) ownByTask(node, this.task);
    return node;
  }
}

/** Threads of a process. */
class ThreadsDirectory extends PseudoDirectory {
  readonly #task: Task;
  readonly #directories: TaskDirectories;

  constructor(task: Task, directories: TaskDirectories) {
    super(0o555);
    this.#task = task;
    this.#directories = directories;
  }

  override refresh(): number {
    this.uid = this.#task.credentials.euid;
    this.gid = this.#task.credentials.egid;
    return 0;
  }

  override find(name: string): PseudoNode | null {
    const found = this.#task.group.threads.find((thread) => String(thread.tid) === name);
    return found === undefined ? null : this.#directories.threadOf(found);
  }

  override names(): string[] {
    return this.#task.group.threads.map((thread) => String(thread.tid));
  }
}

/** The process whose /proc/PID is open as `file`: pidfd_send_signal(2) takes that too. */
export function processDirectoryTarget(file: FileDescription): PidfdTarget | null {
  const node = file.inode?.data;
  if (!(node instanceof TaskDirectory) || node.entry('task') === null || file.pathOnly) return null;
  return new PidfdTarget(node.task.group, null);
}

/** Makes and remembers the directories of living tasks. */
export class TaskDirectories {
  readonly #net: PseudoDirectory;
  readonly #namespaces: Namespaces;
  readonly #processes = new WeakMap<Task, PseudoDirectory>();
  readonly #threads = new WeakMap<Task, PseudoDirectory>();

  /** `net`: all tasks are in one network namespace. */
  constructor(net: PseudoDirectory, namespaces: Namespaces) {
    this.#net = net;
    this.#namespaces = namespaces;
  }

  processOf(task: Task): PseudoDirectory {
    let directory = this.#processes.get(task);
    if (directory === undefined) {
      directory = this.#fill(new TaskDirectory(task)).add('task', new ThreadsDirectory(task, this));
      this.#processes.set(task, directory);
    }
    return directory;
  }

  threadOf(task: Task): PseudoDirectory {
    let directory = this.#threads.get(task);
    if (directory === undefined) {
      directory = this.#fill(new TaskDirectory(task)).add('children', new GeneratedFile(task, childrenText));
      this.#threads.set(task, directory);
    }
    return directory;
  }

  #fill(directory: TaskDirectory): PseudoDirectory {
    const { task } = directory;
    for (const [name, generate, mode] of FILES) directory.add(name, new TaskFile(task, name, generate, mode));
    return directory
      .add('comm', new CommFile(task))
      .add('clear_refs', clearRefsFile())
      .add('mem', memFile(task))
      .add('pagemap', pagemapFile(task))
      .add('oom_score_adj', new OomScoreFile(task))
      .add('cwd', new PlaceLink(task, 'cwd'))
      .add('root', new PlaceLink(task, 'root'))
      .add('exe', new ExecutableLink(task))
      .add('fd', fdDirectory(task))
      .add('fdinfo', fdinfoDirectory(task))
      .add('net', this.#net)
      .add('ns', this.#namespaces.directory(task));
  }
}
