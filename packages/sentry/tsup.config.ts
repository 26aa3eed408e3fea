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

/** One function expression, compiled by src/process/load.ts with V8's code cache. */
const FUNCTION = 'function (exports, require, module, __filename, __dirname) {';

/** V8 keeps a text of other characters than ASCII's in two bytes each, comments included. Names stay, for reports of errors. */
function quickToRead(options: {
  charset?: 'ascii' | 'utf8';
  minifyWhitespace?: boolean;
  lineLimit?: number;
}): void {
  options.charset = 'ascii';
  options.minifyWhitespace = true;
  options.lineLimit = 160;
}

export default defineConfig([
  { ...bundled, entry: ['src/index.ts'], format: ['esm', 'cjs'], dts: true, clean: true },
  {
    ...bundled,
    entry: { run: 'src/run/index.ts' },
    format: ['esm', 'cjs'],
    dts: true,
    esbuildOptions: quickToRead,
  },
  {
    ...bundled,
    entry: { 'sentry-process': 'src/process/load.ts', 'make-code-cache': 'src/process/make-code-cache.ts' },
    format: ['cjs'],
    dts: false,
  },
  {
    ...bundled,
    entry: { 'sentry-kernel': 'src/process/main.ts' },
    format: ['cjs'],
    dts: false,
    banner: { js: `(${FUNCTION}` },
    footer: { js: '})' },
    esbuildOptions: quickToRead,
    onSuccess: 'node dist/make-code-cache.cjs',
  },
]);
