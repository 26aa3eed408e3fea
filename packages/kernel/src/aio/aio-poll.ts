// IOCB_CMD_POLL: a request that ends when its file is ready. One wait entry on the file; io_cancel(2) ends it early.
import type { WaitEntry, Waiter } from '@sandbox-kernel/contracts';
import { type FileDescription, WaitNode } from '@sandbox-kernel/vfs';
import type { AioContext, AioRequest } from './aio-context.js';

export class AioPoll implements Waiter {
  readonly request: AioRequest;
  private readonly context: AioContext;
  private readonly file: FileDescription;
  private readonly events: number;
  private readonly node: WaitNode;

  /** Takes a reference to `file`. */
  constructor(context: AioContext, request: AioRequest, file: FileDescription, events: number) {
    this.context = context;
    this.request = request;
    this.file = file.retain();
    this.events = events;
    this.node = new WaitNode(this, events);
  }

  /** Completes at once when the file is ready, or waits. */
  start(): void {
    this.context.polls.push(this);
    const ready = this.file.ops.poll(this.file) & this.events;
    if (ready !== 0) this.finish(ready);
    else this.file.ops.addWaiter(this.file, this.node);
  }

  wake(_entry: WaitEntry, _events: number): boolean {
    const ready = this.file.ops.poll(this.file) & this.events;
    if (ready === 0) return false;
    this.finish(ready);
    return true;
  }

  /** Ends with what was seen; 0 for a cancelled one. */
  finish(result: number): void {
    this.leave();
    this.context.complete(this.request, result);
    this.file.release();
  }

  /** Ends without an event. */
  drop(): void {
    this.leave();
    this.request.eventFile?.release();
    this.file.release();
  }

  private leave(): void {
    if (this.node.queue !== null) this.file.ops.removeWaiter(this.file, this.node);
    const at = this.context.polls.indexOf(this);
    if (at >= 0) this.context.polls.splice(at, 1);
  }
}
