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
  {
    name: 'patching',
    kind: 'value',
    value: 'WHEN',
    help: 'make places that call the kernel faster: hot (default), first, off',
  },
  {
    name: 'network',
    kind: 'value',
    value: 'MODE',
    help: 'none (default), user (under rules), tap:NAME, tap:fd=N, switch:PATH, user,switch:PATH, host (no rules)',
  },
  {
    name: 'allow-net',
    kind: 'list',
    value: 'RULE',
    help: 'let through NAME, *.NAME, ADDRESS[/N], each with :PORTS, or * (public); first match decides',
  },
  { name: 'deny-net', kind: 'list', value: 'RULE', help: 'refuse the same; implies --network user' },
  { name: 'net-audit', kind: 'flag', help: 'let everything pass, and report what would be refused' },
  { name: 'net-log', kind: 'flag', help: 'print connections, names and refusals to stderr' },
  {
    name: 'publish',
    short: 'p',
    kind: 'list',
    value: '[IP:]HOST:GUEST[/udp]',
    help: 'lead a port of this machine (127.0.0.1) to one inside',
  },
  { name: 'dns', kind: 'list', value: 'ADDRESS', help: "name server to ask (default: this machine's)" },
  {
    name: 'upstream-proxy',
    kind: 'value',
    value: 'URL',
    help: 'carry TCP on by http://ADDRESS:PORT or socks5://ADDRESS:PORT',
  },
  { name: 'net-rate', kind: 'value', value: 'BYTES', help: 'cap on bytes a second, such as 10m' },
  { name: 'net-bytes', kind: 'value', value: 'BYTES', help: 'cap on bytes in all' },
  { name: 'net-address', kind: 'list', value: 'ADDRESS/N', help: "tap: the guest's address" },
  { name: 'net-gateway', kind: 'list', value: 'ADDRESS', help: 'tap: the way out' },
  { name: 'pcap', kind: 'value', value: 'FILE', help: 'write what passes the link and lo, as pcapng' },
  {
    name: 'strace',
    kind: 'optional',
    value: 'CALLS',
    implied: 'all',
    help: 'print system calls to stderr, all or a comma list',
  },
  {
    name: 'diff',
    kind: 'optional',
    value: 'DIR',
    implied: '/',
    help: 'afterwards print what changed as a diff; with =DIR below it only, names relative to it',
  },
  {
    name: 'apply',
    kind: 'optional',
    value: 'PATH',
    implied: '/',
    help: 'after success carry the changes out on the host: all, or with =PATH those at and below it',
  },
  { name: 'dry-run', kind: 'flag', help: 'with --apply: look for conflicts and list, change nothing' },
  { name: 'overwrite', kind: 'flag', help: 'with --apply: also where the host has changed since' },
  { name: 'privileged', kind: 'flag', help: 'with --apply: also device nodes, set-id bits, capabilities' },
  {
    name: 'export',
    kind: 'value',
    value: 'FILE',
    help: 'afterwards write the changes as an archive; - for stdout, .gz compresses',
  },
  { name: 'export-format', kind: 'value', value: 'NAME', help: 'tar (default) or oci (an image layer)' },
  { name: 'json', kind: 'flag', help: 'print one JSON object with exit code, output and usage' },
  { name: 'help', short: 'h', kind: 'flag', help: 'show this' },
];

export const SWITCH_OPTIONS: readonly OptionRow[] = [
  { name: 'mtu', kind: 'value', value: 'BYTES', help: 'largest packet (default: 1500)' },
  { name: 'seed', kind: 'value', value: 'N', help: 'make its randomness follow from this number' },
  { name: 'help', short: 'h', kind: 'flag', help: 'show this' },
];

export const DOCTOR_OPTIONS: readonly OptionRow[] = [
  { name: 'json', kind: 'flag', help: 'print the findings as one JSON object' },
  { name: 'help', short: 'h', kind: 'flag', help: 'show this' },
];
