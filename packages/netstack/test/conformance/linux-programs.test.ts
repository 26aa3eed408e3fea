// Programs of Linux against this stack over TAP: iperf3 both ways, nc with TCP and UDP, ssh. The stack is a proxy: it takes the
// connections of the namespace and passes them to servers on the host's loopback. The wire is clean, behind netem where the
// kernel has it, and behind our own faults both ways. What is not installed or not in the kernel is skipped and said.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createDgram,
  createNet,
  type FacadeRuntime,
  type LinkDevice,
  type NetModule,
  type NetSocket,
  Tcp,
  Udp,
} from '../../src/index.js';
import { SeededRandom } from '../support/random.js';
import { hasProgram, TapStack, tapMissing } from '../support/tap.js';
import { TwoWayFaults } from '../support/two-way-faults.js';
import { configure } from '../support/world.js';

const missing = tapMissing();
const PEER = ['ip addr add 10.7.0.1/24 dev tap0', 'ip -6 addr add fd07::1/64 dev tap0 nodad'];
const NETEM = 'tc qdisc add dev tap0 root netem loss 1% delay 4ms 1ms reorder 5% 50%';
const FAULTS = { loss: 0.01, delay: 4000, jitter: 1000, reorder: 0.05, limit: 4000 };

function netemMissing(): string | null {
  try {
    const probe = 'ip link set lo up && tc qdisc add dev lo root netem loss 1%';
    execFileSync('unshare', ['-n', 'sh', '-c', probe], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).split('\n')[0] as string;
  }
}

const netem = missing === null ? netemMissing() : missing;
const sshd = '/usr/sbin/sshd';
const programs = {
  iperf3: hasProgram('iperf3'),
  nc: hasProgram('nc'),
  ssh: hasProgram('ssh') && hasProgram(sshd),
};

type Wire = 'clean' | 'netem' | 'faults';
const wires: Wire[] = netem === null ? ['clean', 'netem', 'faults'] : ['clean', 'faults'];

describe.skipIf(missing !== null)('programs of Linux', () => {
  let tap: TapStack;
  let net: NetModule;
  let udp: Udp;
  let runtime: FacadeRuntime;
  const children: ChildProcess[] = [];
  const folders: string[] = [];

  const open = async (wire: Wire) => {
    const started = process.hrtime.bigint();
    const clock = () => Number((process.hrtime.bigint() - started) / 1000n);
    const wrap = (device: LinkDevice) =>
      wire === 'faults'
        ? new TwoWayFaults(device, { random: new SeededRandom(9), ...FAULTS }, () => tap?.now() ?? clock())
        : device;
    tap = await TapStack.open({ commands: wire === 'netem' ? [...PEER, NETEM] : PEER, wrap });
    configure(tap.stack, tap.device, ['10.7.0.2/24', 'fd07::2/64']);
    const tcp = new Tcp(tap.stack.host);
    udp = new Udp(tap.stack.host);
    tap.stack.register(tcp);
    tap.stack.register(udp);
    let queued = false;
    const kick = () => {
      if (queued) return;
      queued = true;
      setImmediate(() => {
        queued = false;
        tap.kick();
      });
    };
    const parts = { Duplex, EventEmitter, kick, wrap: (bytes: Uint8Array) => Buffer.from(bytes) };
    runtime = parts as unknown as FacadeRuntime;
    net = createNet(tcp, runtime);
    tap.kick();
  };

  afterEach(() => {
    tap?.close();
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  /** Passes connections to `port` of the stack on to a port of the host's loopback. */
  const proxy = (port: number, to: number) => {
    const server = net.createServer((socket: NetSocket) => {
      const inner = socket as unknown as Duplex;
      const outer = nodeNet.connect(to, '127.0.0.1');
      inner.on('error', () => outer.destroy());
      outer.on('error', () => inner.destroy());
      inner.pipe(outer);
      outer.pipe(inner);
    });
    server.listen({ port });
    tap.kick();
  };

  const freePort = () =>
    new Promise<number>((resolve) => {
      const server = nodeNet.createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as nodeNet.AddressInfo;
        server.close(() => resolve(port));
      });
    });

  /** Waits until something listens there; a port that was tried counts as no client of iperf3's. */
  const start = async (file: string, args: readonly string[], ready: RegExp) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      let text = '';
      const look = (chunk: Buffer) => {
        text += String(chunk);
        if (ready.test(text)) resolve();
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code}: ${text}`)));
    });
  };

  describe.each(wires)('over a %s wire', (wire) => {
    it.skipIf(!programs.iperf3)('iperf3 sends and receives, by IPv4 and IPv6', async () => {
      await open(wire);
      for (const [host, reverse] of [
        ['10.7.0.2', false],
        ['10.7.0.2', true],
        ['fd07::2', false],
        ['fd07::2', true],
      ] as const) {
        const port = await freePort();
        await start('iperf3', ['-s', '-1', '-p', String(port), '--forceflush'], /listening/);
        proxy(port, port);
        const args = [
          '-c',
          host,
          '-p',
          String(port),
          '-n',
          wire === 'clean' ? '16M' : '2M',
          '-w',
          '64K',
          '-J',
        ];
        const result = await tap.run('iperf3', reverse ? [...args, '-R'] : args);
        const report = JSON.parse(result.output) as {
          error?: string;
          end: { sum_sent: { bytes: number }; sum_received: { bytes: number; bits_per_second: number } };
        };
        expect(report.error).toBeUndefined();
        // What is on its way when the sender has sent enough is not waited for by iperf3.
        expect(report.end.sum_sent.bytes).toBeGreaterThanOrEqual(2 << 20);
        expect(report.end.sum_received.bytes).toBeGreaterThan(1 << 19);
        expect(report.end.sum_sent.bytes).toBeGreaterThanOrEqual(report.end.sum_received.bytes);
      }
    });

    it.skipIf(!programs.nc)('nc gets its bytes back by TCP', async () => {
      await open(wire);
      net
        .createServer((socket) => (socket as unknown as Duplex).pipe(socket as unknown as Duplex))
        .listen({ port: 7 });
      const text = 'all that goes out must come back\n'.repeat(20_000);
      for (const host of ['10.7.0.2', 'fd07::2']) {
        const result = await tap.run('nc', ['-N', '-w', '20', host, '7'], text);
        expect(result.output === text).toBe(true);
      }
    });

    it.skipIf(!programs.ssh)('ssh logs in, runs a program and brings its output and exit code', async () => {
      await open(wire);
      const folder = mkdtempSync(join(tmpdir(), 'netstack-ssh-'));
      folders.push(folder);
      const key = (name: string) => {
        execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
        return join(folder, name);
      };
      const hostKey = key('host');
      const userKey = key('user');
      execFileSync('cp', [`${userKey}.pub`, join(folder, 'authorized')]);
      chmodSync(folder, 0o755);
      mkdirSync('/run/sshd', { recursive: true });
      const port = await freePort();
      const config = join(folder, 'config');
      writeFileSync(
        config,
        `ListenAddress 127.0.0.1:${port}\nHostKey ${hostKey}\nAuthorizedKeysFile ${join(folder, 'authorized')}\n` +
          `PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n`,
      );
      await start(sshd, ['-D', '-e', '-f', config], /listening/);
      proxy(22, port);
      const result = await tap.run('ssh', [
        ...[
          '-F',
          'none',
          '-i',
          userKey,
          '-o',
          'StrictHostKeyChecking=no',
          '-o',
          'UserKnownHostsFile=/dev/null',
        ],
        ...['-o', 'LogLevel=ERROR', '-o', 'BatchMode=yes', 'root@10.7.0.2'],
        'head -c 3000000 /dev/urandom | base64 -w 0 | head -c 3000000; exit 7',
      ]);
      expect(result.output.length).toBe(3_000_000);
      expect(result.code).toBe(7);
    });
  });

  it.skipIf(!programs.nc)('nc gets its datagram back by UDP', async () => {
    await open('clean');
    const socket = createDgram(udp, runtime).createSocket({ type: 'udp4' });
    const any = socket as unknown as {
      on(event: string, listener: (...args: never[]) => void): void;
      bind(port: number): void;
      send(bytes: Uint8Array, port: number, address: string): void;
    };
    any.on('message', (bytes: Uint8Array, from: { port: number; address: string }) =>
      any.send(bytes, from.port, from.address),
    );
    any.bind(7);
    tap.kick();
    const result = await tap.run('sh', ['-c', '(printf hello; sleep 0.5) | nc -u -w 1 10.7.0.2 7']);
    expect(result.output).toBe('hello');
  });
});

beforeAll(() => {
  const absent = Object.entries(programs).filter(([, there]) => !there);
  for (const [name] of absent) process.stderr.write(`skipping ${name} against the stack: not installed\n`);
  if (missing !== null) process.stderr.write(`skipping programs of Linux: ${missing}\n`);
  else if (netem !== null) process.stderr.write(`skipping tc netem, our own faults are used: ${netem}\n`);
});

it.runIf(missing !== null)(`can't run programs of Linux here: ${missing}`, () => {
  expect(missing).not.toBeNull();
});
