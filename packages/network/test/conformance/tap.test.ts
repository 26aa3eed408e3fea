// A TAP device as the link: needs root's rights to devices (CAP_NET_ADMIN) and /dev/net/tun, or says that it was skipped.
import { spawnSync } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { openHost, startEventWatcher } from '@sandbox-kernel/host';
import { Address, Stack, Tcp, TcpEndpoint } from '@sandbox-kernel/netstack';
import { afterAll, describe, expect, it } from 'vitest';
import { HostNet } from '../../src/host-net.js';
import { TapLink } from '../../src/link/tap-link.js';

const NAME = `sbt${process.pid % 10_000}`;
const OURS = '10.213.77.1';
const host = openHost();
const watcher = startEventWatcher(host.door);
if (typeof watcher === 'number') throw new Error(`no watcher: ${watcher}`);
const net = new HostNet(host.inet, watcher, 0x4000_0000);
const plan = { name: 'eth0', addresses: [], routes: [], nameServers: [], hosts: [] };
const opened = TapLink.open({ net, calls: host.inet, name: NAME, plan });
const configured =
  typeof opened !== 'number' &&
  spawnSync('sh', ['-c', `ip addr add ${OURS}/24 dev ${NAME} && ip link set ${NAME} up`]).status === 0;
if (!configured) process.stderr.write(`SKIPPED: no TAP device can be made here (${String(opened)})\n`);
afterAll(() => {
  if (typeof opened !== 'number') opened.close();
});

describe.skipIf(!configured)('a TAP link', () => {
  it("joins the guest's stack to the host's", async () => {
    const tap = opened as TapLink;
    const started = performance.now();
    const stack = new Stack({ random: { next32: () => Math.floor(performance.now() * 7919) >>> 0 } });
    const tcp = new Tcp(stack.host);
    stack.register(tcp);
    stack.addAddress(stack.addInterface(tap.link, { dadTransmits: 0 }), Address.of('10.213.77.2'), 24);
    const server = createServer((socket) => socket.on('data', (bytes) => socket.end(`you said ${bytes}`)));
    await new Promise<void>((resolve) => server.listen(0, OURS, resolve));
    const endpoint = new TcpEndpoint(tcp);
    endpoint.connect(Address.of(OURS), (server.address() as AddressInfo).port);
    const into = new Uint8Array(1000);
    let text = '';
    let said = false;
    for (let i = 0; i < 20_000 && !text.endsWith('hello'); i++) {
      const count = watcher.drain();
      for (let at = 0; at < count; at++) net.deliver(watcher.tokens[at]!, watcher.events[at]!);
      const now = (performance.now() - started) * 1000;
      tap.poll(now);
      stack.poll(now);
      if (!said && endpoint.state === 1) said = endpoint.write(Buffer.from('hello'), 0, 5) === 5;
      const read = endpoint.read(into, 0, into.length);
      if (read > 0) text += Buffer.from(into.subarray(0, read)).toString();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    server.close();
    expect(text).toBe('you said hello');
    expect(tap.dropped).toBe(0);
  });
});

describe('a TAP device', () => {
  it('that cannot be opened gives an error, not a link', () => {
    expect(TapLink.open({ net, calls: host.inet, name: 'a-name-that-is-too-long', plan })).toBeLessThan(0);
    const socket = host.inet.open(2, 1, 0);
    expect(TapLink.open({ net, calls: host.inet, fd: socket, plan })).toBeLessThan(0);
    host.inet.close(socket);
  });
});
