// `--platform auto` on hosts that refuse things: it takes systrap, where that can't work ptrace, and `doctor` gives the reason. What ran is
// known by exclusion: the other platform is refused in the same place.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileGuest } from '../support/native.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;

function run(refused: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const command = [process.execPath, cli, ...args];
  const [program = '', ...rest] =
    refused === '' ? command : [compileGuest(`${root}tests/support/refuse.c`), refused, ...command];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    env,
    cwd: '/',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, stdout, stderr };
}

const hello = (refused: string, platform: string): unknown => {
  const { status, stdout } = run(refused, 'run', '--platform', platform, '--', '/bin/echo', 'here');
  return [status, stdout];
};

/** The line of one finding. */
function finding(report: string, name: string): string {
  return report.split('\n').find((line) => line.slice(2).startsWith(name)) ?? '';
}

const RUNS = [0, 'here\n'];
const REFUSED = [125, ''];
/** What is refused; how auto, systrap and ptrace fare; what doctor says of systrap and of auto. */
const CASES: readonly [string, unknown, unknown, unknown, RegExp, RegExp][] = [
  ['', RUNS, RUNS, RUNS, /^\+ .*a program ran/, /^\+ .*takes systrap, the faster one/],
  ['ptrace', RUNS, RUNS, REFUSED, /^\+ .*a program ran/, /^\+ .*takes systrap, the faster one/],
  [
    'pidfd',
    RUNS,
    REFUSED,
    RUNS,
    /^\. .*stub processes could not be made \(EPERM\)/,
    /^\+ .*takes ptrace, as for systrap stub processes could not be made \(EPERM\)/,
  ],
  [
    'pidfd,ptrace',
    REFUSED,
    REFUSED,
    REFUSED,
    /^\. .*stub processes could not be made \(EPERM\)/,
    /^- .*neither systrap nor ptrace/,
  ],
  ['seccomp', REFUSED, REFUSED, REFUSED, /^\. .*seccomp filters are refused \(EPERM\)/, /^- .*neither/],
  [
    'exec',
    REFUSED,
    REFUSED,
    REFUSED,
    /^\. .*the stub could not be executed from memory \(EPERM\)/,
    /^- .*neither/,
  ],
];

describe.each(CASES)('with "%s" refused', (refused, auto, systrap, ptrace, ofSystrap, ofAuto) => {
  it('each platform runs or is refused, and auto takes the better one', () => {
    expect(hello(refused, 'auto')).toEqual(auto);
    expect(hello(refused, 'systrap')).toEqual(systrap);
    expect(hello(refused, 'ptrace')).toEqual(ptrace);
  });

  it('doctor says why, and its status whether sandboxes can run', () => {
    const { status, stdout } = run(refused, 'doctor');
    expect(finding(stdout, 'platform systrap')).toMatch(ofSystrap);
    expect(finding(stdout, 'platform auto')).toMatch(ofAuto);
    expect(status === 0).toBe(auto === RUNS);
  });
});
