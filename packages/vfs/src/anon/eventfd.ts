// eventfd(2): a counter to wait for. 64-bit values are held as (high, low) words, because programs may use all of them.
import { EAGAIN, EFD_SEMAPHORE, EINVAL, O_RDWR, POLLERR, POLLIN, POLLOUT } from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import type { FileCaller } from '../fs-context.js';
import { gather, scatter } from '../segments.js';
import { type WaitNode, WaitQueue } from '../wait-queue.js';
import { createAnonymousFile } from './anonymous.js';

const TWO_32 = 2 ** 32;

export class EventFd {
  readonly queue: WaitQueue;
  readonly semaphore: boolean;
  private high: number;
  private low: number;
  private readonly words: Uint32Array;
  private readonly bytes: Uint8Array;

  constructor(initial: number, semaphore: boolean) {
    this.queue = new WaitQueue();
    this.semaphore = semaphore;
    this.high = 0;
    this.low = initial >>> 0;
    this.words = new Uint32Array(2);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  get readable(): boolean {
    return this.low !== 0 || this.high !== 0;
  }

  /** A write of 1 would not block: the counter is below 2^64 - 2. */
  get writable(): boolean {
    return this.high !== 0xffffffff || this.low < 0xfffffffe;
  }

  get overflowed(): boolean {
    return this.high === 0xffffffff && this.low === 0xffffffff;
  }

  read(io: IoSegments): number {
    if (io.total < 8) return -EINVAL;
    if (!this.readable) return -EAGAIN;
    if (this.semaphore) {
      this.words[0] = 1;
      this.words[1] = 0;
      if (this.low === 0) this.high--;
      this.low = (this.low - 1) >>> 0;
    } else {
      this.words[0] = this.low;
      this.words[1] = this.high;
      this.low = 0;
      this.high = 0;
    }
    scatter(io, 0, this.bytes, 0, 8);
    this.queue.wake(POLLOUT);
    return 8;
  }

  write(io: IoSegments): number {
    if (io.total !== 8) return -EINVAL;
    gather(io, 0, this.bytes, 0, 8);
    return this.add(this.words[1]!, this.words[0]!);
  }

  /** From inside the kernel (aio, io_uring). 8, or -errno. */
  add(high: number, low: number): number {
    if (high === 0xffffffff && low === 0xffffffff) return -EINVAL;
    const sum = this.low + low;
    const top = this.high + high + (sum >= TWO_32 ? 1 : 0);
    const bottom = sum % TWO_32;
    if (top >= TWO_32 || (top === 0xffffffff && bottom === 0xffffffff)) return -EAGAIN;
    this.high = top;
    this.low = bottom;
    this.queue.wake(POLLIN);
    return 8;
  }

  poll(): number {
    const events = (this.readable ? POLLIN : 0) | (this.writable ? POLLOUT : 0);
    return this.overflowed ? events | POLLERR : events;
  }

  /** For /proc/PID/fdinfo: hexadecimal, as Linux prints it. */
  get count(): string {
    const low = this.low.toString(16);
    return this.high === 0 ? low : this.high.toString(16) + low.padStart(8, '0');
  }
}

class EventFdOps extends FileOps {
  override fdinfo(file: FileDescription): string {
    const event = file.data as EventFd;
    const count = `eventfd-count: ${event.count.padStart(16)}\n`;
    return `${count}eventfd-id: ${file.inode!.number}\neventfd-semaphore: ${event.semaphore ? 1 : 0}\n`;
  }

  override ignoresSeek(): boolean {
    return true;
  }

  override label(): string {
    return 'anon_inode:[eventfd]';
  }

  override read(file: FileDescription, io: IoSegments): number {
    return (file.data as EventFd).read(io);
  }

  override write(file: FileDescription, io: IoSegments): number {
    return (file.data as EventFd).write(io);
  }

  override poll(file: FileDescription): number {
    return (file.data as EventFd).poll();
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as EventFd).queue.add(entry);
  }
}

export const EVENTFD_OPS: FileOps = new EventFdOps();

/** `flags`: EFD_SEMAPHORE, EFD_NONBLOCK (EFD_CLOEXEC belongs to the descriptor). */
export function createEventFd(caller: FileCaller, initial: number, flags: number): FileDescription {
  const event = new EventFd(initial, (flags & EFD_SEMAPHORE) !== 0);
  return createAnonymousFile(caller, EVENTFD_OPS, O_RDWR | (flags & ~EFD_SEMAPHORE), event);
}
