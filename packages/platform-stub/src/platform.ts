// A platform whose guests run in stub processes: its address spaces, contexts, trap frames and descriptors. How a guest is waited for is the
// platforms' own. All calls from the thread that opened it.
import {
  type AddressSpace,
  type Context,
  type FrameMemory,
  type HostEvents,
  type Platform,
  type PlatformFeatures,
  WAIT_HOST_EVENT,
} from '@sandbox-kernel/contracts';
import { StubContext } from './context.js';
import { FRAMES_PER_BLOCK, type StubEngine } from './engine.js';
import { StubAddressSpace } from './space.js';

interface FrameBlock {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly view: DataView;
}

export abstract class StubPlatform<Events extends HostEvents = HostEvents> implements Platform {
  readonly name: string;
  readonly features: PlatformFeatures;
  protected readonly engine: StubEngine;
  protected readonly events: Events;
  readonly #commands: Uint32Array;
  readonly #frames: FrameBlock[];
  readonly #contexts: (StubContext | null)[];
  readonly #spaces: Set<StubAddressSpace>;
  /** Host descriptors that some stub may hold. */
  readonly #files: Set<number>;
  #servedHost: boolean;

  /** Pre: `engine` is open. */
  constructor(name: string, engine: StubEngine, features: PlatformFeatures, events: Events) {
    this.name = name;
    this.features = features;
    this.engine = engine;
    this.events = events;
    this.#commands = new Uint32Array(engine.native.commands());
    this.#frames = [];
    this.#contexts = [];
    this.#spaces = new Set();
    this.#files = new Set();
    this.#servedHost = false;
  }

  createAddressSpace(from: AddressSpace | null): AddressSpace | null {
    const parent = from as StubAddressSpace | null;
    // The copy must start with what was asked of the original.
    parent?.settle();
    this.engine.args[0] = parent === null ? -1 : parent.id;
    const id = this.engine.native.spaceCreate();
    if (id < 0) return null;
    const space = new StubAddressSpace(
      this,
      this.engine,
      this.#commands,
      id,
      this.engine.results[0] ?? 0,
      parent,
    );
    this.#spaces.add(space);
    return space;
  }

  permitDynamicFeatures(space: AddressSpace): number {
    const own = space as StubAddressSpace;
    own.settle();
    this.engine.args[0] = own.id;
    return this.engine.native.spacePermit();
  }

  createContext(): Context | null {
    const id = this.engine.native.contextCreate();
    if (id < 0) return null;
    const context = new StubContext(this, this.engine, id, this.#frameOf(id));
    while (this.#contexts.length <= id) this.#contexts.push(null);
    this.#contexts[id] = context;
    return context;
  }

  wait(deadline: number): number {
    if (!this.#servedHost && this.events.pending()) {
      this.#servedHost = true;
      return WAIT_HOST_EVENT;
    }
    this.#servedHost = false;
    return this.waitForGuest(deadline);
  }

  /** As `wait`, for one that has just served the host, or has nothing to serve it with. */
  protected abstract waitForGuest(deadline: number): number;

  releaseFile(fd: number): void {
    if (!this.#files.delete(fd)) return;
    for (const space of this.#spaces) space.forgetFile(fd);
  }

  statistics(): Record<string, number> {
    const out: Record<string, number> = {};
    const { constants, counters } = this.engine;
    constants.counters.forEach((name, i) => {
      out[name] = counters[i] ?? 0;
    });
    out.liveSpaces = this.#spaces.size;
    out.liveContexts = this.#contexts.reduce((sum, context) => sum + (context === null ? 0 : 1), 0);
    return out;
  }

  close(): void {
    this.#spaces.clear();
    this.events.setBell({ futexAddress: 0, pid: 0, signal: 0 });
    this.engine.native.close();
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

  forgetSpace(space: StubAddressSpace): void {
    this.#spaces.delete(space);
  }

  forgetContext(context: StubContext): void {
    this.#contexts[context.id] = null;
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
    this.engine.args[0] = index;
    const memory = this.engine.native.frames();
    const block = {
      bytes: new Uint8Array(memory),
      words: new Uint32Array(memory),
      view: new DataView(memory),
    };
    this.#frames[index] = block;
    return block;
  }
}
