// The network inside one sandbox: throughput on loopback, and servers with their clients. Each prints nanoseconds per unit of work.
import { existsSync, writeFileSync } from 'node:fs';
import type { Benchmark, World } from '../benchmark.js';

/** Until something listens: /proc/net/tcp has it. Ports in hexadecimal, so that nothing but a shell is needed. */
const ready = (port: number): string =>
  `until grep -qiE ':${port.toString(16).padStart(4, '0')} 0+:0000 0A' /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done`;

const NODE_SERVER = `
const http = require('node:http');
http.createServer((request, response) => response.end('hello world')).listen(Number(process.argv[2]), '127.0.0.1');
`;

/** 25 connections, each with one request after the other. */
const NODE_CLIENT = `
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 25 });
const TOTAL = 16_000;
let left = TOTAL, done = 0, start = process.hrtime.bigint();
const one = () => {
  if (left-- <= 0) return;
  http.get({ port: Number(process.argv[2]), host: '127.0.0.1', agent }, (response) => response.resume().on('end', () => {
    if (++done === TOTAL) { console.log(Number(process.hrtime.bigint() - start) / TOTAL); agent.destroy(); }
    else one();
  }));
};
for (let i = 0; i < 25; i++) one();
`;

function writeNode(world: World): boolean {
  writeFileSync(`${world.folder}/server.cjs`, NODE_SERVER);
  writeFileSync(`${world.folder}/client.cjs`, NODE_CLIENT);
  return true;
}

const NGINX = '/usr/sbin/nginx';
const FILE_BYTES = 102_400;

/** One worker serves one file of 100 KB with sendfile. */
function writeSite(world: World): boolean {
  if (!existsSync(NGINX)) return false;
  writeFileSync(`${world.folder}/file`, 'x'.repeat(FILE_BYTES));
  writeFileSync(
    `${world.folder}/nginx.conf`,
    `daemon off; master_process off; user root; error_log /dev/null; pid ${world.folder}/nginx.pid; events { worker_connections 128; }
     http { access_log off; sendfile on; keepalive_requests 1000000; server { listen 127.0.0.1:5404; root ${world.folder}; } }`,
  );
  return true;
}

/** ns per request. */
const httpd = (connections: number): Benchmark => ({
  name: `app/httpd/${connections}`,
  timing: 'self',
  prepare: writeSite,
  command: (world) => [
    '/bin/sh',
    '-c',
    `${NGINX} -c ${world.folder}/nginx.conf >/dev/null 2>&1 & ${ready(5404)}; ${world.guest} http 5404,${connections},60000; kill $!`,
  ],
});

const REDIS = ['redis-server', 'redis-benchmark'].map((name) => `/usr/bin/${name}`);

export const LOOPBACK: readonly Benchmark[] = [
  {
    name: 'net/loopback',
    timing: 'self',
    prepare: () => existsSync('/usr/bin/iperf3'),
    // ns per KiB.
    command: () => [
      '/bin/sh',
      '-c',
      `iperf3 -s -1 -p 5401 >/dev/null 2>&1 & ${ready(5401)}; iperf3 -c 127.0.0.1 -p 5401 -t 3 -f k | awk '/receiver/ { print 8192000000 / $(NF - 2) }'`,
    ],
  },
  {
    name: 'app/redis',
    timing: 'self',
    prepare: () => REDIS.every((path) => existsSync(path)),
    // ns per request, over GET, SET and LRANGE.
    command: () => [
      '/bin/sh',
      '-c',
      `redis-server --port 5402 --save "" >/dev/null 2>&1 & ${ready(5402)}; redis-benchmark -p 5402 -c 50 -n 20000 -t get,set,lrange_100 --csv |
       tr -d '"' | awk -F, '$2 + 0 > 0 { total += 1e9 / $2; count++ } END { print total / count }'; kill $!`,
    ],
  },
  httpd(1),
  httpd(25),
  {
    name: 'app/http-node',
    timing: 'self',
    prepare: writeNode,
    command: (world) => [
      '/bin/sh',
      '-c',
      `${process.execPath} ${world.folder}/server.cjs 5403 & ${ready(5403)}; ${process.execPath} ${world.folder}/client.cjs 5403 | cat; kill $!`,
    ],
  },
];
