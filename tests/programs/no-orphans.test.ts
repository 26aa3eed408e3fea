// Whatever dies and whenever, nothing of a sandbox outlives it: the command line, the sentry or a stub is killed with SIGKILL at
// several moments of its life; every process that was below the command line must be gone soon after.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/native.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const SCRIPT = 'while :; do /bin/true; done | /bin/cat & /bin/sleep 60 | /bin/sleep 60';
/** Milliseconds after the start: before the sentry runs, while it boots, while the first programs start, when all run. */
const MOMENTS = [5, 60, 110, 160, 210, 300, 700];
const DEADLINE_MS = 10_000;

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** With the pid it names a process for good: pids are used again. */
  readonly started: string;
}

function processes(): ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const isDead = fields[0] === 'Z' || fields[0] === 'X';
      return isDead ? [] : [{ pid: Number(name), parent: Number(fields[1]), started: fields[19] ?? '' }];
    } catch {
      return []; // ended meanwhile
    }
  });
}

/** The process and all below it, parents first. */
function tree(root: number): ProcessEntry[] {
  const all = processes();
  const found = all.filter(({ pid }) => pid === root);
  for (const entry of found) found.push(...all.filter(({ parent }) => parent === entry.pid));
  return found;
}

function alive(entries: readonly ProcessEntry[], mark: string | null): number[] {
  const now = processes();
  const known = entries.filter(({ pid, started }) => now.some((p) => p.pid === pid && p.started === started));
  const marked = mark === null ? [] : now.filter(({ pid }) => hasMark(pid, mark));
  return [...known, ...marked].map(({ pid }) => pid);
}

function hasMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
  } catch {
    return false;
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function goneWithin(
  limit: number,
  entries: readonly ProcessEntry[],
  mark: string | null,
): Promise<number[]> {
  const end = performance.now() + limit;
  let left = alive(entries, mark);
  while (left.length > 0 && performance.now() < end) {
    await sleep(20);
    left = alive(entries, mark);
  }
  return left;
}

/** The command line, the sentry, or one of what the sentry started; the nearest that exists yet. */
function pick(entries: readonly ProcessEntry[], victim: string, moment: number): number {
  const below = Math.max(entries.length - 2, 1);
  const at = victim === 'command line' ? 0 : victim === 'sentry' ? 1 : 2 + (moment % below);
  return entries[Math.min(at, entries.length - 1)]?.pid ?? 0;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}

// The sentry keeps PATH and little else of the environment, so that is where the mark goes.
function start(platform: string, mark: string): ChildProcess {
  const args = [cli, 'run', '--platform', platform, '--', '/bin/sh', '-c', SCRIPT];
  return spawn(process.execPath, args, {
    stdio: 'ignore',
    env: { PATH: `${process.env['PATH'] ?? ''}:/${mark}` },
  });
}

describe.each(platforms())('on %s', (platform) => {
  describe.each(['command line', 'sentry', 'stub'])('killing the %s', (victim) => {
    it.each(MOMENTS)('after %i ms leaves no process', async (moment) => {
      const mark = `orphan-mark-${process.pid}-${victim.replace(' ', '-')}-${moment}`;
      const child = start(platform, mark);
      const closed = new Promise((resolve) => child.once('close', resolve));
      await sleep(moment);
      const entries = tree(child.pid ?? 0);
      expect(entries.length).toBeGreaterThan(0);
      const killed = pick(entries, victim, moment);
      kill(killed);
      if (victim === 'stub') {
        // A stub is one program of several: the others may go on, as if the program had been killed inside.
        const own = entries.filter(({ pid }) => pid === killed);
        expect(await goneWithin(DEADLINE_MS, own, null)).toEqual([]);
        await sleep(100);
        kill(child.pid ?? 0);
      }
      const left = await goneWithin(DEADLINE_MS, entries, mark);
      for (const pid of left) kill(pid);
      expect(left).toEqual([]);
      await closed;
    });
  });

  it('leaves no process when all goes well', async () => {
    const mark = `orphan-mark-${process.pid}-well`;
    const args = [cli, 'run', '--platform', platform, '--', '/bin/sh', '-c', 'sleep 60 & exit 0'];
    const env = { PATH: `${process.env['PATH'] ?? ''}:/${mark}` };
    const child = spawn(process.execPath, args, { stdio: 'ignore', env });
    const entries: ProcessEntry[] = [];
    const watch = setInterval(() => entries.push(...tree(child.pid ?? 0)), 50);
    const status = await new Promise((resolve) => child.once('close', resolve));
    clearInterval(watch);
    expect(status).toBe(0);
    expect(await goneWithin(DEADLINE_MS, entries, mark)).toEqual([]);
  });
});
