// What is not the ratio of one command to itself: a round trip by stages, the library's start, memory and idleness of many sandboxes.
import type { Column } from './benchmark.js';
import { measureDensity, measureWaiters } from './idle.js';
import { measureStages } from './stages.js';
import { measureStart, type StartFigures } from './start-api.js';

export interface Occasion {
  readonly columns: readonly Column[];
  readonly platforms: readonly string[];
  readonly runs: number;
  /** Path of the compiled bench/guest/bench.c. */
  readonly guest: string;
  readonly wanted: (name: string) => boolean;
  readonly print: (line: string) => void;
}

export interface Figures {
  /** Also a prefix of what it measures. */
  readonly name: string;
  /** Prints lines, and returns what --json shows. */
  readonly measure: (occasion: Occasion) => Promise<unknown>;
}

const IDLE_SANDBOXES = 20;

const heading = (name: string, column: string): string => `${name.padEnd(24)} ${column.padEnd(16)}`;

async function stages({ platforms, guest, runs, print }: Occasion): Promise<unknown> {
  if (!platforms.includes('systrap')) return null;
  const lines = await measureStages(guest, runs);
  for (const line of lines) print(line);
  return lines;
}

async function startApi({ platforms, runs, print }: Occasion): Promise<unknown> {
  const starts: Record<string, StartFigures> = {};
  for (const platform of platforms) {
    const { create, exec } = await measureStart(platform, runs);
    starts[platform] = { create, exec };
    const parts = `${create.toFixed(0)} to create, ${exec.toFixed(0)} to run a program`;
    print(`${heading('start/api', platform)} ${(create + exec).toFixed(0)} ms: ${parts}`);
  }
  return starts;
}

async function density({ columns, print }: Occasion): Promise<unknown> {
  const byColumn: Record<string, number> = {};
  for (const { name, wrap } of columns) {
    const mib = await measureDensity(wrap(['/bin/sleep', '600'], []), IDLE_SANDBOXES);
    byColumn[name] = mib;
    print(`${heading('density', name)} ${mib.toFixed(1)} MiB per idle sandbox`);
  }
  return byColumn;
}

async function idle({ columns, wanted, print }: Occasion): Promise<unknown> {
  const native = { name: 'native', wrap: (command: readonly string[]) => command };
  const sandboxes = columns.map(({ name, wrap }) => ({
    name,
    wrap: (command: readonly string[]) => wrap(command, []),
  }));
  const figures = await measureWaiters([native, ...sandboxes], (waiter) => wanted(`idle/${waiter}`));
  for (const [waiter, byColumn] of Object.entries(figures)) {
    for (const [column, { cpuMillisPerMinute, wakeUpsPerMinute }] of Object.entries(byColumn)) {
      const used = `${cpuMillisPerMinute.toFixed(2)} ms of processor time`;
      print(
        `${heading(`idle/${waiter}`, column)} ${used} and ${wakeUpsPerMinute.toFixed(0)} wake-ups in a minute`,
      );
    }
  }
  return figures;
}

export const FIGURES: readonly Figures[] = [
  { name: 'stages', measure: stages },
  { name: 'start/api', measure: startApi },
  { name: 'density', measure: density },
  { name: 'idle', measure: idle },
];
