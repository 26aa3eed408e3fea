// Virtual time and seeds: two runs of a program whose output depends on clocks and random numbers give the same bytes; time runs as
// fast as it is told to.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { compileGuest, platforms } from '../support/native.js';
import { itWith } from '../support/tools.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;
/** Of its own: what lies beside a script is among the things that Python looks at. */
const world = mkdtempSync('/tmp/sandbox-time-');
afterAll(() => rmSync(world, { recursive: true, force: true }));

const PYTHON = `
import os, random, secrets, subprocess, tempfile, time, uuid
print(random.random(), hash("abc"), uuid.uuid4(), uuid.uuid1(), secrets.token_hex(8), {f"k{i}" for i in range(5)})
for clock in (0, 1, 2, 3, 4, 5, 6, 7, 11): print(clock, time.clock_gettime_ns(clock))
with tempfile.NamedTemporaryFile() as f: print(f.name, os.stat(f.name).st_mtime_ns, id(f))
start = time.time(); time.sleep(2.5); print(time.time() - start)
print(subprocess.run(["sh", "-c", "echo $$; date; cat /proc/self/stat /proc/uptime"], capture_output=True, text=True).stdout)
print([line for line in open("/proc/stat") if line.startswith("btime")], open("/proc/self/maps").readlines()[-3:])
print(open("/proc/sys/kernel/random/boot_id").read(), open("/proc/sys/kernel/random/uuid").read())
start = time.perf_counter(); turns = 0
while time.perf_counter() - start < 0.005: turns += 1
print(turns, os.times())
`;

const BASH = `
echo $RANDOM $SRANDOM $SECONDS $EPOCHREALTIME $$; sleep 1; echo $SECONDS $EPOCHREALTIME
(echo $BASHPID $RANDOM) | cat; time true; mktemp -u; head -c 16 /dev/urandom | od -An -tx1
timeout 1 sh -c 'while :; do :; done'; echo $?; touch /tmp/new; stat -c %y /tmp/new
`;

writeFileSync(`${world}/script.py`, PYTHON);
writeFileSync(`${world}/script.sh`, BASH);

function run(options: readonly string[], command: readonly string[]): string {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const args = [cli, 'run', '-w', '/', '-e', 'PATH=/usr/bin:/bin', ...options, '--', ...command];
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect([status, signal], stderr).toEqual([0, null]);
  return stdout + stderr;
}

const START = ['--time', '2024-02-29T12:00:00Z'];

describe.each(platforms())('on %s', (platform) => {
  const on = ['--platform', platform];

  const scripts = { '/usr/bin/python3': 'script.py', '/bin/bash': 'script.sh' };
  for (const [program, script] of Object.entries(scripts)) {
    itWith(program)(`${program} gives the same bytes each time, and others for another seed`, () => {
      const command = [program, `${world}/${script}`];
      const first = run([...on, ...START, '--seed', '7'], command);
      expect(first).toContain('1709208');
      expect(run([...on, ...START, '--seed', '7'], command)).toBe(first);
      expect(run([...on, ...START, '--seed', '8'], command)).not.toBe(first);
    });
  }

  it('starts at the very moment, and sleeps without waiting', () => {
    const started = performance.now();
    expect(run([...on, ...START], ['sh', '-c', 'date -u +%FT%T; sleep 86400; date -u +%FT%T'])).toBe(
      '2024-02-29T12:00:00\n2024-03-01T12:00:00\n',
    );
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  it('runs at the speed it is told, by all clocks alike', () => {
    const out = run(
      [...on, '--time', '@1700000000,x1000'],
      ['sh', '-c', 'date +%s; cut -d" " -f1 /proc/uptime; sleep 3600; date +%s; cut -d" " -f1 /proc/uptime'],
    );
    const [wall = 0, up = 0, laterWall = 0, laterUp = 0] = out.trim().split('\n').map(Number);
    expect(wall).toBeGreaterThanOrEqual(1700000000);
    expect(laterWall - wall).toBeGreaterThanOrEqual(3600);
    expect(Math.abs(laterWall - wall - (laterUp - up))).toBeLessThan(laterUp / 2);
  });

  it.each(['2024-02-29,x10', '2024-02-29,x0.5', '2024-02-29'])(
    'keeps every clock and timer right: %s',
    (time) => {
      const program = compileGuest(`${root}tests/guest/timer/all-clocks.c`);
      expect(run([...on, '--time', time], [program])).toBe(run(on, [program]));
    },
  );
});
