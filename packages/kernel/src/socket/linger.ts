// Sockets whose last descriptor a call has closed and that make it wait (socket(7), SO_LINGER). Whatever the call was, they are closed when
// it is over, one after the other, before the program goes on: as in Linux, which puts files away on the way back. The call's result stands
// by then, and a signal ends the waits, not the call.
import type { WaitQueue } from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { BLOCKED } from '../results.js';
import type { Task } from '../task.js';

/** A socket that has yet to be closed. */
export interface LingeringSocket {
  readonly queue: WaitQueue;
  /** Closes it; false: nothing to wait for. */
  startLinger(): boolean;
  /** The peer has not acknowledged everything, and the time is not over. Changes are told to `queue`. */
  readonly lingering: boolean;
  /** Waits no longer. */
  stopLinger(): void;
}

/** The sockets that one call closes, in order. */
export class LingerWait {
  readonly sockets: LingeringSocket[];
  /** What the call returns. */
  result: number;
  started: boolean;

  constructor() {
    this.sockets = [];
    this.result = 0;
    this.started = false;
  }
}

/** True: the call in hand closes `socket` when it is over. False: nobody is there to wait; a process that ends does not. */
export function lingerInCall(kernel: Kernel, socket: LingeringSocket): boolean {
  const task = kernel.current;
  if (task === null || task.exiting || task.group.exiting) return false;
  task.lingering ??= new LingerWait();
  task.lingering.sockets.push(socket);
  return true;
}

/** The call of `task` ends with `result`: BLOCKED while it has to wait for a socket. */
export function endWithLinger(task: Task, result: number): number {
  (task.lingering as LingerWait).result = result;
  task.stopWaiting();
  return waitForLinger(task);
}

export function waitForLinger(task: Task): number {
  const wait = task.lingering as LingerWait;
  for (let socket = wait.sockets[0]; socket !== undefined; socket = wait.sockets[0]) {
    const waits = wait.started ? socket.lingering : socket.startLinger();
    wait.started = true;
    if (waits && task.blockOn(socket.queue, -1, 0) === BLOCKED) return BLOCKED;
    if (waits) socket.stopLinger();
    wait.sockets.shift();
    wait.started = false;
  }
  task.lingering = null;
  return wait.result;
}

/** The task ends before its waits do. */
export function abandonLinger(task: Task): void {
  const { sockets, started } = task.lingering as LingerWait;
  task.lingering = null;
  sockets.forEach((socket, i) => {
    if (i > 0 || !started) socket.startLinger();
    socket.stopLinger();
  });
}
