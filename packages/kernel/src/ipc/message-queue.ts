// System V messages: msgget(2), msgop(2), msgctl(2). A message goes straight to the first waiting receiver that wants its type, so that order
// is kept. Types are numbers: exact below 2^53.
import {
  E2BIG,
  EAGAIN,
  EIDRM,
  EINVAL,
  ENOMSG,
  ERESTARTNOHAND,
  IPC_NOWAIT,
  MSG_COPY,
  MSG_EXCEPT,
  MSG_NOERROR,
  MSGMAX,
  MSGMNB,
} from '@sandbox-kernel/abi';
import { WaitQueue } from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';
import type { IpcNamespace } from './ipc-namespace.js';
import { IpcObject } from './ipc-object.js';

const READ = 0o444;
const WRITE = 0o222;
const PENDING = 1;

export class Message {
  readonly type: number;
  readonly bytes: Uint8Array;

  constructor(type: number, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** A msgrcv(2) that waits; `task.call.object` while it does. */
class Receive {
  readonly queue: MessageQueue;
  readonly type: number;
  readonly size: number;
  readonly flags: number;
  result: number;
  message: Message | null;

  constructor(queue: MessageQueue, type: number, size: number, flags: number) {
    this.queue = queue;
    this.type = type;
    this.size = size;
    this.flags = flags;
    this.result = PENDING;
    this.message = null;
  }

  wants(message: Message): boolean {
    const { type } = this;
    if (type === 0) return true;
    if (type < 0) return message.type <= -type;
    return (this.flags & MSG_EXCEPT) !== 0 ? message.type !== type : message.type === type;
  }

  get fitsAny(): boolean {
    return (this.flags & MSG_NOERROR) !== 0;
  }
}

/** A msgsnd(2) that waits for room. */
class Send {
  readonly queue: MessageQueue;
  readonly message: Message;

  constructor(queue: MessageQueue, message: Message) {
    this.queue = queue;
    this.message = message;
  }
}

export class MessageQueue extends IpcObject {
  readonly namespace: IpcNamespace;
  readonly messages: Message[];
  /** Bytes in the queue, and the most there may be. */
  bytes: number;
  maximum: number;
  sendTime: number;
  receiveTime: number;
  lastSender: number;
  lastReceiver: number;
  readonly receivers: WaitQueue;
  readonly senders: WaitQueue;

  constructor(namespace: IpcNamespace, task: Task, key: number, mode: number) {
    super(key, mode, task.credentials, namespace.now());
    this.namespace = namespace;
    this.messages = [];
    this.bytes = 0;
    this.maximum = MSGMNB;
    this.sendTime = 0;
    this.receiveTime = 0;
    this.lastSender = 0;
    this.lastReceiver = 0;
    this.receivers = new WaitQueue();
    this.senders = new WaitQueue();
  }

  hasRoom(size: number): boolean {
    return this.bytes + size <= this.maximum && this.messages.length + 1 <= this.maximum;
  }

  /** To a waiting receiver, or into the queue. */
  put(message: Message, pid: number): void {
    this.lastSender = pid;
    this.sendTime = this.namespace.now();
    if (this.handOver(message)) return;
    this.messages.push(message);
    this.bytes += message.bytes.length;
  }

  private handOver(message: Message): boolean {
    let node = this.receivers.first;
    while (node !== null) {
      const task = node.waiter as Task;
      const receive = task.call.object as Receive;
      const next = node.next;
      if (receive.result === PENDING && receive.wants(message)) {
        const fits = receive.fitsAny || message.bytes.length <= receive.size;
        receive.result = fits ? 0 : -E2BIG;
        if (fits) {
          receive.message = message;
          this.lastReceiver = task.group.pid;
          this.receiveTime = this.namespace.now();
        }
        node.leave();
        task.wakeAgain();
        if (fits) return true;
      }
      node = next;
    }
    return false;
  }

  /** Index of the message that `receive` gets, or -1: the first that matches; for a negative type the one with the lowest type. */
  match(receive: Receive): number {
    let best = -1;
    for (let k = 0; k < this.messages.length; k++) {
      const message = this.messages[k]!;
      if (!receive.wants(message)) continue;
      if (receive.type >= 0) return k;
      if (best < 0 || message.type < this.messages[best]!.type) best = k;
    }
    return best;
  }

  take(k: number, pid: number): Message {
    const message = this.messages.splice(k, 1)[0]!;
    this.bytes -= message.bytes.length;
    this.lastReceiver = pid;
    this.receiveTime = this.namespace.now();
    this.wakeSenders();
    return message;
  }

  /** Room, or a larger maximum: those who wait look again, in their order. */
  wakeSenders(): void {
    for (let node = this.senders.first; node !== null; ) {
      const next = node.next;
      const task = node.waiter as Task;
      task.wakeAgain();
      node = next;
    }
  }

  destroy(): void {
    this.namespace.queues.remove(this);
    this.messages.length = 0;
    this.bytes = 0;
    this.wakeSenders();
    for (let node = this.receivers.first; node !== null; node = this.receivers.first) {
      const task = node.waiter as Task;
      (task.call.object as Receive).result = -EIDRM;
      node.leave();
      task.wakeAgain();
    }
  }
}

/** msgget(2). The id or -errno. */
export function getQueue(task: Task, key: number, flags: number): number {
  const namespace = task.kernel.ipc;
  const found = namespace.queues.find(key, flags);
  if (typeof found !== 'number') return namespace.queues.open(found, task.credentials, flags);
  return found < 0 ? found : namespace.queues.add(new MessageQueue(namespace, task, key, flags));
}

/** May a message of this size and type be sent at all? */
export function checkMessage(id: number, size: number, type: number): number {
  return size < 0 || size > MSGMAX || id < 0 || type < 1 ? -EINVAL : 0;
}

/** msgsnd(2), once the message is copied. May run again after BLOCKED, with any `message`. */
export function sendMessage(task: Task, id: number, message: Message, flags: number): number {
  const waiting = task.call.object instanceof Send ? task.call.object : null;
  const queue = waiting === null ? task.kernel.ipc.queues.get(id) : waiting.queue;
  if (typeof queue === 'number') return queue;
  if (queue.removed) return -EIDRM;
  const allowed = queue.check(task.credentials, WRITE);
  if (allowed < 0) return allowed;
  const wanted = waiting === null ? message : waiting.message;
  if (queue.hasRoom(wanted.bytes.length)) {
    queue.put(wanted, task.group.pid);
    return 0;
  }
  if ((flags & IPC_NOWAIT) !== 0) return -EAGAIN;
  if (waiting === null) task.call.object = new Send(queue, message);
  task.watch(queue.senders, 1, true);
  return task.block(-ERESTARTNOHAND);
}

/** msgrcv(2) up to the message: it, BLOCKED or -errno. */
export function receiveMessage(
  task: Task,
  id: number,
  size: number,
  type: number,
  flags: number,
): Message | number {
  const waiting = task.call.object;
  if (waiting instanceof Receive) return resumeReceive(task, waiting);
  if (id < 0 || size < 0) return -EINVAL;
  const copies = (flags & MSG_COPY) !== 0;
  if (copies && ((flags & MSG_EXCEPT) !== 0 || (flags & IPC_NOWAIT) === 0)) return -EINVAL;
  const queue = task.kernel.ipc.queues.get(id);
  if (typeof queue === 'number') return queue;
  const allowed = queue.check(task.credentials, READ);
  if (allowed < 0) return allowed;
  const receive = new Receive(queue, type, size, flags);
  const k = copies ? indexOf(queue, type) : queue.match(receive);
  if (k >= 0) return deliver(task, receive, k, copies);
  if ((flags & IPC_NOWAIT) !== 0) return -ENOMSG;
  task.call.object = receive;
  task.watch(queue.receivers, 1, true);
  return task.block(-ERESTARTNOHAND);
}

/** MSG_COPY counts messages. */
function indexOf(queue: MessageQueue, number: number): number {
  return number >= 0 && number < queue.messages.length ? number : -1;
}

function deliver(task: Task, receive: Receive, k: number, copies: boolean): Message | number {
  const { queue } = receive;
  const message = queue.messages[k]!;
  if (message.bytes.length > receive.size && !receive.fitsAny) return copies ? -EINVAL : -E2BIG;
  return copies ? message : queue.take(k, task.group.pid);
}

function resumeReceive(task: Task, receive: Receive): Message | number {
  if (receive.message !== null) return receive.message;
  if (receive.result !== PENDING) return receive.result;
  if (receive.queue.removed) return -EIDRM;
  const k = receive.queue.match(receive);
  if (k >= 0) return deliver(task, receive, k, false);
  task.watch(receive.queue.receivers, 1, true);
  return task.block(-ERESTARTNOHAND);
}
