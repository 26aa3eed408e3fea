// System V semaphores: semget(2), semop(2), semctl(2). A set keeps its waiters in order; whoever changes it carries out their operations for
// them, as Linux does, so that a wake-up is never lost to a third party.
import {
  E2BIG,
  EAGAIN,
  EFBIG,
  EIDRM,
  EINTR,
  EINVAL,
  ENOSPC,
  ERANGE,
  IPC_NOWAIT,
  SEM_UNDO,
  SEMAEM,
  SEMMNS,
  SEMMSL,
  SEMOPM,
  SEMVMX,
} from '@sandbox-kernel/abi';
import { WaitQueue } from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';
import type { IpcNamespace } from './ipc-namespace.js';
import { IpcObject } from './ipc-object.js';

/** Of `attempt`: the operations can't be carried out now. */
const WOULD_BLOCK = 1;
const PENDING = 1;

const READ = 0o444;
const ALTER = 0o222;

/** A semop(2) that waits; `task.call.object` while it does. */
class SemaphoreWait {
  readonly set: SemaphoreSet;
  /** (number, operation, flags) triples. */
  readonly operations: Int16Array;
  /** PENDING, or what the call returns. */
  result: number;
  /** Index of the operation that can't be done. */
  blocking: number;

  constructor(set: SemaphoreSet, operations: Int16Array) {
    this.set = set;
    this.operations = operations;
    this.result = PENDING;
    this.blocking = 0;
  }
}

/** What tasks owe that have used SEM_UNDO: one list for all that were cloned with CLONE_SYSVSEM. */
export class SemaphoreUndo {
  /** Tasks whose list this is. */
  users: number;

  constructor() {
    this.users = 1;
  }
}

export class SemaphoreSet extends IpcObject {
  readonly namespace: IpcNamespace;
  readonly values: Int32Array;
  /** Who changed each last. */
  readonly pids: Int32Array;
  operationTime: number;
  /** Adjustments that are owed at the end of a list: SEM_UNDO. */
  readonly undos: Map<SemaphoreUndo, Int32Array>;
  /** Tasks in `semop`, first come first served. */
  readonly waiters: WaitQueue;

  constructor(namespace: IpcNamespace, task: Task, key: number, mode: number, count: number) {
    super(key, mode, task.credentials, namespace.now());
    this.namespace = namespace;
    this.values = new Int32Array(count);
    this.pids = new Int32Array(count);
    this.operationTime = 0;
    this.undos = new Map();
    this.waiters = new WaitQueue();
  }

  /** Tasks that wait for semaphore `number` to become zero, or to grow. */
  countWaiters(number: number, zero: boolean): number {
    let count = 0;
    for (let node = this.waiters.first; node !== null; node = node.next) {
      const wait = (node.waiter as Task).call.object as SemaphoreWait;
      if (wait.result !== PENDING) continue;
      const at = wait.blocking * 3;
      if ((wait.operations[at]! & 0xffff) !== number) continue;
      const operation = wait.operations[at + 1]!;
      if (zero ? operation === 0 : operation < 0) count++;
    }
    return count;
  }

  /** Carries out all operations or none. 0; WOULD_BLOCK, with `wait.blocking`; -errno. */
  attempt(task: Task, wait: SemaphoreWait): number {
    const { operations } = wait;
    const owed = task.semaphoreUndo === null ? undefined : this.undos.get(task.semaphoreUndo);
    const values = this.values.slice();
    const undo = owed === undefined ? null : owed.slice();
    for (let at = 0; at < operations.length; at += 3) {
      const number = operations[at]! & 0xffff;
      const operation = operations[at + 1]!;
      const flags = operations[at + 2]!;
      const value = values[number]! + operation;
      if ((operation === 0 && value !== 0) || value < 0) {
        wait.blocking = at / 3;
        return (flags & IPC_NOWAIT) !== 0 ? -EAGAIN : WOULD_BLOCK;
      }
      if (value > SEMVMX) return -ERANGE;
      if ((flags & SEM_UNDO) !== 0 && undo !== null) {
        const adjustment = undo[number]! - operation;
        if (adjustment < -SEMAEM - 1 || adjustment > SEMAEM) return -ERANGE;
        undo[number] = adjustment;
      }
      values[number] = value;
    }
    this.values.set(values);
    if (undo !== null && owed !== undefined) owed.set(undo);
    for (let at = 0; at < operations.length; at += 3) this.pids[operations[at]! & 0xffff] = task.group.pid;
    return 0;
  }

  /** Values changed: what waiters want may be possible now. */
  update(): void {
    let node = this.waiters.first;
    while (node !== null) {
      const task = node.waiter as Task;
      const wait = task.call.object as SemaphoreWait;
      const next = node.next;
      const result = wait.result === PENDING ? this.attempt(task, wait) : WOULD_BLOCK;
      if (result === WOULD_BLOCK) {
        node = next;
        continue;
      }
      if (result === 0) this.operationTime = this.namespace.now();
      wait.result = result;
      task.wakeAgain();
      // A change may help those in front.
      node = result === 0 ? this.waiters.first : next;
    }
  }

  setValue(number: number, value: number, pid: number): void {
    this.values[number] = value;
    this.pids[number] = pid;
    for (const undo of this.undos.values()) undo[number] = 0;
    this.changeTime = this.namespace.now();
  }

  destroy(): void {
    this.namespace.semaphores.remove(this);
    this.namespace.semaphoreCount -= this.values.length;
    this.undos.clear();
    for (let node = this.waiters.first; node !== null; node = this.waiters.first) {
      const task = node.waiter as Task;
      (task.call.object as SemaphoreWait).result = -EIDRM;
      node.leave();
      task.wakeAgain();
    }
  }
}

/** semget(2). The id or -errno. */
export function getSemaphores(task: Task, key: number, count: number, flags: number): number {
  const namespace = task.kernel.ipc;
  if (count < 0 || count > SEMMSL) return -EINVAL;
  const found = namespace.semaphores.find(key, flags);
  if (typeof found !== 'number') {
    return count > found.values.length ? -EINVAL : namespace.semaphores.open(found, task.credentials, flags);
  }
  if (found < 0) return found;
  if (count === 0) return -EINVAL;
  if (namespace.semaphoreCount + count > SEMMNS) return -ENOSPC;
  const set = new SemaphoreSet(namespace, task, key, flags, count);
  const id = namespace.semaphores.add(set);
  if (id >= 0) namespace.semaphoreCount += count;
  return id;
}

/** semop(2) and semtimedop(2); `operations` are (number, operation, flags) triples. May run again after BLOCKED. */
export function operateSemaphores(task: Task, id: number, operations: Int16Array, deadline: number): number {
  const waiting = task.call.object;
  if (waiting instanceof SemaphoreWait) return resumeWait(task, waiting);
  const set = task.kernel.ipc.semaphores.get(id);
  if (typeof set === 'number') return set;
  let alters = false;
  let undoes = false;
  for (let at = 0; at < operations.length; at += 3) {
    if ((operations[at]! & 0xffff) >= set.values.length) return -EFBIG;
    if (operations[at + 1] !== 0) alters = true;
    if ((operations[at + 2]! & SEM_UNDO) !== 0) undoes = true;
  }
  const allowed = set.check(task.credentials, alters ? ALTER : READ);
  if (allowed < 0) return allowed;
  if (undoes) openUndo(task, set);
  const wait = new SemaphoreWait(set, operations);
  const result = set.attempt(task, wait);
  if (result !== WOULD_BLOCK) return completed(set, result, alters);
  task.call.object = wait;
  task.call.deadline = deadline;
  return sleep(task, wait);
}

function completed(set: SemaphoreSet, result: number, alters: boolean): number {
  if (result === 0) {
    set.operationTime = set.namespace.now();
    if (alters) set.update();
  }
  return result;
}

function resumeWait(task: Task, wait: SemaphoreWait): number {
  if (wait.result !== PENDING) return wait.result;
  if (wait.set.removed) return -EIDRM;
  const result = wait.set.attempt(task, wait);
  if (result !== WOULD_BLOCK) return completed(wait.set, result, true);
  if (task.kernel.clock.monotonic() >= task.call.deadline) return -EAGAIN;
  return sleep(task, wait);
}

function sleep(task: Task, wait: SemaphoreWait): number {
  task.watch(wait.set.waiters, 1, true);
  task.wakeAt(task.call.deadline);
  return task.block(-EINTR);
}

/** Most operations of one call. */
export function checkOperationCount(count: number): number {
  if (count < 1) return -EINVAL;
  return count > SEMOPM ? -E2BIG : 0;
}

function openUndo(task: Task, set: SemaphoreSet): void {
  task.semaphoreUndo ??= new SemaphoreUndo();
  if (!set.undos.has(task.semaphoreUndo))
    set.undos.set(task.semaphoreUndo, new Int32Array(set.values.length));
}

/** CLONE_SYSVSEM. */
export function shareSemaphoreUndo(parent: Task, child: Task): void {
  parent.semaphoreUndo ??= new SemaphoreUndo();
  parent.semaphoreUndo.users++;
  child.semaphoreUndo = parent.semaphoreUndo;
}

/** A task ends, or leaves its list by unshare(2): what the list owes is settled when it was the last. */
export function leaveSemaphoreUndo(task: Task): void {
  const list = task.semaphoreUndo;
  if (list === null) return;
  task.semaphoreUndo = null;
  list.users--;
  if (list.users > 0) return;
  for (const set of task.kernel.ipc.semaphores.objects()) {
    const undo = set.undos.get(list);
    if (undo === undefined) continue;
    set.undos.delete(list);
    for (let number = 0; number < undo.length; number++) {
      if (undo[number] === 0) continue;
      const value = set.values[number]! + undo[number]!;
      set.values[number] = Math.min(Math.max(value, 0), SEMVMX);
      set.pids[number] = task.group.pid;
    }
    set.operationTime = set.namespace.now();
    set.update();
  }
}
