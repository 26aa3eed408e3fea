// The argument page shared with the native part: arguments go in as doubles, a verb is called with none, results come back
// as its return value (>= 0 or -errno) and, where there are more, in the results area. Layout: native/state.h.
import { createRequire } from 'node:module';

/** Paths and other small inputs: two areas, each able to hold a path of PATH_MAX bytes with its NUL. */
export const PATH_A = 4096;
export const PATH_B = 12288;
export const PATH_AREA = 8192;
/** Table of (buffer, offset, length) triples for vectored transfers. */
export const SEGMENTS = 20480;
export const MAX_SEGMENTS = 1024;
/** The page itself as a buffer of segments. */
export const PAGE_BUFFER = 1;
/** Structures and bulk data that come back. */
export const DATA = 65536;
export const DATA_SIZE = 458752;
const PENDING_WORD = 1024 / 4;

/** Functions of the addon; every one takes its arguments from the page. */
export interface NativeHost {
  readonly page: ArrayBuffer;
  pageAddress(): number;
  registerBuffer(buffer: ArrayBuffer): number;
  call(): number;
  readSegments(): number;
  writeSegments(): number;
  sendSegments(): number;
  receiveSegments(): number;
  memoryOpen(): number;
  memoryClose(): number;
  memoryResize(): number;
  memoryPunch(): number;
  memoryPrepare(): number;
  memoryResident(): number;
  memoryExtent(): number;
  memoryChunk(): ArrayBuffer | number;
  watcherOpen(): number;
  watcherBell(): number;
  watcherRing(): number;
  watcherDeadline(): number;
  watcherClose(): number;
  clockStart(): number;
  clockPublish(): number;
  clockVirtualize(): number;
  clockHideProcessor(): number;
  clockRead(): number;
  spawn(): number;
  /** Where this build of the native part lies. */
  readonly folder: string;
}

/** Methods of Node's Buffer that its type declarations lack. */
interface Latin1 {
  latin1Write(text: string, offset: number, length: number): number;
  latin1Slice(start: number, end: number): string;
}

export class Door {
  readonly native: NativeHost;
  readonly args: Float64Array;
  readonly results: Float64Array;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  readonly #latin1: Latin1;
  readonly #pageAddress: number;

  constructor(native: NativeHost) {
    this.native = native;
    this.args = new Float64Array(native.page, 0, 64);
    this.results = new Float64Array(native.page, 512, 64);
    this.bytes = new Uint8Array(native.page);
    this.words = new Int32Array(native.page);
    this.view = new DataView(native.page);
    this.#latin1 = Buffer.from(native.page) as unknown as Latin1;
    this.#pageAddress = native.pageAddress();
  }

  /** True while the watcher has told of events that were not drained. */
  eventsPending(): boolean {
    return this.words[PENDING_WORD] !== 0;
  }

  clearPending(): void {
    this.words[PENDING_WORD] = 0;
  }

  /** Writes a NUL-terminated string of one byte per character. False when it does not fit. */
  putString(area: number, text: string, limit: number): boolean {
    const length = text.length;
    if (length >= limit) return false;
    if (length < 24) {
      for (let i = 0; i < length; i++) this.bytes[area + i] = text.charCodeAt(i);
    } else {
      this.#latin1.latin1Write(text, area, length);
    }
    this.bytes[area + length] = 0;
    return true;
  }

  getString(area: number, length: number): string {
    return this.#latin1.latin1Slice(area, area + length);
  }

  /** Writes, at byte `at` of the page, the address of byte `target` of the page: for structures that hold pointers. */
  putPointer(at: number, target: number): void {
    this.view.setBigUint64(at, BigInt(this.#pageAddress + target), true);
  }

  /**
   * System call `number` with six arguments. Bit i of `pointers` says that argument i is an offset into the page.
   * Returns the result or -errno.
   */
  call(
    number: number,
    pointers: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
  ): number {
    const args = this.args;
    args[0] = number;
    args[1] = a;
    args[2] = b;
    args[3] = c;
    args[4] = d;
    args[5] = e;
    args[6] = f;
    args[7] = pointers;
    return this.native.call();
  }
}

/** The door of this environment. All doors of one environment share one page. */
export function openDoor(): Door {
  const load = createRequire(import.meta.url);
  return new Door(load('@sandbox-kernel/host/binding') as NativeHost);
}
