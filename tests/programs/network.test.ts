// Real programs with a network: clients of servers on this machine's loopback, servers behind published ports, names, and what is
// refused. The servers run here, so programs are awaited, never waited for.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parsePcapng } from '@sandbox-kernel/netstack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nameServer } from '../../packages/network/test/support/servers.js';
import { Sandbox, Switch } from '../../packages/sentry/dist/index.js';
import { itWith } from '../support/tools.js';

const cli = fileURLToPath(new URL('../../packages/cli/bin/sandbox-cli.cjs', import.meta.url));
const world = mkdtempSync('/tmp/sandbox-network-');
const BIG = 32 << 20;
const big = Buffer.alloc(BIG, 'network');
const sum = createHash('sha256').update(big).digest('hex');
let http: Server;
let port = 0;

beforeAll(async () => {
  http = createHttp((request, response) => {
    if (request.url === '/big') response.end(big);
    else if (request.url?.startsWith('/repo.git/')) serveRepository(request.url, response);
    else {
      const parts: Buffer[] = [];
      request.on('data', (bytes) => parts.push(bytes));
      request.on('end', () =>
        response.end(`${request.method} ${request.url} ${Buffer.concat(parts).length}\n`),
      );
    }
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  port = (http.address() as AddressInfo).port;
});
afterAll(() => {
  http.closeAllConnections();
  http.close();
  rmSync(world, { recursive: true, force: true });
});
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function serveRepository(
  url: string,
  response: { writeHead(code: number): unknown; end(bytes?: Buffer): unknown },
) {
  try {
    response.end(readFileSync(world + url.split('?')[0]));
  } catch {
    response.writeHead(404);
    response.end();
  }
}

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(flags: readonly string[], command: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [cli, 'run', ...flags, '--', ...command],
      { timeout: 120_000, maxBuffer: 1 << 28 },
      (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

const shell = (flags: readonly string[], script: string) => run(flags, ['/bin/sh', '-c', script]);
const LOOPBACK = ['--allow-net', 'loopback'];
const url = (path: string) => `http://10.0.2.2:${port}${path}`;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createTcp().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => resolve(free));
    });
  });
}

async function eventually(attempt: () => Promise<boolean>, what: string): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await attempt()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not happen`);
}

describe('clients', () => {
  itWith('curl')('curl: get, post, a large body, and a name of the host', async () => {
    const script = `curl -sS ${url('/a')} && curl -sS --data-binary @/etc/passwd ${url('/post')} &&
      curl -sS ${url('/big')} | sha256sum && curl -sS http://host.sandbox.internal:${port}/named`;
    const { status, stdout, stderr } = await shell(LOOPBACK, script);
    expect([status, stderr]).toEqual([0, '']);
    const posted = statSync('/etc/passwd').size;
    expect(stdout).toBe(`GET /a 0\nPOST /post ${posted}\n${sum}  -\nGET /named 0\n`);
  });

  itWith('wget')('wget', async () => {
    const { status, stdout } = await shell(LOOPBACK, `wget -qO- ${url('/big')} | sha256sum`);
    expect([status, stdout]).toEqual([0, `${sum}  -\n`]);
  });

  itWith('/usr/bin/python3')('python: urllib in threads', async () => {
    const script = `import threading, urllib.request, hashlib
out = []
def get(i):
    body = urllib.request.urlopen("${url('/n')}%d" % i).read().decode()
    out.append(body)
threads = [threading.Thread(target=get, args=(i,)) for i in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out) == sorted("GET /n%d 0\\n" % i for i in range(20)))
print(hashlib.sha256(urllib.request.urlopen("${url('/big')}").read()).hexdigest())`;
    const { status, stdout, stderr } = await run(LOOPBACK, ['/usr/bin/python3', '-c', script]);
    expect([status, stderr, stdout]).toEqual([0, '', `True\n${sum}\n`]);
  });

  itWith('git')('git over http', async () => {
    const make = `cd ${world} && git init -q work && cd work && git config user.email a@b && git config user.name n &&
      seq 1 5000 > numbers && git add . && git commit -qm first && cd .. && git clone -q --bare work repo.git &&
      cd repo.git && git update-server-info`;
    expect(spawnSync('sh', ['-c', make]).status).toBe(0);
    const { status, stdout, stderr } = await shell(
      [...LOOPBACK, '-e', 'HOME=/tmp'],
      `cd /tmp && git clone -q ${url('/repo.git')} copy && wc -l copy/numbers && git -C copy fsck`,
    );
    expect([status, stdout], stderr).toEqual([0, '5000 copy/numbers\n']);
  });

  it('node: http, http2 and many at once', async () => {
    const second = createHttp2((request, response) => {
      request.resume();
      response.end(`h2 ${request.url}`);
    });
    await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve));
    open.push(second);
    const { port: h2 } = second.address() as AddressInfo;
    const script = `const http = require('http'), http2 = require('http2');
const get = (path) => new Promise((resolve, reject) => http.get('${url('')}' + path, (r) => {
  let text = ''; r.on('data', (d) => text += d); r.on('end', () => resolve(text)); }).on('error', reject));
(async () => {
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => get('/' + i)));
  console.log(all.every((text, i) => text === 'GET /' + i + ' 0\\n'));
  const session = http2.connect('http://10.0.2.2:${h2}');
  const stream = session.request({ ':path': '/two' });
  let text = ''; for await (const part of stream) text += part;
  console.log(text); session.close();
})();`;
    // A pipe: node takes a socket as its output for something it does not know.
    writeFileSync(`${world}/client.js`, script);
    const { status, stdout, stderr } = await shell(
      LOOPBACK,
      `'${process.execPath}' ${world}/client.js | cat`,
    );
    expect([status, stdout], stderr).toEqual([0, 'true\nh2 /two\n']);
  });

  itWith('iperf3')('iperf3, both ways and by UDP', async () => {
    const free = await freePort();
    const server: ChildProcess = spawn('iperf3', ['-s', '-B', '127.0.0.1', '-p', `${free}`], {
      stdio: 'ignore',
    });
    open.push({ close: () => server.kill() });
    for (const flags of ['', '-R', '-u -b 50M']) {
      const script = `for i in 1 2 3 4 5 6 7 8; do iperf3 -c 10.0.2.2 -p ${free} -t 1 -J ${flags} > /tmp/r && break; sleep 1; done; cat /tmp/r`;
      const { stdout, stderr } = await shell(LOOPBACK, script);
      const result = JSON.parse(stdout) as {
        end: { sum?: { bytes: number }; sum_received?: { bytes: number } };
      };
      expect(result.end.sum_received?.bytes ?? result.end.sum?.bytes ?? 0, stderr).toBeGreaterThan(100_000);
    }
  });
});

describe('servers behind published ports', () => {
  itWith('/usr/bin/python3')('python http.server', async () => {
    const free = await freePort();
    writeFileSync(`${world}/page`, 'published\n');
    const sandbox = await Sandbox.create({ network: { publish: [`${free}:8000`] } });
    open.push(sandbox);
    sandbox.spawn('/usr/bin/python3', ['-m', 'http.server', '8000', '-d', world], { stdio: 'ignore' });
    let text = '';
    await eventually(async () => {
      text = await fetch(`http://127.0.0.1:${free}/page`).then(
        (r) => r.text(),
        () => '',
      );
      return text !== '';
    }, 'an answer');
    expect(text).toBe('published\n');
  });

  it('says what to do when a port is taken', async () => {
    const { status, stderr } = await run(['-p', `${port}:80`], ['/bin/true']);
    expect(status).toBe(125);
    expect(stderr).toMatch(/can't publish tcp port \d+ at 127\.0\.0\.1: EADDRINUSE\n.*another host port/s);
  });
});

describe('names', () => {
  it('are resolved when a rule permits them, by every resolver', async () => {
    const dns = await nameServer({
      'api.example.com': ['93.184.216.34', '2606:4700::1'],
      'rebind.example.com': ['10.0.0.1'],
    });
    open.push(dns);
    const flags = ['--allow-net', '*.example.com:443', '--dns', `127.0.0.1:${dns.port}`, '--net-log'];
    const script =
      'getent ahostsv4 api.example.com | head -1; getent ahostsv6 api.example.com | head -1; getent hosts evil.org || echo none; getent hosts rebind.example.com || echo refused';
    const { stdout, stderr } = await shell(flags, script);
    expect(stdout).toMatch(/^93\.184\.216\.34 .*\n2606:4700::1 .*\nnone\nrefused\n$/);
    expect(stderr).toContain('net: refuse dns evil.org: no rule allows the name evil.org');
    expect(stderr).toContain('net: refuse dns rebind.example.com: rebind.example.com resolves to 10.0.0.1');
    expect(dns.asked).not.toContain('evil.org');
  });

  itWith('dig')('dig: over UDP, over TCP, with and without EDNS', async () => {
    const dns = await nameServer({ 'api.example.com': ['93.184.216.34'] });
    open.push(dns);
    const flags = ['--allow-net', '*.example.com', '--dns', `127.0.0.1:${dns.port}`];
    const script =
      'for o in +noedns +edns +tcp; do dig +short $o api.example.com; done; dig other.org | grep -o NXDOMAIN; dig ANY api.example.com | grep -o REFUSED';
    const { stdout } = await shell(flags, script);
    expect(stdout).toBe(`${'93.184.216.34\n'.repeat(3)}NXDOMAIN\nREFUSED\n`);
  });
});

describe('what is refused', () => {
  itWith('curl')(
    'is a refused connection with a reason, and metadata is never reached by a wide rule',
    async () => {
      const { status, stderr } = await run(
        ['--allow-net', '*', '--net-log'],
        ['curl', '-sS', 'http://169.254.169.254/latest/meta-data/'],
      );
      expect(status).toBe(7);
      expect(stderr).toContain('169.254.169.254 in the metadata range 169.254.169.254, which no rule names');
    },
  );

  itWith('curl')('addresses in other spellings: decimal, hexadecimal, octal, mapped, short', async () => {
    const metadata = [
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '169.254.43518',
      '[::ffff:169.254.169.254]',
    ];
    const gateway = ['167772674', '0xa000202', '012.0.02.02', '10.514', '[::ffff:10.0.2.2]'];
    const script = [...metadata, ...gateway.map((name) => `${name}:${port}`)]
      .map((where) => `curl -sS -o /dev/null http://${where}/ 2>/dev/null; echo $?`)
      .join('\n');
    const { stdout, stderr } = await shell(['--allow-net', '*', '--net-log'], script);
    expect(stdout).toBe('7\n'.repeat(metadata.length + gateway.length));
    const refused = stderr.match(/net: refuse tcp [^:]*:\d+/g) ?? [];
    expect(refused).toEqual([
      ...metadata.map(() => 'net: refuse tcp 169.254.169.254:80'),
      ...gateway.map(() => `net: refuse tcp 127.0.0.1:${port}`),
    ]);
  });

  itWith('curl')('rules are taken in the order in which they were written', async () => {
    const get = ['curl', '-sS', url('/')];
    const target = `127.0.0.1:${port}`;
    expect((await run(['--deny-net', target, '--allow-net', 'loopback'], get)).status).toBe(7);
    expect((await run(['--allow-net', 'loopback', '--deny-net', target], get)).status).toBe(0);
    const audit = await run(['--deny-net', target, '--net-audit'], get);
    expect([audit.status, audit.stdout]).toEqual([0, 'GET / 0\n']);
    expect(audit.stderr).toMatch(/net: would-refuse tcp 127\.0\.0\.1:\d+: rule 'deny /);
  });

  it.each([
    [['--network', 'usre'], /did you mean 'user'/],
    [['--allow-net', '0177.0.0.1'], /four decimal numbers/],
    [['--allow-net', 'http://example.com/'], /leave out the scheme/],
    [['-p', '80:http'], /\[ADDRESS:\]HOST:GUEST/],
    [['--network', 'none', '--allow-net', '*'], /--allow-net needs a network/],
    [['--dns', 'nowhere', '--network', 'user'], /not a name server/],
    [['--upstream-proxy', 'ftp://1.2.3.4:1'], /socks5:\/\/ADDRESS:PORT/],
    [['--alow-net', '*'], /did you mean --allow-net/],
  ])('wrong options: %j', async (flags, message) => {
    const { status, stderr } = await run(flags, ['/bin/true']);
    expect(status).toBe(125);
    expect(stderr).toMatch(message);
  });
});

describe('captures and events', () => {
  itWith('curl')('--pcap writes what passes; --json tells what happened', async () => {
    const file = `${world}/capture`;
    const { stdout } = await run([...LOOPBACK, '--pcap', file, '--json'], ['curl', '-sS', url('/seen')]);
    const result = JSON.parse(stdout) as { stdout: unknown; network: { kind: string; received?: number }[] };
    expect(result.network.map(({ kind }) => kind)).toEqual(['connect', 'close']);
    const bytes = readFileSync(file);
    expect(parsePcapng(bytes)?.packets.length).toBeGreaterThan(6);
    expect(bytes.includes('GET /seen')).toBe(true);
  });

  itWith('/usr/bin/python3')('--pcap writes what passes lo as a second interface', async () => {
    const file = `${world}/capture-lo`;
    const program = [
      'import socket',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0))',
      's.sendto(b"to itself", s.getsockname()); s.recv(99)',
    ].join('\n');
    await run([...LOOPBACK, '--pcap', file], ['python3', '-c', program]);
    const bytes = readFileSync(file);
    const capture = parsePcapng(bytes);
    const onLo = capture?.packets.filter(({ interfaceId }) => interfaceId === 1) ?? [];
    expect(capture?.interfaces.map(({ linkType }) => linkType)).toEqual([1, 101]);
    expect(onLo.map((packet) => Buffer.from(packet.bytes).includes('to itself'))).toEqual([true]);
    expect(bytes.includes('lo')).toBe(true);
  });
});

describe('the end of a sandbox', () => {
  itWith('/usr/bin/python3')('what a program sent before it ended still arrives', async () => {
    const total = 8 << 20;
    let got = 0;
    let ended = false;
    // Reads slowly at first, so that the last bytes are still in the sandbox when the program is gone.
    const server = createTcp((socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 300);
      socket.on('data', (bytes) => {
        got += bytes.length;
      });
      socket.on('end', () => {
        ended = true;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(server);
    const { port: there } = server.address() as AddressInfo;
    const script = `import socket
s = socket.create_connection(('10.0.2.2', ${there})); s.sendall(bytes(${total})); s.close()`;
    const { stdout, stderr } = await run([...LOOPBACK, '--json'], ['/usr/bin/python3', '-c', script]);
    const result = JSON.parse(stdout) as { network: { kind: string; sent?: number }[] };
    expect(
      result.network.map(({ kind }) => kind),
      stderr,
    ).toEqual(['connect', 'close']);
    await eventually(async () => ended, 'the end');
    expect([got, result.network[1]?.sent]).toEqual([total, total]);
  });
});

describe('sandbox.network', () => {
  itWith('curl')('changes while programs run', async () => {
    const asked: string[] = [];
    const sandbox = await Sandbox.create({
      network: {
        rules: [{ allow: 'loopback' }],
        onConnect: (flow) => {
          asked.push(`${flow.address}:${flow.port} ${flow.allowed}`);
          return undefined;
        },
      },
    });
    open.push(sandbox);
    const get = async () => (await sandbox.exec('curl', ['-sS', url('/')])).exitCode;
    expect(await get()).toBe(0);
    expect(asked).toEqual([`127.0.0.1:${port} true`]);
    await sandbox.network.update({ rules: [] });
    expect(await get()).toBe(7);
    expect(await sandbox.network.connections()).toEqual([]);
    const [published] = await sandbox.network.publish({ guestPort: 80 });
    expect(published?.hostPort).toBeGreaterThan(0);
    expect(await sandbox.network.unpublish(published?.hostPort ?? 0)).toBe(true);
    await expect(sandbox.network.publish(`${port}:80`)).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('a switch beside mode user', () => {
  itWith('curl')('joins sandboxes, and the rules decide about everything else', async () => {
    const lan = new Switch();
    open.push(lan);
    const free = await freePort();
    const server = await Sandbox.create({ network: { switch: lan, name: 'web', publish: [`${free}:80`] } });
    const client = await Sandbox.create({
      hostname: 'client',
      network: { switch: lan, rules: [{ allow: `127.0.0.1:${port}` }] },
    });
    open.push(server, client);
    writeFileSync(`${world}/both`, 'both ways\n');
    server.spawn('/usr/bin/python3', ['-m', 'http.server', '80', '-d', world], { stdio: 'ignore' });
    await eventually(
      async () => (await client.exec('curl', ['-sS', 'http://web/both'])).exitCode === 0,
      'the server',
    );
    const refused: string[] = [];
    client.on('network', ({ kind, target }) => kind === 'refuse' && refused.push(target));
    const script = `curl -sS http://web/both; curl -sS ${url('/rule')}; curl -s http://10.0.2.2:${free}/both || echo refused;
      getent hosts nobody || echo nobody; getent ahostsv4 client | head -1 | cut -d' ' -f1`;
    const { stdout, stderr } = await client.shell(script);
    expect([String(stdout), String(stderr)]).toEqual([
      'both ways\nGET /rule 0\nrefused\nnobody\n10.0.3.3\n',
      '',
    ]);
    expect(refused).toContain(`127.0.0.1:${free}`);
    expect(refused).toContain('nobody');
    const answer = await fetch(`http://127.0.0.1:${free}/both`);
    expect(await answer.text()).toBe('both ways\n');
  });
});

describe('a switch', () => {
  itWith('curl')('joins sandboxes by name, and to nothing else', async () => {
    const lan = new Switch();
    open.push(lan);
    const server = await Sandbox.create({ network: { switch: lan, name: 'web' } });
    const client = await Sandbox.create({ network: { switch: lan, name: 'client' } });
    open.push(server, client);
    writeFileSync(`${world}/joined`, 'by the switch\n');
    server.spawn('/usr/bin/python3', ['-m', 'http.server', '80', '-d', world], { stdio: 'ignore' });
    let result = await client.exec('curl', ['-sS', 'http://web/joined']);
    for (let i = 0; i < 100 && result.exitCode !== 0; i++)
      result = await client.exec('curl', ['-sS', 'http://web/joined']);
    expect([String(result.stdout), String(result.stderr)]).toEqual(['by the switch\n', '']);
    expect((await client.exec('curl', ['-sS', '-m', '1', `http://10.0.2.2:${port}/`])).exitCode).not.toBe(0);
    expect(lan.members.map(({ name }) => name)).toEqual(['web', 'client']);
    await expect(Sandbox.create({ network: { switch: lan, name: 'web' } })).rejects.toThrow(
      /has a 'web' already/,
    );
    await server.close();
    await eventually(async () => lan.members.length === 1, 'unplugging');
  });
});
