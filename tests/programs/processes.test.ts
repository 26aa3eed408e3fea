// Programs that live on processes, threads and signals: shells, builds, interpreters and language runtimes print what they print natively.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compileGuest,
  describeDifference,
  longPlatforms,
  runNative,
  runSandboxed,
  users,
} from '../support/native.js';
import { itWith } from '../support/tools.js';
import { makeProject } from './make-project.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const scripts = `${here}scripts`;
const sources = `${here}sources`;
const world = mkdtempSync('/tmp/sandbox-processes-');
const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const user = users()[0] ?? 'self';

const cpython = ['/usr/bin/python3', '/usr/lib/python3.11/test/test_thread.py'];

interface Case {
  readonly name: string;
  readonly needs: readonly string[];
  readonly script: string;
  /** Done once, natively. */
  readonly prepare?: () => void;
}

function must(program: string, args: readonly string[], cwd = world, env: Record<string, string> = {}): void {
  const PATH = '/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin';
  const result = spawnSync(program, args, { cwd, encoding: 'utf8', env: { PATH, HOME: world, ...env } });
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}\n${result.stderr}`);
}

// Less than a minute together; `npm run soak:cpython` runs everything.
const CPYTHON_MODULES = [
  'test_thread',
  'test_select',
  'test_epoll',
  'test_pty',
  'test_popen',
  'test_posix',
  'test_threadsignals',
  'test_fcntl',
  'test_resource',
  'test_mmap',
  'test_subprocess.POSIXProcessTestCase',
  'test_signal.PosixTests',
  'test_signal.WakeupSignalTests',
  'test_asyncio.test_unix_events',
  'test_multiprocessing_fork.WithProcessesTestPool',
];

const CASES: readonly Case[] = [
  {
    name: 'a long bash script',
    needs: ['bash'],
    script: `bash ${scripts}/shell-tour.sh`,
  },
  {
    name: 'make -j2 of a C project',
    needs: ['make', 'gcc'],
    prepare: () => makeProject(`${world}/project`),
    script: `cd ${world}/project && rm -rf out && make -s -j2 && md5sum out/*.o out/*.a && touch module_5.c && make -s -j2 && make -q; echo $?`,
  },
  ...CPYTHON_MODULES.map((module) => ({
    name: `CPython's own ${module}`,
    needs: cpython,
    // The same limit on both sides: some tests ask for it.
    script: `cd /tmp && ulimit -n 1024 && /usr/bin/python3 ${scripts}/cpython-outcomes.py ${module}`,
  })),
  {
    name: 'node with worker threads and child processes',
    needs: [process.execPath],
    script: `${process.execPath} ${sources}/workers.cjs`,
  },
  {
    name: 'java with threads, collections and a child process',
    needs: ['java', 'javac'],
    prepare: () => must('javac', ['-d', world, `${sources}/Threads.java`]),
    script: `java -Xmx64m -cp ${world} Threads`,
  },
  {
    name: 'go with goroutines, preemption and os/exec',
    needs: ['go'],
    prepare: () =>
      must('go', ['build', '-o', `${world}/goroutines`, `${sources}/goroutines.go`], world, {
        GOCACHE: `${world}/go-cache`,
        GOTOOLCHAIN: 'local',
        GO111MODULE: 'off',
      }),
    script: `${world}/goroutines`,
  },
  {
    name: 'git clone of a local repository',
    needs: ['git'],
    prepare: () => {
      const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main'];
      makeProject(`${world}/repository`);
      const at = `${world}/repository`;
      const date = { GIT_AUTHOR_DATE: '@1700000000 +0000', GIT_COMMITTER_DATE: '@1700000000 +0000' };
      must('git', [...who, 'init', '-q', '.'], at);
      must('git', ['add', '.'], at);
      must('git', [...who, 'commit', '-qm', 'first'], at, date);
    },
    script: `cd ${world} && rm -rf clone && git -c safe.directory='*' clone -q --no-local file://${world}/repository clone && git -C clone log --format=%H && git -C clone status --short && git -C clone fsck && ls clone | wc -l`,
  },
  {
    name: 'perl with fork, signals and pipes',
    needs: ['perl'],
    script: `perl ${sources}/processes.pl`,
  },
  {
    name: "busybox's shell",
    needs: ['busybox'],
    script: `busybox sh ${scripts}/busybox.sh`,
  },
];

beforeAll(() => chmodSync(world, 0o777));
afterAll(() => rmSync(world, { recursive: true, force: true }));

const prepared = new Set<string>();

function prepareOnce(name: string, prepare: (() => void) | undefined): void {
  if (prepare === undefined || prepared.has(name)) return;
  prepared.add(name);
  prepare();
  if (user === 'nobody') spawnSync('chown', ['-R', '65534:65534', world]);
  spawnSync('chmod', ['-R', 'a+rwX', world]);
}

describe.each(longPlatforms())('on %s', (platform) => {
  for (const { name, needs, script, prepare } of CASES) {
    itWith(...needs)(name, async () => {
      prepareOnce(name, prepare);
      const native = await runNative('/bin/bash', ['-c', script], user);
      const sandboxed = await runSandboxed('/bin/bash', ['-c', script], user, platform);
      expect(describeDifference(native, sandboxed)).toBe('');
      expect(native.stdout).not.toBe('');
    });
  }

  it('stdout and stderr in one file share their position', () => {
    const file = `${world}/both-streams`;
    // gawk makes stderr append.
    const script = `echo a; echo b >&2; (echo c; echo d >&2); gawk 'BEGIN { print "e" }'; echo f >&2; echo g; ls /nowhere; echo h`;
    const args = [cli, 'run', '--platform', platform, '--', '/bin/bash', '-c', script];
    const descriptor = openSync(file, 'w');
    const { status } = spawnSync(process.execPath, args, {
      stdio: ['ignore', descriptor, descriptor],
      timeout: 60_000,
    });
    closeSync(descriptor);
    expect(readFileSync(file, 'utf8')).toBe(
      "a\nb\nc\nd\ne\nf\ng\nls: cannot access '/nowhere': No such file or directory\nh\n",
    );
    expect(status).toBe(0);
  });

  it('reboot(2) ends the sandbox, and its status says how', () => {
    const program = compileGuest(`${sources}/reboot.c`);
    const script = `sleep 1000 & ${program} $0; echo "went on: $?"`;
    const run = (command: string): unknown => {
      const args = [cli, 'run', '--platform', platform, '-u', '0', '--', '/bin/sh', '-c', script, command];
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
      return [status, stdout];
    };
    expect(run('restart')).toEqual([128 + 1, '']);
    expect(run('halt')).toEqual([128 + 2, '']);
    expect(run('ctrl-alt-del')).toEqual([0, 'EINVAL\nwent on: 1\n']);
  });

  it('task numbers wrap around and are reused with care; processes, threads and zombies count for the cap', () => {
    const program = compileGuest(`${sources}/pids.c`);
    const args = [cli, 'run', '--platform', platform, '--pids-limit', '40', '-u', '0', '--', program];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
    expect(stdout.trim().split('\n')).toEqual([
      'wraps 1, bad 0, an early number again 0',
      'the old descriptor: -1 ESRCH',
      '/proc/sys/kernel/pid_max: EINVAL',
      '/proc/sys/kernel/pid_max: EINVAL',
      'after 123455: 123456',
      'processes 39 EAGAIN',
      'thread EAGAIN',
      'with zombies -1 EAGAIN',
      'threads 39',
      'fork -1 EAGAIN',
    ]);
    expect(status).toBe(0);
  });

  it('a fork bomb ends at the cap of tasks, and the sandbox goes on', () => {
    const command = [
      cli,
      'run',
      '--platform',
      platform,
      '--pids-limit',
      '100',
      '--',
      '/bin/bash',
      `${scripts}/fork-bomb.sh`,
    ];
    const result = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 120_000 });
    const expected = [1, 2, 3, 4, 5].map((i) => `responsive ${i}`);
    expect(result.stdout.trim().split('\n')).toEqual([...expected, 'forks again']);
    expect(result.status).toBe(0);
  });
});
