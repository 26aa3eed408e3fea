// A platform without processes: what a "guest" does when it is resumed is told by a script, so that kernel code can be driven
// trap by trap in a unit test. Mapping commands are recorded and modelled page by page.
import { EBUSY, EINVAL } from '@sandbox-kernel/abi';
import {
  type AddressSpace,
  type Context,
  FRAME_CR2,
  FRAME_CS,
  FRAME_EFLAGS,
  FRAME_ERR,
  FRAME_KIND,
  FRAME_R8,
  FRAME_R9,
  FRAME_R10,
  FRAME_RAX,
  FRAME_RDI,
  FRAME_RDX,
  FRAME_RSI,
  FRAME_SIADDR,
  FRAME_SICODE,
  FRAME_SIGNO,
  FRAME_SIZE,
  FRAME_SS,
  FRAME_SYSCALL_ARCH,
  FRAME_TRAPNO,
  type FrameMemory,
  PAGE_SIZE,
  type Platform,
  type PlatformFeatures,
  TRAP_EXCEPTION,
  TRAP_FAULT,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
  WAIT_DEADLINE,
  WAIT_HOST_EVENT,
} from '@sandbox-kernel/contracts';

const TWO_32 = 2 ** 32;
const ARGUMENTS = [FRAME_RDI, FRAME_RSI, FRAME_RDX, FRAME_R10, FRAME_R8, FRAME_R9];

/** What one scripted guest does next. */
export type ScriptedTrap =
  | { readonly kind: 'syscall'; readonly number: number; readonly args?: readonly number[] }
  | { readonly kind: 'fault'; readonly address: number; readonly error?: number; readonly signal?: number }
  | { readonly kind: 'exception'; readonly signal: number; readonly code: number; readonly vector: number };

/** Decides what a resumed context does. Null: it runs until somebody interrupts it. */
export type GuestScript = (context: ScriptedContext, space: ScriptedAddressSpace) => ScriptedTrap | null;

export interface ScriptedMapping {
  readonly fd: number;
  readonly offset: number;
  readonly prot: number;
  readonly maxProt: number;
}

export interface ScriptedCommand {
  readonly kind: 'map' | 'unmap' | 'protect';
  readonly addr: number;
  readonly length: number;
  readonly prot: number;
}

export class ScriptedAddressSpace implements AddressSpace {
  readonly commands: ScriptedCommand[];
  readonly pages: Map<number, ScriptedMapping>;
  destroyed: boolean;
  dynamicFeatures: boolean;

  constructor(from: ScriptedAddressSpace | null) {
    this.commands = [];
    this.pages = new Map(from === null ? [] : from.pages);
    this.destroyed = false;
    this.dynamicFeatures = from?.dynamicFeatures ?? false;
  }

  /** What is mapped at an address. */
  at(addr: number): ScriptedMapping | undefined {
    const page = this.pages.get(Math.floor(addr / PAGE_SIZE));
    return page === undefined ? undefined : page;
  }

  map(addr: number, length: number, fd: number, offset: number, prot: number, maxProt: number): number {
    if (addr % PAGE_SIZE !== 0 || length % PAGE_SIZE !== 0 || length <= 0) return -EINVAL;
    this.commands.push({ kind: 'map', addr, length, prot });
    for (let i = 0; i < length; i += PAGE_SIZE) {
      this.pages.set((addr + i) / PAGE_SIZE, { fd, offset: offset + i, prot, maxProt });
    }
    return 0;
  }

  unmap(addr: number, length: number): number {
    this.commands.push({ kind: 'unmap', addr, length, prot: 0 });
    for (let i = 0; i < length; i += PAGE_SIZE) this.pages.delete((addr + i) / PAGE_SIZE);
    return 0;
  }

  protect(addr: number, length: number, prot: number): number {
    this.commands.push({ kind: 'protect', addr, length, prot });
    for (let i = 0; i < length; i += PAGE_SIZE) {
      const page = this.pages.get((addr + i) / PAGE_SIZE);
      if (page !== undefined) this.pages.set((addr + i) / PAGE_SIZE, { ...page, prot });
    }
    return 0;
  }

  flush(): number {
    return 0;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

export class ScriptedContext implements Context {
  readonly id: number;
  readonly frame: FrameMemory;
  readonly #platform: ScriptedPlatform;
  /** Extended state as bytes; what `saveFpu` gives. A test makes it longer for a context that has used dynamic features. */
  fpu: Uint8Array;
  running: boolean;
  released: boolean;
  /** Flags of the last resume. */
  flags: number;
  nanos: number;

  constructor(platform: ScriptedPlatform, id: number) {
    const bytes = new Uint8Array(FRAME_SIZE);
    this.id = id;
    this.frame = { bytes, words: new Uint32Array(bytes.buffer), view: new DataView(bytes.buffer), offset: 0 };
    this.#platform = platform;
    this.fpu = new Uint8Array(platform.features.fpuSize);
    this.running = false;
    this.released = false;
    this.flags = 0;
    this.nanos = 0;
    this.frame.view.setUint16(FRAME_CS, 0x33, true);
    this.frame.view.setUint16(FRAME_SS, 0x2b, true);
    this.set(FRAME_EFLAGS, 0x202);
  }

  /** A 64-bit register as a number. */
  get(offset: number): number {
    return this.frame.view.getInt32(offset + 4, true) * TWO_32 + this.frame.view.getUint32(offset, true);
  }

  set(offset: number, value: number): void {
    this.frame.view.setUint32(offset, value >>> 0, true);
    this.frame.view.setUint32(offset + 4, Math.floor(value / TWO_32) >>> 0, true);
  }

  resume(space: AddressSpace, flags: number): number {
    if (this.running) return -EBUSY;
    this.running = true;
    this.flags = flags;
    this.#platform.run(this, space as ScriptedAddressSpace);
    return 0;
  }

  interrupt(): void {
    if (!this.running || this.#platform.isReady(this)) return;
    this.frame.view.setUint32(FRAME_KIND, TRAP_INTERRUPTED, true);
    this.#platform.deliver(this);
  }

  /** Writes a trap into the frame. */
  trap(trap: ScriptedTrap): void {
    if (trap.kind === 'syscall') this.#trapSyscall(trap.number, trap.args ?? []);
    else if (trap.kind === 'fault') this.#trapFault(trap.address, trap.error ?? 0, trap.signal ?? 11);
    else this.#trapException(trap.signal, trap.code, trap.vector);
  }

  saveFpu(into: Uint8Array, at: number): number {
    into.set(this.fpu, at);
    return this.fpu.length;
  }

  restoreFpu(from: Uint8Array, at: number, length: number): number {
    if (length > this.fpu.length) return -EINVAL;
    this.fpu.fill(0);
    this.fpu.set(from.subarray(at, at + length));
    return length;
  }

  resetFpu(): void {
    this.fpu.fill(0);
  }

  cpuNanos(): number {
    return this.nanos;
  }

  release(): void {
    this.running = false;
    this.released = true;
    this.#platform.forget(this);
  }

  #trapSyscall(number: number, args: readonly number[]): void {
    this.frame.view.setUint32(FRAME_KIND, TRAP_SYSCALL, true);
    this.frame.view.setUint32(FRAME_SYSCALL_ARCH, 0, true);
    this.set(FRAME_RAX, number);
    for (let i = 0; i < ARGUMENTS.length; i++) this.set(ARGUMENTS[i] ?? 0, args[i] ?? 0);
  }

  #trapFault(address: number, error: number, signal: number): void {
    this.#signal(TRAP_FAULT, signal, 1, 14);
    this.set(FRAME_CR2, address);
    this.set(FRAME_ERR, error);
    this.set(FRAME_SIADDR, address);
  }

  #trapException(signal: number, code: number, vector: number): void {
    this.#signal(TRAP_EXCEPTION, signal, code, vector);
  }

  #signal(kind: number, signal: number, code: number, vector: number): void {
    this.frame.view.setUint32(FRAME_KIND, kind, true);
    this.frame.view.setUint32(FRAME_SIGNO, signal, true);
    this.frame.view.setInt32(FRAME_SICODE, code, true);
    this.set(FRAME_TRAPNO, vector);
  }
}

const FEATURES: PlatformFeatures = {
  addressLimit: 0x7fff_ffff_0000,
  addressMinimum: 0x10000,
  fpuSize: 832,
  dynamicFpuSize: 832,
  xcr0Low: 7,
  xcr0High: 0,
  dynamicFeatures: 0,
  faultErrorCode: true,
  fsgsbase: false,
  patchEntry: 0,
};

export class ScriptedPlatform implements Platform {
  readonly name: string;
  readonly features: PlatformFeatures;
  readonly spaces: ScriptedAddressSpace[];
  readonly contexts: ScriptedContext[];
  readonly releasedFiles: number[];
  closed: boolean;
  /** The next `wait` tells of a host event. */
  hostEvent: boolean;
  readonly #script: GuestScript;
  readonly #ready: ScriptedContext[];
  #nextId: number;

  constructor(script: GuestScript, features: Partial<PlatformFeatures> = {}) {
    this.name = 'scripted';
    this.features = { ...FEATURES, ...features };
    this.spaces = [];
    this.contexts = [];
    this.releasedFiles = [];
    this.closed = false;
    this.hostEvent = false;
    this.#script = script;
    this.#ready = [];
    this.#nextId = 0;
  }

  permitDynamicFeatures(space: AddressSpace): number {
    (space as ScriptedAddressSpace).dynamicFeatures = true;
    return 0;
  }

  createAddressSpace(from: AddressSpace | null): ScriptedAddressSpace {
    const space = new ScriptedAddressSpace(from as ScriptedAddressSpace | null);
    this.spaces.push(space);
    return space;
  }

  createContext(): ScriptedContext {
    const context = new ScriptedContext(this, this.#nextId++);
    this.contexts.push(context);
    return context;
  }

  /** Never blocks: with nothing to serve it says that the deadline passed, or fails the test when there is none. */
  wait(deadline: number): number {
    if (this.hostEvent) {
      this.hostEvent = false;
      return WAIT_HOST_EVENT;
    }
    const next = this.#ready.shift();
    if (next !== undefined) {
      next.running = false;
      return next.id;
    }
    if (deadline === Infinity) throw new Error('wait would block for ever: no context is ready');
    return WAIT_DEADLINE;
  }

  releaseFile(fd: number): void {
    this.releasedFiles.push(fd);
  }

  statistics(): Record<string, number> {
    return { contexts: this.contexts.length, spaces: this.spaces.length };
  }

  close(): void {
    this.closed = true;
  }

  run(context: ScriptedContext, space: ScriptedAddressSpace): void {
    const trap = this.#script(context, space);
    if (trap === null) return;
    context.trap(trap);
    this.deliver(context);
  }

  deliver(context: ScriptedContext): void {
    this.#ready.push(context);
  }

  isReady(context: ScriptedContext): boolean {
    return this.#ready.includes(context);
  }

  forget(context: ScriptedContext): void {
    const index = this.#ready.indexOf(context);
    if (index >= 0) this.#ready.splice(index, 1);
  }
}

/** A script that plays a list of traps, one per resume of any context, and then spins. */
export function playTraps(traps: readonly ScriptedTrap[]): GuestScript {
  let next = 0;
  return () => traps[next++] ?? null;
}
