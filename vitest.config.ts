import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Packages are tested from their sources; only spawned processes use the built output.
const source = (name: string): string =>
  fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

const names = [
  'abi',
  'contracts',
  'mm',
  'vfs',
  'netstack',
  'inet',
  'network',
  'kernel',
  'host',
  'platform-stub',
  'platform-ptrace',
  'platform-systrap',
  'gofer',
  'sentry',
  'testkit',
];

const alias = names.map((name) => ({
  find: new RegExp(`^@sandbox-kernel/${name}$`),
  replacement: source(name),
}));

const seeded = fileURLToPath(new URL('./tests/support/fast-check.ts', import.meta.url));

const project = (name: string, include: string[], extra: object = {}) => ({
  resolve: { alias },
  test: { name, include, pool: 'forks' as const, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['packages/*/test/unit/**/*.test.ts', 'scripts/test/**/*.test.ts']),
      project('property', ['packages/*/test/property/**/*.test.ts'], {
        testTimeout: 60_000,
        setupFiles: [seeded],
      }),
      project('types', ['packages/*/test/types/**/*.test.ts'], {
        typecheck: {
          enabled: true,
          only: true,
          include: ['packages/*/test/types/**/*.test-d.ts'],
          tsconfig: './tsconfig.json',
        },
      }),
      project('conformance', ['packages/*/test/conformance/**/*.test.ts'], { testTimeout: 60_000 }),
      project('guest', ['tests/guest/**/*.test.ts'], {
        testTimeout: 120_000,
        fileParallelism: false,
        maxConcurrency: 2,
      }),
      project('programs', ['tests/programs/**/*.test.ts', 'tests/readme/**/*.test.ts'], {
        testTimeout: 300_000,
        fileParallelism: false,
        setupFiles: [seeded],
        env: { SANDBOX_LEAK_CHECK: '1' },
      }),
    ],
  },
});
