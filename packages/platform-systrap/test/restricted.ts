// The process of restricted.test.ts.
import { openSystrapPlatform } from '@sandbox-kernel/platform-systrap';
import { tryRestricted } from '../../platform-stub/test/support/restricted-process.js';

tryRestricted((options) => {
  const platform = openSystrapPlatform({ ...options, patchAfter: 1 });
  if (platform.features.patchEntry === 0) console.log('nothing is patched');
  return platform;
});
