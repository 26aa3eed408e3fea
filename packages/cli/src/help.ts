// Help texts, from the option tables.
import type { OptionRow } from './option-table.js';

const COLUMN = 34;

export function optionHelp(table: readonly OptionRow[]): string {
  return table.map(optionLine).join('\n');
}

function optionLine(row: OptionRow): string {
  const short = row.short ? `-${row.short}, ` : '    ';
  const value = row.value === undefined ? '' : row.kind === 'optional' ? `[=${row.value}]` : ` ${row.value}`;
  const left = `  ${short}--${row.name}${value}`;
  return left.length < COLUMN
    ? `${left.padEnd(COLUMN)}${row.help}`
    : `${left}\n${' '.repeat(COLUMN)}${row.help}`;
}

export const MAIN_HELP = `Usage: sandbox-cli COMMAND [options]

Runs Linux programs on a kernel of their own: they never reach this machine's.

Commands:
  run [options] -- PROGRAM [ARG...]   run a program; writes stay in memory and are dropped at the end
  do                                  the same as run
  switch PATH                         let sandboxes meet: run --network switch:PATH --hostname NAME
  doctor [--json]                     what this machine allows, and how to mend what is missing
  version                             print the version
  help [COMMAND]                      show this, or a command's flags

Exit codes of run: the program's own; 128+N killed by signal N; 124 timed out;
125 the tool failed; 126 not executable; 127 not found.
`;
