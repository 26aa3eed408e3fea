// The process of restricted.test.ts.
import { openPtracePlatform } from '@sandbox-kernel/platform-ptrace';
import { tryRestricted } from '../../platform-stub/test/support/restricted-process.js';

tryRestricted(openPtracePlatform);
