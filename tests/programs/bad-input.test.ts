// What users get wrong: each gives its exit code and one clear sentence on stderr, and leaves no process behind.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { compileGuest, platforms, users } from '../support/native.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const world = mkdtempSync('/tmp/sandbox-bad-input-');
spawnSync('chmod', ['755', world]);
writeFileSync(`${world}/text`, 'no program\n', { mode: 0o644 });
writeFileSync(`${world}/empty`, '', { mode: 0o755 });
writeFileSync(`${world}/truncated`, readFileSync('/bin/true').subarray(0, 100), { mode: 0o755 });
writeFileSync(`${world}/no-interpreter`, '#!/nowhere/sh\n', { mode: 0o755 });
writeFileSync(`${world}/other-machine`, Buffer.from(readFileSync('/bin/true')).fill(0xb7, 18, 19), {
  mode: 0o755,
});
afterAll(() => rmSync(world, { recursive: true, force: true }));

const CASES: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['command missing', ['run', '--', 'no-such-program'], 127, /no-such-program/],
  ['path missing', ['run', '--', '/no/such/program'], 127, /\/no\/such\/program/],
  ['not executable', ['run', '--', `${world}/text`], 126, /text/],
  ['a directory', ['run', '--', world], 126, /sandbox-bad-input/],
  ['an empty file', ['run', '--', `${world}/empty`], 126, /empty/],
  ['a truncated ELF file', ['run', '--', `${world}/truncated`], 126, /truncated/],
  ["another machine's ELF file", ['run', '--', `${world}/other-machine`], 126, /other-machine/],
  [
    'a script whose interpreter is missing',
    ['run', '--', `${world}/no-interpreter`],
    127,
    /no-interpreter|nowhere/,
  ],
  ['no command', ['run'], 125, /sandbox-cli/],
  [
    'a bind mount source that does not exist',
    ['run', '-v', '/no/such/source:/mnt', '--', '/bin/true'],
    125,
    /\/no\/such\/source/,
  ],
  ['an unknown flag', ['run', '--timeuot', '1s', '--', '/bin/true'], 125, /--timeout/],
  ['an unknown platform', ['run', '--platform', 'ptrcae', '--', '/bin/true'], 125, /ptrace/],
  ['a bad duration', ['run', '--timeout', 'soon', '--', '/bin/true'], 125, /timeout|soon/],
  ['an unknown command', ['rnu'], 125, /run/],
  [
    'a working directory that does not exist',
    ['run', '-w', '/no/such/folder', '--', '/bin/true'],
    125,
    /\/no\/such\/folder/,
  ],
];

const ENDINGS: readonly (readonly [string, readonly string[], number])[] = [
  ['its own exit code', ['run', '--', '/bin/sh', '-c', 'exit 3'], 3],
  ['128 + 15 when terminated', ['run', '--', '/bin/sh', '-c', 'kill -TERM $$'], 143],
  ['128 + 9 when killed', ['run', '--', '/bin/sh', '-c', 'kill -KILL $$'], 137],
  ['128 + 11 after a fault', ['run', '--', '/bin/sh', '-c', 'kill -SEGV $$'], 139],
  ['124 when timed out', ['run', '--timeout', '300ms', '--', '/bin/sleep', '60'], 124],
  [
    '124 when a whole tree is timed out',
    ['run', '--timeout', '300ms', '--', '/bin/sh', '-c', 'sleep 60 | sleep 60'],
    124,
  ],
];

/** Processes that carry the mark in their environment: whatever a run left behind. */
function leftBehind(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}

function run(args: readonly string[], user: string, mark = 'none', launcher: readonly string[] = []) {
  const command = [...launcher, process.execPath, cli, ...args];
  const full =
    user === 'self' ? command : ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...command];
  const [program = '', ...rest] = full;
  const env = { PATH: process.env['PATH'] ?? '', SANDBOX_MARK: mark };
  return spawnSync(program, rest, { encoding: 'utf8', env, cwd: '/', timeout: 60_000 });
}

describe.each(platforms())('on %s', (platform) => {
  const withPlatform = (args: readonly string[]) =>
    args[0] === 'run' && !args.includes('--platform')
      ? ['run', '--platform', platform, ...args.slice(1)]
      : args;

  describe.each(users())('as %s', (user) => {
    it.each(CASES)('%s ends with a clear sentence', (name, args, status, sentence) => {
      const mark = `mark-${process.pid}-${name.replaceAll(' ', '-')}`;
      const result = run(withPlatform(args), user, mark);
      expect({ status: result.status, stdout: result.stdout }).toEqual({ status, stdout: '' });
      expect(result.stderr).toMatch(sentence);
      expect(result.stderr).not.toMatch(/^ +at .*:\d+:\d+/m);
      expect(leftBehind(mark)).toEqual([]);
    });

    it.each(ENDINGS)('gives %s', (name, args, status) => {
      const mark = `mark-${process.pid}-${name.replaceAll(' ', '-')}`;
      expect(run(withPlatform(args), user, mark).status).toBe(status);
      expect(leftBehind(mark)).toEqual([]);
    });

    it('says so when the machine refuses what the platform needs', () => {
      const refuse = compileGuest(fileURLToPath(new URL('../support/refuse.c', import.meta.url)));
      const mark = `mark-${process.pid}-refused`;
      const needed = platform === 'ptrace' ? 'ptrace' : 'pidfd';
      const result = run(withPlatform(['run', '--', '/bin/true']), user, mark, [refuse, needed]);
      expect({ status: result.status, stdout: result.stdout }).toEqual({ status: 125, stdout: '' });
      expect(result.stderr).toMatch(/ptrace is refused.*seccomp|stub processes could not be made/);
      expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
      expect(leftBehind(mark)).toEqual([]);
    });

    it('is replaced by the other one under `auto` where the machine refuses it', () => {
      const refuse = compileGuest(fileURLToPath(new URL('../support/refuse.c', import.meta.url)));
      const mark = `mark-${process.pid}-replaced`;
      const needed = platform === 'ptrace' ? 'ptrace' : 'pidfd';
      const result = run(['run', '--', '/bin/echo', 'here'], user, mark, [refuse, needed]);
      expect({ status: result.status, stdout: result.stdout }).toEqual({ status: 0, stdout: 'here\n' });
      expect(leftBehind(mark)).toEqual([]);
    });

    it('passes every byte of standard input through', () => {
      const input = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31) & 255));
      const args = [cli, 'run', '--platform', platform, '--', '/bin/cat'];
      const result = spawnSync(process.execPath, args, { input, maxBuffer: 1 << 24, timeout: 60_000 });
      expect(result.stdout.equals(input)).toBe(true);
    });

    it('survives hostile ELF files: a program cut or flipped anywhere gives an exit code, not a crash', () => {
      const original = readFileSync('/bin/true');
      for (let i = 0; i < 24; i++) {
        const bytes = Buffer.from(original);
        for (let j = 0; j <= i % 4; j++) bytes[(i * 53 + j * 17) % 1024] = (i * 97 + j * 13) & 255;
        writeFileSync(`${world}/hostile`, i % 5 === 4 ? bytes.subarray(0, 64 + i * 40) : bytes, {
          mode: 0o755,
        });
        const args = ['run', '--timeout', '5s', '--platform', platform, '--', `${world}/hostile`];
        const { status, stderr } = run(args, user);
        expect(status, `variant ${i}`).not.toBeNull();
        expect(stderr, `variant ${i}`).not.toMatch(/internal error|invariant|^ +at .*:\d+:\d+/im);
      }
    });
  });
});
