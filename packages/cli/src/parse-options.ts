// Parses a command line against an option table. A wrong flag is refused with the nearest valid one.
import { nearestName } from '@sandbox-kernel/sentry/run';
import type { OptionRow } from './option-table.js';
import { UsageError } from './usage-error.js';

export interface ParsedOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** The values of all lists, in the order in which they were written. */
  readonly sequence: readonly (readonly [name: string, value: string])[];
  /** Words before `--`. */
  readonly operands: readonly string[];
  /** Words after `--`; undefined when there was no `--`. */
  readonly command: readonly string[] | undefined;
}

class Parser {
  readonly flags = new Set<string>();
  readonly values = new Map<string, string>();
  readonly lists = new Map<string, string[]>();
  readonly operands: string[] = [];
  readonly sequence: (readonly [string, string])[] = [];
  #at = 0;

  constructor(
    readonly words: readonly string[],
    readonly table: readonly OptionRow[],
  ) {}

  run(): ParsedOptions {
    let command: readonly string[] | undefined;
    while (this.#at < this.words.length) {
      const word = this.words[this.#at++] as string;
      if (word === '--') {
        command = this.words.slice(this.#at);
        break;
      }
      if (word.startsWith('--')) this.#long(word);
      else if (word.startsWith('-') && word.length > 1) this.#short(word);
      else this.operands.push(word);
    }
    const { flags, values, lists, sequence, operands } = this;
    return { flags, values, lists, sequence, operands, command };
  }

  #long(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const row = this.table.find((candidate) => candidate.name === name);
    if (!row) throw this.#unknown(`--${name}`, name);
    this.#take(row, `--${name}`, equals < 0 ? undefined : word.slice(equals + 1));
  }

  /** `-it`, `-eNAME=1`, `-e NAME=1`. */
  #short(word: string): void {
    for (let i = 1; i < word.length; i++) {
      const letter = word[i] as string;
      const row = this.table.find((candidate) => candidate.short === letter);
      if (!row) throw this.#unknown(`-${letter}`, letter);
      if (row.kind === 'flag') {
        this.flags.add(row.name);
        continue;
      }
      const rest = word.slice(i + 1);
      this.#take(row, `-${letter}`, rest === '' ? undefined : rest.replace(/^=/, ''));
      return;
    }
  }

  #take(row: OptionRow, shown: string, attached: string | undefined): void {
    if (row.kind === 'flag') {
      if (attached !== undefined) throw new UsageError(`${shown} takes no value`, `write ${shown} alone`);
      this.flags.add(row.name);
      return;
    }
    const value = attached ?? (row.kind === 'optional' ? row.implied : this.words[this.#at++]);
    if (value === undefined || value === '--')
      throw new UsageError(`${shown} needs a value`, `write ${shown} ${row.value}`);
    if (row.kind === 'list') {
      this.lists.set(row.name, [...(this.lists.get(row.name) ?? []), value]);
      this.sequence.push([row.name, value]);
    } else this.values.set(row.name, value);
  }

  #unknown(shown: string, name: string): UsageError {
    const nearest = nearestName(
      name,
      this.table.map((row) => row.name),
    );
    const hint = nearest ? `did you mean --${nearest}?` : 'see --help for the flags there are';
    return new UsageError(`unknown flag ${shown}`, hint);
  }
}

export function parseOptions(words: readonly string[], table: readonly OptionRow[]): ParsedOptions {
  return new Parser(words, table).run();
}
