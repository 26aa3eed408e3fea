// Programs that rearrange the tree they run in: another root, mounts a thousand deep.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Sandbox } from '../../packages/sentry/dist/index.js';
import { longPlatforms } from '../support/native.js';
import { itWith } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));

it('a program starts in the root that others put in place of the first', async () => {
  const sandbox = await Sandbox.create();
  try {
    const pivot = `mkdir /tree && mount --rbind / /tree && mount -t tmpfs none /tree/media && touch /tree/media/inside
      cd /tree && pivot_root . mnt && umount -l mnt`;
    await sandbox.shell(pivot, { check: true, cwd: '/', uid: 0, gid: 0 });
    expect(String((await sandbox.shell('ls /media; pwd', { check: true, cwd: '/' })).stdout)).toBe(
      'inside\n/\n',
    );
    expect(String((await sandbox.shell('pwd', { check: true, cwd: '/media' })).stdout)).toBe('/media\n');
  } finally {
    await sandbox.close();
  }
});

/** Below each other, then all on one directory; each is walked through and told of, and all go at once. */
const NESTED = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def mount(at):
    if libc.mount(b'none', at, b'tmpfs', 0, None) != 0: raise OSError(ctypes.get_errno(), at)
def count(): return sum('/nest' in line for line in open('/proc/self/mountinfo'))
os.mkdir('/tmp/nest'); os.chdir('/tmp/nest')
for i in range(1000):
    mount(b'.' if i == 0 else b'd')
    os.chdir('/tmp/nest' if i == 0 else 'd')
    os.mkdir('d'); open('f', 'w').write(str(i))
print(count(), len(os.getcwd()), open('f').read(), open('/tmp/nest/' + 'd/' * 500 + 'f').read())
for up in range(999): os.chdir('..')
print(os.getcwd(), open('f').read(), os.popen('find . -name f | wc -l').read().strip())
print(os.system('df >/dev/null; mount >/dev/null; findmnt >/dev/null'))
os.chdir('/'); print(libc.umount2(b'/tmp/nest', 2), count())
for i in range(1000): mount(b'/tmp/nest')
print(count(), os.listdir('/tmp/nest'))
for i in range(1000): assert libc.umount2(b'/tmp/nest', 0) == 0
print(count(), libc.umount2(b'/tmp/nest', 0), os.rmdir('/tmp/nest'))
`;

describe.each(longPlatforms())('on %s', (platform) => {
  itWith('python3')('mounts nested 1,000 deep are walked through, listed and taken away', () => {
    const flags = ['--platform', platform, '--tmpfs', '/tmp', '-w', '/', '-u', '0'];
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [cli, 'run', ...flags, '--', 'python3', '-c', NESTED],
      { encoding: 'utf8', timeout: 200_000 },
    );
    expect({ stdout, stderr, status }).toEqual({
      stdout: '1000 2007 999 500\n/tmp/nest 0 1000\n0\n0 0\n1000 []\n0 -1 None\n',
      stderr: '',
      status: 0,
    });
  });
});
