// How a task waits for a userfaultfd: with a fault of its own instruction, with a page that a system call or a signal frame needs, or for its
// event to be read; and how it waits for memory.
import { EFAULT, ERESTARTNOINTR } from '@sandbox-kernel/abi';
import type { Obstacle } from '@sandbox-kernel/mm';
import { BLOCKED } from '../results.js';
import type { Task } from '../task.js';
import { TASK_BLOCKED } from '../task-state.js';
import { UserFault, type UserFaults } from './user-faults.js';

/** Nanoseconds until a call that found no memory tries again. */
const MEMORY_RETRY = 1e6;

/** The program's instruction faulted on a watched page. True: the task waits. False: a signal comes first. */
export function waitForFault(task: Task, address: number): boolean {
  const obstacle = task.memory.obstacle as Obstacle;
  task.memory.obstacle = null;
  if (task.signalPending) return false;
  joinFault(task, obstacle, address);
  return true;
}

function joinFault(task: Task, obstacle: Obstacle, address: number): void {
  const monitor = obstacle.monitor as UserFaults;
  task.userFault = new UserFault(monitor, obstacle.address, address, obstacle.flags);
  // First come first served: exclusive entries join at the end.
  task.watch(monitor.faults, 1, true);
  monitor.faulted();
}

/**
 * A call ended with `result` after it met an obstacle. BLOCKED: it runs again when the page is there, or when its event was read; otherwise
 * the result that counts.
 */
export function settleObstacle(task: Task, result: number): number {
  const obstacle = task.memory.obstacle as Obstacle;
  task.memory.obstacle = null;
  if (obstacle.monitor === null) return result === -EFAULT ? waitForMemory(task, result) : result;
  const monitor = obstacle.monitor as UserFaults;
  if (obstacle.address < 0) {
    if (!monitor.hasEvents) return result;
    task.eventMonitor = monitor;
    task.eventResult = result;
    return waitForEvents(task);
  }
  if (result !== -EFAULT) return result;
  if (task.signalPending) return -ERESTARTNOINTR;
  joinFault(task, obstacle, obstacle.address);
  return BLOCKED;
}

/**
 * A signal frame met an obstacle. True: the task waits, or ends, and its signal is to be delivered again. False: the stack can't take it.
 */
export function waitForFrame(task: Task): boolean {
  const { obstacle } = task.memory;
  if (obstacle === null || (obstacle.monitor !== null && obstacle.address < 0)) return false;
  task.memory.obstacle = null;
  if (obstacle.monitor !== null) joinFault(task, obstacle, obstacle.address);
  else {
    task.kernel.outOfMemory(task);
    if (task.group.exiting) return true;
    task.wakeAt(task.kernel.clock.monotonic() + MEMORY_RETRY);
  }
  // The call is over: what runs again is the way back.
  task.call.nr = -1;
  task.state = TASK_BLOCKED;
  return true;
}

/** The memory limit is reached: the call runs again when there is room. */
export function waitForMemory(task: Task, result: number): number {
  task.kernel.outOfMemory(task);
  if (task.group.exiting) return result;
  return task.blockUntil(task.kernel.clock.monotonic() + MEMORY_RETRY, result);
}

/** BLOCKED while events of the task's call have not been read; then the result of the call. */
export function waitForEvents(task: Task): number {
  const monitor = task.eventMonitor as UserFaults;
  if (monitor.hasEvents && !task.fatalPending()) {
    task.watch(monitor.events, 1, false);
    task.killableOnly = true;
    return BLOCKED;
  }
  task.eventMonitor = null;
  return task.eventResult;
}
