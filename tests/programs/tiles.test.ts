// AMX, where the processor has it: a program that asks for tiles, and one that does not, see what they see natively.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileGuest, platforms, runNative, runSandboxed } from '../support/native.js';

const hasTiles = /^flags\b.*\bamx_tile\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'));
if (!hasTiles) process.stderr.write('AMX: this processor has none: skipped but for the refusal\n');

describe.each(platforms())('on %s', (platform) => {
  const program = compileGuest(fileURLToPath(new URL('sources/tiles.c', import.meta.url)));

  it.skipIf(hasTiles)('a program that asks for tiles is told that there are none', async () => {
    expect(await runSandboxed(program, [], 'self', platform)).toEqual(await runNative(program, [], 'self'));
  });

  it.skipIf(!hasTiles)('tiles are had by who asks for them, and kept', async () => {
    const native = await runNative(program, [], 'self');
    expect(native.stdout).toContain('after a handler: 1, tiles in the frame 1, frame is large 1');
    expect(await runSandboxed(program, [], 'self', platform)).toEqual(native);
  });
});
