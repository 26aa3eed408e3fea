// An idle sandbox does nothing: while its program waits, in whatever way, no thread of the sentry and of the stubs below it wakes up, and
// none uses a processor. Counted by the host kernel; all sandboxes at once, over the same seconds.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pause, sampleTrees, WAITERS } from '../../bench/idle.js';
import { longPlatforms } from '../support/native.js';
import { whereIs } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const SECONDS = 5;
/** Switches in that time over all threads. A tick of any kind, even one a second, would cost as many. */
const ALLOWED = 3;
const TRIES = 8;

/** Without redis-server, which wakes up by itself. Node looks at its connections every 30 s, natively too. */
const waiters = Object.entries(WAITERS).filter(
  ([name, [program = '']]) => name !== 'redis' && whereIs(program) !== null,
);
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ...waiters.map(([name, command]) => [name, ['--', ...command]] as const),
  ['a pipe that nobody writes to', ['--', 'sh', '-c', 'sleep 600 | cat']],
  ['virtual time that runs', ['--time', '2024-01-01,x2', '--', 'sleep', '600']],
];

interface Least {
  switches: number;
  ticks: number;
}

const calm = ({ switches, ticks }: Least): boolean => switches <= ALLOWED && ticks === 0;

describe.each(longPlatforms())('on %s', (platform) => {
  it('programs that wait cost nothing', async () => {
    const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
    const children = CASES.map(([, words]) =>
      spawn(process.execPath, [cli, 'run', '--platform', platform, ...words], { stdio: 'ignore', env }),
    );
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    const sample = () => children.map((child) => sampleTrees([child.pid ?? 0]));
    const infinite = Number.POSITIVE_INFINITY;
    const least: Least[] = CASES.map(() => ({ switches: infinite, ticks: infinite }));
    try {
      // The first spans are those of the start, and of collectors that come a little later.
      for (let round = 0; round < TRIES && !least.every(calm); round++) {
        const before = sample();
        await pause(SECONDS * 1000);
        sample().forEach((after, i) => {
          // This process, the sentry, and at least one that guest code runs in.
          expect(after.processes, CASES[i]?.[0]).toBeGreaterThan(2);
          const switches = after.switches - (before[i]?.switches ?? 0);
          if (switches <= (least[i]?.switches ?? 0))
            least[i] = { switches, ticks: after.ticks - (before[i]?.ticks ?? 0) };
        });
      }
      const restless = CASES.map(([name], i) => ({ name, ...(least[i] as Least) })).filter(
        (one) => !calm(one),
      );
      expect(restless).toEqual([]);
    } finally {
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(ended);
    }
  });
});
