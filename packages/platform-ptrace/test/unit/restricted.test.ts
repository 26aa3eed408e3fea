// Hosts that refuse things: the platform does without, or says what is missing and how to mend it.
import { fileURLToPath } from 'node:url';
import { SYS_ptrace } from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';
import { EPERM, restricted, restrictedSuite } from '../../../platform-stub/test/support/restricted.js';

const script = fileURLToPath(new URL('../restricted.ts', import.meta.url));

restrictedSuite(script);

it('says so when ptrace is refused, and what to do', () => {
  expect(restricted(script, [EPERM, SYS_ptrace])).toMatch(
    /^PtraceUnavailableError: the ptrace platform is not available: ptrace is refused \(EPERM\): a seccomp filter is active\. Allow ptrace/,
  );
});
