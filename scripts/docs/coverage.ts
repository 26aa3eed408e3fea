// Writes docs/coverage.md from the sentry's system call table; `--check` only compares, for CI.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { syscallName } from '@sandbox-kernel/abi';
import { SYSCALL_ROWS } from '../../packages/sentry/src/syscalls/table.js';

const FILE = 'docs/coverage.md';
const LAST_NUMBER = 462;

const lines: string[] = [];
const counts = { full: 0, partial: 0, none: 0 };
for (let nr = 0; nr <= LAST_NUMBER; nr++) {
  const row = SYSCALL_ROWS[nr];
  const name = row?.name ?? syscallName(nr);
  if (name === undefined || /^(syscall_)?\d+$/.test(name)) continue;
  const coverage = row?.coverage ?? 'none';
  counts[coverage]++;
  lines.push(`| ${nr} | \`${name}\` | ${coverage} | ${row?.note?.replaceAll('|', '\\|') ?? ''} |`);
}

const text = [
  '# System calls',
  '',
  "Made from the table in `packages/sentry/src/syscalls` by `npx tsx scripts/docs/coverage.ts`; don't edit.",
  'A call without a handler gives an error number and one event, never a crash.',
  '',
  `${counts.full} full, ${counts.partial} partial, ${counts.none} none, of ${lines.length} on x86-64.`,
  '',
  '| number | name | coverage | limit |',
  '|---|---|---|---|',
  ...lines,
  '',
].join('\n');

if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write(`${FILE} is older than the system call table: run npx tsx scripts/docs/coverage.ts\n`);
  process.exitCode = 1;
}
