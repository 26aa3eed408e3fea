// The kernel of this sandbox with what system call handlers need beside it: the file tree and buffers for one call.
import {
  Kernel,
  KernelFileSignals,
  type KernelOptions,
  type KernelRoles,
  KeyStore,
  PosixMessageQueues,
} from '@sandbox-kernel/kernel';
import type { Vfs } from '@sandbox-kernel/vfs';
import { SandboxNetwork } from '../net/network.js';
import { Namespaces } from '../proc/namespaces.js';
import { TaskNames } from '../proc/task-names.js';
import { Workspace, type WorkspaceOwner } from '../syscalls/workspace.js';

export class SentryKernel extends Kernel implements WorkspaceOwner {
  readonly vfs: Vfs;
  readonly workspace: Workspace;
  readonly taskNames: TaskNames;
  readonly namespaces: Namespaces;
  readonly keys: KeyStore;
  readonly mqueues: PosixMessageQueues;
  readonly network: SandboxNetwork;

  constructor(roles: KernelRoles, options: KernelOptions, vfs: Vfs) {
    super(roles, options);
    this.vfs = vfs;
    this.workspace = new Workspace();
    this.taskNames = new TaskNames(vfs);
    this.namespaces = new Namespaces(vfs);
    this.keys = new KeyStore(roles.random);
    this.mqueues = new PosixMessageQueues(this, vfs);
    vfs.notify.signals = new KernelFileSignals(this);
    this.network = new SandboxNetwork(this);
  }
}
