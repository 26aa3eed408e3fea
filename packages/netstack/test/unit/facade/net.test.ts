import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createDgram, type DgramModule } from '../../../src/facade/dgram.js';
import { createNet, type NetModule, type NetSocket } from '../../../src/facade/net.js';
import type { FacadeRuntime } from '../../../src/facade/runtime.js';
import { createVethPair } from '../../../src/link/veth.js';
import { Tcp } from '../../../src/transport/tcp/tcp.js';
import { Udp } from '../../../src/transport/udp/udp.js';
import { configure, World } from '../../support/world.js';

interface Side {
  net: NetModule;
  dgram: DgramModule;
  tcp: Tcp;
}

/** Two stacks joined by a cable, driven whenever a facade asks for it; virtual time, so nothing waits. */
function cable(): { a: Side; b: Side; world: World } {
  const world = new World(1);
  const [left, right] = createVethPair();
  let scheduled = false;
  const kick = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      world.run(50_000);
    });
  };
  const side = (device: typeof left, address: string): Side => {
    const stack = world.stack();
    configure(stack, device, [address]);
    const tcp = new Tcp(stack.host);
    const udp = new Udp(stack.host);
    stack.register(tcp);
    stack.register(udp);
    const runtime: FacadeRuntime = {
      Duplex: Duplex as never,
      EventEmitter: EventEmitter as never,
      kick,
      wrap: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    };
    return { net: createNet(tcp, runtime), dgram: createDgram(udp, runtime), tcp };
  };
  return { a: side(left, '10.0.0.1/24'), b: side(right, '10.0.0.2/24'), world };
}

const emitter = (socket: unknown): EventEmitter => socket as EventEmitter;

describe('the net facade', () => {
  it('runs an echo server', async () => {
    const { a, b } = cable();
    const server = b.net.createServer((socket) => {
      (socket as unknown as Duplex).pipe(socket as unknown as Duplex);
    });
    server.listen({ port: 7 });
    await once(emitter(server), 'listening');
    const client = a.net.connect({ host: '10.0.0.2', port: 7 });
    await once(emitter(client), 'connect');
    const payload = Buffer.alloc(300_000, 'abcdefg');
    client.end(payload);
    const chunks: Buffer[] = [];
    for await (const chunk of client as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(payload)).toBe(true);
    expect([client.remoteAddress ?? '10.0.0.2', client.bytesRead, client.bytesWritten]).toEqual([
      '10.0.0.2',
      300_000,
      300_000,
    ]);
    server.close();
    await once(emitter(server), 'close');
  });

  it('carries node’s own HTTP server and client unchanged', async () => {
    const { a, b } = cable();
    const app = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => response.end(`${request.method} ${request.url} ${body.length}`));
    });
    const server = b.net.createServer((socket) => app.emit('connection', socket));
    server.listen({ port: 80 });
    await once(emitter(server), 'listening');
    const request = http.request({
      method: 'POST',
      path: '/upload',
      host: '10.0.0.2',
      createConnection: () => a.net.connect({ host: '10.0.0.2', port: 80 }) as never,
    });
    request.end('x'.repeat(100_000));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe('POST /upload 100000');
    expect(response.statusCode).toBe(200);
    server.close();
  });

  it('reports a refused connection as node does', async () => {
    const { a } = cable();
    const client = a.net.connect({ host: '10.0.0.2', port: 9 });
    const [error] = await once(emitter(client), 'error').catch((e) => [e]);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
  });

  it('reports an unknown name as node does', async () => {
    const { a } = cable();
    const client = a.net.connect({ host: 'nowhere.invalid', port: 9 });
    const [error] = await once(emitter(client), 'error').catch((e) => [e]);
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
  });

  it('reports a reset as node does, and a port in use', async () => {
    const { a, b } = cable();
    const server = b.net.createServer((socket: NetSocket) => {
      socket.resetAndDestroy();
    });
    server.listen({ port: 7 });
    await once(emitter(server), 'listening');
    const client = a.net.connect({ host: '10.0.0.2', port: 7 });
    const [error] = await once(emitter(client), 'error').catch((e) => [e]);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    const second = b.net.createServer();
    second.listen({ port: 7 });
    const [busy] = await once(emitter(second), 'error').catch((e) => [e]);
    expect(busy).toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
  });
});

describe('the dgram facade', () => {
  it('sends and receives with addresses', async () => {
    const { a, b, world } = cable();
    const server = b.dgram.createSocket('udp4');
    server.bind(5000);
    const heard = new Promise<[Uint8Array, { address: string; size: number }]>((resolve) => {
      server.on('message', ((bytes: Uint8Array, info: { address: string; size: number }) =>
        resolve([bytes, info])) as never);
    });
    const client = a.dgram.createSocket('udp4');
    client.send(Buffer.from('hello'), 5000, '10.0.0.2');
    world.run(10_000);
    const [bytes, info] = await heard;
    expect(Buffer.from(bytes).toString()).toBe('hello');
    expect(info).toMatchObject({ address: '10.0.0.1', size: 5 });
    server.close();
    client.close();
  });
});
