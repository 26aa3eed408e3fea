// What a benchmark is: a command that both sides run, and how its figure is read.

export interface World {
  /** Path of the compiled bench/guest/bench.c. */
  readonly guest: string;
  /** Scratch folder on the host, removed at the end. */
  readonly folder: string;
}

export interface Benchmark {
  readonly name: string;
  /** `self`: the program prints ns per operation. `process`: the whole process is timed. */
  readonly timing: 'self' | 'process';
  readonly command: (world: World) => readonly string[];
  /** More flags for `sandbox-cli run`, such as mounts. */
  readonly flags?: (world: World) => readonly string[];
  /** Prepares the world once; false: what it needs is not installed. */
  readonly prepare?: (world: World) => boolean;
}

export interface Column {
  readonly name: string;
  readonly wrap: (command: readonly string[], flags: readonly string[]) => readonly string[];
}

export interface Row {
  readonly benchmark: string;
  readonly column: string;
  readonly nativeNs: number;
  readonly sandboxNs: number;
  /** Median of the ratios of alternating pairs, and the smallest and largest of them. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly error?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
