// What programs free goes back to the host at once: the memory file of the sandbox, as the host counts its blocks, before and after. How long it
// took is printed, not judged: the goal is 100 ms.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { longPlatforms } from '../support/native.js';

type Piped = ChildProcessByStdio<Writable, Readable, null>;

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const source = fileURLToPath(new URL('./memory/give-back.c', import.meta.url));
const folder = mkdtempSync('/tmp/sandbox-return-');
const program = `${folder}/give-back`;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const gcc = spawnSync('gcc', ['-O1', '-static', '-Wall', '-Werror', source, '-o', program], {
  encoding: 'utf8',
});
if (gcc.status !== 0) throw new Error(gcc.stderr);

/** The process and all that descend from it. */
function tree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      return readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1')
        .split(' ')
        .filter(Boolean)
        .map(Number);
    } catch {
      return [];
    }
  });
  return [pid, ...children.flatMap(tree)];
}

/** MiB of the largest file without a name that the sandbox's processes hold: its memory file. */
function held(pid: number): number {
  let most = 0;
  for (const one of tree(pid)) {
    let names: string[] = [];
    try {
      names = readdirSync(`/proc/${one}/fd`);
    } catch {
      // A stub; the sentry holds the file too.
    }
    for (const name of names) most = Math.max(most, blocksOf(`/proc/${one}/fd/${name}`));
  }
  return (most * 512) / 2 ** 20;
}

function blocksOf(path: string): number {
  try {
    if (!readlinkSync(path).endsWith(' (deleted)')) return 0;
    const file = statSync(path);
    return file.isFile() ? file.blocks : 0;
  } catch {
    return 0;
  }
}

async function line(child: Piped, wanted: string): Promise<void> {
  let text = '';
  while (!text.includes(wanted)) {
    const chunk: Buffer | null = child.stdout.read();
    if (chunk !== null) text += chunk.toString('latin1');
    else if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before '${wanted}'`);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const KINDS = ['munmap', 'dontneed', 'free', 'brk', 'remove', 'truncate', 'exit', 'shm'];

describe.each(longPlatforms())('on %s', (platform) => {
  it.each(KINDS)("memory that was freed by %s is the host's again", async (kind) => {
    const args = [cli, 'run', '-i', '--platform', platform, '--', program, kind];
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const pid = child.pid as number;
    await line(child, 'full');
    expect(held(pid)).toBeGreaterThan(199);
    child.stdin.write('\n');
    await line(child, 'free');
    const start = performance.now();
    while (held(pid) > 16) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(
      `${kind}: 200 MiB were back after ${(performance.now() - start).toFixed(0)} ms (${platform})`,
    );
    child.stdin.end();
    await new Promise((resolve) => child.on('close', resolve));
  });
});
