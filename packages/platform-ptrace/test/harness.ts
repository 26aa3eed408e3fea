// The ptrace platform as the conformance suite and the tests here want it.
import { openPtracePlatform } from '@sandbox-kernel/platform-ptrace';
import type { PlatformHarness } from '@sandbox-kernel/testkit';
import { createHarness as createStubHarness } from '../../platform-stub/test/support/harness.js';

export const createHarness = (): PlatformHarness => createStubHarness(openPtracePlatform);
