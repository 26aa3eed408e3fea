// A switch across processes: `sandbox-cli switch PATH`, and sandboxes of other runs that meet on it by name, over IPv4 and IPv6.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { itWith } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const world = mkdtempSync('/tmp/sandbox-switch-');
const path = `${world}/lan`;
const PYTHON = '/usr/bin/python3';
const LIMIT_MS = 60_000;
const children: ChildProcess[] = [];

/** A port of its own per member: nothing else listens in a sandbox. */
const SERVER = `import socket
s = socket.socket(socket.AF_INET6); s.setsockopt(41, 26, 0); s.bind(('::', 80)); s.listen(); print('ready', flush=True)
for _ in range(2):
    c, a = s.accept(); c.sendall(b'you are ' + a[0].encode()); c.close()`;
const CLIENT = `import socket
for family, name in ((socket.AF_INET, 'v4'), (socket.AF_INET6, 'v6')):
    address = socket.getaddrinfo('web', 80, family, socket.SOCK_STREAM)[0][4]
    s = socket.socket(family); s.connect(address); print(name, address[0], s.recv(99).decode())`;

const LINKS = `import socket
print(*[name for _, name in socket.if_nameindex()])
print(socket.gethostbyname('both').rpartition('.')[0])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9)); print(s.getsockname()[0])`;

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  children.push(child);
  return child;
}

function run(...args: string[]): Promise<Outcome> {
  const child = start(...args);
  const out = { stdout: '', stderr: '' };
  child.stdout?.on('data', (bytes) => {
    out.stdout += bytes;
  });
  child.stderr?.on('data', (bytes) => {
    out.stderr += bytes;
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ ...out, status })));
}

function said(stream: NodeJS.ReadableStream | null): Promise<string> {
  return new Promise((resolve) => stream?.once('data', (bytes) => resolve(String(bytes))));
}

const member = (name: string, ...command: string[]): string[] => [
  'run',
  '--network',
  `switch:${path}`,
  '--hostname',
  name,
  '--',
  ...command,
];

let hub: ChildProcess;

beforeAll(async () => {
  hub = start('switch', '--seed', '7', path);
  await said(hub.stderr);
}, LIMIT_MS);

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(world, { recursive: true, force: true });
});

describe('a switch of its own process', () => {
  itWith(PYTHON)('lets sandboxes of other processes meet by name', async () => {
    const web = start(...member('web', PYTHON, '-c', SERVER));
    expect(await said(web.stdout)).toBe('ready\n');
    const taken = await run(...member('WEB', '/bin/true'));
    expect([taken.status, taken.stderr]).toEqual([125, expect.stringMatching(/has a 'WEB' already/)]);
    const client = await run(...member('client', PYTHON, '-c', CLIENT));
    const expected =
      /^v4 10\.0\.3\.2 you are ::ffff:10\.0\.3\.\d+\nv6 fd00:736b:3::2 you are fd00:736b:3::\w+\n$/;
    expect([client.stdout, client.stderr]).toEqual([expect.stringMatching(expected), '']);
  });

  itWith(PYTHON)('stands beside mode user, as eth1', async () => {
    const both = ['run', '--hostname', 'both'];
    for (const flags of [
      ['--network', `user,switch:${path}`],
      ['--network', `switch:${path}`, '--allow-net', 'loopback'],
    ]) {
      const { stdout, stderr, status } = await run(...both, ...flags, '--', PYTHON, '-c', LINKS);
      expect([status, stdout, stderr]).toEqual([0, 'lo eth0 eth1\n10.0.3\n10.0.2.15\n', '']);
    }
  });

  it('is open to its user only, and refuses strangers', { timeout: LIMIT_MS }, async () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (const line of [
      'nonsense\n',
      '{"join":5}\n',
      '{"join":"../x"}\n',
      `${'x'.repeat(5000)}\n`,
      '{"join":"a"}\nmore',
    ]) {
      const answer = await new Promise<string>((resolve) => {
        let text = '';
        const socket = createConnection(path, () => socket.write(line));
        socket.on('data', (bytes) => {
          text += bytes;
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
      expect(answer).toMatch(/^$|refused/);
    }
  });

  it('says what is wrong', { timeout: 2 * LIMIT_MS }, async () => {
    const nobody = await run('run', '--network', `switch:${world}/none`, '--', '/bin/true');
    expect([nobody.status, nobody.stderr]).toEqual([
      125,
      expect.stringMatching(/start one: sandbox-cli switch/),
    ]);
    const again = await run('switch', path);
    expect([again.status, again.stderr]).toEqual([125, expect.stringMatching(/listens at .* already/)]);
    writeFileSync(`${world}/file`, 'kept');
    const file = await run('switch', `${world}/file`);
    expect([file.status, existsSync(`${world}/file`)]).toEqual([125, true]);
  });

  it('takes its path away when it is told to stop', { timeout: LIMIT_MS }, async () => {
    const closed = new Promise((resolve) => hub.on('close', resolve));
    hub.kill('SIGTERM');
    expect(await closed).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});
