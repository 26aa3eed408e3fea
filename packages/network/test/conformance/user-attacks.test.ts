// What a hostile guest, or a hostile name server, tries. The policy holds, memory stays bounded, and an event tells of it.
import { readFileSync } from 'node:fs';
import { Address, DNS_A, type DnsResult, PacketPool, Resolver, TcpEndpoint } from '@sandbox-kernel/netstack';
import { afterEach, describe, expect, it } from 'vitest';
import { clientHello } from '../support/client-hello.js';
import { nameServer, type Running, streamServer } from '../support/servers.js';
import { policyOf, World, type WorldOptions } from '../support/world.js';

const ECONNREFUSED = 111;
const ECONNRESET = 104;
const GATEWAY = Address.of('10.0.2.2');
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function world(options: WorldOptions): World {
  const made = new World(options);
  open.push(made);
  return made;
}

async function ask(w: World, name: string): Promise<DnsResult> {
  const resolver = new Resolver(w.udp, w.tcp, { servers: [GATEWAY] });
  let result: DnsResult | null = null;
  resolver.query(name, DNS_A, (answer) => {
    result = answer;
  });
  return w.until(() => result, `an answer about ${name}`);
}

/** A packet as a raw socket of the guest would send it. */
function raw(
  w: World,
  destination: string,
  protocol: number,
  payload: readonly number[],
  source = '10.0.2.15',
): void {
  const to = Address.of(destination);
  const endpoint = w.stack.rawEndpoint({ v4: true, protocol: 255, headerIncluded: true });
  const header = [0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
  const bytes = Uint8Array.from([...header, ...Address.of(source).toBytes(), ...to.toBytes(), ...payload]);
  endpoint.send(new PacketPool().copyOf(bytes), to);
  endpoint.close();
}

describe('DNS', () => {
  it('rebinding: a permitted name that turns to an inner address is not answered', async () => {
    const dns = await nameServer({ 'evil.example': ['93.184.216.34'] }, 0);
    open.push(dns as Running);
    const w = world({
      rules: ['+evil.example'],
      nameServers: [{ address: Address.of('127.0.0.1'), port: dns.port }],
    });
    expect((await ask(w, 'evil.example')).code).toBe(0);
    for (const inner of [
      '127.0.0.1',
      '10.0.2.2',
      '169.254.169.254',
      '192.168.1.1',
      '0.0.0.0',
      '100.64.0.1',
    ]) {
      dns.names['evil.example'] = [inner];
      expect((await ask(w, 'evil.example')).code).toBe(5);
    }
    expect(w.eventsOf('refuse')[0]?.reason).toMatch(/resolves to 127\.0\.0\.1 in the loopback range/);
    dns.names['evil.example'] = ['10.0.0.1', '93.184.216.35'];
    const mixed = await ask(w, 'evil.example');
    expect(mixed.records.length).toBe(1);
    expect((await w.connect('169.254.169.254', 80)).error).toBe(ECONNREFUSED);
  });

  it.each([['2130706433'], ['0x7f000001'], ['0177.0.0.1'], ['127.1'], ['localhost'], ['127.0.0.1']])(
    'a name that reads like an address, %s, leads to none inside',
    async (name) => {
      const dns = await nameServer({ [name]: ['127.0.0.1'], 'good.example': ['93.184.216.34'] }, 0);
      open.push(dns as Running);
      const w = world({
        rules: ['+*'],
        nameServers: [{ address: Address.of('127.0.0.1'), port: dns.port }],
      });
      const answer = await ask(w, name);
      expect(answer.records).toEqual([]);
      expect(answer.code).not.toBe(0);
      expect(w.eventsOf('refuse')[0]?.target).toBe(name);
      expect((await ask(w, 'good.example')).records.length).toBe(1);
    },
  );

  it('another server than the built-in one: refused like any other flow', async () => {
    const w = world({ rules: ['+example.com'] });
    expect((await w.connect('8.8.8.8', 53)).error).toBe(ECONNREFUSED);
    expect(w.eventsOf('refuse')[0]?.target).toBe('8.8.8.8:53');
  });

  it('names with control characters reach no terminal', async () => {
    const w = world({ rules: ['+example.com'] });
    expect((await ask(w, 'a\u001b[2Jb.org')).code).toBe(3);
    expect(w.eventsOf('refuse')[0]).toMatchObject({ target: 'a?[2jb.org', names: ['a?[2jb.org'] });
  });

  it('over TCP without end, answers unread: the connection is closed, memory stays', async () => {
    const w = world({ rules: ['+example.com'] });
    const stream = await w.connect('10.0.2.2', 53);
    const name = [4, ...Buffer.from('evil'), 3, ...Buffer.from('org'), 0];
    const question = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1];
    const framed = Buffer.from([0, question.length, ...question]);
    const block = Buffer.concat(Array.from({ length: 500 }, () => framed));
    let written = 0;
    await w.until(() => {
      for (let i = 0; i < 20 && stream.error === 0; i++) {
        const count = stream.write(block.subarray(written % block.length));
        if (count > 0) written += count;
        else if (count !== -11) stream.error = -count;
      }
      return stream.error !== 0 || written > 256 << 20;
    }, 'the end');
    expect(written).toBeLessThan(64 << 20);
  });

  it('malformed questions do no harm', async () => {
    const w = world({ rules: ['+*'] });
    const endpoint = w.datagrams();
    endpoint.connect(GATEWAY, 53);
    let seed = 1;
    for (let i = 0; i < 500; i++) {
      const bytes = new Uint8Array(i % 64);
      for (let at = 0; at < bytes.length; at++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        bytes[at] = seed >>> 16;
      }
      endpoint.send(bytes, 0, bytes.length);
      w.turn();
    }
    expect((await ask(w, 'host.sandbox.internal')).code).toBe(0);
  });
});

describe('addresses', () => {
  it.each([
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['2002:7f00:1::1'],
    ['::7f00:1'],
    ['fd00:ec2::254'],
    ['fec0::1'],
  ])('%s reaches nothing inner', async (text) => {
    const server = await streamServer((socket) => socket.end('inner'));
    open.push(server);
    const w = world({ rules: ['+*', '+::/0', '+0.0.0.0/0'] });
    const to = Address.of(text);
    const endpoint = new TcpEndpoint(w.tcp, true);
    let error = 0;
    endpoint.setOwner({ endpointReady: () => (error ||= endpoint.takeError()) }, 0);
    const result = endpoint.connect(to, server.port);
    for (let i = 0; i < 200; i++) w.turn();
    if (result === -115 && error === 0) expect(endpoint.state).toBe(2);
    expect(endpoint.state).not.toBe(1);
    expect(server.sockets.size).toBe(0);
  });

  it('IPv6 link-local of the host is not reached', async () => {
    const w = world({ rules: ['+*', '+::/0'] });
    const endpoint = new TcpEndpoint(w.tcp, true);
    const iface = w.stack.network.interfaceList()[1];
    const settings = w.tcp.defaultSettings.clone();
    settings.device = iface?.index ?? 0;
    endpoint.configure(settings);
    endpoint.connect(Address.of('fe80::1'), 80);
    for (let i = 0; i < 200; i++) w.turn();
    expect(endpoint.state).not.toBe(1);
    expect(w.eventsOf('connect')).toEqual([]);
    expect(w.eventsOf('refuse').map(({ target }) => target)).toContain('fe80::1');
  });
});

describe('raw sockets', () => {
  it('reach no further than ordinary ones: other protocols are refused, foreign sources dropped', async () => {
    const w = world({ rules: ['+*'] });
    raw(w, '93.184.216.34', 47, [0, 0, 8, 0]);
    await w.until(() => w.eventsOf('refuse')[0]);
    expect(w.eventsOf('refuse')[0]).toMatchObject({
      protocol: 'ip',
      reason: 'IP protocol 47 is not carried',
    });
    raw(w, '93.184.216.34', 17, [0, 9, 0, 9, 0, 8, 0, 0], '8.8.8.8');
    raw(w, '127.0.0.1', 17, [0, 9, 0, 9, 0, 8, 0, 0]);
    for (let i = 0; i < 50; i++) w.turn();
    expect(w.eventsOf('connect')).toEqual([]);
    expect(w.net.open).toBe(0);
  });

  it('frames straight to the gateway with odd contents do no harm', () => {
    const w = world({ rules: ['+*'] });
    const pool = new PacketPool();
    let seed = 7;
    for (let i = 0; i < 2000; i++) {
      const bytes = new Uint8Array(14 + (i % 120));
      for (let at = 0; at < bytes.length; at++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        bytes[at] = seed >>> 16;
      }
      bytes.set([0x02, 0x53, 0x4b, 0, 0, 1], 0);
      bytes.set(
        [
          [8, 0],
          [0x86, 0xdd],
          [8, 6],
        ][i % 3] as number[],
        12,
      );
      if (i % 3 === 0) bytes[14] = 0x45;
      if (i % 3 === 1) bytes[14] = 0x60;
      w.network.link.transmit(pool.copyOf(bytes), w.now);
      if (i % 64 === 0) w.turn();
    }
    w.turn();
    expect(w.eventsOf('connect')).toEqual([]);
  });
});

describe('time', () => {
  it('a flow that is open when the policy changes ends, with an event that says why', async () => {
    const server = await streamServer((socket) => socket.on('error', () => {}));
    open.push(server);
    const w = world({ rules: ['+loopback'] });
    const stream = await w.connect('10.0.2.2', server.port);
    await w.until(() => server.sockets.size === 1);
    w.network.update(policyOf('-127.0.0.1'));
    await stream.toEnd();
    expect(stream.error).toBe(ECONNRESET);
    expect(w.eventsOf('close')[0]?.reason).toMatch(/rule 'deny 127\.0\.0\.1'/);
  });

  it('a flow opened before the policy changed does not outlive it, even while its SYN waits', async () => {
    const server = await streamServer((socket) => socket.write('secret'));
    open.push(server);
    const w = world({ rules: ['+loopback'] });
    w.network.gate.setApplication(() => {});
    const waiting = w.connect('10.0.2.2', server.port);
    await w.until(() => w.network.gate.questions === 1);
    w.network.update(policyOf('-*'));
    expect((await waiting).error).toBe(ECONNREFUSED);
    expect(server.sockets.size).toBe(0);
  });

  it('a slow beginning of TLS is cut off, and nothing of it gets out', async () => {
    let got = 0;
    const server = await streamServer((socket) => socket.on('data', (bytes) => (got += bytes.length)));
    open.push(server);
    const w = world({ rules: ['+x.example@loopback', `+127.0.0.1:${server.port}`] });
    const stream = await w.connect('10.0.2.2', server.port);
    const hello = clientHello('x.example');
    for (let i = 0; i < 20; i++) {
      stream.write(hello.subarray(i, i + 1));
      w.turn();
    }
    w.skipped += 6_000_000;
    await stream.toEnd();
    expect([stream.error, got]).toEqual([ECONNRESET, 0]);
    expect(w.eventsOf('refuse')[0]?.reason).toMatch(/not completed in time/);
  });
});

/** RLIMIT_NOFILE of this process, which Node has raised as far as it may. */
function descriptorLimit(): number {
  return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1024);
}

describe('floods', () => {
  it('a port scan is refused port by port, and told in sum', async () => {
    const w = world({ rules: ['+example.com'] });
    let refused = 0;
    for (let port = 1; port <= 3000; port++) {
      const endpoint = new TcpEndpoint(w.tcp);
      endpoint.setOwner(
        { endpointReady: () => (refused += endpoint.takeError() === ECONNREFUSED ? 1 : 0) },
        0,
      );
      endpoint.connect(Address.of('93.184.216.34'), port);
      if (port % 100 === 0) w.turn();
    }
    await w.until(() => refused === 3000);
    w.skipped += 2_000_000;
    await w.until(() => w.events.reduce((sum, { count }) => sum + count, 0) === 3000);
    expect(w.events.length).toBeLessThan(1000);
    expect(w.net.open).toBe(0);
  });

  it('10,000 connections at once: all open, memory bounded, all given back', async () => {
    // Both ends of each are descriptors of this process.
    const allowed = Math.min(9000, Math.floor((descriptorLimit() - 400) / 2));
    const count = allowed + 1000;
    const server = await streamServer((socket) => socket.on('data', (bytes) => socket.write(bytes)));
    open.push(server);
    const w = world({ rules: ['+loopback'], limits: { connections: allowed } });
    const before = process.memoryUsage();
    const endpoints: TcpEndpoint[] = [];
    let done = 0;
    for (let i = 0; i < count; i++) {
      const endpoint = new TcpEndpoint(w.tcp);
      endpoint.setOwner({ endpointReady: () => {} }, 0);
      endpoint.connect(GATEWAY, server.port);
      endpoints.push(endpoint);
      if (i % 50 === 49) {
        await w.until(() => {
          done = endpoints.filter(({ state }) => state !== 2).length;
          return endpoints.length - done < 500;
        });
      }
    }
    await w.until(() => endpoints.every(({ state }) => state !== 2), 'all decided', 60_000);
    const openNow = endpoints.filter(({ state }) => state === 1);
    expect(openNow.length).toBe(allowed);
    for (const endpoint of openNow) endpoint.write(Buffer.from('0123456789'), 0, 10);
    await w.until(() => openNow.every(({ readable }) => readable === 10), 'echoes', 60_000);
    const used = process.memoryUsage();
    expect(used.rss - before.rss).toBeLessThan(900 << 20);
    expect(w.eventsOf('limit').length).toBeGreaterThan(0);
    for (const endpoint of endpoints) endpoint.abort();
    await w.until(() => w.net.open === 0, 'all given back', 60_000);
  }, 120_000);
});

describe('neighbours', () => {
  it('the gateway answers for itself only', () => {
    const w = world({ rules: ['+*'] });
    const endpoint = new TcpEndpoint(w.tcp);
    endpoint.connect(Address.of('10.0.2.77'), 80);
    for (let i = 0; i < 50; i++) w.turn();
    expect(endpoint.state).toBe(2);
    expect(w.eventsOf('connect')).toEqual([]);
  });
});
