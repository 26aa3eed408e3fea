// Who waits for a pipe, and who is told of what. As in Linux, readers and writers have a queue each, and what an operation wakes is seen by
// edge-triggered interests: read(2) tells writers only when the pipe was full, write(2) tells readers always, splice(2) and F_SETPIPE_SZ
// wake without a key. O_ASYNC stands apart: every read and write signals, whether it woke anybody or not.
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '@sandbox-kernel/abi';
import { type WaitNode, WaitQueue } from '../wait-queue.js';

export class PipeWaiters {
  private readonly readers: WaitQueue;
  private readonly writers: WaitQueue;
  /** Waiters of an O_RDWR FIFO, which Linux has in both queues. */
  private readonly both: WaitQueue;
  private readonly async: WaitQueue;
  /** Opens of a FIFO that wait for the other side: bit 0. */
  readonly openers: WaitQueue;

  constructor() {
    this.readers = new WaitQueue();
    this.writers = new WaitQueue();
    this.both = new WaitQueue();
    this.async = new WaitQueue();
    this.openers = new WaitQueue();
  }

  add(entry: WaitNode, reads: boolean, writes: boolean): void {
    if (reads && writes) this.both.add(entry);
    else if (reads) this.readers.add(entry);
    else this.writers.add(entry);
  }

  /** An O_ASYNC notice: it hears POLLIN for an end that reads and POLLOUT for one that writes. */
  addAsync(entry: WaitNode, reads: boolean, writes: boolean): void {
    entry.events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
    this.async.add(entry);
  }

  /** After a write, also one that failed. */
  written(): void {
    this.readers.wake(POLLIN | POLLRDNORM);
    this.both.wake(POLLIN | POLLRDNORM);
    this.async.wake(POLLIN);
  }

  /** After a read, also one that failed; `wasFull`: it gave a slot of a full pipe back. */
  read(wasFull: boolean): void {
    if (wasFull) {
      this.writers.wake(POLLOUT | POLLWRNORM);
      this.both.wake(POLLOUT | POLLWRNORM);
    }
    this.async.wake(POLLOUT);
  }

  /** splice(2) and tee(2) have put something in. */
  splicedIn(): void {
    this.wakeReaders();
    this.async.wake(POLLIN);
  }

  /** splice(2) has emptied a slot. */
  splicedOut(): void {
    this.wakeWriters();
    this.async.wake(POLLOUT);
  }

  resized(): void {
    this.wakeWriters();
  }

  /** The first reader or writer has come. */
  partnerCame(): void {
    this.wakeReaders();
    this.openers.wake(1);
  }

  /** One side is left alone. */
  partnerLeft(): void {
    this.wakeReaders();
    this.writers.wakeAll();
    this.async.wake(POLLIN);
    this.async.wake(POLLOUT);
  }

  private wakeReaders(): void {
    this.readers.wakeAll();
    this.both.wakeAll();
  }

  private wakeWriters(): void {
    this.writers.wakeAll();
    this.both.wakeAll();
  }
}
