// `npm run soak [-- --forks N] [--threads N] [--platform P]`: programs and threads by the thousand in one sandbox, without growth of memory or
// descriptors, in the sentry and on the host. Four equal rounds; the first fills caches and pools, and is not counted.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({
  options: {
    forks: { type: 'string', default: '10000' },
    threads: { type: 'string', default: '1000' },
    platform: { type: 'string', default: 'auto' },
  },
});
const ROUNDS = 4;
/** Counters that must be the same after every round. */
const EXACT = [
  'tasks',
  'processGroups',
  'sessions',
  'addressSpaces',
  'openFiles',
  'timers',
  'futexes',
  'hostDescriptors',
];
/** May vary within what pools and caches keep: bytes. */
const SLACK: Readonly<Record<string, number>> = {
  memoryUsed: 4 << 20,
  heapUsed: 3 << 20,
  residentBytes: 24 << 20,
};

type Counters = Record<string, number>;

interface Api {
  readonly Sandbox: {
    create(options: object): Promise<{
      exec(file: string, args: readonly string[], options: object): Promise<unknown>;
      stats(options: object): Promise<Counters>;
      close(): Promise<void>;
    }>;
  };
}

function compile(): string {
  const cache = `${root}tests/.cache`;
  mkdirSync(cache, { recursive: true, mode: 0o755 });
  const gcc = spawnSync(
    'gcc',
    ['-O1', '-static', '-pthread', `${root}tests/soak/churn.c`, '-o', `${cache}/churn`],
    {
      encoding: 'utf8',
    },
  );
  if (gcc.status !== 0) throw new Error(`gcc is needed and failed: ${gcc.stderr ?? gcc.error}`);
  return `${cache}/churn`;
}

/** Processes on the host that descend from this one, and the descriptors that they hold. */
function hostCounters(): Counters {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // It ended between the two reads.
    }
  }
  const descends = (pid: number): boolean => {
    const parent = parents.get(pid) ?? 0;
    return parent === process.pid || (parent > 1 && descends(parent));
  };
  let hostProcesses = 0;
  let hostProcessDescriptors = 0;
  for (const pid of parents.keys()) {
    if (!descends(pid)) continue;
    hostProcesses++;
    try {
      hostProcessDescriptors += readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      hostProcesses--;
    }
  }
  return { hostProcesses, hostProcessDescriptors };
}

function differences(first: Counters, last: Counters): string[] {
  const found: string[] = [];
  for (const name of [...EXACT, 'hostProcesses', 'hostProcessDescriptors']) {
    if (last[name] !== first[name]) found.push(`${name}: ${first[name]} before, ${last[name]} after`);
  }
  for (const [name, slack] of Object.entries(SLACK)) {
    const growth = (last[name] ?? 0) - (first[name] ?? 0);
    if (growth > slack) found.push(`${name} grew by ${growth} bytes`);
  }
  return found;
}

const SETTLE_ATTEMPTS = 50;

/** The counters now. The host buries the last processes of a round a moment later: what differs from `before` is looked at again. */
async function settled(before: Counters | undefined): Promise<Counters> {
  for (let attempt = 1; ; attempt++) {
    const counters = { ...(await sandbox.stats({ collect: true })), ...hostCounters() };
    if (attempt === SETTLE_ATTEMPTS) return counters;
    if (before !== undefined && differences(before, counters).length === 0) return counters;
    // The round that others are compared with is taken once everything has had its time.
    if (before === undefined && attempt > 5) return counters;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const { Sandbox } = (await import(`${root}packages/sentry/dist/index.js`)) as Api;
const churn = compile();
const sandbox = await Sandbox.create({ platform: values.platform });
const rounds: Counters[] = [];
try {
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (const [what, total] of [
      ['fork', values.forks],
      ['threads', values.threads],
    ] as const) {
      await sandbox.exec(churn, [what, String(Math.ceil(Number(total) / ROUNDS))], { check: true });
    }
    const elapsed = ((performance.now() - started) / 1000).toFixed(1);
    const counters = await settled(rounds[1]);
    rounds.push(counters);
    const shown = [...EXACT, ...Object.keys(SLACK), 'hostProcesses', 'hostProcessDescriptors'];
    const line = shown.map((name) => `${name} ${counters[name]}`).join(', ');
    process.stdout.write(`round ${round + 1} (${elapsed} s): ${line}\n`);
  }
} finally {
  await sandbox.close();
}
const found = differences(rounds[1] as Counters, rounds[ROUNDS - 1] as Counters);
process.stdout.write(found.length === 0 ? 'nothing grew\n' : `${found.join('\n')}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
