// The first process: init of the sandbox, from a spec. It has pid 1, a session and process group of its own, and default limits.
import { ENOMEM } from '@sandbox-kernel/abi';
import { chooseLayout, MemoryManager } from '@sandbox-kernel/mm';
import type { FdTable, FsContext } from '@sandbox-kernel/vfs';
import { enterTables } from './clone.js';
import { Credentials } from './credentials/credentials.js';
import { executeProgram } from './exec.js';
import type { Kernel } from './kernel.js';
import { ProcessGroup, Session } from './process-group.js';
import { ProcessImage } from './process-image.js';
import { ResourceLimits } from './rlimits.js';
import { SignalHandlers } from './signal/signal-handlers.js';
import { Task } from './task.js';
import { ThreadGroup } from './thread-group.js';

const AT_FDCWD = -100;

export interface InitSpec {
  /** Path of the program; found by the caller (PATH search is a shell's business). latin1. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Both with one reference, which the task takes over. */
  readonly fs: FsContext;
  readonly files: FdTable;
  /** Start without the protection that pid 1 has against signals (a program run by itself wants Ctrl-C to work). */
  readonly killable?: boolean;
  /** Changes limits, credentials or session before the program is loaded. */
  readonly limits?: ResourceLimits;
  readonly credentials?: Credentials;
}

/** The task of a new process in a new session, ready to run, or -errno of execve. A second call makes another root process. */
export function startProcess(kernel: Kernel, spec: InitSpec): Task | number {
  const tid = kernel.processes.allocate(0);
  if (tid < 0) return tid;
  const context = kernel.platform.createContext();
  if (context === null) return -ENOMEM;
  const image = emptyImage(kernel);
  if (image === null) {
    context.release();
    return -ENOMEM;
  }
  const credentials =
    spec.credentials ??
    new Credentials(spec.uid, spec.gid, spec.groups, kernel.users.get(spec.uid), kernel.userNamespace);
  const parts = { kernel, tid, context, image, fs: spec.fs, files: spec.files, credentials, comm: '' };
  const task = new Task(parts, null);
  task.group = newLeaderGroup(kernel, task, spec);
  const result = executeBare(task, spec);
  if (result < 0) {
    context.release();
    task.image.release();
    return result;
  }
  enterTables(task);
  task.makeRunnable();
  return task;
}

function newLeaderGroup(kernel: Kernel, task: Task, spec: InitSpec): ThreadGroup {
  const session = new Session(task.tid, null);
  const processGroup = new ProcessGroup(task.tid, session);
  kernel.processes.sessions.set(task.tid, session);
  kernel.processes.groups.set(task.tid, processGroup);
  const limits = spec.limits ?? new ResourceLimits(null);
  const group = new ThreadGroup(kernel, task.tid, task, new SignalHandlers(null), limits, processGroup);
  session.leader = group;
  if (kernel.init === null) {
    kernel.init = group;
    group.isInit = true;
    group.unkillable = spec.killable !== true;
  } else {
    group.parent = kernel.init;
    group.parentTask = kernel.init.leader;
  }
  return group;
}

function emptyImage(kernel: Kernel): ProcessImage | null {
  const space = kernel.platform.createAddressSpace(null);
  if (space === null) return null;
  const features = kernel.platform.features;
  const layout = chooseLayout({
    random: kernel.random,
    stackLimit: 8 * 1024 * 1024,
    addressLimit: features.addressLimit,
    addressMinimum: features.addressMinimum,
    personality: 0,
  });
  const limits = {
    addressSpace: Infinity,
    data: Infinity,
    stack: Infinity,
    lockedMemory: Infinity,
    canLockMemory: false,
    canMapLow: false,
  };
  return new ProcessImage(
    new MemoryManager({ file: kernel.memoryFile, space, random: kernel.random, layout, limits }),
    kernel.programs,
  );
}

/** execve for a task that is in no table yet. */
function executeBare(task: Task, spec: InitSpec): number {
  task.group.threads.push(task);
  task.group.live = 1;
  const result = executeProgram(task, {
    dirfd: AT_FDCWD,
    path: spec.path,
    argv: spec.argv,
    envp: spec.envp,
    flags: 0,
  });
  task.group.threads.length = 0;
  task.group.live = 0;
  return result >= 0 || result < -4096 ? 0 : result;
}
