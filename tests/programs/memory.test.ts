// Memory as real programs use it: the cap and its OOM killer, forks of a loaded redis, heaps that grow and shrink, stress-ng's memory stressors.
// MEMORY_TEST_SCALE multiplies the data: 20 fills a node heap of 2 GB, 100 a redis of 1 GB.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Sandbox } from '../../packages/sentry/dist/index.js';
import { longPlatforms, type Outcome } from '../support/native.js';
import { itWith, postgresFolder } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const here = fileURLToPath(new URL('./', import.meta.url));
const scale = Number(process.env['MEMORY_TEST_SCALE'] ?? '1');
const folder = mkdtempSync('/tmp/sandbox-memory-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function compile(name: string): string {
  const output = `${folder}/${name}`;
  const flags = ['-O1', '-static', '-pthread', '-Wall', '-Werror', `${here}memory/${name}.c`, '-o', output];
  const gcc = spawnSync('gcc', flags, { encoding: 'utf8' });
  if (gcc.status !== 0) throw new Error(gcc.stderr);
  return output;
}

function sandbox(platform: string, flags: readonly string[], ...command: string[]): Outcome {
  const args = [cli, 'run', '--platform', platform, '-w', '/tmp', ...flags, '--', ...command];
  const result = spawnSync(process.execPath, args, { encoding: 'latin1', timeout: 240_000 });
  return { stdout: result.stdout, stderr: result.stderr, status: result.status ?? -1 };
}

const POSTGRES = postgresFolder();
const STRESSORS =
  'vm mmap mremap brk madvise shm shm-sysv userfaultfd mlock memfd stack vm-rw remap mmapfork'.split(' ');

describe.each(longPlatforms())('on %s', (platform) => {
  it('a program past the cap dies alone, and it is said', () => {
    const { stdout, stderr, status } = sandbox(platform, ['--memory', '128m'], compile('past-the-cap'));
    expect(stdout).toBe('the child was killed by signal 9\nand memory is there again\n');
    expect(stderr).toMatch(
      /^sandbox-cli: Out of memory: Killed process \d+ \(past-the-cap\) .*anon-rss:\d+kB/,
    );
    expect(status).toBe(0);
  });

  it('oom_score_adj says who dies', () => {
    const { stdout, stderr } = sandbox(platform, ['--memory', '128m'], compile('past-the-cap'), 'scapegoat');
    expect(stdout).toBe('the small one was killed by signal 9\n');
    expect(stderr).toContain('oom_score_adj:1000');
  });

  it('a call that needs memory past the cap waits for the killer instead of failing', () => {
    const { stdout } = sandbox(platform, ['--memory', '128m'], compile('past-the-cap'), 'read');
    expect(stdout).toBe('the child was killed by signal 9\nand memory is there again\n');
  });

  // As in a memory cgroup of Linux: pages of tmpfs are charged, and whoever writes more than there is dies (or is told that the tmpfs is full).
  it.each(['memfd', 'file', 'shared'])('memory with a name counts too: %s', (kind) => {
    const { stdout, stderr } = sandbox(platform, ['--memory', '128m'], compile('past-the-cap'), kind);
    expect(stdout).toBe('the child was killed by signal 9\nand memory is there again\n');
    expect(stderr).toContain('Out of memory: Killed process 2 (past-the-cap)');
  });

  it('a tmpfs that is smaller than the cap is full before', () => {
    const flags = ['--memory', '128m', '--tmpfs', '/dev/shm:size=16m'];
    const { stdout, stderr } = sandbox(platform, flags, compile('past-the-cap'), 'full');
    expect(stdout).toBe('the child ended with 28\nand memory is there again\n');
    expect(stderr).toBe('');
  });

  it('a large sparse mapping counts what is touched', () => {
    const { stdout, status } = sandbox(platform, ['--memory', '128m'], compile('past-the-cap'), 'sparse');
    expect(stdout).toBe('touched 1024 pages of 2 GiB\n');
    expect(status).toBe(0);
  });

  it('a file without pages of its own is mapped through a page cache', async () => {
    const source = fileURLToPath(
      new URL('../../packages/sentry/test/examples/notes-filesystem.cjs', import.meta.url),
    );
    const mounts = [{ type: 'module', source, target: '/notes' }] as const;
    const sandbox = await Sandbox.create({ platform: platform as 'systrap' | 'ptrace', mounts });
    const { stdout } = await sandbox.exec(compile('map-note'), [], { check: true });
    await sandbox.close();
    expect(String(stdout)).toBe(
      "mapped: made by a module\nread: made BY a module\nmapped: born-BY a module, mine: MINE\npast the end: signal 7\ncut: 'born-BY'\nagain: gone-BY\n",
    );
  });

  it('programs see the cap', () => {
    const script = 'head -1 /proc/meminfo; cat /sys/fs/cgroup/memory.max; cut -d: -f3 /proc/self/cgroup';
    const { stdout } = sandbox(platform, ['--memory', '64m'], 'sh', '-c', script);
    expect(stdout).toBe('MemTotal:          65536 kB\n67108864\n/\n');
  });

  it.runIf(process.getuid?.() === 0)(
    'a system call that needs a watched page waits for the userfaultfd',
    () => {
      const { stdout, status } = sandbox(platform, [], compile('userfaultfd-call'));
      expect(stdout).toBe('read 12 bytes: from a pipe!\nwrote page: abcabcabc\nopened\n');
      expect(status).toBe(0);
    },
  );

  itWith('ipcs')('ipcs and ipcrm see System V objects', () => {
    const script = 'ipcmk -M 4096; ipcmk -S 3; ipcmk -Q; ipcs | grep -c ^0x; ipcrm -a; ipcs | grep -c ^0x';
    const { stdout } = sandbox(platform, [], 'sh', '-c', script);
    expect(stdout).toBe('Shared memory id: 0\nSemaphore id: 0\nMessage queue id: 0\n3\n0\n');
  });

  itWith('redis-server')('redis saves in the background while it changes its data', () => {
    const keys = 10_000 * scale;
    writeFileSync(`${folder}/redis.sh`, REDIS.replaceAll('KEYS', String(keys)));
    const { stdout } = sandbox(platform, [], 'sh', `${folder}/redis.sh`);
    expect(stdout.split('\n').slice(-5)).toEqual(['saved ok', String(keys), 'after', String(keys), '']);
  });

  itWith('java')('a Java heap grows and shrinks', () => {
    writeFileSync(`${folder}/Heap.java`, JAVA);
    const java = [
      'java',
      '-Xms16m',
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-XX:MinHeapFreeRatio=10',
      '-XX:MaxHeapFreeRatio=20',
      `${folder}/Heap.java`,
    ];
    const { stdout, stderr } = sandbox(platform, [], ...java);
    expect(stderr + stdout).toBe('grown true\nshrunk true\n');
  });

  itWith(`${POSTGRES}/pgbench`)('PostgreSQL shares its buffers among processes, below the cap', () => {
    writeFileSync(`${folder}/pg.sh`, PG.replaceAll('BUFFERS', `${64 + 10 * scale}MB`));
    chmodSync(folder, 0o755);
    const cap = ['--memory', `${1 + Math.ceil(scale / 20)}g`];
    const user =
      process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];
    const command = [...user, 'sh', `${folder}/pg.sh`, POSTGRES, String(scale)];
    const { stdout, stderr } = sandbox(platform, cap, ...command);
    expect(stderr + stdout).toBe(`accounts ${100_000 * scale}\nbalanced t\nshared t\noom_kill 0\n`);
  });

  it('node fills a heap and lets it go', () => {
    const megabytes = 100 * scale;
    const script = `let a=[];for(let i=0;i<${megabytes};i++)a.push(new Array(131072).fill(i));console.log(a.length,a[7][99]);a=null;console.log('done')`;
    writeFileSync(`${folder}/heap.js`, script);
    const command = `${process.execPath} --max-old-space-size=2048 ${folder}/heap.js | cat`;
    const { stdout } = sandbox(platform, [], 'sh', '-c', command);
    expect(stdout).toBe(`${megabytes} 7\ndone\n`);
  });

  itWith('stress-ng')('stress-ng finds nothing wrong with memory', () => {
    const args = ['1', '--verify', '--oomable', '--no-rand-seed', '--timeout', '1s'];
    const sizes = ['--vm-bytes', '16m', '--mmap-bytes', '8m', '--memfd-bytes', '8m', '--mremap-bytes', '8m'];
    for (const name of STRESSORS) {
      const { stderr, status } = sandbox(
        platform,
        ['--memory', '1g'],
        'stress-ng',
        `--${name}`,
        ...args,
        ...sizes,
      );
      // 3 and 4: it says that the system lacks something.
      expect(`${name}: ${status}`, stderr).toMatch(/: (0|3|4)$/);
    }
  });
});

const REDIS = `redis-server --port 0 --unixsocket /tmp/redis.sock --save '' --dir /tmp --enable-debug-command yes --daemonize yes >/dev/null
r() { redis-cli -s /tmp/redis.sock "$@"; }
until r ping >/dev/null 2>&1; do sleep 0.05; done
r debug populate KEYS key 1000 >/dev/null
r bgsave >/dev/null
i=0; while [ $i -lt 50 ]; do r set key:$i changed >/dev/null; i=$((i+1)); done
until r info persistence | grep -q 'rdb_bgsave_in_progress:0'; do sleep 0.05; done
r info persistence | tr -d '\\r' | sed -n 's/rdb_last_bgsave_status:/saved /p'
r dbsize
echo after
r debug reload >/dev/null
r dbsize
r shutdown nosave
`;

const PG = `export PATH=$1:$PATH HOME=/tmp D=/tmp/pgdata; cd /tmp
initdb -D $D -A trust -U me >/dev/null 2>&1 || exit 1
pg_ctl -D $D -w -o "-c shared_buffers=BUFFERS -c listen_addresses='' -c unix_socket_directories=/tmp -c fsync=off" -l /tmp/pg.log start >/dev/null || { cat /tmp/pg.log; exit 1; }
createdb -h /tmp -U me b
pgbench -h /tmp -U me -i -s $2 -q b >/dev/null 2>&1
pgbench -h /tmp -U me -n -c 4 -j 2 -t 50 b >/dev/null 2>&1
psql -h /tmp -U me b -At -F ' ' -c "select 'accounts', count(*) from pgbench_accounts; select 'balanced', sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts; select 'shared', setting::bigint >= 8192 from pg_settings where name = 'shared_buffers'"
grep '^oom_kill ' /sys/fs/cgroup/memory.events
pg_ctl -D $D -m fast stop >/dev/null
`;

const JAVA = `import java.util.*;
public class Heap {
  public static void main(String[] args) {
    Runtime r = Runtime.getRuntime();
    List<byte[]> list = new ArrayList<>();
    for (int i = 0; i < 200; i++) list.add(new byte[1 << 20]);
    long most = r.totalMemory();
    System.out.println("grown " + (most > 200L << 20));
    list = null;
    for (int i = 0; i < 4; i++) System.gc();
    System.out.println("shrunk " + (r.totalMemory() < most));
  }
}
`;
