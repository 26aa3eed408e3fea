// A process started in a sandbox, as the host application holds it.
import type { Readable, Writable } from 'node:stream';
import type { SignalScope, Usage } from '../control/messages.js';
import type { SandboxError } from './errors.js';

export interface ExitStatus {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** Signal name, such as `SIGKILL`. */
  readonly signal: string | null;
  /** True when the `timeout` option ended it. */
  readonly timedOut: boolean;
  readonly usage: Usage;
  readonly durationMs: number;
}

export interface ExecResult extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
}

/** What Sandbox supplies to its processes. */
export interface ProcessControl {
  signal(pid: number, signal: string | number, scope: SignalScope): Promise<void>;
  resize(pid: number, columns: number, rows: number): Promise<void>;
}

/** Streams are null where `stdio` was not `pipe`. */
export class SandboxProcess implements AsyncDisposable {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves with the process id in the sandbox; rejects with SandboxExecError when the program can't be started. */
  readonly started: Promise<number>;
  readonly #control: ProcessControl;
  readonly #exit: Promise<ExitStatus>;
  #pid: number | undefined;

  constructor(
    control: ProcessControl,
    streams: readonly [Writable | null, Readable | null, Readable | null],
    started: Promise<number>,
    exit: Promise<ExitStatus>,
  ) {
    this.#control = control;
    this.stdin = streams[0];
    this.stdout = streams[1];
    this.stderr = streams[2];
    this.started = started.then((pid) => {
      this.#pid = pid;
      return pid;
    });
    this.#exit = exit;
    this.started.catch(() => {});
    exit.catch(() => {});
  }

  /** Process id in the sandbox; undefined until it has started. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Resolves when the process has ended; a non-zero exit resolves too. */
  wait(): Promise<ExitStatus> {
    return this.#exit;
  }

  /** Sends a signal, SIGTERM by default, to the process or as `scope` says. No error when it has ended. */
  async kill(signal: string | number = 'SIGTERM', scope: SignalScope = 'process'): Promise<void> {
    await this.#control.signal(await this.started, signal, scope);
  }

  /** New size of its terminal. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#control.resize(await this.started, columns, rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL', 'tree').catch((error: SandboxError) => {
      if (error.code !== 'ERR_SANDBOX_CLOSED' && error.code !== 'ERR_SANDBOX_EXEC') throw error;
    });
    await this.#exit.catch(() => {});
  }
}
