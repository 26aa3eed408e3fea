// The native engine: one object per platform, verbs without arguments, one page for arguments and results (native/engine.h).
import { createRequire } from 'node:module';

export interface NativeEngine {
  page(): ArrayBuffer;
  commands(): ArrayBuffer;
  frames(): ArrayBuffer;
  open(): number;
  close(): number;
  spaceCreate(): number;
  spaceDestroy(): number;
  spaceFlush(): number;
  spaceFile(): number;
  contextCreate(): number;
  contextResume(): number;
  contextInterrupt(): number;
  contextRelease(): number;
  contextCpu(): number;
  fpuSave(): number;
  fpuRestore(): number;
  fpuReset(): number;
  wait(): number;
  clock(): number;
}

export const FRAMES_PER_BLOCK = 256;
export const FPU_AREA = 4096;
export const FPU_AREA_SIZE = 28 * 1024;

/** Names of the counters, in the order of native/engine.h. */
export const COUNTERS = [
  'traps',
  'syscalls',
  'faults',
  'interrupts',
  'injectedCalls',
  'commands',
  'commandRuns',
  'threads',
  'spaces',
  'bells',
  'swallowedSignals',
  'pinned',
] as const;

export class Engine {
  readonly native: NativeEngine;
  readonly args: Float64Array;
  readonly results: Float64Array;
  readonly counters: Float64Array;
  readonly bytes: Uint8Array;

  constructor(native: NativeEngine) {
    const page = native.page();
    this.native = native;
    this.args = new Float64Array(page, 0, 64);
    this.results = new Float64Array(page, 512, 64);
    this.counters = new Float64Array(page, 1024, COUNTERS.length);
    this.bytes = new Uint8Array(page);
  }
}

export function createEngine(): Engine {
  const load = createRequire(import.meta.url);
  const binding = load('@sandbox-kernel/platform-ptrace/binding') as { create(): NativeEngine };
  return new Engine(binding.create());
}
