// A small machine for tests: a memory file on an array, one address space, unlimited rights, no randomness unless asked for.
import type { RandomSource } from '@sandbox-kernel/contracts';
import {
  ArrayBacking,
  chooseLayout,
  MemoryFile,
  type MemoryLimits,
  MemoryManager,
  type MemoryTuning,
} from '@sandbox-kernel/mm';
import { FakeSpace, FakeSpaces } from './fake-space.js';

export const MIB = 2 ** 20;
export const PAGE = 4096;
export const ADDRESS_LIMIT = 2 ** 47 - PAGE;

export const UNLIMITED: MemoryLimits = {
  addressSpace: Number.POSITIVE_INFINITY,
  data: Number.POSITIVE_INFINITY,
  stack: 8 * MIB,
  lockedMemory: Number.POSITIVE_INFINITY,
  canLockMemory: false,
  canMapLow: false,
};

/** xorshift32: the same numbers every time. */
export class SeededRandom implements RandomSource {
  #state = 0x9e3779b9;

  fill(into: Uint8Array, at: number, length: number): void {
    for (let k = at; k < at + length; k++) {
      this.#state ^= this.#state << 13;
      this.#state ^= this.#state >>> 17;
      this.#state ^= this.#state << 5;
      into[k] = this.#state;
    }
  }
}

export interface World {
  readonly file: MemoryFile;
  readonly space: FakeSpace;
  readonly spaces: FakeSpaces;
  readonly mm: MemoryManager;
}

export interface WorldOptions {
  readonly tuning?: Partial<MemoryTuning>;
  readonly limits?: Partial<MemoryLimits>;
  readonly capacity?: number;
  readonly memory?: number;
  readonly personality?: number;
  /** Instead of one on an array of `capacity`. */
  readonly file?: MemoryFile;
}

export const ADDR_NO_RANDOMIZE = 0x0040000;

export function world(options: WorldOptions = {}): World {
  const limit = options.memory === undefined ? {} : { limit: options.memory };
  const file = options.file ?? new MemoryFile(new ArrayBacking(options.capacity ?? 64 * MIB), limit);
  const spaces = new FakeSpaces();
  const space = new FakeSpace(null);
  const random = new SeededRandom();
  const layout = chooseLayout({
    random,
    stackLimit: 8 * MIB,
    addressLimit: ADDRESS_LIMIT,
    addressMinimum: 0x10000,
    personality: options.personality ?? ADDR_NO_RANDOMIZE,
  });
  const mm = new MemoryManager({
    file,
    space,
    random,
    layout,
    limits: { ...UNLIMITED, ...options.limits },
    tuning: { deferBytes: 0, ...options.tuning },
  });
  return { file, space, spaces, mm };
}
