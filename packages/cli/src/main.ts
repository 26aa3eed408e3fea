// The command line's entry: picks the command, prints errors as people need them, sets the exit code.
import { nearestName } from '@sandbox-kernel/sentry/run';
import { run } from './commands/run.js';
import { EXIT_TOOL_FAILED, exitCodeOfError } from './exit-codes.js';
import { MAIN_HELP, optionHelp } from './help.js';
import { DOCTOR_OPTIONS, RUN_OPTIONS, SWITCH_OPTIONS } from './option-table.js';
import { UsageError } from './usage-error.js';
import { version } from './version.js';

const COMMANDS = ['run', 'do', 'switch', 'doctor', 'version', 'help'] as const;

/** Carries out the words after `sandbox-cli`. Resolves with the exit code; never rejects. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    return await dispatch(words);
  } catch (error) {
    printError(error);
    return exitCodeOfError(error);
  }
}

/** The rarer commands are loaded when they are wanted: they bring the whole host API. */
async function dispatch(words: readonly string[]): Promise<number> {
  const [command, ...rest] = words;
  switch (command) {
    case 'run':
    case 'do':
      return run(rest);
    case 'switch':
      return (await import('./commands/switch.js')).runSwitch(rest);
    case 'doctor':
      return (await import('./commands/doctor.js')).doctor(rest);
    case 'version':
    case '--version':
      return print(`${version()}\n`);
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return print(helpFor(rest[0]));
    default:
      throw unknownCommand(command);
  }
}

function helpFor(command: string | undefined): string {
  if (command === 'run' || command === 'do')
    return `Usage: sandbox-cli run [options] -- PROGRAM [ARG...]\n\n${optionHelp(RUN_OPTIONS)}\n`;
  if (command === 'switch')
    return `Usage: sandbox-cli switch [options] PATH\n\n${optionHelp(SWITCH_OPTIONS)}\n`;
  if (command === 'doctor') return `Usage: sandbox-cli doctor [options]\n\n${optionHelp(DOCTOR_OPTIONS)}\n`;
  return MAIN_HELP;
}

function unknownCommand(command: string): UsageError {
  const nearest = nearestName(command, COMMANDS);
  return new UsageError(
    `unknown command '${command}'`,
    nearest ? `did you mean '${nearest}'?` : 'see sandbox-cli help',
  );
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** Told by its code: each entry of the host API has classes of its own. */
function isExpected(error: unknown): error is Error & { readonly hint: string | undefined } {
  if (error instanceof UsageError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_SANDBOX_');
}

function printError(error: unknown): void {
  const known = isExpected(error);
  const message =
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  const hint = known && error.hint !== undefined ? `\n  ${error.hint}` : '';
  process.stderr.write(`sandbox-cli: ${message}${hint}\n`);
  process.exitCode = EXIT_TOOL_FAILED;
}
