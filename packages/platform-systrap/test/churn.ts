// The process of death.test.ts.
import { openSystrapPlatform } from '@sandbox-kernel/platform-systrap';
import { churn } from '../../platform-stub/test/support/churn.js';

churn(openSystrapPlatform);
