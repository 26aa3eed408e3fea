// The processor state of one guest thread: a trap frame, and (in the native part) the host thread that runs it.
import { EINVAL } from '@sandbox-kernel/abi';
import type { AddressSpace, Context, FrameMemory } from '@sandbox-kernel/contracts';
import { FPU_AREA, type StubEngine } from './engine.js';
import type { StubPlatform } from './platform.js';
import type { StubAddressSpace } from './space.js';

export class StubContext implements Context {
  readonly id: number;
  readonly frame: FrameMemory;
  readonly #platform: StubPlatform;
  readonly #engine: StubEngine;

  constructor(platform: StubPlatform, engine: StubEngine, id: number, frame: FrameMemory) {
    this.id = id;
    this.frame = frame;
    this.#platform = platform;
    this.#engine = engine;
  }

  /** An error of queued mapping commands comes back here, once, before the guest runs; the other commands took effect. */
  resume(space: AddressSpace, flags: number): number {
    const own = space as StubAddressSpace;
    const early = own.takeError();
    if (early !== 0) return early;
    const { args, native } = this.#engine;
    args[0] = this.id;
    args[1] = own.id;
    args[2] = flags;
    args[3] = own.queued;
    own.queued = 0;
    return native.contextResume();
  }

  interrupt(): void {
    this.#engine.args[0] = this.id;
    this.#engine.native.contextInterrupt();
  }

  saveFpu(into: Uint8Array, at: number): number {
    this.#engine.args[0] = this.id;
    const length = this.#engine.native.fpuSave();
    if (length < 0) return length;
    if (at + length > into.length) return -EINVAL;
    into.set(this.#engine.bytes.subarray(FPU_AREA, FPU_AREA + length), at);
    return length;
  }

  restoreFpu(from: Uint8Array, at: number, length: number): number {
    if (length < 0 || length > this.#engine.constants.fpuAreaSize || at + length > from.length)
      return -EINVAL;
    this.#engine.bytes.set(from.subarray(at, at + length), FPU_AREA);
    this.#engine.args[0] = this.id;
    this.#engine.args[1] = length;
    return this.#engine.native.fpuRestore();
  }

  resetFpu(): void {
    this.#engine.args[0] = this.id;
    this.#engine.native.fpuReset();
  }

  cpuNanos(): number {
    this.#engine.args[0] = this.id;
    if (this.#engine.native.contextCpu() < 0) return 0;
    return this.#engine.results[0] ?? 0;
  }

  release(): void {
    this.#engine.args[0] = this.id;
    this.#engine.native.contextRelease();
    this.#platform.forgetContext(this);
  }
}
