// Names of tasks that the instances of proc(5) have given out. They go with the task: a remembered /proc/PID would keep all of a dead
// process alive, and the next one with its number must not be seen under it.
import type { Task } from '@sandbox-kernel/kernel';
import type { Dentry, Superblock, Vfs } from '@sandbox-kernel/vfs';

export class TaskNames {
  readonly #vfs: Vfs;
  #instances: Superblock[] = [];

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
  }

  /** A new instance of proc. */
  add(superblock: Superblock): void {
    this.#instances = this.#instances.filter(({ mounts }) => mounts > 0);
    this.#instances.push(superblock);
  }

  forget(task: Task): void {
    for (const { top } of this.#instances) {
      if (top === null) continue;
      this.#drop(top.children?.get(String(task.tid)));
      const threads = top.children?.get(String(task.group.pid))?.children?.get('task');
      this.#drop(threads?.children?.get(String(task.tid)));
    }
  }

  #drop(dentry: Dentry | undefined): void {
    if (dentry !== undefined && dentry.mounts === null) this.#vfs.dentries.drop(dentry);
  }
}
