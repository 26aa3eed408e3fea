import { spawnSync } from 'node:child_process';
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ELOOP, EXDEV } from '@sandbox-kernel/abi';
import { expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();

it('without openat2, single components are opened and never followed out; statx has a stand-in', () => {
  writeFileSync(join(temp.path, 'file'), '12345');
  utimesSync(join(temp.path, 'file'), 1000, 2000);
  symlinkSync('/etc/passwd', join(temp.path, 'link'));
  const script = fileURLToPath(new URL('../without.ts', import.meta.url));
  const result = spawnSync(process.execPath, ['--import', 'tsx', script, '3'], {
    stdio: ['ignore', 'pipe', 'inherit', temp.fd],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
    encoding: 'utf8',
  });
  const opened = ['open', -ELOOP, -EXDEV, -EXDEV, -EXDEV];
  expect(JSON.parse(result.stdout)).toEqual([opened, true, 0, 5, 0o100000, 2000]);
});
