// The kernel of this sandbox with what system call handlers need beside it: the file tree and buffers for one call.
import { Kernel, KernelFileSignals, type KernelOptions, type KernelRoles } from '@sandbox-kernel/kernel';
import type { Vfs } from '@sandbox-kernel/vfs';
import { createNetwork, type SandboxNetwork } from '../net/network.js';
import { Workspace, type WorkspaceOwner } from '../syscalls/workspace.js';

export class SentryKernel extends Kernel implements WorkspaceOwner {
  readonly vfs: Vfs;
  readonly workspace: Workspace;
  readonly network: SandboxNetwork;

  constructor(roles: KernelRoles, options: KernelOptions, vfs: Vfs) {
    super(roles, options);
    this.vfs = vfs;
    this.workspace = new Workspace();
    this.network = createNetwork(this);
    vfs.notify.signals = new KernelFileSignals(this);
  }
}
