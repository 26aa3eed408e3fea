// The ptrace platform: guest threads run under PTRACE_SYSEMU, the sentry waits for them in waitpid. See native/engine.h for the
// processes behind it. One per thread of a process; all calls from the thread that opened it.
import {
  type AddressSpace,
  type Context,
  type FrameMemory,
  type HostEvents,
  type Platform,
  type PlatformFeatures,
  WAIT_DEADLINE,
  WAIT_HOST_EVENT,
} from '@sandbox-kernel/contracts';
import { PtraceContext } from './context.js';
import { COUNTERS, type Engine, FRAMES_PER_BLOCK } from './native.js';
import { PtraceAddressSpace } from './space.js';

/** The native wait's answers below zero. */
const WAIT_BELL = -1;
const WAIT_NOTHING = -2;
const WAIT_TICK = -4;

/** What the platform needs of the host: readiness events, and a bell at a given time. */
export interface PtraceHostEvents extends HostEvents {
  /** Rings once at `at` ns on CLOCK_MONOTONIC, without making events pending. */
  armDeadline(at: number): void;
}

export interface FrameBlock {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly view: DataView;
}

export class PtracePlatform implements Platform {
  readonly name: string;
  readonly features: PlatformFeatures;
  readonly #engine: Engine;
  readonly #events: PtraceHostEvents;
  readonly #commands: Uint32Array;
  readonly #frames: FrameBlock[];
  readonly #contexts: (PtraceContext | null)[];
  readonly #spaces: Set<PtraceAddressSpace>;
  /** Host descriptors that some stub may hold. */
  readonly #files: Set<number>;
  #armed: number;
  #servedHost: boolean;

  /** Pre: `engine` is open. */
  constructor(engine: Engine, features: PlatformFeatures, events: PtraceHostEvents) {
    this.name = 'ptrace';
    this.features = features;
    this.#engine = engine;
    this.#events = events;
    this.#commands = new Uint32Array(engine.native.commands());
    this.#frames = [];
    this.#contexts = [];
    this.#spaces = new Set();
    this.#files = new Set();
    this.#armed = 0;
    this.#servedHost = false;
  }

  createAddressSpace(from: AddressSpace | null): AddressSpace | null {
    const parent = from as PtraceAddressSpace | null;
    // The copy must start with what was asked of the original.
    parent?.settle();
    this.#engine.args[0] = parent === null ? -1 : parent.id;
    const id = this.#engine.native.spaceCreate();
    if (id < 0) return null;
    const space = new PtraceAddressSpace(
      this,
      this.#engine,
      this.#commands,
      id,
      this.#engine.results[0] ?? 0,
      parent,
    );
    this.#spaces.add(space);
    return space;
  }

  createContext(): Context | null {
    const id = this.#engine.native.contextCreate();
    if (id < 0) return null;
    const context = new PtraceContext(this, this.#engine, id, this.#frameOf(id));
    while (this.#contexts.length <= id) this.#contexts.push(null);
    this.#contexts[id] = context;
    return context;
  }

  wait(deadline: number): number {
    if (!this.#servedHost && this.#events.pending()) {
      this.#servedHost = true;
      return WAIT_HOST_EVENT;
    }
    this.#servedHost = false;
    for (;;) {
      const block = this.#prepare(deadline);
      this.#engine.args[0] = block ? 1 : 0;
      const result = this.#engine.native.wait();
      if (result === WAIT_TICK) {
        this.#ringAt(this.#engine.results[0] ?? 0);
        continue;
      }
      if (result !== WAIT_BELL && result !== WAIT_NOTHING) return result;
      if (this.#events.pending()) return WAIT_HOST_EVENT;
      if (result === WAIT_NOTHING || (deadline !== Infinity && this.#clock() >= deadline))
        return WAIT_DEADLINE;
    }
  }

  releaseFile(fd: number): void {
    if (!this.#files.delete(fd)) return;
    for (const space of this.#spaces) space.forgetFile(fd);
  }

  statistics(): Record<string, number> {
    const out: Record<string, number> = {};
    for (let i = 0; i < COUNTERS.length; i++) out[COUNTERS[i] ?? ''] = this.#engine.counters[i] ?? 0;
    out.liveSpaces = this.#spaces.size;
    out.liveContexts = this.#contexts.reduce((sum, context) => sum + (context === null ? 0 : 1), 0);
    return out;
  }

  close(): void {
    this.#spaces.clear();
    this.#events.setBell({ futexAddress: 0, pid: 0, signal: 0 });
    this.#engine.native.close();
  }

  isGuestRange(addr: number, length: number): boolean {
    const end = addr + length;
    return (
      addr >= 0 && length > 0 && end <= this.features.addressLimit && addr % 4096 === 0 && length % 4096 === 0
    );
  }

  noteFile(fd: number): void {
    this.#files.add(fd);
  }

  forgetSpace(space: PtraceAddressSpace): void {
    this.#spaces.delete(space);
  }

  forgetContext(context: PtraceContext): void {
    this.#contexts[context.id] = null;
  }

  /** Sees to it that a blocking wait ends at the deadline. False: it has passed. An earlier bell than needed does no harm. */
  #prepare(deadline: number): boolean {
    if (deadline === Infinity) return true;
    const now = this.#clock();
    if (deadline <= now) return false;
    this.#ringAt(deadline);
    return true;
  }

  /** CLOCK_MONOTONIC in ns. */
  #clock(): number {
    this.#engine.native.clock();
    return this.#engine.results[0] ?? 0;
  }

  /** A bell at `at` or before. */
  #ringAt(at: number): void {
    if (this.#armed > this.#clock() && this.#armed <= at) return;
    this.#armed = at;
    this.#events.armDeadline(Math.ceil(at));
  }

  #frameOf(id: number): FrameMemory {
    const index = Math.floor(id / FRAMES_PER_BLOCK);
    const block = this.#frames[index] ?? this.#addBlock(index);
    return {
      bytes: block.bytes,
      words: block.words,
      view: block.view,
      offset: (id % FRAMES_PER_BLOCK) * 256,
    };
  }

  #addBlock(index: number): FrameBlock {
    this.#engine.args[0] = index;
    const memory = this.#engine.native.frames();
    const block = {
      bytes: new Uint8Array(memory),
      words: new Uint32Array(memory),
      view: new DataView(memory),
    };
    this.#frames[index] = block;
    return block;
  }
}
