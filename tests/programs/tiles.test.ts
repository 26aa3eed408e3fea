// AMX: where the processor has it, a program in a sandbox is told that the kernel does not offer it (as by Linux before 5.16), and what
// uses it all the same gets SIGILL; frames of signals keep a size that fits programs' stacks.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileGuest, platforms, runSandboxed } from '../support/native.js';

const hasTiles = /^flags\b.*\bamx_tile\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'));
if (!hasTiles) process.stderr.write('AMX: skipped: this processor has none\n');

describe.each(platforms())('on %s', (platform) => {
  it.skipIf(!hasTiles)('AMX is not offered, and its instructions are illegal', async () => {
    const program = compileGuest(fileURLToPath(new URL('sources/tiles.c', import.meta.url)));
    expect(await runSandboxed(program, [], 'self', platform)).toEqual({
      status: 0,
      stderr: '',
      stdout:
        'supported 0 permitted 0\ntiles: SIGILL\nasked: EOPNOTSUPP\ntiles: SIGILL\nin cpuinfo: 0\nsmall frames: 1\n',
    });
  });
});
