// What opening a platform tells: the features of the processor and the host, or in plain words why this host refuses it.
import { readFileSync } from 'node:fs';
import type { HostEvents, PlatformFeatures } from '@sandbox-kernel/contracts';
import type { StubEngine } from './engine.js';

/** The component of the extended state with AMX's tiles: native/platform.h. */
const TILE_DATA = 1 << 18;

export interface StubOptions<Events extends HostEvents> {
  /** The memory file, open for reading and writing; and open for reading only (the same descriptor where that can't be had). */
  readonly memoryFd: number;
  readonly memoryReadOnlyFd: number;
  readonly events: Events;
}

/** Why a platform can't run here. `reason` is one sentence for people; `remedy` says what to do. */
export class StubUnavailableError<Phase extends string> extends Error {
  readonly errno: number;
  readonly phase: Phase;
  readonly reason: string;
  readonly remedy: string;

  constructor(platform: string, phase: Phase, errno: number, reason: string, remedy: string) {
    super(`the ${platform} platform is not available: ${reason}. ${remedy}`);
    this.errno = errno;
    this.phase = phase;
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** Pre: the native `open` has just succeeded: its results say what it learnt. */
export function featuresOf(
  engine: StubEngine,
  addressLimit: number,
  faultErrorCode: boolean,
): PlatformFeatures {
  const { results } = engine;
  return {
    addressLimit,
    addressMinimum: addressMinimum(),
    fpuSize: results[2] ?? 0,
    dynamicFpuSize: Math.max(results[2] ?? 0, results[7] ?? 0),
    xcr0Low: results[3] ?? 0,
    xcr0High: results[4] ?? 0,
    dynamicFeatures: (results[7] ?? 0) > 0 ? TILE_DATA : 0,
    faultErrorCode,
    fsgsbase: results[5] === 1,
    patchEntry: 0,
  };
}

function addressMinimum(): number {
  try {
    const bytes = Number.parseInt(readFileSync('/proc/sys/vm/mmap_min_addr', 'latin1'), 10);
    return Math.max(4096, Math.ceil((Number.isNaN(bytes) ? 65536 : bytes) / 4096) * 4096);
  } catch {
    return 65536;
  }
}
