// An idle sandbox does nothing: while its program sleeps, no thread of the sentry and of the stubs below it wakes up, and none uses a
// processor. Counted by the host kernel.
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
const TRIES = 5;

/** Not redis-server, which wakes up by itself. Node looks at its connections every 30 s, natively too. */
const waiters = Object.entries(WAITERS)
  .filter(([name, [program = '']]) => !['redis', 'sleep'].includes(name) && whereIs(program) !== null)
  .map(([name, command]): [string, string[]] => [`that waits as ${name} does`, [...command]]);

describe.each(longPlatforms())('on %s', (platform) => {
  it.each([
    ['sleeping', ['sleep', '600']],
    ['reading a pipe that nobody writes to', ['sh', '-c', 'sleep 600 | cat']],
    ['in virtual time that runs', ['--time', '2024-01-01,x2', '--', 'sleep', '600']],
    ...waiters,
  ])('a program %s costs nothing', async (_what, words) => {
    const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
    const args = [cli, 'run', '--platform', platform, ...(words.includes('--') ? words : ['--', ...words])];
    const child = spawn(process.execPath, args, { stdio: 'ignore', env });
    const roots = [child.pid ?? 0];
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      let least = { switches: Number.POSITIVE_INFINITY, ticks: Number.POSITIVE_INFINITY };
      // The first spans are those of the start, and of collectors that come a little later.
      for (let i = 0; i < TRIES && (least.switches > ALLOWED || least.ticks > 0); i++) {
        const before = sampleTrees(roots);
        await pause(SECONDS * 1000);
        const after = sampleTrees(roots);
        // This process, the sentry, and at least one that guest code runs in.
        expect(after.processes).toBeGreaterThan(2);
        const switches = after.switches - before.switches;
        if (switches <= least.switches) least = { switches, ticks: after.ticks - before.ticks };
      }
      expect(least.switches).toBeLessThanOrEqual(ALLOWED);
      expect(least.ticks).toBe(0);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  });
});
