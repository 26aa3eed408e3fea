// Each rule of `npm run lint` catches a bad sample and passes a good one.
import { describe, expect, it } from 'vitest';
import { checkExports } from '../lint/exports.js';
import { checkImports, findCycle, unusedDependencies } from '../lint/graph.js';
import { checkGlobals, checkModuleState, checkThrow } from '../lint/portable.js';
import { checkDistribution, EXCEPTIONS, measure, quantile } from '../lint/size.js';
import { parse } from '../lint/source.js';

const vfs = (text: string) => parse('packages/vfs/src/a.ts', text);
const manifest = { name: '@sandbox-kernel/vfs', dependencies: { '@sandbox-kernel/abi': '0.1.0' } };

describe('package graph', () => {
  it.each([
    ["import { a } from '@sandbox-kernel/kernel';", 'may not import kernel'],
    ["import { a } from '@sandbox-kernel/abi/src/errno.js';", 'only through its index'],
    ["import { a } from '@sandbox-kernel/contracts';", 'package.json does not list'],
    ["import { a } from '@sandbox-kernel/vfs';", 'own package'],
    ["export { a } from '../../mm/src/a.js';", 'leaves its package'],
  ])('refuses %s', (text, why) => {
    const findings = checkImports(vfs(`\n${text}`), manifest);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ line: 2, file: 'packages/vfs/src/a.ts' });
    expect(findings[0]?.text).toContain(why);
  });
  it('allows the imports of the table', () => {
    expect(
      checkImports(vfs("import { EPERM } from '@sandbox-kernel/abi';\nimport './b.js';"), manifest),
    ).toEqual([]);
  });
  it('names a cycle and passes a tree', () => {
    const cyclic = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    expect(findCycle(cyclic)).toEqual(['a', 'b', 'c', 'a']);
    expect(
      findCycle(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', []],
        ]),
      ),
    ).toBeUndefined();
  });
  it('names dependencies that nothing imports', () => {
    expect(unusedDependencies(manifest, new Set())).toEqual(['abi']);
    expect(unusedDependencies(manifest, new Set(['abi']))).toEqual([]);
  });
});

describe('portable packages', () => {
  it.each([
    "import fs from 'node:fs';",
    'const t = Date.now();',
    'const t = Math.random();',
    'const b = Buffer.from([]);',
    'f(process);',
    'setTimeout(f, 1);',
    'const d = new Date();',
    'new TextDecoder();',
    'console.log(1);',
  ])('refuse %s', (text) => {
    expect(checkGlobals(vfs(text)).length).toBeGreaterThan(0);
  });
  it('allow properties and locals of the same name', () => {
    const text =
      'a.process(); const x = { process: 1 }; class A { fetch(): void {} } function f(process: A) { g(process); }';
    expect(checkGlobals(vfs(text))).toEqual([]);
  });
  it('throw only for broken invariants', () => {
    expect(checkThrow(vfs("throw new Error('x');"))).toHaveLength(1);
    expect(checkThrow(vfs("throw new InvariantError('x');"))).toEqual([]);
    expect(checkThrow(parse('packages/sentry/src/a.ts', "throw new Error('x');"))).toEqual([]);
  });
});

describe('module state', () => {
  it.each([
    'let a = 1;',
    'const a = new Map(); function f() { a.set(1, 2); }',
    'const a = new Uint8Array(8); class B { m() { a[0] = 1; } }',
  ])('refuses %s', (text) => expect(checkModuleState(vfs(text))).toHaveLength(1));
  it('allows tables and locals', () => {
    const text = 'const A = 1; const T = new Map([[1, 2]]); function f() { let b = T.get(1); return b; }';
    expect(checkModuleState(vfs(text))).toEqual([]);
  });
});

describe('exports', () => {
  it.each([
    'export default 1;',
    'export default class A {}',
    "export * from './b.js';",
    "export { b } from './b.js';",
  ])('refuses %s', (text) => expect(checkExports(vfs(text))).toHaveLength(1));
  it('lets an index list names one by one', () => {
    expect(checkExports(parse('packages/vfs/src/index.ts', "export { a } from './a.js';"))).toEqual([]);
  });
});

describe('size budget', () => {
  const long = (lines: number) => `function f() {\n${'g();\n'.repeat(lines - 2)}}\n`;
  it('refuses a function over 80 lines and passes one of 80', () => {
    expect(measure([vfs(long(81))]).findings).toHaveLength(1);
    expect(measure([vfs(long(80))]).findings).toEqual([]);
  });
  it('refuses a file over 800 lines unless it is a listed exception', () => {
    expect(measure([vfs('f();\n'.repeat(801))]).findings).toHaveLength(1);
    expect(measure([vfs('f();\n'.repeat(800))]).findings).toEqual([]);
    const listed = Object.keys(EXCEPTIONS)[0] ?? '';
    expect(measure([parse(listed, 'f();\n'.repeat(900))]).findings).toEqual([]);
  });
  it('watches the distribution', () => {
    const sizes = { functions: [5, 50, 50], files: [100], findings: [] };
    expect(checkDistribution(sizes).map(({ text }) => text.split(' is ')[0])).toEqual([
      'functions: median',
      'functions: 95th percentile',
    ]);
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
  });
});
