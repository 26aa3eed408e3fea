// The Linux kernel as the peer, over a TAP device in a network namespace of the test's own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Address } from '../../src/address.js';
import { CaptureDevice } from '../../src/link/capture-device.js';
import { createVethPair } from '../../src/link/veth.js';
import { Stack } from '../../src/stack.js';
import { parsePcapng } from '../../src/wire/pcapng.js';
import { Pinger } from '../support/ping.js';
import { SeededRandom } from '../support/random.js';
import { hasProgram, type TapOptions, TapStack, tapMissing } from '../support/tap.js';
import { UdpProbe } from '../support/udp-probe.js';
import { configure } from '../support/world.js';

const missing = tapMissing();
const PEER = [
  'ip addr add 10.7.0.1/24 dev tap0',
  'ip -6 addr add fd07::1/64 dev tap0 nodad',
  'sysctl -qw net.ipv6.conf.tap0.accept_dad=0 || true',
];

/** Waits until `done`, for at most ten seconds. */
async function until(done: () => boolean): Promise<boolean> {
  for (let i = 0; i < 1000; i++) {
    if (done()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

const PING = `
import os, select, socket, struct, sys, time
host, size, ttl, want = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
v6 = ':' in host
def total(data):
    data += b'\\0' * (len(data) % 2)
    s = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
family, proto = (socket.AF_INET6, 58) if v6 else (socket.AF_INET, 1)
s = socket.socket(family, socket.SOCK_RAW, proto)
s.setsockopt(41 if v6 else 0, 16 if v6 else 2, ttl)
body = bytes(i & 255 for i in range(size))
head = struct.pack('>BBHHH', 128 if v6 else 8, 0, 0, 77, 1)
head = struct.pack('>BBHHH', 128 if v6 else 8, 0, 0 if v6 else total(head + body), 77, 1)
s.sendto(head + body, (host, 0))
end = time.time() + 5
while time.time() < end:
    if not select.select([s], [], [], 0.2)[0]: continue
    data, addr = s.recvfrom(70000)
    icmp = data if v6 else data[(data[0] & 15) * 4:]
    if icmp[0] == want:
        same = icmp[8:] == body if want in (0, 129) else True
        print(addr[0], icmp[0], icmp[1], len(icmp), same)
        sys.exit(0)
sys.exit(1)
`;

describe.skipIf(missing !== null)('with Linux as the peer', () => {
  let tap: TapStack;

  const open = async (options: TapOptions = {}) => {
    tap = await TapStack.open({ commands: PEER, ...options });
    configure(tap.stack, tap.device, ['10.7.0.2/24', 'fd07::2/64'], { forwarding: true });
    tap.kick();
  };

  afterEach(() => tap?.close());

  describe.each([
    ['plain frames', false],
    ['virtio-net headers', true],
  ])('%s', (_name, virtio) => {
    it.each([
      ['10.7.0.2', 0, 0],
      ['10.7.0.2', 56, 0],
      ['10.7.0.2', 8000, 0],
      ['10.7.0.2', 65000, 0],
      ['fd07::2', 56, 129],
      ['fd07::2', 8000, 129],
    ])('Linux pings %s with %i bytes', async (host, size, type) => {
      await open({ virtio });
      const result = await tap.run('python3', ['-c', PING, host, String(size), '64', String(type)]);
      expect(result.output.trim()).toBe(`${host} ${type} 0 ${size + 8} True`);
    });

    it.each([
      ['10.7.0.1', true, 0, 56],
      ['10.7.0.1', true, 0, 9000],
      ['fd07::1', false, 129, 56],
      ['fd07::1', false, 129, 9000],
    ])('we ping %s', async (host, v4, type, size) => {
      await open({ virtio });
      const ping = new Pinger(tap.stack, v4);
      const got: { type: number; length: number }[] = [];
      ping.send(Address.of(host), size);
      tap.kick();
      expect(await until(() => got.push(...ping.received()) > 0)).toBe(true);
      expect(got).toMatchObject([{ type, length: size + 8 }]);
    });

    it('datagrams of all sizes pass both ways with right checksums', async () => {
      await open({ virtio });
      const probe = new UdpProbe(tap.stack);
      probe.echo = 3000;
      const script = `
import socket
for host in ('10.7.0.2', 'fd07::2'):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    for size in (0, 1, 2, 3, 100, 1400, 1473, 5000, 60000):
        s.sendto(b'x' * size, (host, 7))
        data, addr = s.recvfrom(70000)
        assert data == b'\\7' * 3000, len(data)
print('ok')
`;
      const result = await tap.run('python3', ['-c', script]);
      expect(result.output.trim()).toBe('ok');
      expect(probe.got.map((d) => d.good)).toEqual(new Array(18).fill(true));
    });
  });

  it('Linux sees a closed port as ECONNREFUSED', async () => {
    await open();
    new UdpProbe(tap.stack).closed = true;
    const script = `
import socket
for host in ('10.7.0.2', 'fd07::2'):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect((host, 9)); s.send(b'x')
    try: s.recv(10)
    except ConnectionRefusedError: print('refused')
`;
    const result = await tap.run('python3', ['-c', script]);
    expect(result.output.trim().split('\n')).toEqual(['refused', 'refused']);
  });

  it('we see a closed port of Linux', async () => {
    await open();
    const probe = new UdpProbe(tap.stack);
    probe.send(Address.of('10.7.0.1'), 9);
    probe.send(Address.of('fd07::1'), 9);
    tap.kick();
    expect(await until(() => probe.errors.length === 2)).toBe(true);
    expect(probe.errors.map((e) => e.errno)).toEqual([111, 111]);
  });

  it('Linux traces a route through us hop by hop, and finds the path MTU', async () => {
    await open({
      commands: [...PEER, 'ip route add 10.8.0.0/24 via 10.7.0.2', 'ip -6 route add fd08::/64 via fd07::2'],
    });
    const [near, far] = createVethPair({ mtu: 1300 });
    configure(tap.stack, near, ['10.8.0.1/24', 'fd08::1/64'], { forwarding: true });
    const host = new Stack({ random: new SeededRandom(4), now: tap.now() });
    configure(host, far, ['10.8.0.2/24', 'fd08::2/64']);
    host.addRoute(Address.of('0.0.0.0'), 0, { gateway: Address.of('10.8.0.1') });
    host.addRoute(Address.of('::'), 0, { gateway: Address.of('fd08::1') });
    const turn = setInterval(() => {
      host.poll(tap.now());
      tap.kick();
    }, 1);
    try {
      const trace = async (to: string, ttl: number, want: number, size = 20) =>
        (await tap.run('python3', ['-c', PING, to, String(size), String(ttl), String(want)])).output.trim();
      expect(await trace('10.8.0.2', 1, 11)).toMatch(/^10\.7\.0\.2 11 0 /);
      expect(await trace('10.8.0.2', 2, 0)).toBe('10.8.0.2 0 0 28 True');
      expect(await trace('fd08::2', 1, 3)).toMatch(/^fd07::2 3 0 /);
      expect(await trace('fd08::2', 2, 129)).toBe('fd08::2 129 0 28 True');
      // 1400 bytes do not fit 1300: Linux is told, and then sends fragments that do.
      expect(await trace('fd08::2', 9, 2, 1400)).toMatch(/^fd07::2 2 0 /);
      expect(await trace('fd08::2', 9, 129, 1400)).toBe('fd08::2 129 0 1408 True');
      if (hasProgram('traceroute')) {
        const result = await tap.run('traceroute', ['-n', '-q', '1', '-w', '2', '10.8.0.2']);
        expect(result.output).toMatch(/1 {2}10\.7\.0\.2 .*\n.*2 {2}10\.8\.0\.2/);
      }
    } finally {
      clearInterval(turn);
    }
  });

  it.skipIf(!hasProgram('ping'))('ping finds every answer in order', async () => {
    await open();
    const result = await tap.run('ping', ['-c', '50', '-i', '0.002', '-s', '1000', '10.7.0.2']);
    expect(result.output).toContain('50 packets transmitted, 50 received, 0% packet loss');
    const six = await tap.run('ping', ['-6', '-c', '20', '-i', '0.002', 'fd07::2']);
    expect(six.output).toContain('20 packets transmitted, 20 received, 0% packet loss');
  });

  it('Linux keeps us in its neighbour table, and we it', async () => {
    await open();
    await tap.run('python3', ['-c', PING, '10.7.0.2', '1', '64', '0']);
    await tap.run('python3', ['-c', PING, 'fd07::2', '1', '64', '129']);
    const neighbours = (await tap.run('ip', ['neigh'])).output;
    expect(neighbours).toMatch(/10\.7\.0\.2 dev tap0 lladdr 02:00:00:00:00:01/);
    expect(neighbours).toMatch(/fd07::2 dev tap0 lladdr 02:00:00:00:00:01/);
    const ours = tap.stack.network
      .interfaceByIndex(2)
      ?.neighbours.list()
      .map((entry) => String(entry.address));
    expect(ours).toEqual(expect.arrayContaining(['10.7.0.1', 'fd07::1']));
  });

  it('finds the duplicate when Linux has the address already', async () => {
    const failed: string[] = [];
    tap = await TapStack.open({ commands: PEER });
    tap.stack.network.observer = { addressFailed: (_index, address) => failed.push(String(address)) };
    configure(tap.stack, tap.device, ['fd07::1/64'], { dadTransmits: 1, linkLocal: false });
    tap.kick();
    expect(await until(() => failed.length > 0)).toBe(true);
    expect(failed).toEqual(['fd07::1']);
  });

  it.skipIf(!hasProgram('tcpdump'))('tcpdump reads our capture', async () => {
    const blocks: Uint8Array[] = [];
    const sink = { captured: (block: Uint8Array) => void blocks.push(block) };
    await open({ wrap: (device) => new CaptureDevice(device, { sink }) });
    await tap.run('python3', ['-c', PING, '10.7.0.2', '56', '64', '0']);
    const folder = mkdtempSync(join(tmpdir(), 'netstack-'));
    try {
      const file = join(folder, 'c.pcapng');
      writeFileSync(file, Buffer.concat(blocks));
      expect(parsePcapng(Buffer.concat(blocks))?.packets.length).toBeGreaterThan(1);
      const result = await tap.run('tcpdump', ['-n', '-r', file]);
      expect(result.output).toMatch(/10\.7\.0\.1 > 10\.7\.0\.2: ICMP echo request/);
      expect(result.output).toMatch(/10\.7\.0\.2 > 10\.7\.0\.1: ICMP echo reply/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

beforeAll(() => {
  if (missing !== null) process.stderr.write(`skipping the tests with Linux as the peer: ${missing}\n`);
});

it.runIf(missing !== null)(`can't run with Linux as the peer here: ${missing}`, () => {
  expect(missing).not.toBeNull();
});
