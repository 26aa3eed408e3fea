import { platformConformance } from '@sandbox-kernel/testkit';
import * as vitest from 'vitest';
import { createHarness, createPatchingHarness } from '../harness.js';

platformConformance('systrap', createHarness, vitest);
vitest.describe('with a way in for patched sites', () => {
  platformConformance('systrap', createPatchingHarness, vitest);
});
