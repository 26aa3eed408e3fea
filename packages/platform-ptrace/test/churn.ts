// The process of death.test.ts.
import { openPtracePlatform } from '@sandbox-kernel/platform-ptrace';
import { churn } from '../../platform-stub/test/support/churn.js';

churn(openPtracePlatform);
