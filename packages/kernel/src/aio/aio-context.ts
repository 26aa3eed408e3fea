// Kernel AIO (io_setup(2)): one context, its ring of completed requests in the program's memory, and the requests that still wait.
// The ring is laid out as Linux's struct aio_ring, because libaio and QEMU read its head and tail without a system call. What a
// program writes there is a hint: the number of free places and the tail are kept here.
import {
  EFAULT,
  IO_EVENT_SIZE,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
} from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import type { MemoryManager } from '@sandbox-kernel/mm';
import { EventFd, type FileDescription, WaitQueue } from '@sandbox-kernel/vfs';
import type { AioPoll } from './aio-poll.js';

const RING_HEAD = 8;
const RING_TAIL = 12;
const HEADER = 32;
const MAGIC = 0xa10a10a1;
const COMPAT_FEATURES = 1;
const TWO_32 = 2 ** 32;

/** What a completion needs to know of its request: 64-bit values as halves, because programs put pointers and hashes there. */
export class AioRequest {
  readonly address: number;
  readonly dataLow: number;
  readonly dataHigh: number;
  /** Told at completion (IOCB_FLAG_RESFD). Owned. */
  readonly eventFile: FileDescription | null;

  constructor(address: number, dataLow: number, dataHigh: number, eventFile: FileDescription | null) {
    this.address = address;
    this.dataLow = dataLow;
    this.dataHigh = dataHigh;
    this.eventFile = eventFile;
  }
}

export class AioContext {
  /** Address of the ring, which is also the context's number. */
  readonly id: number;
  /** Requests that io_setup(2) was asked for: counted against fs.aio-max-nr. */
  readonly wanted: number;
  readonly queue: WaitQueue;
  readonly polls: AioPoll[];
  private readonly memory: MemoryManager;
  private readonly places: number;
  private readonly length: number;
  private readonly event: Uint8Array;
  private readonly view: DataView;
  private tail: number;

  private constructor(memory: MemoryManager, id: number, length: number, wanted: number) {
    this.memory = memory;
    this.id = id;
    this.wanted = wanted;
    this.length = length;
    this.places = (length - HEADER) / IO_EVENT_SIZE;
    this.queue = new WaitQueue();
    this.polls = [];
    this.event = new Uint8Array(IO_EVENT_SIZE);
    this.view = new DataView(this.event.buffer);
    this.tail = 0;
  }

  /** Maps a ring for `wanted` requests; -errno when there is no room. */
  static create(
    memory: MemoryManager,
    wanted: number,
    processors: number,
    number: number,
  ): AioContext | number {
    const events = Math.max(wanted, processors * 4) * 2 + 2;
    const length = Math.ceil((HEADER + events * IO_EVENT_SIZE) / PAGE_SIZE) * PAGE_SIZE;
    const address = memory.mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
    if (address < 0) return address;
    const context = new AioContext(memory, address, length, wanted);
    const written = context.writeHeader(number);
    if (written === 0) return context;
    memory.munmap(address, length);
    return written;
  }

  /** Requests that may be in flight or unread before io_submit(2) says EAGAIN. */
  get free(): number {
    return this.places - 1 - this.unread() - this.polls.length;
  }

  get size(): number {
    return this.places;
  }

  /** Puts a finished request into the ring and tells everybody. Ends the request's hold on its eventfd. */
  complete(request: AioRequest, result: number): void {
    const view = this.view;
    view.setUint32(0, request.dataLow, true);
    view.setUint32(4, request.dataHigh, true);
    put64(view, 8, request.address);
    put64(view, 16, result);
    put64(view, 24, 0);
    this.memory.copyOut(this.place(this.tail), this.event, 0, IO_EVENT_SIZE);
    this.tail = (this.tail + 1) % this.places;
    this.memory.writeU32(this.id + RING_TAIL, this.tail);
    const file = request.eventFile;
    if (file !== null) {
      (file.data as EventFd).add(0, 1);
      file.release();
    }
    this.queue.wake(1);
  }

  /** Copies up to `most` events to `addr` and moves the ring's head. Events copied, or -errno when not even one could be. */
  reap(addr: number, most: number): number {
    let head = this.head();
    let done = 0;
    while (done < most && head !== this.tail) {
      if (this.memory.copyIn(this.place(head), this.event, 0, IO_EVENT_SIZE) < IO_EVENT_SIZE)
        return done || -EFAULT;
      const copied = this.memory.copyOut(addr + done * IO_EVENT_SIZE, this.event, 0, IO_EVENT_SIZE);
      if (copied < IO_EVENT_SIZE) return done || -EFAULT;
      head = (head + 1) % this.places;
      this.memory.writeU32(this.id + RING_HEAD, head);
      done++;
    }
    return done;
  }

  /** io_destroy(2), or the end of the address space (`unmap` false): what waits is forgotten. */
  destroy(unmap: boolean): void {
    for (const poll of [...this.polls]) poll.drop();
    if (unmap) this.memory.munmap(this.id, this.length);
    this.queue.wake(1);
  }

  private place(index: number): number {
    return this.id + HEADER + index * IO_EVENT_SIZE;
  }

  private head(): number {
    const head = this.memory.readU32(this.id + RING_HEAD);
    return head < 0 ? this.tail : head % this.places;
  }

  private unread(): number {
    return (this.tail - this.head() + this.places) % this.places;
  }

  private writeHeader(number: number): number {
    const header = new Uint32Array([number, this.places, 0, 0, MAGIC, COMPAT_FEATURES, 0, HEADER]);
    const bytes = new Uint8Array(header.buffer);
    return this.memory.copyOut(this.id, bytes, 0, HEADER) < HEADER ? -EFAULT : 0;
  }
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
}

/** True for an eventfd. */
export function isEventFd(file: FileDescription): boolean {
  return file.data instanceof EventFd;
}
