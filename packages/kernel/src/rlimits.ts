// Resource limits (getrlimit(2)): soft and hard per process. Linux's defaults for a login, apart from what the sandbox caps.

/** fs.nr_open: the most RLIMIT_NOFILE may be. */
export const NR_OPEN = 1048576;

const MIB = 1024 * 1024;
const DEFAULT_SOFT = [
  Infinity,
  Infinity,
  Infinity,
  8 * MIB,
  0,
  Infinity,
  Infinity,
  1024,
  8 * MIB,
  Infinity,
  Infinity,
  32768,
  819200,
  0,
  0,
  Infinity,
];
const DEFAULT_HARD = [
  Infinity,
  Infinity,
  Infinity,
  Infinity,
  Infinity,
  Infinity,
  Infinity,
  1048576,
  8 * MIB,
  Infinity,
  Infinity,
  32768,
  819200,
  0,
  0,
  Infinity,
];

export class ResourceLimits {
  /** By RLIMIT_*; Infinity is RLIM_INFINITY. */
  readonly soft: Float64Array;
  readonly hard: Float64Array;

  constructor(from: ResourceLimits | null) {
    this.soft = Float64Array.from(from === null ? DEFAULT_SOFT : from.soft);
    this.hard = Float64Array.from(from === null ? DEFAULT_HARD : from.hard);
  }
}
