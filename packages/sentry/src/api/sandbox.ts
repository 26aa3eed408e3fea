// The host application's face of a sandbox: starts the sentry process and speaks to it over the control channel.
import { EventEmitter } from 'node:events';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { NetworkEvent } from '@sandbox-kernel/network';
import type { Notice, SignalScope } from '../control/messages.js';
import { SandboxFiles } from './changes/sandbox-files.js';
import { collect } from './collect.js';
import { ControlClient } from './control-client.js';
import { type SandboxClosedError, SandboxExitError } from './errors.js';
import { SandboxNetwork } from './network.js';
import type { NetworkOptions } from './network-options.js';
import { refuseUnknownKeys } from './option-checks.js';
import {
  EXEC_KEYS,
  type ExecOptions,
  processSpec,
  type SandboxOptions,
  SPAWN_KEYS,
  type SpawnOptions,
  sandboxPlan,
} from './options.js';
import { type ExecResult, type ExitStatus, SandboxProcess } from './process.js';
import { type SentryProcess, startSentry } from './sentry-process.js';
import { signalName, signalNumber } from './signals.js';
import { closeGuestEnds, planStdio } from './stdio.js';

const NANOS_PER_MILLI = 1e6;

interface Running {
  /** By `hrtime`: the first use of `performance` loads it, 4 ms. */
  readonly startedAt: bigint;
  timedOut: boolean;
  readonly resolve: (status: ExitStatus) => void;
  readonly reject: (error: Error) => void;
}

export interface SandboxEvents {
  /** A process started by this API ended. */
  exit: [pid: number, status: ExitStatus];
  /** The memory cap is reached: this process was killed for it. `note` says so as Linux's log does. */
  oom: [pid: number, note: string];
  /** A connection, a name, or the refusal of one. */
  network: [event: NetworkEvent];
  /** The sandbox itself ended; with an error when nobody asked for it. */
  close: [error: SandboxClosedError | null];
}

/** One sandbox: one sentry process with any number of guest processes. Everything in it ends when it closes. */
export class Sandbox extends EventEmitter<SandboxEvents> implements AsyncDisposable {
  /** What its programs may reach, and what reaches them. */
  readonly network: SandboxNetwork;
  readonly #sentry: SentryProcess;
  readonly #client: ControlClient;
  readonly #running = new Map<number, Running>();
  readonly #early = new Map<number, Extract<Notice, { event: 'exit' }>>();
  #closing = false;
  /** What programs changed in the root, and what becomes of it. */
  readonly fs: SandboxFiles;

  private constructor(root: string, onConnect: NetworkOptions['onConnect']) {
    super();
    this.#sentry = startSentry();
    this.#client = new ControlClient(this.#sentry.controlFd, (notice) => this.#notice(notice));
    this.network = new SandboxNetwork(this.#client, onConnect);
    this.#sentry.ended.then((error) => this.#ended(error));
    this.fs = new SandboxFiles((request) => this.#client.request({ call: 'changes', request }), root);
  }

  /** Starts a sandbox. Rejects with a SandboxError that says what is missing on this machine and how to mend it. */
  static async create(options: SandboxOptions = {}): Promise<Sandbox> {
    const { spec, fds, toClose } = sandboxPlan(options);
    options.signal?.throwIfAborted();
    const { network } = options;
    const sandbox = new Sandbox(spec.root, typeof network === 'object' ? network.onConnect : undefined);
    const abort = () => sandbox.#kill();
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      await sandbox.#client.request({ call: 'boot', spec }, fds);
    } catch (error) {
      await sandbox.close();
      options.signal?.throwIfAborted();
      throw sandbox.#sentry.explain(error);
    } finally {
      for (const fd of toClose) closeSync(fd);
    }
    return sandbox;
  }

  /** Starts a program; the handle is there at once. `file` is looked up in the PATH of `env` when it has no slash. */
  spawn(file: string, args: readonly string[] = [], options: SpawnOptions = {}): SandboxProcess {
    refuseUnknownKeys(options, SPAWN_KEYS, 'spawn');
    options.signal?.throwIfAborted();
    const plan = planStdio(options.stdio);
    const startedAt = process.hrtime.bigint();
    const request = this.#client.request(
      { call: 'spawn', process: processSpec([file, ...args], options, plan.indexes) },
      plan.fds,
    );
    this.#client.flushed().finally(() => closeGuestEnds(plan));
    const exit = request.then((pid) => this.#exitOf(pid as number, startedAt, options));
    return new SandboxProcess(
      {
        signal: (pid, signal, scope) => this.#signal(pid, signalNumber(signal), scope),
        resize: async (pid, columns, rows) => {
          await this.#client.request({ call: 'resize', pid, columns, rows });
        },
      },
      plan.streams,
      request as Promise<number>,
      exit,
    );
  }

  /** Runs a program to its end and gives back what it printed. A non-zero exit resolves, unless `check` is set. */
  async exec(file: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<ExecResult> {
    refuseUnknownKeys(options, EXEC_KEYS, 'exec');
    const { input, check, maxBuffer, ...spawnOptions } = options;
    const child = this.spawn(file, args, spawnOptions);
    child.stdin?.on('error', () => {}); // the program may end without reading its input (EPIPE)
    child.stdin?.end(input ?? '');
    const limit = maxBuffer ?? 64 * 1024 * 1024;
    const [stdout, stderr, status] = await Promise.all([
      collect(child.stdout as Readable, limit, 'stdout'),
      collect(child.stderr as Readable, limit, 'stderr'),
      child.wait(),
    ]);
    const result: ExecResult = { ...status, stdout, stderr };
    if (check && (status.exitCode !== 0 || status.signal !== null)) {
      throw new SandboxExitError(
        `'${file}' ended with ${status.signal ?? `exit code ${status.exitCode}`}`,
        result,
      );
    }
    return result;
  }

  /** Runs a script with `/bin/sh -c`. */
  shell(script: string, options: ExecOptions = {}): Promise<ExecResult> {
    return this.exec('/bin/sh', ['-c', script], options);
  }

  /** Sends a signal to every process of the sandbox. */
  async signalAll(signal: string | number): Promise<void> {
    await this.#signal(-1, signalNumber(signal), 'all');
  }

  /**
   * Counters of the sentry: traps, and what it holds now (tasks, address spaces, open files, host descriptors, memory in bytes).
   * `collect` collects its garbage first, so that `heapUsed` is what is really in use.
   */
  async stats({ collect = false }: { readonly collect?: boolean } = {}): Promise<Record<string, number>> {
    return (await this.#client.request({ call: 'stats', collect })) as Record<string, number>;
  }

  /** Ends every process and the sentry. Idempotent. */
  async close(): Promise<void> {
    this.#kill();
    await this.#sentry.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #kill(): void {
    this.#closing = true;
    this.#sentry.kill();
  }

  async #signal(pid: number, signal: number, scope: SignalScope): Promise<void> {
    await this.#client.request({ call: 'signal', pid, signal, scope });
  }

  #exitOf(pid: number, startedAt: bigint, options: SpawnOptions): Promise<ExitStatus> {
    const exit = new Promise<ExitStatus>((resolve, reject) =>
      this.#running.set(pid, { startedAt, timedOut: false, resolve, reject }),
    );
    const early = this.#early.get(pid);
    if (early) {
      this.#early.delete(pid);
      this.#exited(early);
    }
    return this.#guarded(pid, exit, options);
  }

  /** Applies `timeout` and `signal`: both kill the whole tree, and the promise tells which it was. */
  async #guarded(pid: number, exit: Promise<ExitStatus>, options: SpawnOptions): Promise<ExitStatus> {
    const running = this.#running.get(pid);
    const kill = () => void this.#signal(pid, 9, 'tree').catch(() => {});
    const timer = options.timeout ? setTimeout(expire, options.timeout) : undefined;
    function expire(): void {
      if (running) running.timedOut = true;
      kill();
    }
    if (options.signal?.aborted) kill();
    options.signal?.addEventListener('abort', kill, { once: true });
    try {
      const status = await exit;
      options.signal?.throwIfAborted();
      return status;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', kill);
    }
  }

  #notice(notice: Notice): void {
    if (notice.event === 'fatal') this.#sentry.report(notice.report);
    else if (notice.event === 'oom') this.emit('oom', notice.pid, notice.note);
    else if (notice.event === 'network') this.emit('network', notice.what);
    else if (notice.event === 'network-question') void this.network.answer(notice.question, notice.about);
    else if (this.#running.has(notice.pid)) this.#exited(notice);
    else this.#early.set(notice.pid, notice);
  }

  #exited(notice: Extract<Notice, { event: 'exit' }>): void {
    const running = this.#running.get(notice.pid);
    if (!running) return;
    this.#running.delete(notice.pid);
    const status: ExitStatus = {
      exitCode: notice.exitCode,
      signal: notice.signal === null ? null : signalName(notice.signal),
      timedOut: running.timedOut,
      usage: notice.usage,
      durationMs: Number(process.hrtime.bigint() - running.startedAt) / NANOS_PER_MILLI,
    };
    running.resolve(status);
    this.emit('exit', notice.pid, status);
  }

  #ended(error: SandboxClosedError): void {
    this.#client.fail(error);
    for (const running of this.#running.values()) running.reject(error);
    this.#running.clear();
    this.emit('close', this.#closing ? null : error);
  }
}
