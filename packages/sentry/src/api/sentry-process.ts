// Starts the sentry as a process of its own and watches it.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeSocketPair } from '@sandbox-kernel/host';
import { SandboxClosedError } from './errors.js';

const KEPT_OUTPUT = 8192;

export interface SentryProcess {
  /** This side's end of the control channel. */
  readonly controlFd: number;
  /** Resolves when the process is gone, with the error that requests get from then on. */
  readonly ended: Promise<SandboxClosedError>;
  kill(): void;
  /** Keeps the sentry's own account of a failure for `ended`. */
  report(text: string): void;
  /** A better error than `error`, where the process died instead of answering. */
  explain(error: unknown): unknown;
}

/** The bundled program beside this module. */
function sentryProgram(): string {
  return fileURLToPath(new URL('./sentry-process.cjs', import.meta.url));
}

/** What of the environment the sentry looks at, for tests and diagnosis. */
const SWITCHES = ['SANDBOX_LEAK_CHECK', 'SANDBOX_TSC'];

/** The sentry needs no more of the environment than this. */
function sentryEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8' };
  for (const name of SWITCHES) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** `program`: the script, and words for it. */
export function startSentry(program: readonly string[] = [sentryProgram()]): SentryProcess {
  const [ours, theirs] = makeSocketPair();
  const child = spawn(process.execPath, ['--v8-pool-size=0', ...program], {
    stdio: ['ignore', 'ignore', 'pipe', theirs],
    env: sentryEnvironment(),
    detached: true,
  });
  closeSync(theirs);
  return watch(child, ours);
}

function watch(child: ChildProcess, controlFd: number): SentryProcess {
  let output = '';
  let reported = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    output = (output + bytes.toString('utf8')).slice(-KEPT_OUTPUT);
  });
  let final: SandboxClosedError | null = null;
  const ended = new Promise<SandboxClosedError>((resolve) => {
    const finish = (how: string) => {
      final ??= closedError(how, reported || output);
      resolve(final);
    };
    child.once('close', (code, signal) => finish(signal ? `by ${signal}` : `with exit code ${code}`));
    child.once('error', (cause) => finish(`before it began: ${cause.message}`));
  });
  return {
    controlFd,
    ended,
    kill: () => void child.kill('SIGKILL'),
    report: (text) => {
      reported = text;
    },
    explain: (error) => (error instanceof SandboxClosedError && final ? final : error),
  };
}

function closedError(how: string, report: string): SandboxClosedError {
  const detail = report.trim() === '' ? '' : `\n${report.trim()}`;
  return new SandboxClosedError('ERR_SANDBOX_CLOSED', `the sandbox's kernel process ended ${how}${detail}`, {
    hint: 'run `sandbox-cli doctor` to see what this machine allows; an unexpected end is a bug worth reporting',
  });
}
