// Memory, CPU and wake-ups of idle sandboxes: the difference in available memory over many, and the CPU ticks and context switches of
// their process trees.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const available = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface TreeSample {
  readonly processes: number;
  /** Of 10 ms, user and system. */
  readonly ticks: number;
  /** Times that a thread went to sleep of itself: as often it had been woken. */
  readonly switches: number;
}

/** Every process that descends from one of these; they keep their parents, for a sandbox ends with its caller. */
export function sampleTrees(roots: readonly number[]): TreeSample {
  const parents = new Map<number, number>();
  const sum = { processes: 0, ticks: 0, switches: 0 };
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
    sum.switches += switchesOf(pid);
  }
  return sum;
}

function switchesOf(pid: number): number {
  let switches = 0;
  try {
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
      switches += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    }
  } catch {
    // It ended between the two reads.
  }
  return switches;
}

export interface IdleFigures {
  readonly mibPerSandbox: number;
  readonly cpuPercent: number;
  readonly wakeUpsPerMinute: number;
}

/** Seconds of idleness that are looked at. */
const SPAN = 60;

export async function measureIdle(command: readonly string[], count: number): Promise<IdleFigures> {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const before = available();
  const children: ChildProcess[] = [];
  const [program = '', ...args] = command;
  for (let i = 0; i < count; i++) children.push(spawn(program, args, { stdio: 'ignore', env }));
  const roots = children.map((child) => child.pid ?? 0);
  await pause(3000 + count * 300);
  const mibPerSandbox = (before - available()) / 1024 / count;
  // Collectors have their last word a little after the start.
  await pause(10_000);
  const start = sampleTrees(roots);
  await pause(SPAN * 1000);
  const end = sampleTrees(roots);
  const cpuPercent = (((end.ticks - start.ticks) * 10) / (SPAN * 1000) / count) * 100;
  const wakeUpsPerMinute = ((end.switches - start.switches) / count) * (60 / SPAN);
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ended);
  return { mibPerSandbox, cpuPercent, wakeUpsPerMinute };
}
