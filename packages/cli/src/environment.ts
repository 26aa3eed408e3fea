// The program's environment: clean by default, plus what -e and --env-file name.
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { DEFAULT_PATH } from '@sandbox-kernel/sentry/run';
import { UsageError } from './usage-error.js';

/** PATH, HOME and TERM, then files, then -e in order. */
export function buildEnvironment(
  files: readonly string[],
  settings: readonly string[],
): Record<string, string> {
  const env: Record<string, string> = {
    PATH: DEFAULT_PATH,
    HOME: homeDirectory(),
    TERM: process.env.TERM ?? 'dumb',
  };
  for (const file of files) for (const line of readLines(file)) applySetting(env, line, `--env-file ${file}`);
  for (const setting of settings) applySetting(env, setting, '-e');
  return env;
}

function homeDirectory(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/'; // a uid without an entry in passwd
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch (cause) {
    throw new UsageError(`--env-file: can't read '${file}': ${(cause as Error).message}`, 'correct the path');
  }
}

function applySetting(env: Record<string, string>, setting: string, flag: string): void {
  const equals = setting.indexOf('=');
  const name = equals < 0 ? setting : setting.slice(0, equals);
  if (name === '') throw new UsageError(`${flag}: '${setting}' has no name`, 'write NAME=VALUE or NAME');
  const value = equals < 0 ? process.env[name] : setting.slice(equals + 1);
  if (value !== undefined) env[name] = value;
}
