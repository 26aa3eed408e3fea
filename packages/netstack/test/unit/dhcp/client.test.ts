import { describe, expect, it } from 'vitest';
import { Address, ANY_V4 } from '../../../src/address.js';
import { DhcpClient, type DhcpLease } from '../../../src/dhcp/client.js';
import {
  classlessRoutes,
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_RELEASE,
  DHCP_REQUEST,
  type DhcpMessage,
  emitDhcp,
  OPTION_TYPE,
  optionAddress,
  optionNumber,
  parseDhcp,
} from '../../../src/dhcp/message.js';
import { CHECKSUM_VERIFIED, PACKET_BROADCAST } from '../../../src/storage/packet-buffer.js';
import { Udp } from '../../../src/transport/udp/udp.js';
import { emitUdp } from '../../../src/wire/udp.js';
import { TestNetwork } from '../../support/network.js';

const SERVER = Address.of('10.0.0.254');
const OURS = Address.of('10.0.0.42');

/** A client and a scripted server: what the client sends is parsed and kept. */
function world() {
  const network = new TestNetwork(3);
  const host = network.host('10.0.0.42');
  const udp = new Udp(host);
  host.attach(udp);
  const sent: DhcpMessage[] = [];
  network.onSend = (packet) => {
    const message = parseDhcp(packet.bytes.slice(packet.start + 8, packet.end));
    if (message !== null) sent.push(message);
    return true;
  };
  const leases: DhcpLease[] = [];
  const lost: DhcpLease[] = [];
  const owner = {
    leaseObtained: (l: DhcpLease) => void leases.push(l),
    leaseLost: (l: DhcpLease) => void lost.push(l),
  };
  const client = new DhcpClient(udp, { interfaceIndex: 1, hardware: Uint8Array.of(2, 0, 0, 0, 0, 1) }, owner);
  const reply = (type: number, to: DhcpMessage, extra: [number, number[]][] = []): void => {
    const options = new Map<number, Uint8Array>([
      [OPTION_TYPE, Uint8Array.of(type)],
      [54, SERVER.toBytes()],
      [51, Uint8Array.of(0, 0, 0x0e, 0x10)],
      [1, Uint8Array.of(255, 255, 255, 0)],
      [3, SERVER.toBytes()],
      [6, Uint8Array.of(9, 9, 9, 9, 8, 8, 8, 8)],
    ]);
    for (const [code, value] of extra) options.set(code, Uint8Array.from(value));
    const bytes = emitDhcp({ ...to, reply: true, yourAddress: OURS, options });
    const packet = host.pool.allocate(bytes.length + 8);
    const at = packet.append(bytes.length + 8);
    emitUdp(packet.bytes, at, 67, 68, bytes.length);
    packet.bytes.set(bytes, at + 8);
    packet.source = SERVER;
    packet.destination = Address.of('255.255.255.255');
    packet.flags = PACKET_BROADCAST;
    packet.protocol = 17;
    packet.checksum = CHECKSUM_VERIFIED;
    host.receive(packet);
  };
  const type = (message: DhcpMessage | undefined): number =>
    message === undefined ? -1 : optionNumber(message, OPTION_TYPE);
  return { network, client, sent, leases, lost, reply, type };
}

function bound() {
  const w = world();
  expect(w.client.start()).toBe(0);
  w.reply(DHCP_OFFER, w.sent[0]!);
  w.reply(DHCP_ACK, w.sent[1]!);
  return w;
}

describe('DHCP client', () => {
  it('discovers, requests what was offered, and reports the lease', () => {
    const w = bound();
    expect(w.sent.map(w.type)).toEqual([DHCP_DISCOVER, DHCP_REQUEST]);
    expect(optionAddress(w.sent[1]!, 50)?.toString()).toBe('10.0.0.42');
    expect(w.leases[0]).toMatchObject({ prefixLength: 24, mtu: -1, domain: '' });
    expect(w.leases[0]?.dns.map(String)).toEqual(['9.9.9.9', '8.8.8.8']);
    expect(w.client.state).toBe('bound');
  });

  it('repeats its discover with growing intervals', () => {
    const w = world();
    w.client.start();
    w.network.run(120_000_000);
    expect(w.sent.length).toBeGreaterThanOrEqual(5);
    expect(w.sent.length).toBeLessThanOrEqual(7);
  });

  it('renews at half of the lease with the server that gave it', () => {
    const w = bound();
    w.network.run(1_801_000_000);
    expect(w.client.state).toBe('renewing');
    const renewal = w.sent.at(-1)!;
    expect([w.type(renewal), renewal.clientAddress.toString()]).toEqual([DHCP_REQUEST, '10.0.0.42']);
    w.reply(DHCP_ACK, renewal);
    expect(w.client.state).toBe('bound');
    expect(w.leases.length).toBe(2);
  });

  it('rebinds with anybody, then loses the lease and begins again', () => {
    const w = bound();
    w.network.run(3_200_000_000);
    expect(w.client.state).toBe('rebinding');
    w.network.run(500_000_000);
    expect(w.lost.length).toBe(1);
    expect(w.client.state).toBe('selecting');
  });

  it('begins again when refused', () => {
    const w = world();
    w.client.start();
    w.reply(DHCP_OFFER, w.sent[0]!);
    w.reply(DHCP_NAK, w.sent[1]!);
    expect(w.client.state).toBe('selecting');
    expect(w.sent.map(w.type)).toEqual([DHCP_DISCOVER, DHCP_REQUEST, DHCP_DISCOVER]);
  });

  it('ignores answers to other transactions', () => {
    const w = world();
    w.client.start();
    w.reply(DHCP_OFFER, { ...w.sent[0]!, transaction: 77 });
    expect(w.client.state).toBe('selecting');
  });

  it('releases its lease when stopped', () => {
    const w = bound();
    w.client.stop();
    expect(w.type(w.sent.at(-1))).toBe(DHCP_RELEASE);
  });
});

describe('classless routes', () => {
  it('are read as RFC 3442 writes them', () => {
    const options = new Map([[121, Uint8Array.of(8, 10, 1, 2, 3, 4, 0, 1, 2, 3, 9)]]);
    const message = { options } as unknown as DhcpMessage;
    expect(classlessRoutes(message)?.map((r) => `${r.destination}/${r.prefixLength} ${r.gateway}`)).toEqual([
      '10.0.0.0/8 1.2.3.4',
      '0.0.0.0/0 1.2.3.9',
    ]);
    expect(
      classlessRoutes({ options: new Map([[121, Uint8Array.of(33, 1)]]) } as unknown as DhcpMessage),
    ).toBeNull();
    expect(ANY_V4.isUnspecified).toBe(true);
  });
});
