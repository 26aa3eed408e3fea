import { defineConfig } from 'tsup';

// Native parts are loaded at run time from their own packages; everything else is bundled into one file per entry.
const NATIVE = [
  '@sandbox-kernel/host/binding',
  '@sandbox-kernel/platform-ptrace/binding',
  '@sandbox-kernel/platform-systrap/binding',
];
const bundled = {
  noExternal: [/^@sandbox-kernel\/(?!.*\/binding$)/],
  external: NATIVE,
  shims: true,
  sourcemap: true,
  target: 'node20',
} as const;

export default defineConfig([
  { ...bundled, entry: ['src/index.ts'], format: ['esm', 'cjs'], dts: true, clean: true },
  { ...bundled, entry: { 'sentry-process': 'src/process/main.ts' }, format: ['cjs'], dts: false },
]);
