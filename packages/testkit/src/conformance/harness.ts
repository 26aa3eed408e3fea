// What the platform suites need of a platform's package, and a workbench on top: pages of the memory file, address spaces with
// code in them, and "run until it traps".
import {
  type AddressSpace,
  type Context,
  FRAME_KIND,
  FRAME_RIP,
  FRAME_RSP,
  MEMORY_FILE,
  PAGE_SIZE,
  type Platform,
} from '@sandbox-kernel/contracts';
import type { Code } from '../guests/code.js';

/** vitest's functions, passed in so that importing testkit outside of vitest stays possible. */
export type TestRunner = Pick<
  typeof import('vitest'),
  'afterEach' | 'beforeEach' | 'describe' | 'expect' | 'it'
>;

export interface PlatformHarness {
  readonly platform: Platform;
  /** The first 8 MiB or more of the memory file. */
  readonly memory: Uint8Array;
  /** Makes a host event pending and rings. */
  ring(): void;
  /** Takes the event back, as draining does. */
  acknowledge(): void;
  /** The same, from another thread, after about `millis`. */
  ringLater(millis: number): void;
  /** CLOCK_MONOTONIC in ns. */
  now(): number;
  /** A host file with this content, open for reading and writing. */
  openFile(content: Uint8Array): number;
  /** A host file that can't be written, open for reading. */
  openReadOnly(): number;
  closeFile(fd: number): void;
  /** Kills the host process behind a space, as somebody outside would. */
  killSpace(space: AddressSpace): void;
  close(): void;
}

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const CODE = 0x400000;
export const DATA = 0x600000;
const STACK_TOP = 0x800000;

const SECOND = 1e9;
const TWO_32 = 2 ** 32;

export class Workbench {
  readonly harness: PlatformHarness;
  readonly platform: Platform;
  #nextPage: number;

  constructor(harness: PlatformHarness) {
    this.harness = harness;
    this.platform = harness.platform;
    this.#nextPage = 0;
  }

  /** Offset of fresh pages of the memory file. */
  pages(count = 1): number {
    const offset = this.#nextPage;
    this.#nextPage += count * PAGE_SIZE;
    if (this.#nextPage > this.harness.memory.length) throw new Error('test needs more memory');
    return offset;
  }

  /** Bytes of the memory file from `offset`. */
  bytes(offset: number, length: number): Uint8Array {
    return this.harness.memory.subarray(offset, offset + length);
  }

  view(offset: number): DataView {
    const { memory } = this.harness;
    return new DataView(memory.buffer, memory.byteOffset + offset, PAGE_SIZE);
  }

  space(from: AddressSpace | null = null): AddressSpace {
    const space = this.platform.createAddressSpace(from);
    if (space === null) throw new Error('no address space');
    return space;
  }

  context(): Context {
    const context = this.platform.createContext();
    if (context === null) throw new Error('no context');
    return context;
  }

  /** Maps pages of the memory file; returns their offset. */
  map(space: AddressSpace, addr: number, prot: number, pages = 1, offset = this.pages(pages)): number {
    const error = space.map(addr, pages * PAGE_SIZE, MEMORY_FILE, offset, prot, prot);
    if (error !== 0) throw new Error(`map: ${error}`);
    return offset;
  }

  /** A context at the start of `code`, in a space that has nothing else (plus a page of data at DATA). */
  guest(code: Code, space = this.space()): { space: AddressSpace; context: Context; data: number } {
    const offset = this.map(space, CODE, PROT_READ | PROT_EXEC);
    this.harness.memory.set(code.toBytes(), offset);
    const data = this.map(space, DATA, PROT_READ | PROT_WRITE);
    this.map(space, STACK_TOP - PAGE_SIZE, PROT_READ | PROT_WRITE);
    return { space, context: this.at(CODE), data };
  }

  /** A fresh context whose registers point at `rip`. */
  at(rip: number): Context {
    const context = this.context();
    this.set(context, FRAME_RIP, rip);
    this.set(context, FRAME_RSP, STACK_TOP - 64);
    return context;
  }

  /** Resumes, waits for that context, returns the kind of trap. */
  run(context: Context, space: AddressSpace, flags = 0): number {
    const error = context.resume(space, flags);
    if (error !== 0) throw new Error(`resume: ${error}`);
    return this.await(context);
  }

  /** Waits for this context; nothing else may happen. */
  await(context: Context): number {
    const id = this.platform.wait(this.harness.now() + 20 * SECOND);
    if (id !== context.id) throw new Error(`wait returned ${id} instead of context ${context.id}`);
    return this.kind(context);
  }

  kind(context: Context): number {
    return context.frame.view.getUint32(context.frame.offset + FRAME_KIND, true);
  }

  get(context: Context, register: number): number {
    const { view, offset } = context.frame;
    return view.getUint32(offset + register + 4, true) * TWO_32 + view.getUint32(offset + register, true);
  }

  getBig(context: Context, register: number): bigint {
    return context.frame.view.getBigUint64(context.frame.offset + register, true);
  }

  get32(context: Context, register: number): number {
    return context.frame.view.getInt32(context.frame.offset + register, true);
  }

  set(context: Context, register: number, value: number | bigint): void {
    context.frame.view.setBigUint64(context.frame.offset + register, BigInt.asUintN(64, BigInt(value)), true);
  }
}

/** What each suite file gets. */
export interface Suite {
  readonly runner: TestRunner;
  /** The workbench of the running test. */
  readonly bench: () => Workbench;
}
