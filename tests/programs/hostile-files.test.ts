// File trees and hosts that misbehave: races on the host's side of a shared mount, sizes at the edge, descriptors running out. The sandbox
// answers as Linux would, and nothing escapes.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { longPlatforms } from '../support/native.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
let world: string;
beforeEach(() => {
  world = mkdtempSync('/var/tmp/sandbox-hostile-');
});
afterEach(() => rmSync(world, { recursive: true, force: true }));

function python(flags: readonly string[], code: string, shell = '') {
  const command = `${shell} exec "$@"`;
  const words = [process.execPath, cli, 'run', ...flags, '--', 'python3', '-c', code];
  const { stdout, stderr, status } = spawnSync('/bin/sh', ['-c', command, 'sh', ...words], {
    encoding: 'utf8',
    timeout: 200_000,
  });
  return { stdout, stderr, status };
}

const STAT_LOOP = `
import os, time
seen = set()
end = time.time() + 6
while time.time() < end:
    for path in ('/shared/d/f', '/shared/d/../d/f'):
        try:
            with open(path) as file: seen.add(file.read())
        except OSError as error: seen.add(error.errno in (2, 20, 40, 116))
    try: os.listdir('/shared/d')
    except OSError as error: seen.add(error.errno in (2, 20, 40, 116))
print(sorted(map(str, seen - {True})))
`;

describe.each(longPlatforms())('on %s', (platform) => {
  const on = ['--platform', platform];

  it('a host process that swaps a directory and a link does not lead the sandbox outside of a mount', () => {
    mkdirSync(`${world}/shared/d`, { recursive: true });
    mkdirSync(`${world}/outside`);
    writeFileSync(`${world}/shared/d/f`, 'inside');
    writeFileSync(`${world}/outside/f`, 'outside');
    const swap = `import os
os.chdir('${world}/shared'); os.symlink('${world}/outside', 'l')
while True:
    for pair in (('d', 'x'), ('l', 'd'), ('d', 'l'), ('x', 'd')): os.rename(*pair)`;
    const racer: ChildProcess = spawn('python3', ['-c', swap], { stdio: 'ignore', detached: true });
    try {
      // The root of the sandbox has the folder too, so the names of the outside are hidden there.
      const flags = [...on, '-v', `${world}/shared:/shared`, '--tmpfs', '/var/tmp'];
      expect(python(flags, STAT_LOOP)).toEqual({ stdout: "['inside']\n", stderr: '', status: 0 });
    } finally {
      process.kill(-(racer.pid as number), 'SIGKILL');
    }
  });

  it('files that run into the limit of descriptors give ENFILE, and all goes on after', () => {
    mkdirSync(`${world}/many`);
    for (let i = 0; i < 2000; i++) writeFileSync(`${world}/many/${i}`, `${i}`);
    const code = `
import os, errno
files, errors = [], set()
for i in range(2000):
    try: files.append((i, os.open(f'${world}/many/{i}', os.O_RDONLY)))
    except OSError as error: errors.add(errno.errorcode[error.errno])
print(100 < len(files) < 2000, errors, all(os.read(fd, 9) == str(i).encode() for i, fd in files))
for _, fd in files: os.close(fd)
print(len(os.listdir('${world}/many')), open('${world}/many/1999').read())`;
    const { stdout, stderr } = python(on, code, 'ulimit -n 1024;');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^True \{'E[NM]FILE'(, 'E[NM]FILE')?\} True\n2000 1999\n$/);
  });

  it.each(['root', 'tmpfs', 'bind'])('100,000 entries, sparse files and long names on %s', (kind) => {
    const mounts = { root: [], tmpfs: ['--tmpfs', '/m'], bind: ['-v', `${world}:/m`] }[kind] as string[];
    const code = `
import os
os.makedirs('/m/d', exist_ok=True); os.chdir('/m/d')
for i in range(100000): os.close(os.open(f'n{i}', os.O_CREAT | os.O_WRONLY))
print(len(set(os.listdir('.'))))
seen, count = set(), 0
with os.scandir('.') as entries:
    for entry in entries:
        seen.add(entry.name); count += 1
        if count % 50 == 0:
            os.unlink(f'n{99999 - count // 50}'); open(f'new{count}', 'w').close()
print({name for name in os.listdir('.') if not name.startswith('new')} <= seen)
for name in (bytes([b for b in range(1, 256) if b != 47]), b'x' * 255, 'ü'.encode() * 127, b'\\xff' * 255):
    open(name, 'w').close(); print(name in os.listdir(b'.'))
try: open(b'y' * 256, 'w')
except OSError as error: print(error.strerror)
fd = os.open('sparse', os.O_CREAT | os.O_RDWR)
os.pwrite(fd, b'end', 5 << 30)
print(os.fstat(fd).st_size, os.fstat(fd).st_blocks < 1000, os.pread(fd, 3, 5 << 30), os.lseek(fd, 0, os.SEEK_DATA) > 1 << 30)
os.ftruncate(fd, 1 << 42); print(os.fstat(fd).st_size)`;
    expect(python([...on, ...mounts], code)).toEqual({
      stdout: `100000\nTrue\n${'True\n'.repeat(4)}File name too long\n5368709123 True b'end' True\n4398046511104\n`,
      stderr: '',
      status: 0,
    });
  });

  it('device nodes in a tree lead to the sandbox’s own devices or nowhere', ({ skip }) => {
    skip(spawnSync('mknod', [`${world}/kmsg`, 'c', '1', '11']).status !== 0, 'mknod is not allowed here');
    spawnSync('mknod', [`${world}/disk`, 'b', '8', '0']);
    spawnSync('mknod', [`${world}/zero`, 'c', '1', '5']);
    const code = `
import os
for name in ('kmsg', 'disk', 'zero'):
    try: print(os.read(os.open('${world}/' + name, os.O_RDONLY | os.O_NONBLOCK), 2))
    except OSError as error: print(error.errno in (1, 6, 13))`;
    expect(python(on, code).stdout).toMatch(/^True\nTrue\n(True|b'\\x00\\x00')\n$/);
  });
});
