// The systrap platform as the conformance suite and the tests here want it.
import { openSystrapPlatform } from '@sandbox-kernel/platform-systrap';
import type { PlatformHarness } from '@sandbox-kernel/testkit';
import { createHarness as createStubHarness } from '../../platform-stub/test/support/harness.js';

export const createHarness = (): PlatformHarness => createStubHarness(openSystrapPlatform);

/** With the way in for patched sites. */
export const createPatchingHarness = (): PlatformHarness =>
  createStubHarness((options) => openSystrapPlatform({ ...options, patchAfter: 2 }));
