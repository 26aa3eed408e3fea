// Buffers that system call handlers fill and read within one call. They belong to the kernel object of the sandbox: nothing
// here outlives a call, and no handler may keep them across BLOCKED.
import type { Task } from '@sandbox-kernel/kernel';
import { IoBuffers } from '@sandbox-kernel/mm';
import { type FileDescription, StatData, StatfsData } from '@sandbox-kernel/vfs';

/** Bytes of `Workspace.bytes`: enough for any structure, and for one getdents buffer. */
export const WORKSPACE_BYTES = 65536;

export class Workspace {
  readonly io: IoBuffers;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly stat: StatData;
  readonly statfs: StatfsData;
  /** Both ends of a new pipe. */
  readonly ends: FileDescription[];

  constructor() {
    this.io = new IoBuffers();
    this.bytes = new Uint8Array(WORKSPACE_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.stat = new StatData();
    this.statfs = new StatfsData();
    this.ends = [];
  }
}

/** A kernel that carries a workspace: what the sentry boots. */
export interface WorkspaceOwner {
  readonly workspace: Workspace;
}

export function workspaceOf(task: Task): Workspace {
  return (task.kernel as unknown as WorkspaceOwner).workspace;
}
