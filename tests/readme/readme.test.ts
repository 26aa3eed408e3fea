// The examples of every README that are marked `runnable` (```sh runnable, ```ts runnable) run and end well, so that they can't rot.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Example {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(root + file, 'utf8');
  return [...text.matchAll(/^```(sh|ts) runnable\n([\s\S]*?)^```$/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    language: match[1] ?? '',
    code: match[2] ?? '',
  }));
}

// A TypeScript example imports packages by name: it runs from a file inside the checkout, so that node_modules resolves them.
function run({ language, code }: Example) {
  // The base configuration has no path aliases: examples get the built packages, as users do.
  const env = { ...process.env, TSX_TSCONFIG_PATH: `${root}tsconfig.base.json` };
  const options = { cwd: root, env, encoding: 'utf8', timeout: 60_000 } as const;
  if (language === 'sh') return spawnSync('/bin/sh', ['-ec', code], options);
  const folder = mkdtempSync(`${root}tests/.readme-`);
  try {
    writeFileSync(`${folder}/example.mts`, code);
    return spawnSync(process.execPath, ['--import', 'tsx', `${folder}/example.mts`], options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const packages = readdirSync(`${root}packages`).map((name) => `packages/${name}/README.md`);
const examples = ['README.md', ...packages].filter((file) => existsSync(root + file)).flatMap(examplesOf);

describe('examples of the READMEs', () => {
  it('are found in the root README, in both languages', () => {
    const own = examples.filter(({ file }) => file === 'README.md').map(({ language }) => language);
    expect(new Set(own)).toEqual(new Set(['sh', 'ts']));
  });
  it.each(examples.map((example) => [`${example.file}:${example.line}`, example] as const))(
    '%s runs',
    (_at, example) => {
      const { status, stderr } = run(example);
      expect(status, stderr).toBe(0);
    },
  );
});
