import { createHash } from 'node:crypto';
import { SHUTDOWN_SEND } from '@sandbox-kernel/netstack';
import { afterEach, describe, expect, it } from 'vitest';
import { type Running, streamServer } from '../support/servers.js';
import { World, type WorldOptions } from '../support/world.js';

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

async function serve(
  ...args: Parameters<typeof streamServer>
): Promise<Awaited<ReturnType<typeof streamServer>>> {
  const server = await streamServer(...args);
  open.push(server as Running);
  return server;
}

describe('TCP of a guest', () => {
  it('reaches a server that a rule names, and is told of', async () => {
    const server = await serve((socket) => socket.end('hello'));
    const w = world({ rules: [`+127.0.0.1:${server.port}`] });
    const stream = await w.connect('10.0.2.2', server.port);
    expect(await stream.toEnd()).toBe('hello');
    stream.endpoint.close();
    await w.until(() => w.eventsOf('close')[0]);
    expect(w.eventsOf('connect')[0]).toMatchObject({ target: `127.0.0.1:${server.port}`, protocol: 'tcp' });
    expect(w.eventsOf('close')[0]).toMatchObject({ received: 5, sent: 0 });
    expect(w.net.open).toBe(0);
  });

  it('keeps the second half open after one side has finished, both ways', async () => {
    const server = await serve((socket) => {
      let text = '';
      socket.on('data', (bytes) => (text += bytes));
      socket.on('end', () => socket.end(`got ${text}`));
    });
    const w = world({ routes: { '93.184.216.34': server.port }, rules: ['+*'] });
    const stream = await w.connect('93.184.216.34', 80);
    stream.write('early');
    stream.endpoint.shutdown(SHUTDOWN_SEND);
    expect(await stream.toEnd()).toBe('got early');

    const second = await serve((socket) => {
      socket.end('over');
      socket.on('data', (bytes) => (late += bytes));
    });
    let late = '';
    const v = world({ rules: ['+loopback'] });
    const other = await v.connect('10.0.2.2', second.port);
    expect(await other.toEnd()).toBe('over');
    other.write('late');
    await v.until(() => late === 'late');
  });

  it('sees a refusal of the other side as its own', async () => {
    const server = await streamServer(() => {});
    await server.close();
    const w = world({ rules: ['+loopback'] });
    expect((await w.connect('10.0.2.2', server.port)).error).toBe(ECONNREFUSED);
    expect(w.eventsOf('close')[0]?.reason).toMatch(/ECONNREFUSED/);
    expect(w.net.open).toBe(0);
  });

  it.each([['93.184.216.34'], ['2606:4700::1111']])(
    'sees that %s is unreachable at once',
    async (address) => {
      const w = world({ rules: ['+*'], routes: { [address]: -101 } });
      expect((await w.connect(address, 443)).error).toBe(113);
      expect(w.eventsOf('close')[0]?.reason).toMatch(/ENETUNREACH/);
      expect(w.net.open).toBe(0);
    },
  );

  it('is refused where no rule allows it, with an event that says why', async () => {
    const w = world({ rules: ['+example.com'] });
    expect((await w.connect('1.2.3.4', 443)).error).toBe(ECONNREFUSED);
    expect(w.eventsOf('refuse')[0]).toMatchObject({
      target: '1.2.3.4:443',
      reason: 'no rule allows tcp to 1.2.3.4 port 443',
    });
  });

  it('sees a reset of the other side as one, after what came before', async () => {
    const server = await serve((socket) => {
      socket.write('part');
      socket.once('data', () => socket.resetAndDestroy());
    });
    const w = world({ rules: ['+loopback'] });
    const stream = await w.connect('10.0.2.2', server.port);
    await stream.expect('part');
    stream.write('go');
    expect(await stream.toEnd()).toBe('part');
    expect(stream.error).toBe(ECONNRESET);
  });

  it('hands its own reset on', async () => {
    let failed = '';
    const server = await serve((socket) =>
      socket.on('error', (error: NodeJS.ErrnoException) => (failed = `${error.code}`)),
    );
    const w = world({ rules: ['+loopback'] });
    const stream = await w.connect('10.0.2.2', server.port);
    await w.until(() => server.sockets.size === 1);
    stream.endpoint.abort();
    await w.until(() => failed === 'ECONNRESET');
    await w.until(() => w.net.open === 0);
  });

  it('carries megabytes both ways at once without loss, and holds no more than its buffers', async () => {
    const size = 24 << 20;
    const sum = createHash('sha256');
    const server = await serve((socket) => {
      socket.on('data', (bytes) => sum.update(bytes));
      socket.on('end', () => socket.end());
      const block = Buffer.alloc(1 << 20, 7);
      for (let i = 0; i < size >> 20; i++) socket.write(block);
    });
    const w = world({ rules: ['+loopback'] });
    const stream = await w.connect('10.0.2.2', server.port);
    const own = createHash('sha256');
    const block = Buffer.alloc(65536);
    const into = new Uint8Array(1 << 20);
    let written = 0;
    let got = 0;
    await w.until(() => {
      while (written < size) {
        block.fill(written & 255);
        const count = stream.endpoint.write(block, 0, block.length);
        if (count <= 0) break;
        own.update(block.subarray(0, count));
        written += count;
      }
      if (written >= size) stream.endpoint.shutdown(SHUTDOWN_SEND);
      const count = stream.endpoint.read(into, 0, into.length);
      if (count > 0) got += count;
      return count === 0;
    });
    expect(got).toBe(size);
    expect(sum.digest('hex')).toBe(own.digest('hex'));
  });

  it('waits for a guest that does not read, and for a server that does not', async () => {
    let pushed = 0;
    const server = await serve((socket) => {
      socket.pause();
      const block = Buffer.alloc(1 << 20);
      const push = () => {
        while (pushed < 256 && socket.write(block)) pushed++;
        if (pushed < 256) socket.once('drain', push);
      };
      push();
    });
    const w = world({ rules: ['+loopback'] });
    const stream = await w.connect('10.0.2.2', server.port);
    const block = Buffer.alloc(65536);
    let written = 0;
    let still = 0;
    await w.until(() => {
      const count = stream.endpoint.write(block, 0, block.length);
      if (count > 0) written += count;
      still = count > 0 ? 0 : still + 1;
      return still > 200;
    });
    expect(written).toBeLessThan(64 << 20);
    expect(w.network.bytes).toBeLessThan(64 << 20);
  });

  it('runs by IPv6 as well', async () => {
    const server = await serve((socket) => socket.end('six'));
    const w = world({ routes: { '2606:4700::1111': server.port }, rules: ['+*'] });
    expect(await (await w.connect('2606:4700::1111', 443)).toEnd()).toBe('six');
  });
});

describe('limits', () => {
  it('end flows at the cap on bytes, and refuse new ones', async () => {
    const server = await serve((socket) => socket.end(Buffer.alloc(100_000)));
    const w = world({ rules: ['+loopback'], limits: { bytes: 50_000 } });
    const stream = await w.connect('10.0.2.2', server.port);
    await stream.toEnd();
    expect(stream.error).toBe(ECONNRESET);
    expect((await w.connect('10.0.2.2', server.port)).error).toBe(ECONNREFUSED);
    expect(w.eventsOf('limit')[0]?.reason).toMatch(/cap on bytes/);
  });

  it('slow bytes down to the rate', async () => {
    const server = await serve((socket) => socket.end(Buffer.alloc(200_000)));
    const w = world({ rules: ['+loopback'], limits: { byteRate: 400_000 } });
    const started = w.now;
    const stream = await w.connect('10.0.2.2', server.port);
    expect((await stream.toEnd()).length).toBe(200_000);
    expect(w.now - started).toBeGreaterThan(250_000);
  });

  it('refuse connections beyond their number and beyond their rate', async () => {
    const server = await serve(() => {});
    const w = world({ rules: ['+loopback'], limits: { connections: 2 } });
    await w.connect('10.0.2.2', server.port);
    await w.connect('10.0.2.2', server.port);
    expect((await w.connect('10.0.2.2', server.port)).error).toBe(ECONNREFUSED);
    const v = world({ rules: ['+loopback'], limits: { connectionRate: 1 } });
    await v.connect('10.0.2.2', server.port);
    expect((await v.connect('10.0.2.2', server.port)).error).toBe(ECONNREFUSED);
    expect(v.eventsOf('limit')[0]?.reason).toMatch(/a second/);
  });
});
