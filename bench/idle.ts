// Memory and CPU of idle sandboxes: the difference in available memory over many, and the CPU ticks of their process trees.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const available = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ticks of 10 ms of every process whose environment carries the mark, user and system. */
function ticksOf(mark: string): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) continue;
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended between the two reads.
    }
  }
  return ticks;
}

export interface IdleFigures {
  readonly mibPerSandbox: number;
  readonly cpuPercent: number;
}

export async function measureIdle(command: readonly string[], count: number): Promise<IdleFigures> {
  const mark = `SANDBOX_BENCH_MARK=${process.pid}`;
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const before = available();
  const children: ChildProcess[] = [];
  const [program = '', ...args] = command;
  for (let i = 0; i < count; i++)
    children.push(
      spawn(program, args, { stdio: 'ignore', env: { ...env, SANDBOX_BENCH_MARK: `${process.pid}` } }),
    );
  await pause(3000 + count * 300);
  const mibPerSandbox = (before - available()) / 1024 / count;
  const start = ticksOf(mark);
  await pause(5000);
  const cpuPercent = (((ticksOf(mark) - start) * 10) / 5000 / count) * 100;
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ended);
  return { mibPerSandbox, cpuPercent };
}
