// Changes that the host makes to a shared directory reach the guest's inotify watches, and the guest's own are told once.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compileGuest, platforms } from '../support/native.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const source = fileURLToPath(new URL('./shared/watch.c', import.meta.url));

function change(folder: string): void {
  writeFileSync(`${folder}/far`, 'x');
  renameSync(`${folder}/far`, `${folder}/moved`);
  chmodSync(`${folder}/moved`, 0o600);
  unlinkSync(`${folder}/moved`);
  writeFileSync(`${folder}/end`, '');
}

it.each(platforms())('inotify on a shared mount, on %s', async (platform) => {
  const program = compileGuest(source);
  const folder = mkdtempSync(`${tmpdir()}/shared-`);
  const args = ['run', '--platform', platform, '-v', `${folder}:/shared`, '--', program];
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let changed = false;
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output += text;
    if (changed || !output.includes('ready\n')) return;
    changed = true;
    change(folder);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  rmSync(folder, { recursive: true });
  expect(status).toBe(0);
  const lines = output.split('\n');
  expect(lines.filter((line) => line.endsWith(' own'))).toEqual(['100 own', '20 own', '2 own', '8 own']);
  const others = lines.filter((line) => / (far|moved)$/.test(line));
  expect(others).toEqual(['100 far', '2 far', '8 far', '40 far', '80 moved', '4 moved', '200 moved']);
});
