import { type Socket, connect as tcpConnect } from 'node:net';
import { Address } from '@sandbox-kernel/netstack';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectQuestion } from '../../src/gate.js';
import { type Running, streamServer } from '../support/servers.js';
import { policyOf, World, type WorldOptions } from '../support/world.js';

const ECONNREFUSED = 111;
const ECONNRESET = 104;
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function world(options: WorldOptions): World {
  const made = new World(options);
  open.push(made);
  return made;
}

async function serve(onConnection: (socket: Socket) => void) {
  const server = await streamServer(onConnection);
  open.push(server as Running);
  return server;
}

describe('a policy that changes', () => {
  it('ends what it no longer allows, and keeps what it does', async () => {
    const server = await serve((socket) => socket.on('data', (bytes) => socket.write(bytes)));
    const other = await serve((socket) => socket.on('data', (bytes) => socket.write(bytes)));
    const w = world({ rules: ['+loopback'] });
    const kept = await w.connect('10.0.2.2', server.port);
    const lost = await w.connect('10.0.2.2', other.port);
    expect(w.network.connections.map(({ port }) => port).sort()).toEqual([server.port, other.port].sort());
    w.network.update(policyOf(`+127.0.0.1:${server.port}`));
    await lost.toEnd();
    expect(lost.error).toBe(ECONNRESET);
    kept.write('still');
    await kept.expect('still');
    expect((await w.connect('10.0.2.2', other.port)).error).toBe(ECONNREFUSED);
    expect(w.eventsOf('refuse')[0]?.target).toBe(`127.0.0.1:${other.port}`);
  });
});

describe('audit', () => {
  it('lets everything pass and tells what would not', async () => {
    const server = await serve((socket) => socket.end('in'));
    const w = world({ audit: true });
    expect(await (await w.connect('10.0.2.2', server.port)).toEnd()).toBe('in');
    expect(w.eventsOf('would-refuse')[0]?.reason).toMatch(/which no rule names/);
    expect(w.eventsOf('refuse')).toEqual([]);
  });
});

describe('an application that is asked', () => {
  it('wins over the rules, both ways', async () => {
    const server = await serve((socket) => socket.end('ok'));
    const w = world({ rules: [`+127.0.0.1:${server.port}`] });
    const asked: ConnectQuestion[] = [];
    w.network.gate.setApplication((question) => {
      asked.push(question);
      const allow = question.query.port !== server.port;
      w.network.gate.answer(question.id, allow ? 'allow' : 'deny', w.now);
    });
    expect((await w.connect('10.0.2.2', server.port)).error).toBe(ECONNREFUSED);
    const second = await serve((socket) => socket.end('other'));
    expect(await (await w.connect('10.0.2.2', second.port)).toEnd()).toBe('other');
    expect(asked.map(({ verdict }) => verdict.allowed)).toEqual([true, false]);
  });

  it('may take its time; the SYN waits, but not for ever', async () => {
    const server = await serve((socket) => socket.end('late'));
    const w = world({ rules: ['+loopback'] });
    let id = 0;
    w.network.gate.setApplication((question) => {
      id = question.id;
    }, 5_000_000);
    const connecting = w.connect('10.0.2.2', server.port);
    await w.until(() => id > 0);
    w.network.gate.answer(id, 'rules', w.now);
    expect(await (await connecting).toEnd()).toBe('late');
    id = 0;
    const silent = w.connect('10.0.2.2', server.port);
    await w.until(() => id > 0);
    w.skipped += 6_000_000;
    expect((await silent).error).toBe(ECONNREFUSED);
    expect(w.eventsOf('refuse')[0]?.reason).toMatch(/did not answer in time/);
    expect(w.network.gate.questions).toBe(0);
  });
});

describe('an upstream proxy', () => {
  const proxied = (port: number, kind: 'http' | 'socks5', more: object = {}): WorldOptions => ({
    rules: ['+*'],
    proxy: { kind, address: Address.of('127.0.0.1'), port, ...more },
  });

  it('carries TCP by HTTP CONNECT, with a password', async () => {
    const target = await serve((socket) => socket.end('through'));
    let request = '';
    const proxy = await serve((socket) => {
      socket.once('data', (bytes) => {
        request = bytes.toString();
        const inner = tcpConnect(target.port, '127.0.0.1');
        socket.write('HTTP/1.1 200 fine\r\nVia: me\r\n\r\n');
        inner.pipe(socket).pipe(inner);
      });
    });
    const w = world(proxied(proxy.port, 'http', { user: 'me', password: 'secret' }));
    expect(await (await w.connect('93.184.216.34', 443)).toEnd()).toBe('through');
    expect(request).toMatch(/^CONNECT 93\.184\.216\.34:443 HTTP\/1\.1\r\n/);
    expect(request).toContain(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  it('that says no is a refused connection', async () => {
    const proxy = await serve((socket) => socket.once('data', () => socket.end('HTTP/1.1 403 no\r\n\r\n')));
    const w = world(proxied(proxy.port, 'http'));
    expect((await w.connect('93.184.216.34', 443)).error).toBe(ECONNREFUSED);
  });

  it('that never answers is given up', async () => {
    const proxy = await serve(() => {});
    const w = world(proxied(proxy.port, 'http'));
    const connecting = w.connect('93.184.216.34', 443);
    await w.until(() => proxy.sockets.size === 1);
    for (let i = 0; i < 20; i++) w.turn();
    w.skipped += 131_000_000;
    await w.until(() => w.eventsOf('close')[0]?.reason.includes('ETIMEDOUT'));
    expect(w.net.open).toBe(0);
    w.skipped += 131_000_000;
    expect((await connecting).error).not.toBe(0);
  });

  it('carries TCP by SOCKS 5', async () => {
    let asked: Buffer = Buffer.alloc(0);
    const proxy = await serve((socket) => {
      socket.once('data', (hello) => {
        expect([...hello]).toEqual([5, 1, 0]);
        socket.write(Uint8Array.of(5, 0));
        socket.once('data', (request) => {
          asked = request;
          socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          socket.end('socks');
        });
      });
    });
    const w = world(proxied(proxy.port, 'socks5'));
    expect(await (await w.connect('93.184.216.34', 443)).toEnd()).toBe('socks');
    expect([...asked]).toEqual([5, 1, 0, 1, 93, 184, 216, 34, 1, 187]);
  });
});
