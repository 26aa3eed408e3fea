// The soak (`npm run soak`) in a shortened form: programs and threads come and go, and nothing stays behind.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/native.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe.each(platforms())('on %s', (platform) => {
  it('nothing grows while programs and threads come and go', () => {
    const command = [
      '--import',
      'tsx',
      'tests/soak/soak.ts',
      '--forks',
      '600',
      '--threads',
      '320',
      '--platform',
      platform,
    ];
    const result = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', timeout: 280_000 });
    expect(result.stderr).toBe('');
    expect(result.stdout.trim().split('\n').at(-1)).toBe('nothing grew');
    expect(result.status).toBe(0);
  });
});
