// The native engine of one platform: verbs without arguments, one page for arguments and results (native/platform.h), and the numbers
// in which the platforms differ.

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
  spacePermit(): number;
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

/** What a platform's native part fixes: its engine.h. */
export interface StubConstants {
  /** Names of the counters, in the order of `Counter`. */
  readonly counters: readonly string[];
  /** Bytes of the page for extended state, from FPU_AREA. */
  readonly fpuAreaSize: number;
  /** The lowest descriptor of a stub that is free for the guest's files. */
  readonly firstFile: number;
  /** Where the commands of space 0 begin in `commands()`, how far apart those of the next ones are (both in 4-byte words), and how many fit. */
  readonly firstBlockWord: number;
  readonly blockStrideWords: number;
  readonly maxCommands: number;
}

/** What the native `wait` answers below zero. */
export const WAIT_BELL = -1;
export const WAIT_NOTHING = -2;

export const FRAMES_PER_BLOCK = 256;
export const FPU_AREA = 4096;

export class StubEngine {
  readonly native: NativeEngine;
  readonly constants: StubConstants;
  readonly args: Float64Array;
  readonly results: Float64Array;
  readonly counters: Float64Array;
  readonly bytes: Uint8Array;

  constructor(native: NativeEngine, constants: StubConstants) {
    const page = native.page();
    this.native = native;
    this.constants = constants;
    this.args = new Float64Array(page, 0, 64);
    this.results = new Float64Array(page, 512, 64);
    this.counters = new Float64Array(page, 1024, constants.counters.length);
    this.bytes = new Uint8Array(page);
  }
}
