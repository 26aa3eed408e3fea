// The process of restricted.test.ts.
import { openSystrapPlatform } from '@sandbox-kernel/platform-systrap';
import { tryRestricted } from '../../platform-stub/test/support/restricted-process.js';

tryRestricted(openSystrapPlatform);
