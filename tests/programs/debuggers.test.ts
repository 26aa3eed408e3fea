// strace(1) and gdb(1) inside: what they tell of a program is what they tell natively.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { describeDifference, platforms, runNative, runSandboxed, users } from '../support/native.js';
import { itWith } from '../support/tools.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const world = mkdtempSync('/tmp/sandbox-debuggers-');
const user = users()[0] ?? 'self';
/** A container may refuse ptrace(2) to its processes: then there is nothing to compare with. */
const traceable = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

beforeAll(() => chmodSync(world, 0o755));
afterAll(() => rmSync(world, { recursive: true, force: true }));

async function compare(platform: string, command: readonly string[]): Promise<void> {
  const [program = '', ...args] = command;
  const native = await runNative(program, args, user);
  const sandboxed = await runSandboxed(program, args, user, platform);
  expect(describeDifference(native, sandboxed)).toBe('');
  expect(native.stdout).not.toBe('');
}

describe.each(platforms())('on %s', (platform) => {
  itWith('strace', '/usr/bin/python3')(
    'strace follows processes and threads, signals and faults',
    async ({ skip }) => {
      skip(!traceable, 'ptrace(2) is refused on this machine');
      await compare(platform, ['/bin/bash', `${here}scripts/strace.sh`]);
    },
  );

  itWith(
    'gdb',
    'gcc',
    'strace',
  )('gdb stops, steps, calls, watches and attaches', async ({ skip }) => {
    skip(!traceable, 'ptrace(2) is refused on this machine');
    copyFileSync(`${here}sources/debugged.c`, `${world}/debugged.c`);
    const gcc = spawnSync('gcc', ['-g', '-O0', '-w', '-pthread', 'debugged.c', '-o', 'debugged'], {
      cwd: world,
    });
    expect(gcc.status).toBe(0);
    await compare(platform, ['/bin/bash', `${here}scripts/gdb.sh`, `${world}/debugged`]);
  });
});
