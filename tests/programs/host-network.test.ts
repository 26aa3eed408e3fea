// `--network host`: the guest's sockets are the host's. Programs of the sandbox talk to each other and to this process over the machine's
// loopback; what a program sees is what it sees outside, but for what is refused.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { platforms } from '../support/native.js';
import { itWith } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const script = fileURLToPath(new URL('scripts/host-network.py', import.meta.url));
const PYTHON = '/usr/bin/python3';
const CURL = '/usr/bin/curl';
const LIMIT_MS = 60_000;

function sandboxed(platform: string, ...command: string[]): Promise<{ stdout: string; status: number }> {
  const args = [cli, 'run', '--platform', platform, '--network', 'host', '--', ...command];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: LIMIT_MS });
  let stdout = '';
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ stdout, status: code ?? -1 })));
}

describe.each(platforms())('on %s', (platform) => {
  itWith(PYTHON)('sockets behave as outside', async () => {
    const outside = spawnSync(PYTHON, [script], { encoding: 'utf8', timeout: LIMIT_MS }).stdout.split('\n');
    const inside = (await sandboxed(platform, PYTHON, script)).stdout.split('\n');
    const refused = /^(repair|tables|change|allowed)/;
    expect(inside.filter((line) => !refused.test(line))).toEqual(
      outside.filter((line) => !refused.test(line)),
    );
    expect(inside.filter((line) => refused.test(line))).toEqual(['repair 92', 'tables 92', 'change 1']);
  });

  itWith(PYTHON, CURL)(
    'a server of this machine is reached, and one of the sandbox reaches back',
    async () => {
      const server = createServer((request, response) => response.end(`from outside ${request.url}`));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const got = await sandboxed(platform, CURL, '-s', `http://127.0.0.1:${port}/x`);
      server.close();
      expect(got).toEqual({ stdout: 'from outside /x', status: 0 });
      const program = `import socket, sys
s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)
c, _ = s.accept(); c.sendall(c.recv(100).upper()); c.close()`;
      const child = spawn(process.execPath, [
        cli,
        'run',
        '--platform',
        platform,
        '--network',
        'host',
        '--',
        PYTHON,
        '-c',
        program,
      ]);
      const listening = await new Promise<string>((resolve) =>
        child.stdout.once('data', (bytes) => resolve(String(bytes))),
      );
      const talk = `import socket; s = socket.create_connection(('127.0.0.1', ${Number(listening)})); s.sendall(b'hey'); print(s.recv(9))`;
      expect(spawnSync(PYTHON, ['-c', talk], { encoding: 'utf8', timeout: LIMIT_MS }).stdout).toBe(
        "b'HEY'\n",
      );
      await new Promise((resolve) => child.on('close', resolve));
    },
  );
});
