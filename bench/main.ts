// `npm run bench [-- NAME…] [--json] [--html FILE] [--runs N] [--platform P]`: native and sandbox alternately, ratios with spread.
// NAME selects by prefix (`file`, `file/stat`). Columns for runc are left to an OCI bundle; bwrap and runsc join when installed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Benchmark, type Column, median, type Row, type World } from './benchmark.js';
import { FIGURES } from './figures.js';
import { formatRow, html } from './report.js';
import { BUILD } from './suites/build.js';
import { LOOPBACK } from './suites/loopback.js';
import { MACRO } from './suites/macro.js';
import { MICRO } from './suites/micro.js';
import { NET } from './suites/net.js';
import { TIME } from './suites/time.js';

const SUITES: readonly Benchmark[] = [...MICRO, ...TIME, ...NET, ...LOOPBACK, ...MACRO, ...BUILD];

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    html: { type: 'string' },
    runs: { type: 'string', default: '5' },
    platform: { type: 'string', default: 'systrap,ptrace' },
  },
});

function installed(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function columns(): Column[] {
  const all: Column[] = [];
  for (const platform of values.platform.split(','))
    all.push({
      name: platform,
      wrap: (command, flags) => [
        process.execPath,
        cli,
        'run',
        '--platform',
        platform,
        ...flags,
        '--',
        ...command,
      ],
    });
  if (installed('bwrap'))
    all.push({
      name: 'bwrap',
      wrap: (command) => ['bwrap', '--bind', '/', '/', '--dev', '/dev', '--proc', '/proc', ...command],
    });
  if (installed('runsc')) all.push({ name: 'runsc', wrap: (command) => ['runsc', 'do', ...command] });
  return all;
}

function compile(): string {
  const cache = `${root}bench/.cache`;
  mkdirSync(cache, { recursive: true });
  const sources = ['bench.c', 'timers.c'].map((name) => `${root}bench/guest/${name}`);
  const args = ['-O2', '-static', '-pthread', ...sources, '-o', `${cache}/bench`];
  const gcc = spawnSync('gcc', args, { encoding: 'utf8' });
  if (gcc.status !== 0) throw new Error(`bench: gcc is needed and failed: ${gcc.stderr ?? gcc.error}`);
  return `${cache}/bench`;
}

/** Nanoseconds of one run; throws with the program's last words. */
function once(benchmark: Benchmark, command: readonly string[]): number {
  const [program = '', ...args] = command;
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const start = process.hrtime.bigint();
  const result = spawnSync(program, args, { encoding: 'utf8', env, timeout: 120_000 });
  const wall = Number(process.hrtime.bigint() - start);
  if (result.status !== 0)
    throw new Error(result.stderr?.trim().split('\n').at(-1) || `status ${result.status ?? result.signal}`);
  return benchmark.timing === 'process' ? wall : Number(result.stdout);
}

function measure(benchmark: Benchmark, column: Column, world: World): Row {
  const native: number[] = [];
  const sandbox: number[] = [];
  const command = benchmark.command(world);
  const wrapped = column.wrap(command, benchmark.flags?.(world) ?? []);
  let error: string | undefined;
  try {
    for (let i = 0; i < Number(values.runs); i++) {
      native.push(once(benchmark, command));
      sandbox.push(once(benchmark, wrapped));
    }
  } catch (cause) {
    error = (cause as Error).message;
  }
  const ratios = sandbox.map((ns, i) => ns / (native[i] ?? Number.NaN));
  const figures = { nativeNs: median(native), sandboxNs: median(sandbox), ratio: median(ratios) };
  const row = {
    benchmark: benchmark.name,
    column: column.name,
    ...figures,
    low: Math.min(...ratios),
    high: Math.max(...ratios),
  };
  return error === undefined ? row : { ...row, error };
}

const wanted = (name: string): boolean =>
  positionals.length === 0 || positionals.some((prefix) => name === prefix || name.startsWith(`${prefix}/`));
/** A family is wanted when one of its members is. */
const isWantedInPart = (family: string): boolean =>
  wanted(family) || positionals.some((name) => name.startsWith(`${family}/`));
const print = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};

const world: World = { guest: compile(), folder: mkdtempSync(`${tmpdir()}/sandbox-bench-`) };
const rows: Row[] = [];
const figures: Record<string, unknown> = {};
try {
  for (const benchmark of SUITES.filter(({ name }) => wanted(name))) {
    if (benchmark.prepare?.(world) === false) {
      print(`${benchmark.name.padEnd(24)} skipped: a program it needs is not installed`);
      continue;
    }
    for (const column of columns()) {
      const row = measure(benchmark, column, world);
      rows.push(row);
      print(formatRow(row));
    }
  }
  const platforms = values.platform.split(',');
  const occasion = {
    columns: columns(),
    platforms,
    runs: Number(values.runs),
    guest: world.guest,
    wanted,
    print,
  };
  for (const { name, measure } of FIGURES.filter(({ name }) => isWantedInPart(name)))
    figures[name] = await measure(occasion);
} finally {
  rmSync(world.folder, { recursive: true, force: true });
}
if (values.json) process.stdout.write(`${JSON.stringify({ rows, ...figures }, null, 2)}\n`);
if (values.html !== undefined) writeFileSync(values.html, html(rows));
process.exitCode = rows.some(({ error }) => error !== undefined) ? 1 : 0;
