import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { Address, READY_ERROR, TcpEndpoint, type UdpEndpoint, UdpMessage } from '@sandbox-kernel/netstack';
import { afterEach, describe, expect, it } from 'vitest';
import { datagramServer, type Running, streamServer } from '../support/servers.js';
import { policyOf, World, type WorldOptions } from '../support/world.js';

const ECONNREFUSED = 111;
const EADDRINUSE = 98;
const GATEWAY = Address.of('10.0.2.2');
const LOOPBACK = Address.of('127.0.0.1');
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function world(options: WorldOptions): World {
  const made = new World(options);
  open.push(made);
  return made;
}

function text(endpoint: UdpEndpoint): string | null {
  const into = new Uint8Array(65536);
  const count = endpoint.receive(into, 0, into.length);
  return count < 0 ? null : Buffer.from(into.subarray(0, count)).toString();
}

function send(endpoint: UdpEndpoint, what: string | Uint8Array): number {
  const bytes = Buffer.from(what);
  return endpoint.send(bytes, 0, bytes.length);
}

async function echoServer(): Promise<Running> {
  const server = await datagramServer((bytes, reply) => reply(Buffer.concat([Buffer.from('re:'), bytes])));
  open.push(server);
  return server;
}

describe('datagrams of a guest', () => {
  it('go out and come back, large ones whole', async () => {
    const server = await echoServer();
    const w = world({ routes: { '93.184.216.34': server.port }, rules: ['+udp/*'] });
    const endpoint = w.datagrams();
    endpoint.connect(Address.of('93.184.216.34'), 9999);
    send(endpoint, 'ping');
    expect(await w.until(() => text(endpoint))).toBe('re:ping');
    const large = 'x'.repeat(9000);
    send(endpoint, large);
    expect(await w.until(() => text(endpoint))).toBe(`re:${large}`);
    expect(w.eventsOf('connect').length).toBe(1);
  });

  it('are refused where no rule allows them, as by a closed port', async () => {
    const w = world({ rules: ['+tcp/*'] });
    const endpoint = w.datagrams();
    let failed = false;
    endpoint.setOwner({ endpointReady: (_token, events) => (failed ||= (events & READY_ERROR) !== 0) }, 0);
    endpoint.connect(Address.of('9.9.9.9'), 53);
    send(endpoint, 'x');
    await w.until(() => failed);
    expect(endpoint.takeError()).toBe(ECONNREFUSED);
    expect(w.eventsOf('refuse')[0]).toMatchObject({ protocol: 'udp', target: '9.9.9.9:53' });
  });

  it("hear of a closed port on the host's side", async () => {
    const server = await datagramServer(() => {});
    await server.close();
    const w = world({ rules: ['+loopback'] });
    const endpoint = w.datagrams();
    let failed = false;
    endpoint.setOwner({ endpointReady: (_token, events) => (failed ||= (events & READY_ERROR) !== 0) }, 0);
    endpoint.connect(GATEWAY, server.port);
    send(endpoint, 'x');
    await w.until(() => failed);
    expect(endpoint.takeError()).toBe(ECONNREFUSED);
  });

  it('lose their flow when nothing passes, and get a new one', async () => {
    const server = await echoServer();
    const w = world({ rules: ['+loopback'] });
    const endpoint = w.datagrams();
    endpoint.connect(GATEWAY, server.port);
    send(endpoint, 'a');
    await w.until(() => text(endpoint));
    w.skipped += 200_000_000;
    await w.until(() => w.eventsOf('close')[0]?.reason === 'idle');
    expect(w.net.open).toBe(0);
    send(endpoint, 'b');
    expect(await w.until(() => text(endpoint))).toBe('re:b');
  });

  it('are bounded in flows', async () => {
    const server = await echoServer();
    const w = world({ rules: ['+loopback'], limits: { datagramFlows: 3 } });
    for (let i = 0; i < 10; i++) {
      const endpoint = w.datagrams();
      endpoint.connect(GATEWAY, server.port);
      send(endpoint, `${i}`);
      w.turn();
    }
    await w.until(() => w.eventsOf('limit').length > 0);
    expect(w.net.open).toBe(3);
  });
});

describe('published ports', () => {
  it('lead connections to the guest', async () => {
    const w = world({});
    const listener = new TcpEndpoint(w.tcp);
    listener.bind(null, 80);
    listener.listen(8);
    const port = w.network.publish({ protocol: 'tcp', address: LOOPBACK, hostPort: 0, guestPort: 80 });
    if (typeof port === 'number') throw new Error(`${port}`);
    let got = '';
    const client = connect(port.hostPort, '127.0.0.1', () => client.write('hello'));
    client.on('data', (bytes) => (got += bytes));
    const inner = await w.until(() => listener.accept());
    const into = new Uint8Array(100);
    await w.until(() => inner.read(into, 0, 100) === 5);
    expect(`${inner.remoteAddress}`).toBe('10.0.2.2');
    inner.write(Buffer.from('world'), 0, 5);
    await w.until(() => got === 'world');
    inner.close();
    await w.until(() => client.readableEnded);
    client.destroy();
    expect(w.eventsOf('connect')[0]).toMatchObject({ direction: 'in', protocol: 'tcp' });
    expect(w.network.unpublish('tcp', port.hostPort)).toBe(true);
    expect(w.network.unpublish('tcp', port.hostPort)).toBe(false);
  });

  it('reset who comes when nobody listens inside, or a rule says no', async () => {
    const w = world({ rules: ['-in/*'] });
    const port = w.network.publish({ protocol: 'tcp', address: LOOPBACK, hostPort: 0, guestPort: 80 });
    if (typeof port === 'number') throw new Error(`${port}`);
    const outcome = (): Promise<string> =>
      new Promise((resolve) => {
        const client = connect(port.hostPort, '127.0.0.1');
        client.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}`));
        client.on('close', () => resolve('closed'));
        client.on('data', () => {});
      });
    let first = '';
    void outcome().then((code) => (first = code));
    expect(await w.until(() => first || null)).toBe('ECONNRESET');
    expect(w.eventsOf('refuse')[0]?.reason).toBe("rule 'deny in/*'");
    w.network.update(policyOf());
    let second = '';
    void outcome().then((code) => (second = code));
    expect(await w.until(() => second || null)).toBe('ECONNRESET');
  });

  it('lead datagrams to the guest and back', async () => {
    const w = world({});
    const endpoint = w.datagrams();
    endpoint.bind(null, 53);
    const port = w.network.publish({ protocol: 'udp', address: LOOPBACK, hostPort: 0, guestPort: 53 });
    if (typeof port === 'number') throw new Error(`${port}`);
    const client = createSocket('udp4');
    let got = '';
    client.on('message', (bytes) => (got += bytes));
    client.send('query', port.hostPort, '127.0.0.1');
    const message = new UdpMessage();
    const into = new Uint8Array(100);
    await w.until(() => endpoint.receive(into, 0, 100, 0, message) === 5);
    endpoint.send(Buffer.from('answer'), 0, 6, message.source, message.sourcePort);
    await w.until(() => got === 'answer');
    client.close();
  });

  it('are refused when another program has them', async () => {
    const taken = await streamServer(() => {});
    open.push(taken);
    const w = world({});
    const port = { protocol: 'tcp', address: LOOPBACK, hostPort: taken.port, guestPort: 80 } as const;
    expect(w.network.publish(port)).toBe(-EADDRINUSE);
  });
});
