// Programs under tests/privileged need rights that a container's root often lacks (mounting). What Linux prints is therefore recorded
// beside each as NAME.expected (made on Linux 6.18, as root); where the native program may run, the record is checked against it too.
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileGuest, describeDifference, platforms, runNative, runSandboxed } from '../support/native.js';

const here = fileURLToPath(new URL('../privileged/', import.meta.url));
const programs = readdirSync(here).filter((name) => name.endsWith('.c'));
/** The program's word for "not allowed here". */
const SKIPPED = 77;
/** Older kernels lack some of the calls. */
const RECORDED_ON = [6, 18] as const;
const [major = 0, minor = 0] = release().split('.').map(Number);
const isNewEnough = major > RECORDED_ON[0] || (major === RECORDED_ON[0] && minor >= RECORDED_ON[1]);
const isRoot = process.getuid?.() === 0;

const expected = (name: string) => ({
  stdout: readFileSync(here + name.replace('.c', '.expected'), 'latin1'),
  stderr: '',
  status: 0,
});

describe.skipIf(!isRoot)(`with the rights of root${isRoot ? '' : ' (skipped: only root has them)'}`, () => {
  it.for(programs)('%s natively', async (name, { skip }) => {
    skip(!isNewEnough, 'the kernel is older than the record');
    const native = await runNative(compileGuest(here + name), [], 'self');
    skip(native.status === SKIPPED, 'programs may not mount natively here; the record was not checked');
    expect(describeDifference(expected(name), native)).toBe('');
  });

  it.each(programs)('%s in the sandbox', async (name) => {
    const program = compileGuest(here + name);
    for (const platform of platforms()) {
      const sandboxed = await runSandboxed(program, [], 'self', platform);
      expect(describeDifference(expected(name), sandboxed)).toBe('');
    }
  });
});
