// Where the time of one system call goes on systrap, with both sides awake: the platform looks at one call of 64
// (packages/platform-systrap/native/stages.cpp) while the guest calls getpid in a loop, through patched places and by the trap.
import { spawnSync } from 'node:child_process';
import { Sandbox } from '../packages/sentry/dist/index.js';

const native = (guest: string, name: string): number =>
  Number(spawnSync(guest, [name], { encoding: 'utf8' }).stdout);

interface Stages {
  readonly nanos: number;
  readonly parts: readonly (readonly [string, number])[];
}

/** The quickest of some runs: what is slower has lost a core to others. */
async function measure(guest: string, patching: 'hot' | 'off', runs: number): Promise<Stages> {
  const sandbox = await Sandbox.create({ platform: 'systrap', patching });
  let best: Stages = { nanos: Number.POSITIVE_INFINITY, parts: [] };
  try {
    for (let i = 0; i <= runs; i++) {
      const before = await sandbox.stats();
      const { stdout } = await sandbox.exec(guest, ['getpid'], { check: true });
      const after = await sandbox.stats();
      const mean = (name: string): number =>
        ((after[name] ?? 0) - (before[name] ?? 0)) / ((after['sampled'] ?? 0) - (before['sampled'] ?? 0));
      const nanos = Number(stdout);
      // The first run compiles the sentry.
      if (i === 0 || nanos >= best.nanos) continue;
      const way =
        patching === 'off' ? 'rt_sigreturn, program, filters, SIGSYS' : 'the way out, program, the way in';
      best = {
        nanos,
        parts: [
          [way, mean('nanosGuest')],
          ['hand-over to the sentry', mean('nanosThere')],
          ['sentry: native part and JavaScript', mean('nanosInside')],
          ['hand-over to the guest', mean('nanosBack')],
        ],
      };
    }
  } finally {
    await sandbox.close();
  }
  return best;
}

/** Lines for people. */
export async function measureStages(guest: string, runs: number): Promise<string[]> {
  const lines = [
    `stages                   native           ${native(guest, 'getpid').toFixed(0)} ns a getpid; ${native(guest, 'trap').toFixed(0)} ns where it ends in SIGSYS`,
  ];
  for (const patching of ['hot', 'off'] as const) {
    const { nanos, parts } = await measure(guest, patching, runs);
    lines.push(
      `stages                   ${patching === 'off' ? 'trapped' : 'patched'}          ${nanos.toFixed(0)} ns a getpid`,
    );
    const sum = parts.reduce((all, [, part]) => all + part, 0);
    for (const [name, part] of parts)
      lines.push(
        `  ${name.padEnd(40)} ${part.toFixed(0).padStart(6)} ns ${((part / sum) * 100).toFixed(0).padStart(4)} %`,
      );
  }
  return lines;
}
