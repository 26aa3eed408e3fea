// Virtual time and seeds: two runs of a program whose output depends on clocks and random numbers give the same bytes; time runs as
// fast as it is told to.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { compileGuest, platforms } from '../support/native.js';
import { itWith } from '../support/tools.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = `${root}packages/cli/bin/sandbox-cli.cjs`;
/** Of its own: what lies beside a script is among the things that Python looks at. */
const world = mkdtempSync('/tmp/sandbox-time-');
afterAll(() => rmSync(world, { recursive: true, force: true }));

const PYTHON = `
import os, random, secrets, subprocess, tempfile, time, uuid
print(random.random(), hash("abc"), uuid.uuid4(), uuid.uuid1(), secrets.token_hex(8), {f"k{i}" for i in range(5)})
for clock in (0, 1, 2, 3, 4, 5, 6, 7, 11): print(clock, time.clock_gettime_ns(clock))
with tempfile.NamedTemporaryFile() as f: print(f.name, os.stat(f.name).st_mtime_ns, id(f))
start = time.time(); time.sleep(2.5); print(time.time() - start)
print(subprocess.run(["sh", "-c", "echo $$; date; cat /proc/self/stat /proc/uptime"], capture_output=True, text=True).stdout)
print([line for line in open("/proc/stat") if line.startswith("btime")], open("/proc/self/maps").readlines()[-3:])
print(open("/proc/sys/kernel/random/boot_id").read(), open("/proc/sys/kernel/random/uuid").read())
start = time.perf_counter(); turns = 0
while time.perf_counter() - start < 0.005: turns += 1
print(turns, os.times())
`;

/** What a seed decides beyond the obvious: ports, sequence numbers and time stamps as a packet socket sees them, flow labels, inodes. */
const NETWORK = `
import ctypes, hashlib, mmap, os, socket, tempfile
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.socket(family); server.bind((host, 0)); server.listen()
    for i in range(3):
        client = socket.create_connection((host, server.getsockname()[1])); peer, address = server.accept()
        client.sendall(b'x' * i * 1000); client.close()
        got = 0
        while True:
            part = peer.recv(65536)
            if not part: break
            got += len(part)
        print(server.getsockname(), address, peer.getpeername(), got); peer.close()
    to = socket.socket(family, socket.SOCK_DGRAM); to.bind((host, 0))
    socket.socket(family, socket.SOCK_DGRAM).sendto(b'datagram', to.getsockname()); print(to.recvfrom(99), to.getsockname())
tap.setblocking(False)
packets = []
try:
    while True: packets.append(tap.recvfrom(65535))
except BlockingIOError: pass
print(len(packets))
for data, where in packets: print(where, data.hex())
for name in ('boot_id', 'uuid'): print(open('/proc/sys/kernel/random/' + name).read())
libc = ctypes.CDLL(None); libc.getauxval.restype = ctypes.c_ulong
print(ctypes.string_at(libc.getauxval(25), 16).hex(), [hex(libc.getauxval(n)) for n in (3, 5, 6, 7, 9, 16, 23, 33, 51)])
print(os.getrandom(8).hex(), open('/dev/urandom', 'rb').read(8).hex(), open('/dev/random', 'rb').read(8).hex())
print(hash('abc'), id(object()), ctypes.addressof(ctypes.c_char.from_buffer(mmap.mmap(-1, 4096))))
print(hashlib.sha256(open('/proc/self/maps', 'rb').read()).hexdigest(), open('/proc/self/stat').read())
folder = tempfile.mkdtemp()
for name in 'abc': open(folder + '/' + name, 'w').write(name); print(folder, os.stat(folder + '/' + name))
read, write = os.pipe(); kept = [socket.socket() for _ in range(2)]
print(os.fstat(read), [os.fstat(s.fileno()) for s in kept], sorted(os.readlink('/proc/self/ns/' + n) for n in os.listdir('/proc/self/ns')))
for i in range(3):
    child = os.fork()
    if child == 0: print(i, os.getpid(), os.urandom(4).hex(), os.stat('/proc/self').st_mtime_ns, flush=True); os._exit(0)
    print(os.waitpid(child, 0))
print(os.times(), [open('/proc/net/' + n).read() for n in ('tcp', 'tcp6', 'udp', 'snmp', 'dev')])
`;

const BASH = `
echo $RANDOM $SRANDOM $SECONDS $EPOCHREALTIME $$; sleep 1; echo $SECONDS $EPOCHREALTIME
(echo $BASHPID $RANDOM) | cat; time true; mktemp -u; head -c 16 /dev/urandom | od -An -tx1
timeout 1 sh -c 'while :; do :; done'; echo $?; touch /tmp/new; stat -c %y /tmp/new
`;

writeFileSync(`${world}/script.py`, PYTHON);
writeFileSync(`${world}/script.sh`, BASH);
/** Alone in its folder, as Python looks at what is beside it. */
mkdirSync(`${world}/network`);
writeFileSync(`${world}/network/script.py`, NETWORK);

function run(options: readonly string[], command: readonly string[]): string {
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const args = [cli, 'run', '-w', '/', '-e', 'PATH=/usr/bin:/bin', ...options, '--', ...command];
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect([status, signal], stderr).toEqual([0, null]);
  return stdout + stderr;
}

const START = ['--time', '2024-02-29T12:00:00Z'];

describe.each(platforms())('on %s', (platform) => {
  const on = ['--platform', platform];

  const scripts = { '/usr/bin/python3': 'script.py', '/bin/bash': 'script.sh' };
  for (const [program, script] of Object.entries(scripts)) {
    itWith(program)(`${program} gives the same bytes each time, and others for another seed`, () => {
      const command = [program, `${world}/${script}`];
      const first = run([...on, ...START, '--seed', '7'], command);
      expect(first).toContain('1709208');
      expect(run([...on, ...START, '--seed', '7'], command)).toBe(first);
      expect(run([...on, ...START, '--seed', '8'], command)).not.toBe(first);
    });
  }

  itWith('/usr/bin/python3')('connections, addresses and names follow from the seed, byte for byte', () => {
    const command = ['/usr/bin/python3', `${world}/network/script.py`];
    const first = run([...on, ...START, '-u', '0', '--seed', '7'], command);
    expect(first.split('\n').filter((line) => line.startsWith("('lo'")).length).toBeGreaterThan(60);
    expect(run([...on, ...START, '-u', '0', '--seed', '7'], command)).toBe(first);
    const other = run([...on, ...START, '-u', '0', '--seed', '8'], command);
    const shared = new Set(first.split('\n'));
    // Ports, sequence numbers and whatever else is random differ; what counts them does not.
    const same = other
      .split('\n')
      .filter((line) => /127\.0\.0\.1|::1|'lo'|^[0-9a-f-]{16,}/.test(line) && shared.has(line));
    expect(same).toEqual([]);
  });

  it('starts at the very moment, and sleeps without waiting', () => {
    const started = performance.now();
    expect(run([...on, ...START], ['sh', '-c', 'date -u +%FT%T; sleep 86400; date -u +%FT%T'])).toBe(
      '2024-02-29T12:00:00\n2024-03-01T12:00:00\n',
    );
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  it('runs at the speed it is told, by all clocks alike', () => {
    const out = run(
      [...on, '--time', '@1700000000,x1000'],
      ['sh', '-c', 'date +%s; cut -d" " -f1 /proc/uptime; sleep 3600; date +%s; cut -d" " -f1 /proc/uptime'],
    );
    const [wall = 0, up = 0, laterWall = 0, laterUp = 0] = out.trim().split('\n').map(Number);
    expect(wall).toBeGreaterThanOrEqual(1700000000);
    expect(laterWall - wall).toBeGreaterThanOrEqual(3600);
    expect(Math.abs(laterWall - wall - (laterUp - up))).toBeLessThan(laterUp / 2);
  });

  it.each(['2024-02-29,x10', '2024-02-29,x0.5', '2024-02-29'])(
    'keeps every clock and timer right: %s',
    (time) => {
      const program = compileGuest(`${root}tests/guest/timer/all-clocks.c`);
      expect(run([...on, '--time', time], [program])).toBe(run(on, [program]));
    },
  );
});
