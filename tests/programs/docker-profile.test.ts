// Programs in a sandbox inside a filter like that of a default container, as an ordinary user without capabilities: language runtimes that
// make calls of their own, compilers of code at run time, programs that live on signals, and storms of processes print what they print
// natively, on every platform, with the filter and without. And the filter is really on.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { compileGuest, platforms } from '../support/native.js';
import { itWith } from '../support/tools.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;
const sources = `${root}tests/programs/sources`;
const world = mkdtempSync('/tmp/sandbox-docker-');
chmodSync(world, 0o755);
afterAll(() => rmSync(world, { recursive: true, force: true }));

const SHELL = 'for i in 1 2 3; do (echo $i; kill -0 $$) | cat; done; ls / | grep -c etc';
const PYTHON = [
  'import os, signal, subprocess, threading',
  'seen = []',
  'signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))',
  'os.kill(os.getpid(), signal.SIGUSR1)',
  'threads = [threading.Thread(target=lambda: sum(range(20000))) for _ in range(8)]',
  '[t.start() for t in threads]; [t.join() for t in threads]',
  'print(seen, subprocess.run(["/bin/echo", "child"], capture_output=True).stdout)',
].join('\n');

const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/', LANG: 'C' };

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[], env: Record<string, string> = ENVIRONMENT): Outcome {
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    cwd: '/',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, stdout, stderr };
}

/** As uid 65534, without any capability. */
const asNobody = (program: readonly string[]): string[] => {
  const drop = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--bounding-set=-all'];
  return process.getuid?.() === 0 ? [...drop, ...program] : [...program];
};

const confined = (program: readonly string[]): string[] =>
  asNobody([compileGuest(`${root}tests/support/docker-profile.c`), ...program]);

it('the filter refuses namespaces, mounts and clone3', () => {
  expect(run(confined(['unshare', '--user', 'true'])).status).not.toBe(0);
  expect(run(confined([compileGuest(`${sources}/refused.c`)])).stdout).toBe(
    'unshare EPERM\nmount EPERM\nfsopen EPERM\nclone EPERM\nclone3 ENOSYS\nvsock EPERM\na newer call ENOSYS\nsetns EPERM\ncapabilities 0\n',
  );
});

interface Program {
  readonly name: string;
  readonly needs: readonly string[];
  /** Makes what the command runs; done once. */
  readonly prepare?: () => void;
  readonly command: () => readonly string[];
  /** guest.test.ts runs it without the filter. */
  readonly isGuest?: true;
}

function must(program: string, args: readonly string[], env: Record<string, string> = {}): void {
  const PATH = `/usr/local/go/bin:${ENVIRONMENT.PATH}`;
  const { status, stderr } = run([program, ...args], { ...ENVIRONMENT, PATH, HOME: world, ...env });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}\n${stderr}`);
  spawnSync('chmod', ['-R', 'a+rX', world]);
}

const GO = { GOCACHE: `${world}/go-cache`, GOTOOLCHAIN: 'local', GO111MODULE: 'off', CGO_ENABLED: '0' };

const PROGRAMS: readonly Program[] = [
  { name: 'a shell with pipes and signals', needs: [], command: () => ['/bin/sh', '-c', SHELL] },
  {
    name: 'python with threads, signals and children',
    needs: ['/usr/bin/python3'],
    command: () => ['/usr/bin/python3', '-c', PYTHON],
  },
  {
    name: 'go, whose system calls are its own',
    needs: ['go'],
    prepare: () => must('go', ['build', '-o', `${world}/goroutines`, `${sources}/goroutines.go`], GO),
    command: () => [`${world}/goroutines`],
  },
  {
    name: 'node, which compiles while it runs',
    needs: [process.execPath],
    command: () => [process.execPath, `${sources}/workers.cjs`],
  },
  {
    name: 'java, which compiles while it runs',
    needs: ['java', 'javac'],
    prepare: () => must('javac', ['-d', world, `${sources}/Threads.java`]),
    command: () => ['java', '-Xmx64m', '-cp', world, 'Threads'],
  },
  {
    name: 'luajit, which compiles while it runs',
    needs: ['luajit'],
    command: () => ['luajit', `${sources}/jit.lua`],
  },
  ...readdirSync(`${root}tests/guest/signal`).map((name) => ({
    name: `signals: ${name}`,
    needs: [],
    command: () => [compileGuest(`${root}tests/guest/signal/${name}`)],
    isGuest: true as const,
  })),
  {
    name: 'a storm of vfork and exec',
    needs: [],
    command: () => [compileGuest(`${root}tests/guest/proc/storm.c`)],
    isGuest: true,
  },
];

const prepared = new Map<string, Outcome>();

/** What it does natively, without the filter. */
function natively(program: Program): Outcome {
  const known = prepared.get(program.name);
  if (known !== undefined) return known;
  program.prepare?.();
  const outcome = run(asNobody(program.command()));
  expect(outcome.stdout).not.toBe('');
  prepared.set(program.name, outcome);
  return outcome;
}

describe.each(platforms())('on %s', (platform) => {
  const sandboxed = (command: readonly string[]): string[] => {
    const env = Object.entries(ENVIRONMENT).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    return [process.execPath, cli, 'run', '--platform', platform, '-w', '/', ...env, '--', ...command];
  };

  for (const program of PROGRAMS) {
    itWith(...program.needs)(program.name, () => {
      const native = natively(program);
      expect(run(confined(sandboxed(program.command())))).toEqual(native);
      if (program.isGuest) return;
      expect(run(asNobody(sandboxed(program.command())))).toEqual(native);
    });
  }
});
