// Figures of the stack over its own loopback, relative to memcpy and to the kernel's loopback in the same run: bulk TCP, small
// TCP messages, small datagrams, connection set-up, forwarding, route lookups, and the memory of 10,000 connections. `npx tsx packages/netstack/bench/transport.ts`
// (with `node --expose-gc --import tsx` the memory figure is exact).

import { execFileSync } from 'node:child_process';
import { Address, LOOPBACK_V4 } from '../src/address.js';
import type { LinkDevice } from '../src/link/device.js';
import { createVethPair } from '../src/link/veth.js';
import { Route } from '../src/roles.js';
import { Stack } from '../src/stack.js';
import { TcpEndpoint } from '../src/transport/tcp/endpoint.js';
import { Tcp } from '../src/transport/tcp/tcp.js';
import { UdpEndpoint } from '../src/transport/udp/endpoint.js';
import { Udp } from '../src/transport/udp/udp.js';

interface World {
  stack: Stack;
  tcp: Tcp;
  udp: Udp;
}

function makeWorld(): World {
  let state = 1;
  const random = {
    next32: () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 0;
    },
  };
  const stack = new Stack({ random, loopbackMtu: 65535 });
  const tcp = new Tcp(stack.host);
  const udp = new Udp(stack.host);
  stack.register(tcp);
  stack.register(udp);
  return { stack, tcp, udp };
}

const started = performance.now();
const micros = (): number => Math.floor((performance.now() - started) * 1000) + 1;

function connected(world: World, port: number): [TcpEndpoint, TcpEndpoint] {
  const listener = new TcpEndpoint(world.tcp);
  listener.bind(null, port);
  listener.listen(128);
  const a = new TcpEndpoint(world.tcp);
  a.connect(LOOPBACK_V4, port);
  let b: TcpEndpoint | null = null;
  for (let i = 0; i < 100 && b === null; i++) {
    world.stack.poll(micros());
    b = listener.accept();
  }
  if (b === null) throw new Error('no connection');
  listener.close();
  return [a, b];
}

function memcpyRate(): number {
  const from = new Uint8Array(65536).fill(1);
  const to = new Uint8Array(65536);
  let bytes = 0;
  const begin = performance.now();
  while (performance.now() - begin < 300) {
    for (let i = 0; i < 256; i++) to.set(from);
    bytes += 256 * 65536;
  }
  return (bytes * 8) / ((performance.now() - begin) / 1000) / 1e9;
}

function bulkRate(seconds: number): number {
  const world = makeWorld();
  const [a, b] = connected(world, 1000);
  const chunk = new Uint8Array(65536).fill(7);
  const into = new Uint8Array(262144);
  let bytes = 0;
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (let i = 0; i < 64; i++) {
      while (a.write(chunk, 0, chunk.length) > 0) {}
      world.stack.poll(micros());
      for (let n = b.read(into, 0, into.length); n > 0; n = b.read(into, 0, into.length)) bytes += n;
    }
  }
  return (bytes * 8) / ((performance.now() - begin) / 1000) / 1e9;
}

function tinyMessages(seconds: number): number {
  const world = makeWorld();
  const [a, b] = connected(world, 1001);
  const settings = a.settings.clone();
  settings.noDelay = true;
  a.configure(settings);
  b.configure(settings.clone());
  const chunk = new Uint8Array(64);
  const into = new Uint8Array(65536);
  const before = world.tcp.counters.inSegments;
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (let i = 0; i < 64; i++) {
      for (let k = 0; k < 32; k++) a.write(chunk, 0, 64);
      world.stack.poll(micros());
      while (b.read(into, 0, into.length) > 0) {}
    }
  }
  return (world.tcp.counters.inSegments - before) / ((performance.now() - begin) / 1000);
}

function pingPong(seconds: number): number {
  const world = makeWorld();
  const [a, b] = connected(world, 1003);
  const chunk = new Uint8Array(64);
  const into = new Uint8Array(65536);
  let rounds = 0;
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (let i = 0; i < 256; i++) {
      a.write(chunk, 0, 64);
      world.stack.poll(micros());
      if (b.read(into, 0, into.length) > 0) b.write(chunk, 0, 64);
      world.stack.poll(micros());
      if (a.read(into, 0, into.length) > 0) rounds++;
    }
  }
  return rounds / ((performance.now() - begin) / 1000);
}

function datagrams(seconds: number): number {
  const world = makeWorld();
  const a = new UdpEndpoint(world.udp);
  const b = new UdpEndpoint(world.udp);
  b.bind(LOOPBACK_V4, 2000);
  a.connect(LOOPBACK_V4, 2000);
  const chunk = new Uint8Array(64);
  const into = new Uint8Array(2048);
  let count = 0;
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (let i = 0; i < 64; i++) {
      for (let k = 0; k < 64; k++) a.send(chunk, 0, 64);
      world.stack.poll(micros());
      while (b.receive(into, 0, into.length) >= 0) count++;
    }
  }
  return count / ((performance.now() - begin) / 1000);
}

function connectionMemory(count: number): number {
  const world = makeWorld();
  const collect = (globalThis as { gc?: () => void }).gc ?? ((): void => {});
  collect();
  const before = process.memoryUsage();
  const listener = new TcpEndpoint(world.tcp);
  listener.bind(null, 1002);
  listener.listen(4096);
  const keep: TcpEndpoint[] = [];
  const byte = new Uint8Array(100);
  for (let i = 0; i < count; i++) {
    const a = new TcpEndpoint(world.tcp);
    a.connect(LOOPBACK_V4, 1002);
    world.stack.poll(micros());
    const b = listener.accept();
    if (b === null) throw new Error(`connection ${i} failed`);
    a.write(byte, 0, 100);
    world.stack.poll(micros());
    b.read(byte, 0, 100);
    keep.push(a, b);
  }
  collect();
  const after = process.memoryUsage();
  const used = after.heapUsed + after.external - before.heapUsed - before.external;
  return keep.length === 2 * count ? used / 1e6 : -1;
}

/** Connections opened, accepted and closed with resets, a second. */
function connectionRate(seconds: number): number {
  const world = makeWorld();
  const listener = new TcpEndpoint(world.tcp);
  listener.bind(null, 1004);
  listener.listen(1024);
  const settings = listener.settings.clone();
  settings.linger = 0;
  let count = 0;
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (let i = 0; i < 32; i++) {
      const a = new TcpEndpoint(world.tcp, false, settings);
      a.connect(LOOPBACK_V4, 1004);
      world.stack.poll(micros());
      const b = listener.accept();
      if (b === null) throw new Error('no connection');
      a.close();
      world.stack.poll(micros());
      b.close();
      count++;
    }
  }
  return count / ((performance.now() - begin) / 1000);
}

/** Route lookups a second for destinations that all differ, in a table of `routes` prefixes. */
function lookupRate(routes: number, seconds: number): number {
  const { stack } = makeWorld();
  const [device] = createVethPair();
  const iface = stack.addInterface(device, { dadTransmits: 0 });
  stack.addAddress(iface, Address.of('192.0.2.1'), 24);
  const gateway = Address.of('192.0.2.254');
  for (let i = 0; i < routes; i++) stack.addRoute(Address.v4(0x0a000000 + (i << 8)), 24, { gateway });
  const targets = Array.from({ length: 1024 }, (_, i) =>
    Address.v4(0x0a000000 + ((Math.imul(i, 7919) % routes) << 8) + 5),
  );
  let count = 0;
  const route = new Route(targets[0] as Address);
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (const target of targets) {
      route.destination = target;
      if (stack.network.lookupRoute(route, null) === null) throw new Error('no route');
    }
    count += targets.length;
  }
  return count / ((performance.now() - begin) / 1000);
}

/** Datagrams of 64 bytes a second that a router of two interfaces passes on; both hosts run in this thread too. */
function forwardRate(seconds: number): number {
  const [a1, r1] = createVethPair();
  const [r2, b1] = createVethPair({ addresses: [0x020000000003, 0x020000000004] });
  const [a, router, b] = [makeWorld(), makeWorld(), makeWorld()];
  const add = (world: World, device: LinkDevice, address: string, forwarding: boolean): void => {
    const iface = world.stack.addInterface(device, { dadTransmits: 0, forwarding });
    world.stack.addAddress(iface, Address.of(address), 24);
  };
  add(a, a1, '10.0.1.2', false);
  add(router, r1, '10.0.1.1', true);
  add(router, r2, '10.0.2.1', true);
  add(b, b1, '10.0.2.2', false);
  a.stack.addRoute(Address.v4(0), 0, { gateway: Address.of('10.0.1.1') });
  const from = new UdpEndpoint(a.udp);
  const to = new UdpEndpoint(b.udp);
  to.bind(Address.of('10.0.2.2'), 2000);
  from.connect(Address.of('10.0.2.2'), 2000);
  const chunk = new Uint8Array(64);
  const into = new Uint8Array(2048);
  let count = 0;
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    for (let k = 0; k < 64; k++) from.send(chunk, 0, 64);
    for (const world of [a, router, b, router, a]) world.stack.poll(micros());
    while (to.receive(into, 0, into.length) >= 0) count++;
  }
  return count / ((performance.now() - begin) / 1000);
}

/** The kernel's loopback, by a sender and a receiver in two processes of their own: Gbit/s in 64 KiB writes. */
const KERNEL = `
import os, socket, sys, time
seconds = float(sys.argv[1])
server = socket.create_server(('127.0.0.1', 0))
if os.fork() == 0:
    s = socket.create_connection(server.getsockname())
    block = b'x' * 65536
    try:
        while True: s.sendall(block)
    except OSError: os._exit(0)
c, _ = server.accept()
into = bytearray(262144)
total, begin = 0, time.monotonic()
while time.monotonic() - begin < seconds: total += c.recv_into(into)
rate = total * 8 / (time.monotonic() - begin) / 1e9
c.close()
server2 = socket.create_server(('127.0.0.1', 0), backlog=1024)
count, begin = 0, time.monotonic()
linger = b'\\1\\0\\0\\0\\0\\0\\0\\0'
while time.monotonic() - begin < seconds:
    a = socket.create_connection(server2.getsockname()); b, _ = server2.accept()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger); a.close(); b.close(); count += 1
setups = count / (time.monotonic() - begin)
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b.bind(('127.0.0.1', 0)); a.connect(b.getsockname())
count, begin, small = 0, time.monotonic(), b'x' * 64
while time.monotonic() - begin < seconds:
    for _ in range(64): a.send(small)
    for _ in range(64): b.recv(2048)
    count += 64
print(rate, setups, count / (time.monotonic() - begin))
`;

function kernelFigures(seconds: number): [number, number, number] {
  try {
    const output = execFileSync('python3', ['-c', KERNEL, String(seconds)], { encoding: 'utf8' });
    const [bulk, setups, datagramsPerSecond] = output.split(' ').map(Number);
    return [bulk as number, setups as number, datagramsPerSecond as number];
  } catch {
    return [Number.NaN, Number.NaN, Number.NaN];
  }
}

const count = (value: number): string => Math.round(value).toLocaleString('en');
const share = (value: number, of: number): string =>
  Number.isNaN(of) ? 'not measured' : (value / of).toFixed(3);
const line = (what: string, figure: string, memcpyShare: string, kernelShare: string): void =>
  console.log(
    `${what.padEnd(34)}${figure.padStart(24)}${memcpyShare.padStart(12)}${kernelShare.padStart(14)}`,
  );

const [kernelBulk, kernelSetups, kernelDatagrams] = kernelFigures(1);
const memcpy = memcpyRate();
const gbits = (value: number): string => `${value.toFixed(1)} Gbit/s`;
line('', '', 'of memcpy', 'of loopback');
line('memcpy, 64 KiB blocks', gbits(memcpy), '1', '');
line('kernel loopback, TCP bulk', gbits(kernelBulk), share(kernelBulk, memcpy), '1');
line('kernel loopback, set-up (Python)', `${count(kernelSetups)} /s`, '', '1');
line('kernel loopback, UDP 64 (Python)', `${count(kernelDatagrams)} /s`, '', '1');
bulkRate(0.3);
const bulk = bulkRate(1);
line('TCP bulk, 64 KiB segments', gbits(bulk), share(bulk, memcpy), share(bulk, kernelBulk));
tinyMessages(0.3);
line('TCP 64-byte segments, ACKs included', `${count(tinyMessages(1))} /s`, '', '');
pingPong(0.3);
line('TCP 64-byte ping-pong', `${count(pingPong(1))} round trips/s`, '', '');
datagrams(0.3);
const small = datagrams(1);
line('UDP 64-byte datagrams', `${count(small)} /s`, '', share(small, kernelDatagrams));
connectionRate(0.3);
const setups = connectionRate(1);
line('connections set up and reset', `${count(setups)} /s`, '', share(setups, kernelSetups));
forwardRate(0.3);
line('datagrams forwarded', `${count(forwardRate(1))} /s`, '', '');
for (const routes of [16, 1024, 60_000])
  line(`route lookups, ${routes} routes`, `${count(lookupRate(routes, 0.3))} /s`, '', '');
line('10,000 connections, both ends', `${connectionMemory(10_000).toFixed(1)} MB`, '', '');
