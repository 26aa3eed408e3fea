import { platformConformance } from '@sandbox-kernel/testkit';
import * as vitest from 'vitest';
import { createHarness } from '../harness.js';

platformConformance('systrap', createHarness, vitest);
