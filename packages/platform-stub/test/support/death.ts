// No process outlives the sentry, whenever and however it dies; and the platform runs for an ordinary user.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fstatSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { openHost } from '@sandbox-kernel/host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** `script`: one that calls `churn` with the platform's `open`. */
export function deathSuite(script: string): void {
  const host = openHost();
  let memory = -1;
  beforeEach(() => {
    memory = host.descriptors.memfd('churn', 0);
    host.descriptors.truncate(memory, 1 << 20);
  });
  afterEach(() => {
    host.descriptors.close(memory);
  });

  const environment = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

  function start(...args: string[]): ChildProcess {
    const stdio = ['ignore', 'pipe', 'inherit', memory] as const;
    return spawn(process.execPath, ['--import', 'tsx', script, ...args], {
      stdio: [...stdio],
      env: environment,
    });
  }

  /** Processes other than this one that hold the memory file as a stub does. */
  function stubs(): number[] {
    const { ino } = fstatSync(memory);
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid && holds(pid, ino));
  }

  function holds(pid: number, ino: number): boolean {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => statSync(`/proc/${pid}/fd/${fd}`).ino === ino);
    } catch {
      return false;
    }
  }

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  async function ready(child: ChildProcess): Promise<void> {
    await new Promise((resolve) => child.stdout?.once('data', resolve));
  }

  const gone = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => child.on('exit', () => resolve()));

  describe('when the sentry is killed', () => {
    it('no stub is left, whatever it was doing', async () => {
      for (let round = 0; round < 8; round++) {
        const child = start();
        const end = gone(child);
        await ready(child);
        expect(stubs().length).toBeGreaterThan(1);
        await new Promise((resolve) => setTimeout(resolve, round * 3));
        child.kill('SIGKILL');
        await end;
        await until(() => stubs().length === 0);
      }
    }, 60_000);

    it('no stub is left when it was only starting', async () => {
      const child = start();
      await ready(child);
      child.kill('SIGKILL');
      for (let round = 0; round < 6; round++) {
        const next = start();
        const end = gone(next);
        // The stubs appear some time after node has started; each round catches another moment.
        await until(() => stubs().length > 1 || next.exitCode !== null);
        next.kill('SIGKILL');
        await end;
        await until(() => stubs().length === 0);
      }
    }, 60_000);
  });

  describe('when the platform is closed', () => {
    it('all its processes are gone at once', async () => {
      const child = start('20');
      const end = gone(child);
      let output = '';
      child.stdout?.on('data', (chunk) => {
        output += chunk;
      });
      await end;
      expect(output).toBe('ready\ndone\n');
      expect(child.exitCode).toBe(0);
      expect(stubs()).toEqual([]);
    }, 30_000);
  });

  describe('an ordinary user', () => {
    const isRoot = process.getuid?.() === 0;
    it.skipIf(!isRoot)(
      `can run the platform without any capability${isRoot ? '' : ' (skipped: only root becomes another user)'}`,
      () => {
        truncateSync(`/proc/self/fd/${memory}`, 1 << 20);
        const user = [
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          '--bounding-set=-all',
          '--no-new-privs',
        ];
        const result = spawnSync('setpriv', [...user, process.execPath, '--import', 'tsx', script, '5'], {
          stdio: ['ignore', 'pipe', 'pipe', memory],
          env: environment,
          encoding: 'utf8',
        });
        expect(result.stderr + result.stdout).toBe('ready\ndone\n');
      },
      30_000,
    );
  });
}
