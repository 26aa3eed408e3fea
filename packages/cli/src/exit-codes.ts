// Exit codes as docker and timeout(1) use them.
import { constants } from 'node:os';
import { type ExitStatus, SandboxExecError } from '@sandbox-kernel/sentry/run';

export const EXIT_TIMED_OUT = 124;
export const EXIT_TOOL_FAILED = 125;
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_NOT_FOUND = 127;
const EXIT_SIGNAL_BASE = 128;

export function exitCodeOf(status: ExitStatus): number {
  if (status.timedOut) return EXIT_TIMED_OUT;
  if (status.signal !== null) return EXIT_SIGNAL_BASE + signalToNumber(status.signal);
  return status.exitCode ?? EXIT_TOOL_FAILED;
}

function signalToNumber(name: string): number {
  const known = (constants.signals as Readonly<Record<string, number>>)[name];
  if (known !== undefined) return known;
  const realtime = /^SIGRT(?:MIN)?\+?(\d+)?$/.exec(name);
  return realtime ? 34 + Number(realtime[1] ?? 0) : 0;
}

/** The code for an error that kept the program from running. */
export function exitCodeOfError(error: unknown): number {
  if (!(error instanceof SandboxExecError)) return EXIT_TOOL_FAILED;
  return error.errno === 'ENOENT' || error.errno === 'ENOTDIR' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
