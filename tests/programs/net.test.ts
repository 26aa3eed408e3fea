// Network programs inside one sandbox, on its loopback: servers of the Debian archive and the runtimes' own, with their clients. Each
// script prints what does not depend on the machine. What is not installed is skipped, aloud.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { longPlatforms, runSandboxed } from '../support/native.js';
import { itWith, whereIs } from '../support/tools.js';

const world = mkdtempSync('/tmp/sandbox-net-');
const script = (name: string): string => fileURLToPath(new URL(`scripts/${name}`, import.meta.url));
const source = (name: string): string => fileURLToPath(new URL(`sources/${name}`, import.meta.url));

/** Where Debian keeps PostgreSQL's programs; null: not installed. */
function postgres(): string | null {
  if (!existsSync('/usr/lib/postgresql')) return null;
  const [version] = readdirSync('/usr/lib/postgresql');
  return version === undefined ? null : `/usr/lib/postgresql/${version}/bin`;
}
afterAll(() => rmSync(world, { recursive: true, force: true }));

const NODE_HTTP = `
const http = require('http'), http2 = require('http2');
const web = http.createServer((q, r) => r.end('one ' + q.url)).listen(0, '127.0.0.1', () => {
  http.get({ port: web.address().port, path: '/x' }, (r) => r.on('data', (d) => console.log(String(d))).on('end', () => {
    web.close();
    const two = http2.createServer((q, r) => r.end('two ' + q.url)).listen(0, '::1', () => {
      const c = http2.connect('http://[::1]:' + two.address().port), s = c.request({ ':path': '/y' });
      s.on('data', (d) => console.log(String(d))).on('end', () => { c.close(); two.close(); });
    });
  }));
});
require('dns').lookup('localhost', (e, a) => console.log(e ?? 'looked up'));
console.log(Object.keys(require('os').networkInterfaces()).join());
`;

const PYTHON_NET = `
import asyncio, socket, socketserver, threading, urllib.request, http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'page ' + self.path.encode())
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
threading.Thread(target=s.serve_forever, daemon=True).start()
for i in range(20): got = urllib.request.urlopen('http://127.0.0.1:%d/%d' % (s.server_port, i)).read()
print(got)
async def main():
    async def serve(r, w):
        w.write((await r.readline()).upper()); await w.drain(); w.close()
    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    async def one(i):
        r, w = await asyncio.open_connection(*server.sockets[0].getsockname())
        w.write(b'line %d\\n' % i); return await r.read()
    print(sorted(await asyncio.gather(*[one(i) for i in range(30)]))[:2])
asyncio.run(main())
print([a[4][0] for a in socket.getaddrinfo('127.0.0.1', 80, type=socket.SOCK_STREAM)], socket.if_nameindex())
`;

/** Parts of netfilter that are modules of Linux: what it says where they are not loaded. */
const ABSENT = `
import socket, struct
for name, subsystem in (('queue', 3), ('log', 4), ('set', 6), ('flows', 1)):
    s = socket.socket(16, socket.SOCK_RAW, 12)
    s.send(struct.pack('<IHHII', 20, subsystem << 8, 5, 1, 0) + struct.pack('BBH', 2, 0, 0))
    print(name, -struct.unpack_from('<i', s.recv(99), 16)[0])
`;

/** The side that closes first waits. */
const PYTHON_WAIT = `
import socket
with socket.create_server(('127.0.0.1', 0)) as server:
    client = socket.create_connection(server.getsockname())
    other, _ = server.accept()
    client.shutdown(socket.SHUT_WR); other.recv(1); other.close(); client.recv(1); client.close()
`;

const GO = `package main
import ("fmt"; "io"; "net"; "net/http")
func main() {
  l, err := net.Listen("tcp", "127.0.0.1:0")
  if err != nil { panic(err) }
  go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "go ", r.URL.Path) }))
  r, err := http.Get("http://" + l.Addr().String() + "/z")
  if err != nil { panic(err) }
  b, _ := io.ReadAll(r.Body)
  i, _ := net.Interfaces()
  fmt.Println(string(b), i[0].Name)
}`;

const JAVA = `import java.net.*; import java.nio.*; import java.nio.channels.*;
public class Net { public static void main(String[] a) throws Exception {
  ServerSocketChannel s = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
  Thread t = new Thread(() -> { try { SocketChannel c = s.accept(); ByteBuffer b = ByteBuffer.allocate(9); c.read(b); b.flip(); c.write(b); c.close(); } catch (Exception e) { e.printStackTrace(); } });
  t.start();
  Socket c = new Socket("127.0.0.1", ((InetSocketAddress) s.getLocalAddress()).getPort());
  c.getOutputStream().write("java".getBytes());
  System.out.println(new String(c.getInputStream().readAllBytes()));
  System.out.println(NetworkInterface.getByName("lo").isLoopback());
} }`;

/** Waits inside the sandbox until something listens on a port. */
const ready = (port: number): string => `until ss -tln | grep -q :${port}; do sleep 0.1; done`;

interface Program {
  readonly name: string;
  /** Files that must exist. */
  readonly needs: readonly string[];
  readonly script: string;
  readonly output: string;
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'python3: http.server, urllib, asyncio, getaddrinfo',
    needs: ['/usr/bin/python3'],
    script: `/usr/bin/python3 ${world}/net.py`,
    output: "b'page /19'\n[b'LINE 0\\n', b'LINE 1\\n']\n['127.0.0.1'] [(1, 'lo')]\n",
  },
  {
    name: 'curl from http.server',
    needs: ['/usr/bin/curl', '/usr/bin/python3'],
    script: `cd ${world} && head -c 3000000 /dev/zero >file; /usr/bin/python3 -m http.server 8123 --bind 127.0.0.1 >/dev/null 2>&1 &
      ${ready(8123)}; curl -s http://127.0.0.1:8123/file | cmp - ${world}/file && echo same; kill $!`,
    output: 'same\n',
  },
  {
    name: 'node http and http2',
    needs: [process.execPath],
    script: `${process.execPath} ${world}/net.cjs | sort`,
    output: 'lo\nlooked up\none /x\ntwo /y\n',
  },
  {
    name: 'redis-server with redis-benchmark',
    needs: ['/usr/bin/redis-server', '/usr/bin/redis-benchmark'],
    script: `redis-server --port 7777 --save "" --daemonize no >/dev/null 2>&1 & ${ready(7777)};
      redis-cli -p 7777 set key value; redis-cli -p 7777 get key; redis-benchmark -p 7777 -n 500 -c 20 -t set,get --csv | cut -d, -f1; kill $!`,
    output: 'OK\nvalue\n"test"\n"SET"\n"GET"\n',
  },
  {
    name: 'nginx',
    needs: ['/usr/sbin/nginx', '/usr/bin/curl'],
    script: `mkdir -p ${world}/www; echo page >${world}/www/index.html; /usr/sbin/nginx -c ${world}/nginx.conf >/dev/null 2>&1 & ${ready(8124)};
      for i in 1 2 3; do curl -s http://127.0.0.1:8124/; done; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8124/none; kill $!`,
    output: 'page\npage\npage\n404\n',
  },
  {
    name: 'nginx with wrk',
    needs: ['/usr/sbin/nginx', '/usr/bin/wrk'],
    script: `mkdir -p ${world}/www; echo page >${world}/www/index.html; /usr/sbin/nginx -c ${world}/nginx.conf >/dev/null 2>&1 & ${ready(8124)};
      wrk -t2 -c8 -d1s http://127.0.0.1:8124/ | sed -nE 's/.*Non-2xx.*/bad/p; s/.*Socket errors.*/errors/p; s/^ *[1-9][0-9]* requests in.*/served/p'; kill $!`,
    output: 'served\n',
  },
  {
    name: 'PostgreSQL over TCP, both families, and over a unix socket',
    needs: ['/usr/bin/psql', `${postgres() ?? '/usr/lib/postgresql'}/initdb`, '/usr/bin/setpriv'],
    script: `B=${postgres()}; D=/tmp/data; mkdir $D; chown 65534:65534 $D; as='setpriv --reuid 65534 --regid 65534 --clear-groups';
      $as $B/initdb -D $D -U postgres -A trust --locale=C -E UTF8 >/dev/null && $as $B/pg_ctl -D $D -o "-c listen_addresses=127.0.0.1,::1 -p 5499 -k $D" -l $D/log -w start >/dev/null;
      for h in 127.0.0.1 ::1 $D; do psql -h $h -p 5499 -U postgres -Atc "select coalesce(host(inet_client_addr()), 'unix'), sum(i), length(string_agg(repeat('x', 100), '')) from generate_series(1, 20000) i"; done;
      $B/pgbench -h 127.0.0.1 -p 5499 -U postgres -i -q postgres >/dev/null 2>&1; $B/pgbench -h 127.0.0.1 -p 5499 -U postgres -c 4 -j 2 -t 20 postgres 2>/dev/null | grep -o 'processed: .*';
      $as $B/pg_ctl -D $D -m fast -w stop >/dev/null && echo stopped`,
    output:
      '127.0.0.1|200010000|2000000\n::1|200010000|2000000\nunix|200010000|2000000\nprocessed: 80/80\nstopped\n',
  },
  {
    name: 'node: what net and dgram promise',
    needs: [process.execPath],
    script: `${process.execPath} ${source('net-events.cjs')} | cat`,
    output: `${[...readFileSync(source('net-events.cjs'), 'utf8').matchAll(/^ {2}async '(.*)'\(/gm)].map(([, name]) => name).join('\n')}\n`,
  },
  {
    name: 'python: a session of kept connections, redirects, cookies, chunks, compression',
    needs: ['/usr/bin/python3'],
    script: `/usr/bin/python3 ${source('http-session.py')}`,
    output: 'taste=sweet\n200000\n5242880\n1 connection\n404 nothing\nTimeoutError\n111\n',
  },
  {
    name: 'tcpdump on lo: both families, both ways in, and what it wrote read again',
    needs: ['/usr/bin/tcpdump', '/usr/bin/ping'],
    script: `cd ${world}; tcpdump -i lo -n -c 2 -e icmp 2>err >seen & until grep -q listening err; do sleep 0.1; done; ping -qc 1 127.0.0.1 >/dev/null; wait $!; cut -d' ' -f2- seen | sed -E 's/id [0-9]+/id N/';
      tcpdump -i any -n -c 1 -w file icmp6 2>err & until grep -q listening err; do sleep 0.1; done; ping -qc 1 ::1 >/dev/null; wait $!; tcpdump -n -r file 2>/dev/null | cut -d' ' -f2- | sed -E 's/id [0-9]+/id N/'`,
    output: `00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype IPv4 (0x0800), length 98: 127.0.0.1 > 127.0.0.1: ICMP echo request, id N, seq 1, length 64
00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype IPv4 (0x0800), length 98: 127.0.0.1 > 127.0.0.1: ICMP echo reply, id N, seq 1, length 64
lo    In  IP6 ::1 > ::1: ICMP6, echo request, id N, seq 1, length 64
`,
  },
  {
    name: 'ip a, and ss -tnp with the programs behind',
    needs: ['/usr/sbin/ip', '/usr/bin/ss', '/usr/bin/python3'],
    script: `/usr/bin/python3 -c 'import os, socket
l = socket.create_server(("127.0.0.1", 8126)); c = socket.create_connection(("127.0.0.1", 8126)); s = l.accept()
os.system("ss -Htnp; ss -Htlnp")' | sed -E 's/:[0-9]{5}/:N/g; s/pid=[0-9]+,fd=[0-9]+/pid=P,fd=F/g' | tr -s ' ' | sort; ip a`,
    output: `ESTAB 0 0 127.0.0.1:8126 127.0.0.1:N users:(("python3",pid=P,fd=F))
ESTAB 0 0 127.0.0.1:N 127.0.0.1:8126 users:(("python3",pid=P,fd=F))
LISTEN 0 128 127.0.0.1:8126 0.0.0.0:* users:(("python3",pid=P,fd=F))
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host 
       valid_lft forever preferred_lft forever
`,
  },
  {
    name: 'iperf3',
    needs: ['/usr/bin/iperf3'],
    script: `iperf3 -s -1 -p 5301 >/dev/null 2>&1 & ${ready(5301)}; iperf3 -c 127.0.0.1 -p 5301 -n 50M -J | grep -c '"sum_received"'`,
    output: '1\n',
  },
  {
    name: 'ip, ss, ping',
    needs: ['/usr/sbin/ip', '/usr/bin/ss', '/usr/bin/ping'],
    script: `ip -o addr | tr -s ' ' | cut -d' ' -f2,3,4; ip addr add 10.1.2.3/24 dev lo; ip -o -4 addr show dev lo | grep -c 10.1.2.3;
      ping -c 2 -i 0.1 10.1.2.3 | grep -o '2 received'; ping -c 1 ::1 | grep -o '1 received'; ss -tln | wc -l`,
    output: 'lo inet 127.0.0.1/8\nlo inet6 ::1/128\n1\n2 received\n1 received\n1\n',
  },
  {
    name: 'ss: connections that wait out their time',
    needs: ['/usr/bin/ss', '/usr/bin/python3'],
    script: `/usr/bin/python3 ${world}/wait.py; ss -Htano state time-wait | sed -E 's/:[0-9]+/:N/g; s/[0-9]+sec/Nsec/' | tr -s ' '`,
    output: '0 0 127.0.0.1:N 127.0.0.1:N timer:(timewait,Nsec,0)\n',
  },
  {
    name: "ip route: in the tables' order, and ip monitor",
    needs: ['/usr/sbin/ip'],
    script: `ip addr add 10.1.2.3/24 dev lo; ip addr add fd00::1/64 dev lo; ip monitor route >${world}/monitor & sleep 1;
      ip route add 192.0.2.0/25 dev lo; ip route add 192.0.2.0/24 dev lo metric 5; ip route add 192.0.2.0/24 dev lo metric 3;
      ip route add 10.0.0.0/8 dev lo; ip route add default via 10.1.2.9; ip route;
      ip -6 route add fd00:1::/32 dev lo; ip -6 route add fd00:1:2::/48 dev lo; ip -6 route add fc00::/8 dev lo; ip -6 route;
      ip route del 192.0.2.0/24; ip route del default; ip -6 route del fc00::/8;
      until grep -q 'Deleted fc00' ${world}/monitor; do sleep 0.1; done; kill $!; grep Deleted ${world}/monitor`,
    output: `default via 10.1.2.9 dev lo 
10.0.0.0/8 dev lo scope link 
192.0.2.0/25 dev lo scope link 
192.0.2.0/24 dev lo scope link metric 3 
192.0.2.0/24 dev lo scope link metric 5 
fc00::/8 dev lo metric 1024 pref medium
fd00::/64 dev lo proto kernel metric 256 pref medium
fd00:1:2::/48 dev lo metric 1024 pref medium
fd00:1::/32 dev lo metric 1024 pref medium
Deleted 192.0.2.0/24 dev lo scope link metric 3 
Deleted default via 10.1.2.9 dev lo 
Deleted fc00::/8 dev lo metric 1024 pref medium
`,
  },
  {
    name: 'ip route: ways through lo, as in an empty namespace of Linux',
    needs: ['/usr/sbin/ip'],
    script: `sh ${script('lo-routes.sh')}`,
    output: readFileSync(script('lo-routes.txt'), 'utf8'),
  },
  {
    name: 'counters of ICMP and UDP in /proc/net, by family and type',
    needs: ['/usr/bin/ping', '/usr/bin/python3', 'awk'],
    script: `sh ${script('snmp.sh')}`,
    output: readFileSync(script('snmp.txt'), 'utf8'),
  },
  {
    name: 'netfilter: queues, sets, logs and flows are not there, as without their modules',
    needs: ['/usr/sbin/iptables-legacy', '/usr/sbin/iptables-nft', '/usr/bin/python3'],
    script: `/usr/bin/python3 ${world}/absent.py; PATH=$PATH:/usr/sbin; iptables-legacy -A INPUT -j NFQUEUE 2>&1 | grep -v missing;
      iptables-legacy -A INPUT -m set --match-set x src -j DROP 2>/dev/null; echo $?; iptables-nft -A INPUT -j NFQUEUE 2>/dev/null; echo $?`,
    output: 'queue 22\nlog 22\nset 22\nflows 22\niptables: No chain/target/match by that name.\n1\n4\n',
  },
  {
    name: 'git over http',
    needs: ['/usr/bin/git', '/usr/bin/python3', '/usr/lib/git-core/git-remote-http'],
    script: `cd ${world} && git init -q --bare r.git && git init -q w && cd w && git -c user.name=n -c user.email=e commit -q --allow-empty -m first &&
      git push -q ../r.git HEAD:refs/heads/main && cd ../r.git && git symbolic-ref HEAD refs/heads/main && git update-server-info &&
      cd .. && (/usr/bin/python3 -m http.server 8125 --bind 127.0.0.1 >/dev/null 2>&1 & echo $! >pid); ${ready(8125)};
      git clone -q http://127.0.0.1:8125/r.git c && git -C c log --format=%s; kill $(cat pid)`,
    output: 'first\n',
  },
  {
    name: 'ssh to a local sshd',
    needs: ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'],
    script: `cd ${world} && mkdir -p /run/sshd && rm -f key* && ssh-keygen -q -t ed25519 -N '' -f key && mkdir -p -m 700 ssh && cp key.pub ssh/authorized_keys;
      /usr/sbin/sshd -f /dev/null -p 2222 -h ${world}/key -o AuthorizedKeysFile=${world}/ssh/authorized_keys -o StrictModes=no -o PidFile=none -o UsePAM=no -D >/dev/null 2>&1 & ${ready(2222)};
      ssh -q -p 2222 -i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo there; kill $!`,
    output: 'there\n',
  },
  {
    name: 'a Go network program',
    needs: ['go'],
    script: `${world}/gonet`,
    output: 'go /z lo\n',
  },
  {
    name: 'a Java network program',
    needs: ['/usr/bin/java', '/usr/bin/javac'],
    script: `cd ${world} && java -XX:-UsePerfData Net.java`,
    output: 'java\ntrue\n',
  },
];

beforeAll(() => {
  writeFileSync(`${world}/net.py`, PYTHON_NET);
  writeFileSync(`${world}/absent.py`, ABSENT);
  writeFileSync(`${world}/wait.py`, PYTHON_WAIT);
  writeFileSync(`${world}/net.cjs`, NODE_HTTP);
  writeFileSync(`${world}/main.go`, GO);
  writeFileSync(`${world}/Net.java`, JAVA);
  const go = whereIs('go');
  if (go !== null) spawnSync(go, ['build', '-o', `${world}/gonet`, `${world}/main.go`], { timeout: 120_000 });
  writeFileSync(
    `${world}/nginx.conf`,
    `daemon off; user root; error_log /dev/null; pid ${world}/nginx.pid; events { worker_connections 64; }
     http { access_log off; server { listen 127.0.0.1:8124; root ${world}/www; } }`,
  );
}, 150_000);

describe.each(longPlatforms())('on %s', (platform) => {
  for (const { name, needs, script, output } of PROGRAMS) {
    itWith(...needs)(name, async () => {
      const outcome = await runSandboxed('/bin/bash', ['-c', script], 'self', platform);
      expect(outcome.stdout).toEqual(output);
      expect(outcome.status).toBe(0);
    });
  }
});
