// What becomes of a sandbox's changes: real programs (git apply, tar, gzip) read what comes out, and after an apply the host shows what
// the programs in the sandbox saw.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from '../../packages/sentry/dist/index.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));

let world: string;
beforeEach(() => {
  world = mkdtempSync('/var/tmp/sandbox-changes-');
  fill(world);
});
afterEach(() => rmSync(world, { recursive: true, force: true }));

function fill(at: string): void {
  mkdirSync(`${at}/d/sub`, { recursive: true });
  mkdirSync(`${at}/empty`);
  writeFileSync(`${at}/text`, Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join(''));
  writeFileSync(`${at}/d/f`, 'f\n');
  writeFileSync(`${at}/d/sub/g`, 'g');
  writeFileSync(`${at}/name with space`, 'x\n');
  symlinkSync('d/f', `${at}/link`);
}

const EDIT = `set -e; sed -i 's/line 7$/line seven/; s/line 20$//' text; rm 'name with space'; mv d e; echo more >>e/f
  mkdir -p new/deep; echo hi >new/deep/x; ln new/deep/x new/hard; ln -sfn e/f link; chmod 700 empty
  printf 'no newline' >"$(printf 'odd\\nname')"; truncate -s 4M sparse; printf end >>sparse`;

function run(flags: readonly string[], script: string) {
  const command = [cli, 'run', ...flags, '--workdir', world, '--', '/bin/sh', '-c', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, command);
  return { status, stdout, stderr: String(stderr) };
}

const LIST = `find . -mindepth 1 \\( -type d -printf '%p %y %m\\n' -o -printf '%p %y %m %n %s %l %u\\n' \\) | LC_ALL=C sort;
  find . -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum`;
const listing = (at: string) => execFileSync('/bin/sh', ['-c', LIST], { cwd: at, encoding: 'utf8' });

describe('changes', () => {
  it('leave the host alone until they are applied', () => {
    const before = listing(world);
    expect(run([], EDIT)).toMatchObject({ status: 0, stderr: '' });
    expect(listing(world)).toBe(before);
  });

  it('--apply makes the host look as the sandbox did', () => {
    const { status, stdout, stderr } = run([`--apply=${world}`], `${EDIT}\n${LIST}`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(listing(world)).toBe(String(stdout));
  });

  it('--apply does nothing when the program failed, and --dry-run only tells', () => {
    const before = listing(world);
    expect(run([`--apply=${world}`], `${EDIT}; exit 3`)).toMatchObject({
      status: 3,
      stderr: 'sandbox-cli: nothing applied, because the program failed\n',
    });
    const { stderr } = run([`--apply=${world}`, '--dry-run'], 'echo x >text; rm d/f');
    expect(stderr).toBe(`sandbox-cli: would apply ${world}/d/f\nsandbox-cli: would apply ${world}/text\n`);
    expect(listing(world)).toBe(before);
  });

  it('--diff gives what git apply takes', () => {
    const { status, stdout } = run([`--diff=${world}`], `${EDIT}; rm sparse`);
    expect(status).toBe(0);
    const copy = mkdtempSync('/var/tmp/sandbox-changes-');
    try {
      fill(copy);
      execFileSync('git', ['apply', '-'], { cwd: copy, input: stdout });
      run([`--apply=${world}`], `${EDIT}; rm sparse; chmod 755 empty`);
      const withoutLinkCounts = (text: string) => text.replace(/^(\S+ f \d+) \d+ /gm, '$1 ');
      expect(withoutLinkCounts(listing(copy))).toBe(withoutLinkCounts(listing(world)));
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('--export writes a tar that tar(1) reads: links, holes, odd names', () => {
    const { status, stderr } = run(
      ['--export', `${world}.tar`],
      `${EDIT}; setfattr -n user.k -v v text || :`,
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const out = mkdtempSync('/var/tmp/sandbox-changes-');
    try {
      execFileSync('tar', ['-xf', `${world}.tar`, '-C', out, '--strip-components=3', world.slice(1)]);
      expect(readdirSync(out).sort()).toEqual(['e', 'empty', 'link', 'new', 'odd\nname', 'sparse', 'text']);
      run([`--apply=${world}`], EDIT);
      rmSync(`${world}/e/sub`, { recursive: true });
      rmSync(`${out}/e/sub`, { recursive: true });
      expect(listing(out)).toBe(listing(world));
      expect(Number(execFileSync('stat', ['-c', '%b', `${out}/sparse`]))).toBeLessThan(64);
    } finally {
      rmSync(out, { recursive: true, force: true });
      rmSync(`${world}.tar`, { force: true });
    }
  });

  it('--export - --export-format oci writes the same layer each time, with whiteouts', () => {
    const script = `touch -d @0 d/f; rm text; rm -r d; mkdir d; touch -d @5 d/n d`;
    const [one, other] = [0, 1].map(() => run(['--export', '-', '--export-format', 'oci'], script).stdout);
    const names = execFileSync('tar', ['-tf', '-'], { input: one, encoding: 'utf8' });
    const here = names.split('\n').filter((name) => name.startsWith(world.slice(1)));
    expect(here.map((name) => name.slice(world.length))).toEqual([
      'd/',
      'd/.wh..wh..opq',
      'd/.wh.f',
      'd/n',
      'd/.wh.sub',
      '.wh.text',
    ]);
    expect(one?.equals(other as Buffer)).toBe(true);
  });

  it('a layer has no file of a program whose name would remove another, and says so', () => {
    const script = `echo x >.wh.text; mkdir .wh.d new; echo y >.wh.d/g; echo z >new/.wh..wh..opq; ln .wh.text twin; ln twin third`;
    const { stdout, stderr } = run(['--export', '-', '--export-format', 'oci'], script);
    const list = execFileSync('tar', ['-tvf', '-'], { input: stdout, encoding: 'utf8' });
    expect(list).not.toContain('.wh.');
    expect(list).toContain('/twin link to');
    expect(
      execFileSync('tar', ['-xOf', '-', `${world.slice(1)}/third`], { input: stdout, encoding: 'utf8' }),
    ).toBe('x\n');
    const told = String(stderr)
      .split('\n')
      .filter((line) => line.includes('not exported'));
    const names = ['.wh.d', '.wh.d/g', '.wh.text', 'new/.wh..wh..opq'];
    expect(told).toHaveLength(names.length);
    for (const name of names) expect(String(stderr)).toContain(`not exported: ${world}/${name} (`);
  });

  it('say what could not be written, before the program runs where that is known', () => {
    const shell = (flags: string, to: string) => {
      const words = `"$0" "$1" run ${flags} -- sh -c 'seq 200000 >${world}/big' ${to}`;
      return spawnSync('/bin/bash', ['-c', words, process.execPath, cli], { encoding: 'utf8' });
    };
    const full = shell('--export /dev/full', '');
    expect(full).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("can't write /dev/full: ENOSPC"),
    });
    const early = shell(`--export ${world}/none/x.tar`, '; ls');
    expect(early.stderr).toContain(`can't write --export ${world}/none/x.tar: ENOENT`);
    expect(shell(`--export ${world}`, '').stderr).toContain('is a directory');
    for (const flags of ['--export -', '--diff']) {
      const closed = shell(flags, `| head -c 1 >/dev/null; exit \${PIPESTATUS[0]}`);
      expect(closed).toMatchObject({
        status: 125,
        stderr: expect.stringContaining("can't write standard output: EPIPE"),
      });
      const { status, stderr } = shell(flags, '>/dev/full');
      expect({ status, stderr }).toMatchObject({ status: 125, stderr: expect.stringContaining('ENOSPC') });
    }
  });

  it('can be thrown away while programs run', async () => {
    const sandbox = await Sandbox.create();
    try {
      const before = listing(world);
      await sandbox.shell(`cd ${world}; ${EDIT}`, { check: true });
      expect((await sandbox.fs.changes({ paths: [world] })).length).toBeGreaterThan(8);
      expect(await sandbox.fs.discard({ paths: [world] })).toBe(0);
      expect(await sandbox.fs.changes({ paths: [world] })).toEqual([]);
      expect(String((await sandbox.shell(LIST, { cwd: world })).stdout)).toBe(before);
    } finally {
      await sandbox.close();
    }
  });

  it('know what was opened for writing from what was written', async () => {
    const sandbox = await Sandbox.create();
    try {
      await sandbox.shell('exec 3<>text; exec 4>>d/f; cat text >/dev/null; touch made; rm made', {
        cwd: world,
      });
      expect(await sandbox.fs.changes({ paths: [world] })).toEqual([]);
    } finally {
      await sandbox.close();
    }
  });
});

const name = fc.constantFrom(
  'a',
  'b',
  'd',
  'd/f',
  'd/sub',
  'd/sub/g',
  'e',
  'text',
  'empty',
  'empty/x',
  'link',
);
const step = fc.oneof(
  fc
    .tuple(fc.constantFrom('rm -rf', 'mkdir -p', 'touch', 'rmdir', 'chmod 700'), name)
    .map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constantFrom('mv -T', 'mv', 'ln', 'ln -s', 'cp -r'), name, name)
    .map((parts) => parts.join(' ')),
  fc.tuple(fc.nat(99), fc.constantFrom('>', '>>'), name).map(([n, how, to]) => `echo ${n} ${how}${to}`),
);

describe('apply, for any sequence of commands', () => {
  it('makes the host look as the sandbox did, and leaves no change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        rmSync(world, { recursive: true, force: true });
        mkdirSync(world);
        fill(world);
        const sandbox = await Sandbox.create();
        try {
          for (const half of [steps.slice(0, steps.length / 2), steps.slice(steps.length / 2)]) {
            const seen = await sandbox.shell(`{ ${half.join('\n')}\n:; } >/dev/null 2>&1\n${LIST}`, {
              cwd: world,
            });
            await sandbox.fs.apply({ paths: [world] });
            expect(listing(world)).toBe(String(seen.stdout));
            const left = await sandbox.fs.changes({ paths: [world] });
            expect(left.map(({ kind, path }) => `${kind} ${path}`)).toEqual([]);
          }
        } finally {
          await sandbox.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});
