// Compiles C programs against the system's headers and reads what they print.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ProbeResult {
  /** What each expression printed, by key. */
  readonly values: Map<string, string>;
  /** Keys whose line did not compile. */
  readonly undefinedKeys: string[];
}

function compile(directory: string, source: string): { failed: Set<number>; message: string } {
  writeFileSync(join(directory, 'probe.c'), source);
  const gcc = spawnSync('gcc', ['-w', '-fmax-errors=0', 'probe.c', '-o', 'probe'], {
    cwd: directory,
    encoding: 'utf8',
  });
  const failed = new Set<number>();
  for (const match of gcc.stderr.matchAll(/probe\.c:(\d+):\d+: error/g)) failed.add(Number(match[1]));
  return { failed, message: gcc.status === 0 ? '' : gcc.stderr };
}

/**
 * Runs one C statement per key (it prints its value with a newline) with `headers` included.
 * Statements that do not compile are left out and reported.
 */
export function probe(
  headers: readonly string[],
  prologue: string,
  statements: ReadonlyMap<string, string>,
): ProbeResult {
  const directory = mkdtempSync(join(tmpdir(), 'abi-probe-'));
  try {
    const top = ['#define _GNU_SOURCE', ...headers.map((h) => `#include <${h}>`), '#include <stddef.h>'];
    top.push('#include <stdio.h>', ...prologue.split('\n'), 'int main(void) {');
    let keys = [...statements.keys()];
    const undefinedKeys: string[] = [];
    for (;;) {
      const lines = keys.map((key) => `{ printf("${key}\\t"); ${statements.get(key)} }`);
      const { failed, message } = compile(directory, [...top, ...lines, 'return 0; }', ''].join('\n'));
      if (message === '') break;
      const bad = keys.filter((_, i) => failed.has(top.length + i + 1));
      if (bad.length === 0) throw new Error(message);
      undefinedKeys.push(...bad);
      keys = keys.filter((key) => !bad.includes(key));
    }
    const run = spawnSync(join(directory, 'probe'), { encoding: 'utf8' });
    const rows = run.stdout.trimEnd().split('\n');
    const values = new Map(rows.map((row) => row.split('\t') as [string, string]));
    return { values, undefinedKeys };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
