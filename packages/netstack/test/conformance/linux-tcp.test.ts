// TCP with the Linux kernel as the peer: node's HTTP over the facade against curl, bulk data both ways, and all of it again over
// a wire that loses, reorders, corrupts and duplicates what we send (our own fault device: netem is not in every kernel).
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import http from 'node:http';
import { Duplex } from 'node:stream';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createNet,
  type FacadeRuntime,
  FaultDevice,
  type FaultOptions,
  type LinkDevice,
  type NetModule,
  type NetSocket,
  Tcp,
} from '../../src/index.js';
import { SeededRandom } from '../support/random.js';
import { hasProgram, TapStack, tapMissing } from '../support/tap.js';
import { configure } from '../support/world.js';

const missing = tapMissing();
const PEER = ['ip addr add 10.7.0.1/24 dev tap0', 'ip -6 addr add fd07::1/64 dev tap0 nodad'];

describe.skipIf(missing !== null)('TCP with Linux as the peer', () => {
  let tap: TapStack;
  let net: NetModule;

  const open = async (virtio: boolean, faults: Omit<FaultOptions, 'random'> | null = null) => {
    const wrap = (device: LinkDevice) =>
      faults === null ? device : new FaultDevice(device, { random: new SeededRandom(5), ...faults });
    tap = await TapStack.open({ commands: PEER, virtio, wrap });
    configure(tap.stack, tap.device, ['10.7.0.2/24', 'fd07::2/64']);
    const tcp = new Tcp(tap.stack.host);
    tap.stack.register(tcp);
    let queued = false;
    const kick = () => {
      if (queued) return;
      queued = true;
      setImmediate(() => {
        queued = false;
        tap.kick();
      });
    };
    const runtime = { Duplex, EventEmitter, kick, wrap: (bytes: Uint8Array) => Buffer.from(bytes) };
    net = createNet(tcp, runtime as unknown as FacadeRuntime);
    tap.kick();
  };

  afterEach(() => tap?.close());

  /** Serves sums of what is posted, and data on request, with node's own HTTP server. */
  const serve = (data: Buffer) => {
    const web = http.createServer((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => response.end(request.method === 'POST' ? hash.digest('hex') : data));
    });
    const server = net.createServer((socket: NetSocket) => web.emit('connection', socket));
    server.listen({ port: 80 });
  };

  const big = Buffer.alloc(8 << 20, 'The quick brown fox jumps over the lazy dog. ');
  const digest = createHash('sha256').update(big).digest('hex');

  it.skipIf(!hasProgram('curl')).each([
    ['plain frames', false, null],
    ['offloads', true, null],
    ['1 % loss and reordering', false, { loss: 0.01, delay: 2000, jitter: 1000, reorder: 0.05 }],
    ['corruption and duplicates', false, { corrupt: 0.01, duplicate: 0.01, delay: 500 }],
  ])('curl gets and posts 8 MiB from node:http over the facade (%s)', async (_name, virtio, faults) => {
    await open(virtio, faults);
    serve(big);
    for (const host of ['10.7.0.2', '[fd07::2]']) {
      const get = await tap.run('sh', ['-c', `curl -gs -m 40 http://${host}/ | sha256sum`]);
      expect(get.output.split(' ')[0]).toBe(digest);
      const post = await tap.run('sh', [
        '-c',
        `yes 'The quick brown fox jumps over the lazy dog. ' | tr -d '\\n' | head -c ${8 << 20} | ` +
          `curl -gs -m 40 -H 'Expect:' --data-binary @- http://${host}/`,
      ]);
      expect(post.output).toBe(digest);
    }
  });

  it('a server of Linux answers us, and refuses where nobody listens', async () => {
    await open(true);
    const script = `
import socket
s = socket.create_server(('0.0.0.0', 99)); c, _ = s.accept()
data = b''
while True:
    piece = c.recv(65536)
    if not piece: break
    data += piece
c.sendall(bytes(reversed(data))); c.close()
`;
    const server = tap.run('python3', ['-c', script]);
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    const chunks: Buffer[] = [];
    for (let tries = 0; tries < 50 && chunks.length === 0; tries++) {
      await new Promise<void>((resolve) => {
        const socket = net.connect({ port: 99, host: '10.7.0.1' });
        const raw = socket as unknown as Duplex;
        raw.on('error', () => setTimeout(resolve, 50));
        raw.on('data', (chunk: Buffer) => chunks.push(chunk));
        raw.on('end', resolve);
        raw.end(sent);
        tap.kick();
      });
    }
    await server;
    expect(Buffer.concat(chunks).equals(Buffer.from(sent).reverse())).toBe(true);
    const code = await new Promise((resolve) => {
      const raw = net.connect({ port: 98, host: '10.7.0.1' }) as unknown as Duplex;
      raw.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      tap.kick();
    });
    expect(code).toBe('ECONNREFUSED');
  });
});

beforeAll(() => {
  if (missing !== null) process.stderr.write(`skipping TCP with Linux as the peer: ${missing}\n`);
});

it.runIf(missing !== null)(`can't run TCP with Linux as the peer here: ${missing}`, () => {
  expect(missing).not.toBeNull();
});
