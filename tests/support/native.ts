// Runs one guest program natively and in the sandbox and compares what the world sees of it: stdout, stderr, and exit code
// or signal. The host kernel is the oracle. Programs are C files compiled once per content into tests/.cache.
// Environment: GUEST_PLATFORMS (comma list, default "systrap,ptrace"), GUEST_USERS ("self", "nobody" or both; default both as root).
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// Guests begin at the nice value 0, whatever the caller's is; root can have native programs begin there too.
if (getPriority() > 0 && process.getuid?.() === 0) setPriority(0);

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = `${root}tests/.cache`;
const headers = [`${root}tests/guest/guest.h`, `${root}tests/privileged/privileged.h`];
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;

/** What a program's leading comment asks for: `// guest: dynamic`, `// guest: args a b`, `// guest: linux 6.11`. */
export interface GuestOptions {
  readonly dynamic: boolean;
  /** Needs ::1 on the host, to compare with. */
  readonly ipv6: boolean;
  /** The oldest kernel that can be the oracle, as a number that compares. */
  readonly linux: number;
  readonly args: readonly string[];
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; 128 + n for signal n, as shells and sandbox-cli say it. */
  readonly status: number;
}

export type User = 'self' | 'nobody';

const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Longest a guest program may take; a hang is a failure with what was printed so far. */
const LIMIT_MS = 60_000;

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

export function platforms(): string[] {
  return (process.env['GUEST_PLATFORMS'] ?? 'systrap,ptrace').split(',').filter((name) => name !== '');
}

/** For tests that take minutes: the default platform alone, unless GUEST_PLATFORMS names others. */
export function longPlatforms(): string[] {
  return process.env['GUEST_PLATFORMS'] === undefined ? platforms().slice(0, 1) : platforms();
}

export function users(): User[] {
  const named = process.env['GUEST_USERS'];
  if (named !== undefined) return named.split(',') as User[];
  return process.getuid?.() === 0 ? ['self', 'nobody'] : ['self'];
}

/** Of a kernel: 6.11 is more than 6.5. */
export function versionOf(release: string): number {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major * 1000 + minor;
}

export function guestOptions(source: string): GuestOptions {
  const text = readFileSync(source, 'utf8');
  const args = /^\/\/ guest: args (.*)$/m.exec(text)?.[1];
  return {
    dynamic: /^\/\/ guest: dynamic$/m.test(text),
    ipv6: /^\/\/ guest: ipv6$/m.test(text),
    linux: versionOf(/^\/\/ guest: linux ([\d.]+)$/m.exec(text)?.[1] ?? '0.0'),
    args: args?.split(' ') ?? [],
  };
}

// Bad pointers and sizes are what the programs are about.
const GCC_FLAGS = (
  '-O1 -g -pthread -std=gnu11 -Wall -Wextra -Werror ' +
  '-Wno-nonnull -Wno-stringop-overflow -Wno-stringop-overread -Wno-unused-result'
).split(' ');

/** Path of the compiled program. Throws with gcc's words when it does not compile. */
export function compileGuest(source: string): string {
  const flags = [...GCC_FLAGS];
  if (!guestOptions(source).dynamic) flags.push('-static');
  const hash = createHash('sha256').update(flags.join(' '));
  const folder = dirname(source);
  const own = readdirSync(folder).filter((name) => name.endsWith('.h'));
  for (const file of [source, ...headers, ...own.map((name) => `${folder}/${name}`)])
    hash.update(readFileSync(file));
  const output = `${cache}/${hash.digest('hex').slice(0, 24)}`;
  if (existsSync(output)) return output;
  mkdirSync(cache, { recursive: true, mode: 0o755 });
  const temporary = `${output}.${process.pid}`;
  const gcc = spawnSync('gcc', [...flags, source, '-o', temporary], { encoding: 'utf8' });
  if (gcc.status !== 0) throw new Error(`gcc ${source}\n${gcc.stderr}`);
  renameSync(temporary, output);
  return output;
}

function run(command: readonly string[], env: Record<string, string>): Promise<Outcome> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ stdout, stderr, status: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0) });
    });
  });
}

/** The environment that both sides see: what sandbox-cli gives by default has no say. */
const GUEST_ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/', TERM: 'dumb', LANG: 'C' };

function asUser(user: User, command: readonly string[]): string[] {
  return user === 'nobody' ? [...NOBODY, '--', ...command] : [...command];
}

export function runNative(program: string, args: readonly string[], user: User): Promise<Outcome> {
  return run(asUser(user, [program, ...args]), GUEST_ENV);
}

export function runSandboxed(
  program: string,
  args: readonly string[],
  user: User,
  platform: string,
): Promise<Outcome> {
  const flags = ['--platform', platform, '-w', '/'];
  const patching = process.env['GUEST_PATCHING'];
  if (patching !== undefined) flags.push('--patching', patching);
  for (const [name, value] of Object.entries(GUEST_ENV)) flags.push('-e', `${name}=${value}`);
  const command = [process.execPath, cli, 'run', ...flags, '--', program, ...args];
  return run(asUser(user, command), {
    PATH: process.env['PATH'] ?? GUEST_ENV.PATH,
    SANDBOX_LEAK_CHECK: '1',
  });
}

/** Lines looked ahead for the place where both texts agree again after a missing or an extra line. */
const LOOK_AHEAD = 12;

/** How many lines of each side to skip from (i, j) until both agree; 1 and 1 when they don't soon. */
function resync(left: readonly string[], right: readonly string[], i: number, j: number): [number, number] {
  for (let distance = 1; distance <= LOOK_AHEAD; distance++) {
    for (let skip = 0; skip <= distance; skip++) {
      const a = i + skip;
      const b = j + distance - skip;
      if (a < left.length && left[a] === right[b]) return [skip, distance - skip];
    }
  }
  return [1, 1];
}

function sideBySide(native: string, sandboxed: string): string {
  const left = native.split('\n');
  const right = sandboxed.split('\n');
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while ((i < left.length || j < right.length) && lines.length < 40) {
    if (left[i] === right[j]) {
      i++;
      j++;
      continue;
    }
    if (lines.length === 0 && i > 0) lines.push(`  ${i}         ${left[i - 1]}`);
    const [a, b] = resync(left, right, i, j);
    for (let n = 0; n < a; n++) lines.push(`! ${i + n + 1} native  ${left[i + n] ?? '(end)'}`);
    for (let n = 0; n < b; n++) lines.push(`! ${j + n + 1} sandbox ${right[j + n] ?? '(end)'}`);
    i += a;
    j += b;
  }
  return lines.join('\n');
}

/** Empty when both are the same; else what differs, line by line. */
export function describeDifference(native: Outcome, sandboxed: Outcome): string {
  const parts: string[] = [];
  if (native.status !== sandboxed.status) {
    parts.push(`status: native ${native.status}, sandbox ${sandboxed.status}`);
  }
  if (native.stdout !== sandboxed.stdout) {
    parts.push(`stdout:\n${sideBySide(native.stdout, sandboxed.stdout)}`);
  }
  if (native.stderr !== sandboxed.stderr) {
    parts.push(`stderr:\n${sideBySide(native.stderr, sandboxed.stderr)}`);
  }
  return parts.join('\n');
}
