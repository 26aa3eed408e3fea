// The flags of a command as data: parsing, `--help`, shell completion and "did you mean" all come from one table.

export interface OptionRow {
  readonly name: string;
  readonly short?: string;
  /** `flag`: no value. `value`: one value, last wins. `list`: may be repeated. `optional`: `--name` alone means `implied`. */
  readonly kind: 'flag' | 'value' | 'list' | 'optional';
  /** Placeholder of the value in help. */
  readonly value?: string;
  /** For `optional`. */
  readonly implied?: string;
  readonly help: string;
}

export const RUN_OPTIONS: readonly OptionRow[] = [
  {
    name: 'env',
    short: 'e',
    kind: 'list',
    value: 'NAME[=VALUE]',
    help: "set a variable, or pass this shell's",
  },
  { name: 'env-file', kind: 'list', value: 'FILE', help: 'set variables from lines NAME=VALUE' },
  {
    name: 'workdir',
    short: 'w',
    kind: 'value',
    value: 'DIR',
    help: 'directory to start in (default: the current one)',
  },
  {
    name: 'user',
    short: 'u',
    kind: 'value',
    value: 'UID[:GID]',
    help: 'run as this user (default: yourself)',
  },
  {
    name: 'volume',
    short: 'v',
    kind: 'list',
    value: 'SRC:DST[:ro]',
    help: 'mount a host directory or file, writable unless ro',
  },
  {
    name: 'mount',
    kind: 'list',
    value: 'type=bind,source=SRC,target=DST[,readonly]',
    help: 'the same, spelled out; type=tmpfs too',
  },
  { name: 'tmpfs', kind: 'list', value: 'DST[:size=BYTES]', help: 'mount an empty filesystem in memory' },
  { name: 'read-only', kind: 'flag', help: 'refuse writes to the root (EROFS)' },
  { name: 'root', kind: 'value', value: 'DIR', help: 'host directory that becomes / (default: /)' },
  { name: 'hostname', kind: 'value', value: 'NAME', help: 'host name inside (default: sandbox)' },
  { name: 'interactive', short: 'i', kind: 'flag', help: 'accepted for familiarity: stdin is always passed' },
  { name: 'tty', short: 't', kind: 'flag', help: 'give the program a terminal of its own' },
  { name: 'memory', short: 'm', kind: 'value', value: 'BYTES', help: 'cap on memory, such as 512m' },
  { name: 'pids-limit', kind: 'value', value: 'N', help: 'cap on tasks' },
  {
    name: 'timeout',
    kind: 'value',
    value: 'TIME',
    help: 'kill everything after this long, such as 30s; exit code 124',
  },
  {
    name: 'time',
    kind: 'value',
    value: 'START[,xN]',
    help: 'virtual time from START (ISO date or @seconds): in steps, or N times as fast as real',
  },
  { name: 'seed', kind: 'value', value: 'N', help: 'make all randomness follow from this number' },
  { name: 'platform', kind: 'value', value: 'NAME', help: 'how programs are run: auto, systrap, ptrace' },
  { name: 'network', kind: 'value', value: 'MODE', help: 'none (the only mode so far)' },
  {
    name: 'strace',
    kind: 'optional',
    value: 'CALLS',
    implied: 'all',
    help: 'print system calls to stderr, all or a comma list',
  },
  { name: 'json', kind: 'flag', help: 'print one JSON object with exit code, output and usage' },
  { name: 'help', short: 'h', kind: 'flag', help: 'show this' },
];

export const DOCTOR_OPTIONS: readonly OptionRow[] = [
  { name: 'json', kind: 'flag', help: 'print the findings as one JSON object' },
  { name: 'help', short: 'h', kind: 'flag', help: 'show this' },
];
