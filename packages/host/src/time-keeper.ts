// The clock of a sandbox (native/clock.cpp): the host's CLOCK_MONOTONIC and wall time, read from the TSC where it can be relied on, and
// the parameter page from which the vDSO (vdso(7)) reads the same. It is adjusted only when it is read.
import type { Door } from './door.js';
import type { MemoryFile } from './memory-file.js';

const SECONDS_RESULT = 62;
const NANOS_RESULT = 63;

/** Fills contracts' role Clock. */
export class TimeKeeper {
  /** Readings come from the TSC; else from clock_gettime(2). */
  readonly fast: boolean;
  readonly #door: Door;

  constructor(door: Door, fast: boolean) {
    this.fast = fast;
    this.#door = door;
  }

  /** ns; never less than what this or the vDSO said before. */
  monotonic(): number {
    return this.#door.native.clockRead();
  }

  /** Wall time is monotonic() plus this, as of the last reading; changes when the host's wall clock is stepped. */
  get realtimeSeconds(): number {
    return this.#door.results[SECONDS_RESULT] as number;
  }

  get realtimeNanos(): number {
    return this.#door.results[NANOS_RESULT] as number;
  }

  /**
   * Virtual time from now on, `scale` times as fast as the host's: the monotonic clock starts at `base` ns, the wall clock is `seconds`
   * and `nanos` ahead of it and heeds the host's no more. With scale 0 the caller keeps time: nothing is read from the page. Before
   * `publish`. The host's CLOCK_MONOTONIC at that moment, or -errno.
   */
  virtualize(scale: number, seconds: number, nanos: number, base: number): number {
    const { args, native } = this.#door;
    args[0] = Math.round(scale * 2 ** 32);
    args[1] = seconds;
    args[2] = nanos;
    args[3] = base;
    return native.clockVirtualize();
  }

  /** Keeps the page at `offset` of the file for the vDSO from now on. 0 or -errno. */
  publish(memory: MemoryFile, offset: number, processors: number): number {
    const { args, native } = this.#door;
    args[0] = -memory.buffer;
    args[1] = offset;
    args[2] = processors;
    return Math.min(native.clockPublish(), 0);
  }

  /** The vDSO asks the kernel for the processor's number from now on. */
  hideProcessor(): void {
    this.#door.native.clockHideProcessor();
  }
}

/** Takes about 2 ms. One per environment; -EBUSY for a second one. `fast` false: without the TSC. */
export function startTimeKeeper(door: Door, fast = true): TimeKeeper | number {
  door.args[0] = fast ? 0 : 1;
  const result = door.native.clockStart();
  return result < 0 ? result : new TimeKeeper(door, result === 1);
}
