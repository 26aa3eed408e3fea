// `--patching`: programs that look at their own code see what was done to it, unless it is switched off; and the figures say which way
// calls came.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type PatchingName, Sandbox } from '../../packages/sentry/dist/index.js';
import { compileGuest, platforms } from '../support/native.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;
const checksum = compileGuest(fileURLToPath(new URL('sources/checksum.c', import.meta.url)));

function run(...options: string[]): string {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const args = [cli, 'run', '-w', '/', ...options, '--', checksum];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return stdout + stderr;
}

async function figures(patching: PatchingName): Promise<Record<string, number>> {
  await using sandbox = await Sandbox.create({ platform: 'systrap', patching });
  const result = await sandbox.exec(checksum);
  expect(result.exitCode).toBe(0);
  return await sandbox.stats();
}

it.each(platforms())('on %s, a program that is left alone finds itself as it was', (platform) => {
  expect(run('--platform', platform, '--patching', 'off')).toBe('text as it was, 0\n');
});

it('refuses what it does not know', () => {
  expect(run('--patching', 'always')).toContain('always');
});

describe.runIf(platforms().includes('systrap'))('on systrap', () => {
  it.each([[], ['--patching', 'first'], ['--patching', 'hot']])(
    'code that makes calls changes: %s %s',
    (...options) => {
      expect(run('--platform', 'systrap', ...options)).toBe('text changed, 1\n');
    },
  );

  it('figures tell the ways apart', async () => {
    const hot = await figures('hot');
    expect(hot.patched).toBeGreaterThan(300);
    expect(hot.trapped).toBeLessThan(200);
    expect((hot.patched ?? 0) + (hot.trapped ?? 0)).toBe(hot.syscalls);
    const off = await figures('off');
    expect(off).toMatchObject({ patched: 0, spills: 0 });
    expect(off.trapped).toBe(off.syscalls);
  });
});
