// Options of the host API, and their check: unknown names are refused with the nearest valid one, wrong values with what is expected.
import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { MountSpec, PatchingName, PlatformName, ProcessSpec, SandboxSpec } from '../control/messages.js';
import type { NetworkMode } from '../control/network-messages.js';
import { type NetworkOptions, type NetworkPlan, networkPlan } from './network-options.js';
import { optionError, refuseUnknownKeys, refuseUnknownValue } from './option-checks.js';
import { seedSpec, TIME_KEYS, timeSpec, type VirtualTime } from './time-option.js';

export interface SandboxOptions {
  /** How guest code runs. Default `auto`: the fastest that this machine allows. */
  readonly platform?: PlatformName;
  /**
   * Whether code that makes system calls is changed so that they cost less: `hot` (default) where a place makes many, `first` at the first
   * call, `off` never. Programs that read or copy their own code see the changes. Only on platforms that can.
   */
  readonly patching?: PatchingName;
  /** Host directory seen as `/`. Default `/`. */
  readonly root?: string;
  /** Refuse writes to the root with EROFS. Default false: writes go to a copy-on-write layer in memory. */
  readonly readOnly?: boolean;
  readonly mounts?: readonly MountSpec[];
  /** Default `sandbox`. */
  readonly hostname?: string;
  /** Cap on application memory, bytes. Default: none. */
  readonly memory?: number;
  /** Cap on tasks. Default 32768. */
  readonly pids?: number;
  /** Trace system calls: names, or `all`. */
  readonly strace?: readonly string[];
  /** Host descriptor that trace lines go to. Default 2. */
  readonly straceFd?: number;
  /** Default `none`: loopback only. A mode alone, or what it takes. */
  readonly network?: NetworkMode | NetworkOptions;
  /** Virtual time: docs/time.md. Default: the host's time. */
  readonly time?: VirtualTime;
  /** Makes every random number in the sandbox follow from this one. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

export type StdioOption = 'pipe' | 'inherit' | 'ignore' | number;

export interface SpawnOptions {
  /** Environment. Default: PATH, HOME and TERM only. */
  readonly env?: Readonly<Record<string, string>>;
  /** Directory in the sandbox. Default `/`. */
  readonly cwd?: string;
  /** Default: the caller's. */
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** For stdin, stdout and stderr. Default `pipe`. */
  readonly stdio?: StdioOption | readonly [StdioOption, StdioOption, StdioOption];
  /** Give it a terminal of this size: its three streams, relayed to stdin and stdout as `stdio` says. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
  /** Kill the process tree after this many milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface ExecOptions extends Omit<SpawnOptions, 'stdio' | 'terminal'> {
  /** Bytes for stdin; default none (end of file at once). */
  readonly input?: string | Uint8Array;
  /** Throw SandboxExitError on a non-zero exit or a signal. */
  readonly check?: boolean;
  /** Bytes kept of each of stdout and stderr. Default 64 MiB. */
  readonly maxBuffer?: number;
}

const SANDBOX_KEYS = [
  'platform',
  'patching',
  'root',
  'readOnly',
  'mounts',
  'hostname',
  'memory',
  'pids',
  'strace',
  'straceFd',
  'network',
  'time',
  'seed',
  'signal',
] as const;
export const SPAWN_KEYS = [
  'env',
  'cwd',
  'uid',
  'gid',
  'groups',
  'stdio',
  'terminal',
  'timeout',
  'signal',
] as const;
export const EXEC_KEYS = [
  ...SPAWN_KEYS.filter((key) => key !== 'stdio' && key !== 'terminal'),
  'input',
  'check',
  'maxBuffer',
] as const;
const MOUNT_KEYS = ['source', 'target', 'type', 'readOnly', 'size'] as const;
export const PLATFORMS: readonly PlatformName[] = ['auto', 'ptrace', 'systrap'];
const PATCHINGS: readonly PatchingName[] = ['off', 'first', 'hot'];

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function countOption(name: string, value: number | undefined): number {
  if (value === undefined) return 0;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw optionError(`${name} is ${value}`, `${name} takes a whole number above 0`);
}

function checkedMount(mount: MountSpec): MountSpec {
  refuseUnknownKeys(mount, MOUNT_KEYS, 'mounts');
  if (!isAbsolute(mount.target)) {
    throw optionError(
      `mount target '${mount.target}' is not absolute`,
      'give the path inside the sandbox, from /',
    );
  }
  if (mount.type !== 'tmpfs' && mount.source === undefined) {
    throw optionError(
      `mount at '${mount.target}' has no source`,
      `a ${mount.type} mount needs the host path in \`source\``,
    );
  }
  return mount.source === undefined ? mount : { ...mount, source: resolve(mount.source) };
}

/** The spec for the sentry, from the caller's options, and the descriptors that its indexes mean. */
export interface SandboxPlan {
  readonly spec: SandboxSpec;
  readonly fds: readonly number[];
  /** Those of `fds` that are to be closed once they are sent. */
  readonly toClose: readonly number[];
}

export function sandboxPlan(options: SandboxOptions): SandboxPlan {
  refuseUnknownKeys(options, SANDBOX_KEYS, 'Sandbox.create');
  if (options.time !== undefined) refuseUnknownKeys(options.time, TIME_KEYS, 'time');
  const platform = options.platform ?? 'auto';
  refuseUnknownValue('platform', platform, PLATFORMS);
  const patching = options.patching ?? 'hot';
  refuseUnknownValue('patching', patching, PATCHINGS);
  const hostname = options.hostname ?? 'sandbox';
  const traceFds = options.strace && options.strace.length > 0 ? [options.straceFd ?? 2] : [];
  const network: NetworkPlan = networkPlan(options.network, hostname, traceFds.length);
  const spec: SandboxSpec = {
    platform,
    patching,
    root: resolve(options.root ?? '/'),
    rootMode: options.readOnly ? 'read-only' : 'overlay',
    mounts: (options.mounts ?? []).map(checkedMount),
    hostname,
    memoryLimit: countOption('memory', options.memory),
    pidsLimit: countOption('pids', options.pids),
    strace: options.strace ?? [],
    straceFd: traceFds.length - 1,
    network: network.spec,
    time: timeSpec(options.time),
    seed: seedSpec(options.seed),
  };
  return { spec, fds: [...traceFds, ...network.fds], toClose: network.toClose };
}

/** The process spec; `stdio` holds descriptor indexes chosen by the caller. */
export function processSpec(
  argv: readonly string[],
  options: SpawnOptions,
  stdio: readonly [number, number, number],
): ProcessSpec {
  const env = options.env ?? { PATH: DEFAULT_PATH, HOME: '/root', TERM: 'dumb' };
  const cwd = options.cwd ?? '/';
  if (!isAbsolute(cwd))
    throw optionError(`cwd '${cwd}' is not absolute`, 'give the path inside the sandbox, from /');
  for (const word of argv) refuseNul(word, 'argument');
  return {
    argv,
    env: Object.entries(env).map(([name, value]) => envLine(name, value)),
    cwd,
    uid: options.uid ?? process.getuid?.() ?? 0,
    gid: options.gid ?? process.getgid?.() ?? 0,
    groups: options.groups ?? (options.uid === undefined ? ownGroups() : []),
    stdio,
    ...(options.terminal === undefined ? {} : { terminal: options.terminal }),
  };
}

/** Supplementary groups of this process. `process.getgroups()` adds the effective group, which the kernel's list need not hold. */
function ownGroups(): number[] {
  const line = /^Groups:[ \t]*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  return line
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

function envLine(name: string, value: string): string {
  refuseNul(name, 'environment name');
  refuseNul(value, `environment value of ${name}`);
  if (name === '' || name.includes('='))
    throw optionError(`environment name '${name}' can't be used`, "it may not be empty or contain '='");
  return `${name}=${value}`;
}

function refuseNul(text: string, what: string): void {
  if (text.includes('\0'))
    throw optionError(`${what} contains a NUL byte`, 'remove it: Linux strings end at NUL');
}
