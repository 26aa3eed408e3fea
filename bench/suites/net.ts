// The network beyond the sandbox: one client, natively over loopback, in the sandbox through mode `user` (or a TAP device, where there may be
// one) to the same server.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Benchmark, World } from '../benchmark.js';

const PYTHON = '/usr/bin/python3';
const BYTES = 1 << 30;
const CONNECTIONS = 2000;

/** `d`: sends BYTES. `u`: reads to the end and says how much. Anything else: closes. It ends with its parent. */
const SERVER = `
const net = require('node:net'), fs = require('node:fs');
const block = Buffer.alloc(1 << 20);
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    let left = ${BYTES}, got = first.length - 1;
    const push = () => { while (left > 0) { left -= block.length; if (!socket.write(block)) return socket.once('drain', push); } socket.end(); };
    if (first[0] === 100) push();
    else if (first[0] === 117) socket.on('data', (bytes) => (got += bytes.length)).on('end', () => socket.end(String(got)));
    else socket.end();
  });
});
server.listen(0, '127.0.0.1', () => fs.writeFileSync(process.argv[1], String(server.address().port)));
process.stdin.resume().on('end', () => process.exit());
`;

const portFile = (world: World): string => `${world.folder}/net-port`;

function serve(world: World): boolean {
  if (!existsSync(PYTHON)) return false;
  if (existsSync(portFile(world))) return true;
  const server = spawn(process.execPath, ['-e', SERVER, portFile(world)], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  server.unref();
  for (let i = 0; i < 100 && !existsSync(portFile(world)); i++) spawnSync('sleep', ['0.05']);
  return existsSync(portFile(world));
}

/** In the sandbox the gateway's address leads to this machine's loopback. */
const HEAD = `import socket, sys, time
there = 'host.sandbox.internal' in open('/etc/hosts').read()
to = ('10.0.2.2' if there else '127.0.0.1', int(sys.argv[1]))
clock = time.perf_counter_ns
`;

const client = (name: string, script: string): Benchmark => ({
  name,
  timing: 'self',
  prepare: serve,
  flags: () => ['--allow-net', 'loopback'],
  command: (world) => [PYTHON, '-c', HEAD + script, readFileSync(portFile(world), 'utf8')],
});

const IPERF = '/usr/bin/iperf3';
const IPERF_PORT = 5405;
const TAP = 'sandboxbench';
const TAP_NET = '10.77.0';
const cleanups: (() => void)[] = [];
process.once('exit', () => cleanups.forEach((clean) => void clean()));
let iperf = false;

function serveIperf(): boolean {
  if (!existsSync(IPERF)) return false;
  if (iperf) return true;
  const server = spawn(IPERF, ['-s', '-p', `${IPERF_PORT}`], { stdio: 'ignore' });
  server.unref();
  cleanups.push(() => server.kill());
  iperf = true;
  spawnSync('sleep', ['0.3']);
  return true;
}

/** A TAP device of this machine for the time of the run; false without the right to make one. */
function makeTap(): boolean {
  const ip = (...words: string[]) => spawnSync('ip', words, { stdio: 'ignore' }).status === 0;
  if (ip('link', 'show', TAP)) return true;
  if (!ip('tuntap', 'add', 'dev', TAP, 'mode', 'tap')) return false;
  cleanups.push(() => void ip('link', 'del', TAP));
  return ip('addr', 'add', `${TAP_NET}.1/24`, 'dev', TAP) && ip('link', 'set', TAP, 'up');
}

/** ns per MiB. `there` is the server's address in the sandbox; natively it is loopback. */
const throughput = (name: string, reverse: string, there: string, flags: readonly string[]): Benchmark => ({
  name,
  timing: 'self',
  prepare: () => serveIperf() && (!name.includes('tap') || makeTap()),
  flags: () => flags,
  command: () => [
    '/bin/sh',
    '-c',
    `to=127.0.0.1; [ "$(hostname)" != bench ] || to=${there};
     iperf3 -c $to -p ${IPERF_PORT} -t 2 -f k ${reverse} | awk '/receiver/ { print 8388608000000 / $(NF - 2) }'`,
  ],
});
const USER = ['--hostname', 'bench', '--allow-net', 'loopback'];
const DEVICE = ['--hostname', 'bench', '--network', `tap:${TAP}`, '--net-address', `${TAP_NET}.2/24`];

/** Figures are ns per MiB, and ns per connection. */
export const NET: readonly Benchmark[] = [
  throughput('net/host/user-up', '', '10.0.2.2', USER),
  throughput('net/host/user-down', '-R', '10.0.2.2', USER),
  throughput('net/host/tap-up', '', `${TAP_NET}.1`, DEVICE),
  throughput('net/host/tap-down', '-R', `${TAP_NET}.1`, DEVICE),
  client(
    'net/download',
    `s = socket.create_connection(to); s.send(b'd'); b = bytearray(1 << 20); n = 0; t = clock()
while True:
    k = s.recv_into(b)
    if k == 0: break
    n += k
print((clock() - t) / (n / (1 << 20)))`,
  ),
  client(
    'net/upload',
    `s = socket.create_connection(to); b = bytes(1 << 20); t = clock(); s.send(b'u')
for i in range(${BYTES} >> 20): s.sendall(b)
s.shutdown(1)
while s.recv(64): pass
print((clock() - t) / (${BYTES} >> 20))`,
  ),
  client(
    'net/connect',
    `t = clock()
for i in range(${CONNECTIONS}):
    s = socket.create_connection(to); s.send(b'x'); s.recv(1); s.close()
print((clock() - t) / ${CONNECTIONS})`,
  ),
];
