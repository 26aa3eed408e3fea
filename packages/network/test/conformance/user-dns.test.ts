import { Address, DNS_A, DNS_ANY, type DnsResult, DnsStream, Resolver } from '@sandbox-kernel/netstack';
import { afterEach, describe, expect, it } from 'vitest';
import { clientHello } from '../support/client-hello.js';
import { nameServer, type Running, streamServer } from '../support/servers.js';
import { World, type WorldOptions } from '../support/world.js';

const GATEWAY = Address.of('10.0.2.2');
const ECONNREFUSED = 111;
const REFUSED = 5;
const NXDOMAIN = 3;
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function world(options: WorldOptions): World {
  const made = new World(options);
  open.push(made);
  return made;
}

async function names(table: Record<string, readonly string[]>, ttl?: number) {
  const server = await nameServer(table, ttl);
  open.push(server as Running);
  return server;
}

const local = (port: number) => [{ address: Address.of('127.0.0.1'), port }];

/** Asks the built-in server. */
async function ask(w: World, name: string, type = DNS_A): Promise<DnsResult> {
  const resolver = new Resolver(w.udp, w.tcp, { servers: [GATEWAY] });
  let result: DnsResult | null = null;
  resolver.query(name, type, (answer) => {
    result = answer;
  });
  return w.until(() => result, `an answer about ${name}`);
}

const addresses = ({ records }: DnsResult) =>
  records.flatMap(({ data }) => (data.kind === 'address' ? [`${data.address}`] : []));

describe('the built-in DNS', () => {
  it('answers permitted names and binds their addresses to them', async () => {
    const server = await streamServer((socket) => socket.end('hi'));
    open.push(server);
    const dns = await names({ 'api.example.com': ['93.184.216.34'], 'other.org': ['93.184.216.35'] });
    const w = world({
      rules: ['+*.example.com:443'],
      routes: { '93.184.216.34': server.port },
      nameServers: local(dns.port),
    });
    expect((await w.connect('93.184.216.34', 443)).error).toBe(ECONNREFUSED);
    expect(addresses(await ask(w, 'api.example.com'))).toEqual(['93.184.216.34']);
    const stream = await w.connect('93.184.216.34', 443);
    expect(await stream.toEnd()).toBe('hi');
    expect(w.eventsOf('connect')[0]?.names).toEqual(['api.example.com']);
    expect((await w.connect('93.184.216.34', 80)).error).toBe(ECONNREFUSED);
    expect((await ask(w, 'other.org')).code).toBe(NXDOMAIN);
    expect(dns.asked).toEqual(['api.example.com']);
    expect(w.eventsOf('refuse').some(({ target }) => target === 'other.org')).toBe(true);
  });

  it('follows aliases on the strength of the permitted name', async () => {
    const dns = await names({ 'www.example.com': ['cname:edge.cdn.net'], 'edge.cdn.net': ['93.184.216.40'] });
    const w = world({ rules: ['+www.example.com'], nameServers: local(dns.port) });
    expect((await ask(w, 'edge.cdn.net')).code).toBe(NXDOMAIN);
    expect(addresses(await ask(w, 'www.example.com'))).toEqual(['93.184.216.40']);
    expect(addresses(await ask(w, 'edge.cdn.net'))).toEqual(['93.184.216.40']);
    expect(w.network.gate.bindings.namesOf(Address.of('93.184.216.40'), w.now)).toEqual(['www.example.com']);
  });

  it('speaks TCP too, by the same rules', async () => {
    const dns = await names({ 'a.example.com': ['93.184.216.34'] });
    const w = world({ rules: ['+a.example.com'], nameServers: local(dns.port) });
    const answers: Uint8Array[] = [];
    const question = (name: string) =>
      Uint8Array.from([
        ...[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        ...name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]),
        ...[0, 0, 1, 0, 1],
      ]);
    const stream = DnsStream.ask(w.tcp, GATEWAY, 53, question('a.example.com'), (bytes) =>
      answers.push(bytes),
    );
    stream.send(question('evil.org'));
    await w.until(() => answers.length === 2);
    expect(answers.map((bytes) => bytes[3]! & 15).sort()).toEqual([0, NXDOMAIN]);
    expect(dns.asked).toEqual(['a.example.com']);
  });

  it('knows the names of the host, and where the host is', async () => {
    const w = world({
      rules: ['+db.internal@10.0.0.0/8', '+box'],
      hosts: new Map([
        ['db.internal', [Address.of('10.1.2.3')]],
        ['box', [Address.of('192.168.1.5')]],
      ]),
    });
    expect(addresses(await ask(w, 'db.internal'))).toEqual(['10.1.2.3']);
    expect((await ask(w, 'box')).code).toBe(REFUSED);
    expect(addresses(await ask(w, 'host.sandbox.internal'))).toEqual(['10.0.2.2']);
  });

  it('answers no ANY, and fails when no server answers', async () => {
    const w = world({ rules: ['+*'] });
    expect((await ask(w, 'example.com', DNS_ANY)).code).toBe(REFUSED);
    expect((await ask(w, 'example.com')).code).toBe(2);
  });

  it('lets a binding end with its time to live, not at once', async () => {
    const server = await streamServer((socket) => socket.end('hi'));
    open.push(server);
    const dns = await names({ 'a.example.com': ['93.184.216.34'] }, 1);
    const w = world({
      rules: ['+a.example.com'],
      routes: { '93.184.216.34': server.port },
      nameServers: local(dns.port),
    });
    await ask(w, 'a.example.com');
    w.skipped += 30_000_000;
    expect((await w.connect('93.184.216.34', 1)).error).toBe(0);
    w.skipped += 120_000_000;
    expect((await w.connect('93.184.216.34', 1)).error).toBe(ECONNREFUSED);
  });
});

describe('names in a flow', () => {
  async function fronting(hello: Uint8Array | string): Promise<{ w: World; got: string; error: number }> {
    let got = '';
    const server = await streamServer((socket) => {
      socket.on('data', (bytes) => {
        got += bytes.toString('latin1');
        socket.end('ok');
      });
    });
    open.push(server);
    const dns = await names({ 'good.example.com': ['93.184.216.34'] });
    const w = world({
      rules: ['-bad.example.com', '+*.example.com'],
      routes: { '93.184.216.34': server.port },
      nameServers: local(dns.port),
    });
    await ask(w, 'good.example.com');
    const stream = await w.connect('93.184.216.34', 443);
    stream.write(hello);
    await stream.toEnd();
    return { w, got, error: stream.error };
  }

  it('pass when the policy allows them', async () => {
    const { got, error } = await fronting(clientHello('good.example.com'));
    expect(error).toBe(0);
    expect(Buffer.from(got, 'latin1')).toEqual(Buffer.from(clientHello('good.example.com')));
    expect((await fronting('GET / HTTP/1.1\r\nHost: good.example.com\r\n\r\n')).error).toBe(0);
    expect((await fronting('SSH-2.0-client\r\n')).error).toBe(0);
  });

  it.each([
    ['a server name that is denied', clientHello('bad.example.com'), /asks for bad\.example\.com/],
    ['a server name that nobody allowed', clientHello('evil.org'), /asks for evil\.org/],
    ['a Host that nobody allowed', 'GET / HTTP/1.1\r\nHost: evil.org\r\n\r\n', /asks for evil\.org/],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: good.example.com\r\nHost: evil.org\r\n\r\n', /more than one way/],
    ['two server names', clientHello('good.example.com', 0, ['evil.org']), /more than one way/],
  ])('are refused: %s', async (_what, hello, reason) => {
    const { w, got, error } = await fronting(hello);
    expect([got, error]).toEqual(['', 104]);
    expect(w.eventsOf('refuse')[0]?.reason).toMatch(reason);
  });
});
