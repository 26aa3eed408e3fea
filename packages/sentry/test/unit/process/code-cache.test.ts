// The sentry's program starts with V8's code cache, and without: whatever lies there, the program that runs is the one in its file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  cachePath,
  compileProgram,
  identityOf,
  programPath,
  readCache,
  readProgram,
  runProgram,
} from '../../../src/process/code-cache.js';

const told: unknown[] = [];
let folder: string;
let spoiled = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'code-cache-'));
  told.length = 0;
  Object.assign(globalThis, { tellTest: (what: unknown) => told.push(what) });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that tells `word`, of the identity `digit`…`digit`. */
function writeWorld(word: string, digit: string): string {
  const body = `(function (exports, require, module, __filename, __dirname) {\ntellTest('${word}');\n})`;
  writeFileSync(programPath(folder), `${body}\n// ${digit.repeat(64)}`);
  return readProgram(folder);
}

function writeCacheOf(program: string): void {
  const script = compileProgram(folder, program, undefined);
  const bytes = Buffer.concat([Buffer.from(identityOf(program), 'latin1'), script.createCachedData()]);
  writeFileSync(cachePath(folder), bytes);
}

/** As load.ts: whether V8 took the cache. */
function load(): boolean {
  const program = readProgram(folder);
  const cache = readCache(folder, program);
  const script = compileProgram(folder, program, cache);
  runProgram(folder, script, createRequire(programPath(folder)));
  return cache !== undefined && script.cachedDataRejected === false;
}

it('takes the cache that was made for the program', () => {
  writeCacheOf(writeWorld('one', 'a'));
  expect(load()).toBe(true);
  expect(told).toEqual(['one']);
});

it('runs without one', () => {
  writeWorld('one', 'a');
  expect(load()).toBe(false);
  expect(told).toEqual(['one']);
});

it('runs the program in the file where the cache is of another of the same length', () => {
  writeCacheOf(writeWorld('one', 'a'));
  writeWorld('two', 'b');
  expect(load()).toBe(false);
  expect(told).toEqual(['two']);
});

it.each([
  ['another version of V8', (bytes: Buffer) => bytes.fill(0x5a, 64, 96)],
  ['half a file', (bytes: Buffer) => bytes.subarray(0, 100)],
  ['another program', (bytes: Buffer) => bytes],
  ['no more than its identity', (bytes: Buffer) => bytes.subarray(0, 64)],
])('runs where the cache is of %s', (_, spoil) => {
  // Never compiled here before: V8 also remembers what this process compiled.
  const program = writeWorld('one', `${'cdef'[spoiled++]}`);
  const other = compileProgram(folder, 'tellTest;', undefined).createCachedData();
  const good = Buffer.concat([Buffer.from(identityOf(program), 'latin1'), other]);
  writeFileSync(cachePath(folder), spoil(good));
  expect(load()).toBe(false);
  expect(told).toEqual(['one']);
});
