// Clocks with a TSC to rely on and without: C libraries find the vDSO and make no call for a reading; where the TSC is not to be trusted
// every reading is a call, and the programs about clocks see no difference.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  compileGuest,
  describeDifference,
  guestOptions,
  longPlatforms,
  platforms,
  runNative,
} from '../support/native.js';
import { itWith, whereIs } from '../support/tools.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;
const readings = `${root}tests/programs/sources/readings.c`;
const world = mkdtempSync('/tmp/sandbox-clocks-');
afterAll(() => rmSync(world, { recursive: true, force: true }));

const CLOCKSOURCE = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/', TERM: 'dumb', LANG: 'C' };
const OFF = { SANDBOX_TSC: 'off' };

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

function sandboxed(platform: string, options: readonly string[], program: readonly string[]): string[] {
  const env = Object.entries(ENVIRONMENT).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  return [
    process.execPath,
    cli,
    'run',
    '--platform',
    platform,
    '-w',
    '/',
    ...env,
    ...options,
    '--',
    ...program,
  ];
}

function run(command: readonly string[], env: Record<string, string> = {}): Outcome {
  const [program = '', ...args] = command;
  const { stdout, stderr, status } = spawnSync(program, args, {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? ENVIRONMENT.PATH, ...env },
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { stdout, stderr, status: status ?? -1 };
}

/** How many calls a program's readings became. */
function callsFor(platform: string, program: string, wrap: readonly string[] = [], env = {}): number {
  const options = ['--strace=clock_gettime,gettimeofday,time'];
  const { stdout, stderr, status } = run([...wrap, ...sandboxed(platform, options, [program])], env);
  expect({ stdout, status }, stderr).toEqual({ stdout: 'bad 0\n', status: 0 });
  return stderr.split('\n').filter((line) => line !== '').length;
}

function compile(compiler: string, ...flags: string[]): string {
  const program = `${world}/${compiler}${flags.join('')}`;
  const { stderr, status } = spawnSync(compiler, ['-O1', ...flags, readings, '-o', program], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${compiler}: ${stderr}`);
  return program;
}

/** Elsewhere it may be trusted or not: it is measured. */
const trusted = existsSync(CLOCKSOURCE) && readFileSync(CLOCKSOURCE, 'utf8').trim() === 'tsc';

describe.each(platforms())('on %s', (platform) => {
  describe.runIf(trusted)('with a TSC to rely on', () => {
    it('glibc makes no call for a reading', () => {
      expect(callsFor(platform, compile('gcc'))).toBe(0);
      expect(callsFor(platform, compile('gcc', '-static'))).toBe(0);
    });

    itWith('musl-gcc')('musl makes no call for a reading', () => {
      expect(callsFor(platform, compile('musl-gcc', '-static'))).toBe(0);
    });
  });

  it('without one, every reading is a call', () => {
    expect(callsFor(platform, compile('gcc'), [], OFF)).toBeGreaterThanOrEqual(9000);
  });

  const canHide =
    whereIs('unshare') !== null && run(['unshare', '-m', 'mount', '--bind', '/tmp', '/mnt']).status === 0;
  it.runIf(canHide)('where the host itself has no trust in it, neither has the sandbox', () => {
    writeFileSync(`${world}/clocksource`, 'hpet\n');
    const hidden = [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount --bind ${world}/clocksource ${CLOCKSOURCE} && exec "$@"`,
      'sh',
    ];
    expect(callsFor(platform, compile('gcc'), hidden)).toBeGreaterThanOrEqual(9000);
  });

  // A hundred thousand readings, each a trap: enough on one platform.
  if (!longPlatforms().includes(platform)) return;
  const programs = readdirSync(`${root}tests/guest/timer`).filter((name) => name.endsWith('.c'));
  it.each(programs)('timer/%s sees no difference without it', async (name) => {
    const source = `${root}tests/guest/timer/${name}`;
    const program = compileGuest(source);
    const { args } = guestOptions(source);
    const native = await runNative(program, args, 'self');
    const without = run(sandboxed(platform, [], [program, ...args]), OFF);
    expect(describeDifference(native, without)).toBe('');
  });
});
