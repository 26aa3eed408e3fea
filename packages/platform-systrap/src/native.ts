// The native engine: one object per platform, verbs without arguments, one page for arguments and results (native/engine.h).
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

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
export const FPU_AREA_SIZE = 12 * 1024;
/** Where `open` finds the stub's executable. */
const STUB_AREA = 4096;

/** Names of the counters, in the order of native/engine.h. */
export const COUNTERS = [
  'traps',
  'syscalls',
  'faults',
  'interrupts',
  'commands',
  'batches',
  'threads',
  'spaces',
  'sleeps',
  'spins',
  'wakes',
  'swallowedSignals',
  'modeChanges',
  'patched',
  'trapped',
  'spills',
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

/** A new engine with the stub's executable in its page. */
export function createEngine(): Engine {
  const load = createRequire(import.meta.url);
  const binding = load('@sandbox-kernel/platform-systrap/binding') as {
    readonly folder: string;
    create(): NativeEngine;
  };
  const engine = new Engine(binding.create());
  const stub = readFileSync(join(binding.folder, 'systrap_stub'));
  if (stub.length > engine.bytes.length - STUB_AREA) throw new Error('the stub is larger than its area');
  engine.bytes.set(stub, STUB_AREA);
  engine.args[2] = stub.length;
  return engine;
}
