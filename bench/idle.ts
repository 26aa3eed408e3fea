// Memory, CPU and wake-ups of idle sandboxes: the difference in available memory over many, and the processor time and context switches
// of their process trees, for programs that wait in various ways.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const available = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface TreeSample {
  readonly processes: number;
  /** Of 10 ms, user and system. */
  readonly ticks: number;
  /** Processor time of all threads that live, to the nanosecond. */
  readonly nanos: number;
  /** Times that a thread went to sleep of itself: as often it had been woken. */
  readonly switches: number;
}

/** Every process that descends from one of these; they keep their parents, for a sandbox ends with its caller. */
export function sampleTrees(roots: readonly number[]): TreeSample {
  const parents = new Map<number, number>();
  const sum = { processes: 0, ticks: 0, nanos: 0, switches: 0 };
  const fields = new Map<number, string[]>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      parents.set(Number(pid), Number(words[1]));
      fields.set(Number(pid), words);
    } catch {
      // It ended between the two reads.
    }
  }
  const descends = (pid: number): boolean =>
    roots.includes(pid) || (parents.has(pid) && descends(parents.get(pid) as number));
  for (const [pid, words] of fields) {
    if (!descends(pid)) continue;
    sum.processes++;
    sum.ticks += Number(words[11]) + Number(words[12]);
    addThreads(pid, sum);
  }
  return sum;
}

function addThreads(pid: number, sum: { nanos: number; switches: number }): void {
  try {
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
      const ran = readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1');
      sum.switches += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      sum.nanos += Number(ran.split(' ')[0]);
    }
  } catch {
    // It ended between the two reads.
  }
}

export interface IdleFigures {
  readonly cpuMillisPerMinute: number;
  readonly wakeUpsPerMinute: number;
}

/** Seconds of idleness that are looked at. */
const SPAN = 60;
/** Collectors have their last word a little after the start. */
const SETTLE = 30;

const PYTHON = '/usr/bin/python3';

/** Programs that wait. redis-server wakes up by itself ten times a second and more. */
export const WAITERS: Readonly<Record<string, readonly string[]>> = {
  sleep: ['/bin/sleep', '600'],
  'node-http': [process.execPath, '-e', "require('node:http').createServer().listen(0)"],
  'shell-pty': [
    PYTHON,
    '-c',
    "import os, pty\npid, fd = pty.fork()\nif pid == 0: os.execv('/bin/sh', ['sh', '-i'])\nwhile os.read(fd, 999): pass",
  ],
  'threads-100': [
    PYTHON,
    '-c',
    'import threading\nfor _ in range(100): threading.Thread(target=threading.Event().wait).start()',
  ],
  asyncio: [PYTHON, '-c', 'import asyncio\nasyncio.run(asyncio.sleep(600))'],
  redis: [
    '/usr/bin/redis-server',
    '--port',
    '0',
    '--unixsocket',
    '/tmp/sandbox-bench-idle',
    '--save',
    '',
    '--daemonize',
    'no',
  ],
};

const installed = ([program = '']: readonly string[]): boolean => existsSync(program);

function start(command: readonly string[]): ChildProcess {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const [program = '', ...args] = command;
  return spawn(program, args, { stdio: 'ignore', env });
}

async function stop(children: readonly ChildProcess[]): Promise<void> {
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ended);
}

/** All at once, over the same minute. `wrap`: what runs a command, by column. By program and column. */
export async function measureWaiters(
  columns: readonly { name: string; wrap: (command: readonly string[]) => readonly string[] }[],
  wanted: (waiter: string) => boolean,
): Promise<Record<string, Record<string, IdleFigures>>> {
  const runs = Object.entries(WAITERS)
    .filter(([waiter, command]) => wanted(waiter) && installed(command))
    .flatMap(([waiter, command]) =>
      columns.map(({ name, wrap }) => ({ waiter, name, child: start(wrap(command)) })),
    );
  await pause(SETTLE * 1000);
  const sample = (): TreeSample[] => runs.map(({ child }) => sampleTrees([child.pid ?? 0]));
  const before = sample();
  await pause(SPAN * 1000);
  const after = sample();
  const figures: Record<string, Record<string, IdleFigures>> = {};
  runs.forEach(({ waiter, name, child }, i) => {
    if (child.exitCode !== null) throw new Error(`${waiter} on ${name} ended with ${child.exitCode}`);
    const [first, last] = [before[i] as TreeSample, after[i] as TreeSample];
    figures[waiter] ??= {};
    figures[waiter][name] = {
      cpuMillisPerMinute: ((last.nanos - first.nanos) / 1e6) * (60 / SPAN),
      wakeUpsPerMinute: (last.switches - first.switches) * (60 / SPAN),
    };
  });
  await stop(runs.map(({ child }) => child));
  return figures;
}

/** MiB that each of `count` idle sandboxes takes. */
export async function measureDensity(command: readonly string[], count: number): Promise<number> {
  const before = available();
  const children: ChildProcess[] = [];
  for (let i = 0; i < count; i++) children.push(start(command));
  await pause(3000 + count * 300);
  const mibPerSandbox = (before - available()) / 1024 / count;
  await stop(children);
  return mibPerSandbox;
}
