// A POSIX message queue (mq_overview(7)): messages by priority, then by age; one process may ask to be told when it stops being empty.
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, SI_MESGQ, SIGEV_SIGNAL } from '@sandbox-kernel/abi';
import { WaitQueue } from '@sandbox-kernel/vfs';
import type { UserAccount } from '../credentials/user-account.js';
import { sendToGroup } from '../signal/send.js';
import { SignalInfo } from '../signal/signal-info.js';
import type { Task } from '../task.js';
import type { ThreadGroup } from '../thread-group.js';

export class QueuedMessage {
  readonly bytes: Uint8Array;
  readonly priority: number;

  constructor(bytes: Uint8Array, priority: number) {
    this.bytes = bytes;
    this.priority = priority;
  }
}

/** mq_notify(3): who is told, and how. */
export class Notification {
  readonly group: ThreadGroup;
  /** SIGEV_NONE or SIGEV_SIGNAL. */
  readonly kind: number;
  readonly signal: number;
  readonly valueLow: number;
  readonly valueHigh: number;

  constructor(group: ThreadGroup, kind: number, signal: number, valueLow: number, valueHigh: number) {
    this.group = group;
    this.kind = kind;
    this.signal = signal;
    this.valueLow = valueLow;
    this.valueHigh = valueHigh;
  }
}

export class PosixMessageQueue {
  readonly maxMessages: number;
  readonly messageSize: number;
  /** Readable: POLLIN; room for one more: POLLOUT. */
  readonly queue: WaitQueue;
  /** Who waits inside mq_receive(3): a message that goes to one of them notifies nobody. */
  readonly receivers: WaitQueue;
  notification: Notification | null;
  /** Bytes of all messages. */
  bytes: number;
  /** What it counts against RLIMIT_MSGQUEUE of whoever made it. */
  private readonly account: UserAccount;
  private readonly charge: number;
  /** Highest priority last; equal ones: the oldest last. */
  private readonly messages: QueuedMessage[];

  constructor(maxMessages: number, messageSize: number, account: UserAccount, charge: number) {
    this.maxMessages = maxMessages;
    this.messageSize = messageSize;
    this.account = account;
    this.charge = charge;
    this.queue = new WaitQueue();
    this.receivers = new WaitQueue();
    this.notification = null;
    this.bytes = 0;
    this.messages = [];
    account.queueBytes += charge;
  }

  get length(): number {
    return this.messages.length;
  }

  get full(): boolean {
    return this.messages.length >= this.maxMessages;
  }

  /** Pre: not full. `sender` appears in the signal of a notification. */
  put(message: QueuedMessage, sender: Task): void {
    const { messages } = this;
    let at = messages.length;
    while (at > 0 && messages[at - 1]!.priority >= message.priority) at--;
    messages.splice(at, 0, message);
    this.bytes += message.bytes.length;
    if (messages.length === 1 && this.receivers.empty) this.notify(sender);
    this.receivers.wake(1);
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  /** The oldest of the most important; undefined when empty. */
  take(): QueuedMessage | undefined {
    const message = this.messages.pop();
    if (message === undefined) return undefined;
    this.bytes -= message.bytes.length;
    this.queue.wake(POLLOUT | POLLWRNORM);
    return message;
  }

  /** The process gave up its descriptor, or asked no more to be told. */
  forget(group: ThreadGroup): void {
    if (this.notification?.group === group) this.notification = null;
  }

  destroy(): void {
    this.account.queueBytes -= this.charge;
    this.messages.length = 0;
  }

  private notify(sender: Task): void {
    const wanted = this.notification;
    if (wanted === null) return;
    this.notification = null;
    if (wanted.kind !== SIGEV_SIGNAL || wanted.signal === 0) return;
    const info = new SignalInfo(wanted.signal, SI_MESGQ).sender(sender.group.pid, sender.credentials.uid);
    sendToGroup(wanted.group, info.value(wanted.valueLow, wanted.valueHigh));
  }
}
