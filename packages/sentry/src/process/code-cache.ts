// V8's code cache of the sentry's program: without it every start compiles two megabytes of JavaScript anew, 70 ms. The cache lies beside the
// program, one for each version of V8 that made one (make-code-cache.ts), behind the identity of the program that it belongs to: V8 itself
// compares no more of the source than its length. Where there is none that fits, V8 compiles as usual.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** Hexadecimal digits of a SHA-256: the program's last characters, the cache's first. */
export const IDENTITY_LENGTH = 64;

export const programPath = (folder: string): string => join(folder, 'sentry-kernel.cjs');

export const cachePath = (folder: string): string =>
  join(folder, `sentry-kernel.v8-${process.versions.v8}.cache`);

/** The program is ASCII, so that one byte is one character (the bundler escapes everything else). */
export const readProgram = (folder: string): string => readFileSync(programPath(folder), 'latin1');

export const identityOf = (program: string): string => program.slice(-IDENTITY_LENGTH);

/** What a CommonJS module is given. */
export type ProgramFunction = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  filename: string,
  dirname: string,
) => void;

/** The program's text is one function expression: the bundler writes the brackets. */
export function compileProgram(folder: string, program: string, cachedData: Buffer | undefined): Script {
  return new Script(program, {
    filename: programPath(folder),
    ...(cachedData === undefined ? {} : { cachedData }),
  });
}

/** The cache made for this program by this version of V8, if there is one. */
export function readCache(folder: string, program: string): Buffer | undefined {
  try {
    const bytes = readFileSync(cachePath(folder));
    const belongs = bytes.toString('latin1', 0, IDENTITY_LENGTH) === identityOf(program);
    return belongs ? bytes.subarray(IDENTITY_LENGTH) : undefined;
  } catch {
    return undefined;
  }
}

export function runProgram(folder: string, script: Script, require: NodeJS.Require): void {
  const run = script.runInThisContext() as ProgramFunction;
  run({}, require, {}, programPath(folder), folder);
}
