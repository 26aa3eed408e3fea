// Small questions to the host: time, randomness, processors, limits.
import {
  SYS_clock_gettime,
  SYS_getcpu,
  SYS_getrandom,
  SYS_prlimit64,
  SYS_sched_getaffinity,
  SYS_sched_setaffinity,
} from '@sandbox-kernel/abi';
import { DATA, DATA_SIZE, type Door } from './door.js';

const TWO_32 = 2 ** 32;
const CPU_BYTES = 128;
/** RLIM_INFINITY as it is told here. */
export const UNLIMITED = Infinity;

export class HostSystem {
  readonly #door: Door;
  /** Of the last `limit`. */
  soft: number;
  hard: number;

  constructor(door: Door) {
    this.#door = door;
    this.soft = 0;
    this.hard = 0;
  }

  /** A clock in ns: exact for CLOCK_MONOTONIC in the first 104 days, rounded beyond 2^53. -errno: no such clock. */
  clock(id: number): number {
    const result = this.#door.call(SYS_clock_gettime, 2, id, DATA, 0, 0, 0, 0);
    return result < 0 ? result : this.#seconds() * 1e9 + this.#nanos();
  }

  /** Whole seconds and nanoseconds of a clock, into `out`. */
  clockParts(id: number, out: Float64Array): number {
    const result = this.#door.call(SYS_clock_gettime, 2, id, DATA, 0, 0, 0, 0);
    out[0] = this.#seconds();
    out[1] = this.#nanos();
    return result;
  }

  /** Fills with the host's random bytes. 0 or -errno. */
  random(into: Uint8Array, at: number, length: number): number {
    let done = 0;
    while (done < length) {
      const result = this.#door.call(SYS_getrandom, 1, DATA, Math.min(length - done, DATA_SIZE), 0, 0, 0, 0);
      if (result < 0) return result;
      into.set(this.#door.bytes.subarray(DATA, DATA + result), at + done);
      done += result;
    }
    return 0;
  }

  currentCpu(): number {
    const result = this.#door.call(SYS_getcpu, 1, DATA, 0, 0, 0, 0, 0);
    return result < 0 ? result : this.#door.view.getUint32(DATA, true);
  }

  /** Processors that thread `tid` (0: this one) may use. */
  affinity(tid: number): number[] {
    const length = this.#door.call(SYS_sched_getaffinity, 4, tid, CPU_BYTES, DATA, 0, 0, 0);
    const cpus: number[] = [];
    for (let i = 0; i < length * 8; i++) {
      if (((this.#door.bytes[DATA + (i >> 3)] ?? 0) & (1 << (i & 7))) !== 0) cpus.push(i);
    }
    return cpus;
  }

  setAffinity(tid: number, cpus: readonly number[]): number {
    this.#door.bytes.fill(0, DATA, DATA + CPU_BYTES);
    for (const cpu of cpus) {
      const at = DATA + (cpu >> 3);
      if (cpu < CPU_BYTES * 8) this.#door.bytes[at] = (this.#door.bytes[at] ?? 0) | (1 << (cpu & 7));
    }
    return this.#door.call(SYS_sched_setaffinity, 4, tid, CPU_BYTES, DATA, 0, 0, 0);
  }

  /** Reads RLIMIT_* `resource` of this process into `soft` and `hard`. 0 or -errno. */
  limit(resource: number): number {
    const result = this.#door.call(SYS_prlimit64, 8, 0, resource, 0, DATA, 0, 0);
    if (result < 0) return result;
    this.soft = this.#limitAt(DATA);
    this.hard = this.#limitAt(DATA + 8);
    return 0;
  }

  setLimit(resource: number, soft: number, hard: number): number {
    this.#putLimit(DATA, soft);
    this.#putLimit(DATA + 8, hard);
    return this.#door.call(SYS_prlimit64, 4, 0, resource, DATA, 0, 0, 0);
  }

  #limitAt(at: number): number {
    const { view } = this.#door;
    const high = view.getUint32(at + 4, true);
    return high === 0xffffffff ? UNLIMITED : high * TWO_32 + view.getUint32(at, true);
  }

  #putLimit(at: number, value: number): void {
    const { view } = this.#door;
    view.setUint32(at, value === UNLIMITED ? 0xffffffff : value >>> 0, true);
    view.setUint32(at + 4, value === UNLIMITED ? 0xffffffff : Math.floor(value / TWO_32), true);
  }

  #seconds(): number {
    const { view } = this.#door;
    return view.getInt32(DATA + 4, true) * TWO_32 + view.getUint32(DATA, true);
  }

  #nanos(): number {
    return this.#door.view.getUint32(DATA + 8, true);
  }
}
