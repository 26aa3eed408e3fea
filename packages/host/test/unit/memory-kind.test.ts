import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../memory-kind.ts', import.meta.url));
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

function kindOf(before: readonly string[], argument: string): unknown[] {
  const [program = '', ...args] = [...before, process.execPath, '--import', 'tsx', script, argument];
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const result = spawnSync(program, args, { encoding: 'utf8', env: { ...env, TMPDIR: '/tmp' } });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout);
}

const WORKS = [[true, true, true], 7, true, true, true];

it('has memory ready wherever it comes from, and keeps what is there', () => {
  const [kind, ...can] = kindOf([], '');
  expect(['memfd', 'tmpfs']).toContain(kind);
  expect(can).toEqual(WORKS);
});

it('makes do with memfd_create where the host refuses mounts', () => {
  expect(kindOf([], 'refused')).toEqual(['memfd', ...WORKS]);
});

it.runIf(process.getuid?.() === 0)(
  'works for an ordinary user, who needs a user namespace for a mount',
  () => {
    const [kind, ...can] = kindOf(NOBODY, '');
    expect(['memfd', 'tmpfs']).toContain(kind);
    expect(can).toEqual(WORKS);
  },
);
