// `sandbox-cli run`: one program in a sandbox of its own, with this process's streams.

import {
  type NetworkEvent,
  Sandbox,
  type SandboxOptions,
  type SandboxProcess,
  type SpawnOptions,
} from '@sandbox-kernel/sentry/run';
import { changeActions, handleChanges } from '../changes.js';
import { buildEnvironment } from '../environment.js';
import { exitCodeOf } from '../exit-codes.js';
import { optionHelp } from '../help.js';
import { parseMount, parseTmpfs, parseVolume } from '../mounts.js';
import { networkOf, printNetworkEvent } from '../network.js';
import { RUN_OPTIONS } from '../option-table.js';
import { type ParsedOptions, parseOptions } from '../parse-options.js';
import { parseCount, parseSeed, parseSize, parseTime, parseVirtualTime } from '../quantities.js';
import { UsageError } from '../usage-error.js';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Network events kept for --json. */
const MAX_EVENTS = 10_000;

/** Runs it; resolves with the exit code for this process. */
export async function run(words: readonly string[]): Promise<number> {
  const options = parseOptions(words, RUN_OPTIONS);
  if (options.flags.has('help')) {
    process.stdout.write(
      `Usage: sandbox-cli run [options] -- PROGRAM [ARG...]\n\n${optionHelp(RUN_OPTIONS)}\n`,
    );
    return 0;
  }
  const argv = commandOf(options);
  const sandboxOptions = sandboxOptionsOf(options);
  const spawnOptions = spawnOptionsOf(options);
  const actions = changeActions(options);
  const { network } = sandboxOptions;
  const userMode = typeof network === 'object' && network.mode === 'user';
  const sandbox = await Sandbox.create(sandboxOptions);
  sandbox.on('oom', (_pid, note) => process.stderr.write(`sandbox-cli: ${note}\n`));
  if (options.flags.has('net-log')) sandbox.on('network', printNetworkEvent);
  else if (options.flags.has('net-audit'))
    sandbox.on('network', (event) => event.kind === 'would-refuse' && printNetworkEvent(event));
  try {
    const exitCode = options.flags.has('json')
      ? await runForJson(sandbox, argv, spawnOptions, userMode)
      : await runAttached(sandbox, argv, spawnOptions, options.flags.has('tty'));
    if (userMode) await endNetwork(sandbox);
    await handleChanges(sandbox, actions, exitCode === 0);
    return exitCode;
  } finally {
    await sandbox.close();
  }
}

function commandOf(options: ParsedOptions): readonly [string, ...string[]] {
  const [operand] = options.operands;
  if (operand !== undefined) {
    throw new UsageError(`'${operand}' stands before --`, `write: sandbox-cli run [options] -- ${operand} …`);
  }
  const [file, ...args] = options.command ?? [];
  if (file === undefined)
    throw new UsageError('no program given', 'write: sandbox-cli run [options] -- PROGRAM [ARG...]');
  return [file, ...args];
}

function sandboxOptionsOf(options: ParsedOptions): SandboxOptions {
  const { values, lists } = options;
  const mounts = [
    ...(lists.get('volume') ?? []).map(parseVolume),
    ...(lists.get('mount') ?? []).map(parseMount),
    ...(lists.get('tmpfs') ?? []).map(parseTmpfs),
  ];
  return {
    ...picked('platform', values.get('platform') as SandboxOptions['platform']),
    ...picked('patching', values.get('patching') as SandboxOptions['patching']),
    ...picked('root', values.get('root')),
    ...picked('hostname', values.get('hostname')),
    ...picked(
      'memory',
      mapped(values.get('memory'), (text) => parseSize(text, '--memory')),
    ),
    ...picked(
      'pids',
      mapped(values.get('pids-limit'), (text) => parseCount(text, '--pids-limit')),
    ),
    ...picked('time', mapped(values.get('time'), parseVirtualTime)),
    ...picked('seed', mapped(values.get('seed'), parseSeed)),
    ...picked(
      'strace',
      mapped(values.get('strace'), (text) => text.split(',')),
    ),
    ...picked('network', networkOf(options)),
    readOnly: options.flags.has('read-only'),
    mounts,
  };
}

function spawnOptionsOf(options: ParsedOptions): SpawnOptions {
  const { values, lists } = options;
  return {
    env: buildEnvironment(lists.get('env-file') ?? [], lists.get('env') ?? []),
    cwd: values.get('workdir') ?? (values.has('root') ? '/' : process.cwd()),
    ...mapped(values.get('user'), parseUser),
    ...picked(
      'timeout',
      mapped(values.get('timeout'), (text) => parseTime(text, '--timeout')),
    ),
  };
}

/** An object with the key, or without it when there is no value (exactOptionalPropertyTypes). */
function picked<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function mapped<V>(text: string | undefined, parse: (text: string) => V): V | undefined {
  return text === undefined ? undefined : parse(text);
}

function parseUser(text: string): { uid: number; gid: number } {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  if (!match) throw new UsageError(`-u: '${text}' is not a user`, 'write numbers: UID or UID:GID');
  return { uid: Number(match[1]), gid: Number(match[2] ?? match[1]) };
}

async function runAttached(
  sandbox: Sandbox,
  argv: readonly [string, ...string[]],
  options: SpawnOptions,
  tty: boolean,
): Promise<number> {
  const terminal = tty ? { terminal: terminalSize() } : {};
  const child = sandbox.spawn(argv[0], argv.slice(1), { ...options, ...terminal, stdio: 'inherit' });
  const stop = tty ? attachTerminal(child) : forwardSignals(child);
  try {
    return exitCodeOf(await child.wait());
  } finally {
    stop();
  }
}

function terminalSize(): { columns: number; rows: number } {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
}

/** Keys go through raw, so that Ctrl-C is the guest terminal's affair; its size follows this one's. Returns how to stop. */
function attachTerminal(child: SandboxProcess): () => void {
  const resize = () => {
    const { columns, rows } = terminalSize();
    void child.resize(columns, rows).catch(() => {});
  };
  const raw = process.stdin.isTTY === true;
  if (raw) {
    process.stdin.setRawMode(true);
    process.stdin.pause();
  }
  process.on('SIGWINCH', resize);
  const stopSignals = forwardSignals(child);
  return () => {
    stopSignals();
    process.off('SIGWINCH', resize);
    if (raw) process.stdin.setRawMode(false);
  };
}

async function runForJson(
  sandbox: Sandbox,
  argv: readonly [string, ...string[]],
  options: SpawnOptions,
  userMode: boolean,
): Promise<number> {
  const network: NetworkEvent[] = [];
  sandbox.on('network', (event) => network.length < MAX_EVENTS && network.push(event));
  const result = await sandbox.exec(argv[0], argv.slice(1), options);
  if (userMode) await endNetwork(sandbox);
  process.stdout.write(`${JSON.stringify(network.length === 0 ? result : { ...result, network })}\n`);
  return exitCodeOf(result);
}

/** The last bytes and events of the network; a sandbox that has broken down has none. */
async function endNetwork(sandbox: Sandbox): Promise<void> {
  await sandbox.network.end().catch(() => {});
}

/** Ctrl-C and its relatives go to the program, which decides. Returns how to stop. */
function forwardSignals(child: SandboxProcess): () => void {
  const forward = (signal: NodeJS.Signals) =>
    void child
      .kill(signal, signal === 'SIGINT' || signal === 'SIGQUIT' ? 'group' : 'process')
      .catch(() => {});
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}
