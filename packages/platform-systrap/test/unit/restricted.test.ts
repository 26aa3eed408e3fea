// Hosts that refuse things: the platform does without, or says what is missing and how to mend it.
import { fileURLToPath } from 'node:url';
import { SYS_pidfd_open, SYS_ptrace, SYS_seccomp } from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';
import { EPERM, restricted, restrictedSuite } from '../../../platform-stub/test/support/restricted.js';

const script = fileURLToPath(new URL('../restricted.ts', import.meta.url));

restrictedSuite(script);

it('needs no ptrace', () => {
  expect(restricted(script, [EPERM, SYS_ptrace])).toBe('trap of 0: 39\n');
});

it('patches nothing where threads can have no segments', () => {
  // set_thread_area of the 32-bit table; the filter looks at the number alone.
  expect(restricted(script, [EPERM, 243])).toBe('nothing is patched\ntrap of 0: 39\n');
});

it('says so when filters are refused, and what to do', () => {
  expect(restricted(script, [EPERM, SYS_seccomp])).toMatch(
    /^SystrapUnavailableError: the systrap platform is not available: seccomp filters are refused \(EPERM\)\. Use a kernel/,
  );
});

it('says so when stub processes can not be watched', () => {
  expect(restricted(script, [EPERM, SYS_pidfd_open])).toMatch(/stub processes could not be made \(EPERM\)/);
});
