// Numbers of tasks (pid_namespaces(7), /proc/sys/kernel/pid_max): handed out in rising order and wrapped around, as Linux
// does, so that a number is not reused soon. One number may name a task, a process group and a session at once.
import { EAGAIN, EEXIST, EINVAL } from '@sandbox-kernel/abi';
import type { ProcessGroup, Session } from './process-group.js';
import type { Task } from './task.js';

/** First number tried after a wrap: 1 … 299 are left to what booted first. */
const RESERVED_PIDS = 300;

export class ProcessTable {
  readonly tasks: Map<number, Task>;
  readonly groups: Map<number, ProcessGroup>;
  readonly sessions: Map<number, Session>;
  /** Numbers stay below; may be changed at any time. */
  pidMax: number;
  /** Most tasks at once (the sandbox's pids cap). */
  taskLimit: number;
  /** The last number given: /proc/loadavg, /proc/sys/kernel/ns_last_pid. */
  lastPid: number;

  constructor(pidMax: number, taskLimit: number) {
    this.tasks = new Map();
    this.groups = new Map();
    this.sessions = new Map();
    this.pidMax = pidMax;
    this.taskLimit = taskLimit;
    this.lastPid = 0;
  }

  get full(): boolean {
    return this.tasks.size >= this.taskLimit;
  }

  /** A free number, or -EAGAIN. `wanted` (clone3's set_tid) is taken as it is: -EEXIST when in use. */
  allocate(wanted: number): number {
    if (this.full) return -EAGAIN;
    if (wanted > 0) return this.claim(wanted);
    let pid = this.lastPid;
    for (let tries = this.pidMax; tries > 0; tries--) {
      pid++;
      if (pid >= this.pidMax) pid = RESERVED_PIDS;
      if (this.free(pid)) {
        this.lastPid = pid;
        return pid;
      }
    }
    return -EAGAIN;
  }

  private claim(wanted: number): number {
    if (wanted >= this.pidMax) return -EINVAL;
    return this.free(wanted) ? wanted : -EEXIST;
  }

  private free(pid: number): boolean {
    return !this.tasks.has(pid) && !this.groups.has(pid) && !this.sessions.has(pid);
  }
}
