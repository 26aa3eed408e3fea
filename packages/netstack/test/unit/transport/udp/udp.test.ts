import { describe, expect, it } from 'vitest';
import { Address } from '../../../../src/address.js';
import { READY_ERROR, READY_READ, READY_WRITE } from '../../../../src/roles.js';
import { GSO_UDP } from '../../../../src/storage/packet-buffer.js';
import { UDP_PEEK, UdpEndpoint } from '../../../../src/transport/udp/endpoint.js';
import { UdpMessage } from '../../../../src/transport/udp/message.js';
import { UdpSettings } from '../../../../src/transport/udp/settings.js';
import { Udp } from '../../../../src/transport/udp/udp.js';
import { TestNetwork } from '../../../support/network.js';

function world(faults = {}) {
  const network = new TestNetwork(1, faults);
  const hosts = [network.host('10.0.0.1'), network.host('10.0.0.2')] as const;
  const [client, server] = [new Udp(hosts[0]), new Udp(hosts[1])];
  hosts[0].attach(client);
  hosts[1].attach(server);
  return { network, client, server, hosts };
}

const settingsWith = (changes: Partial<UdpSettings>): UdpSettings =>
  Object.assign(new UdpSettings(), changes);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('datagrams', () => {
  it('arrive with their source, boundaries kept', () => {
    const { network, client, server, hosts } = world();
    const b = new UdpEndpoint(server);
    b.bind(null, 53);
    const a = new UdpEndpoint(client);
    expect(a.send(bytes(1, 2, 3), 0, 3, hosts[1].address, 53)).toBe(3);
    expect(a.send(bytes(), 0, 0, hosts[1].address, 53)).toBe(0);
    network.run(1000);
    expect(b.ready).toBe(READY_READ | READY_WRITE);
    const message = new UdpMessage();
    const into = new Uint8Array(9);
    expect(b.receive(into, 0, 9, UDP_PEEK, message)).toBe(3);
    expect(b.receive(into, 0, 2, 0, message)).toBe(2);
    expect([message.length, message.sourcePort, message.source?.toString()]).toEqual([
      3,
      a.localPort,
      '10.0.0.1',
    ]);
    expect(b.receive(into, 0, 9)).toBe(0);
    expect(b.receive(into, 0, 9)).toBe(-11);
  });

  it('without a destination are refused', () => {
    const a = new UdpEndpoint(world().client);
    expect(a.send(bytes(1), 0, 1)).toBe(-89);
  });

  it('larger than UDP allows are EMSGSIZE', () => {
    const { client, hosts } = world();
    expect(new UdpEndpoint(client).send(new Uint8Array(65508), 0, 65508, hosts[1].address, 1)).toBe(-90);
  });

  it('for nobody are answered by a port unreachable', () => {
    const { network, client, hosts } = world();
    new UdpEndpoint(client).send(bytes(1), 0, 1, hosts[1].address, 9);
    network.run(1000);
    expect(hosts[1].refused).toEqual([0]);
  });

  it('with a wrong checksum are dropped', () => {
    const { network, client, server, hosts } = world({ corrupt: 1 });
    const b = new UdpEndpoint(server);
    b.bind(null, 53);
    const a = new UdpEndpoint(client);
    for (let i = 0; i < 50; i++) a.send(bytes(1, 2, 3), 0, 3, hosts[1].address, 53);
    network.run(1000);
    expect(b.queued).toBe(0);
  });

  it('wait within the receive buffer only', () => {
    const { network, client, server, hosts } = world();
    const b = new UdpEndpoint(server, false, settingsWith({ receiveBuffer: 5000 }));
    b.bind(null, 53);
    const a = new UdpEndpoint(client);
    for (let i = 0; i < 100; i++) a.send(new Uint8Array(100), 0, 100, hosts[1].address, 53);
    network.run(1000);
    expect(b.queued).toBe(14);
    expect(b.dropped).toBe(86);
  });

  it('are joined by corking', () => {
    const { network, client, server, hosts } = world();
    const b = new UdpEndpoint(server);
    b.bind(null, 53);
    const a = new UdpEndpoint(client);
    a.connect(hosts[1].address, 53);
    a.send(bytes(1), 0, 1, null, 0, true);
    a.send(bytes(2), 0, 1);
    network.run(1000);
    expect(b.nextLength).toBe(2);
  });
});

describe('connected sockets', () => {
  it('hear their peer only, and before any wildcard socket', () => {
    const { network, client, server, hosts } = world();
    const wildcard = new UdpEndpoint(server, false, settingsWith({ reusePort: true }));
    wildcard.bind(null, 53);
    const a = new UdpEndpoint(client);
    a.bind(null, 1000);
    const b = new UdpEndpoint(server, false, settingsWith({ reusePort: true }));
    b.bind(null, 53);
    b.connect(hosts[0].address, 1000);
    a.send(bytes(1), 0, 1, hosts[1].address, 53);
    new UdpEndpoint(client).send(bytes(2), 0, 1, hosts[1].address, 53);
    network.run(1000);
    expect([b.queued, wildcard.queued]).toEqual([1, 1]);
  });

  it('report an ICMP error once', () => {
    const { client, hosts } = world();
    const a = new UdpEndpoint(client, false, settingsWith({ receiveErrors: true }));
    a.connect(hosts[1].address, 53);
    const packet = hosts[0].pool.allocate(12);
    packet.append(12);
    packet.view.setUint16(packet.start, a.localPort);
    packet.view.setUint16(packet.start + 2, 53);
    packet.source = hosts[0].address;
    packet.destination = hosts[1].address;
    const error = { errno: 111, fatal: true, type: 3, code: 3, mtu: 0, origin: 2, interfaceIndex: 1 };
    client.icmpError(packet, { ...error, offender: hosts[1].address });
    packet.release();
    expect(a.ready & READY_ERROR).toBe(READY_ERROR);
    expect(a.receive(new Uint8Array(1), 0, 1)).toBe(-111);
    expect(a.receive(new Uint8Array(1), 0, 1)).toBe(-11);
    expect(a.takeQueuedError()).toMatchObject({ errno: 111, origin: 2, destinationPort: 53 });
    expect(a.takeQueuedError()).toBeNull();
  });
});

describe('SO_REUSEPORT', () => {
  it('balances peers over the group, each always to the same socket', () => {
    const { network, client, server, hosts } = world();
    const group = [0, 1, 2].map(() => {
      const endpoint = new UdpEndpoint(server, false, settingsWith({ reusePort: true }));
      endpoint.bind(null, 53);
      return endpoint;
    });
    for (let i = 0; i < 60; i++) {
      const a = new UdpEndpoint(client);
      for (let k = 0; k < 3; k++) a.send(bytes(i), 0, 1, hosts[1].address, 53);
    }
    network.run(1000);
    const counts = group.map((g) => g.queued);
    expect(counts.reduce((x, y) => x + y)).toBe(180);
    expect(counts.every((c) => c > 10 && c % 3 === 0)).toBe(true);
  });
});

describe('trains', () => {
  it('leave as one packet and arrive as datagrams, or whole with UDP_GRO', () => {
    const { network, client, server, hosts } = world();
    const plain = new UdpEndpoint(server);
    plain.bind(null, 53);
    const train = new UdpEndpoint(server, false, settingsWith({ receiveTrains: true }));
    train.bind(null, 54);
    const a = new UdpEndpoint(client, false, settingsWith({ segmentSize: 100 }));
    let packets = 0;
    network.onSend = (p) => {
      packets++;
      expect([p.gsoSize, p.gsoType]).toEqual([100, GSO_UDP]);
      return false;
    };
    a.send(new Uint8Array(250), 0, 250, hosts[1].address, 53);
    a.send(new Uint8Array(250), 0, 250, hosts[1].address, 54);
    network.run(1000);
    expect(packets).toBe(2);
    expect([plain.queued, plain.nextLength]).toEqual([3, 100]);
    const message = new UdpMessage();
    expect(train.receive(new Uint8Array(300), 0, 300, 0, message)).toBe(250);
    expect(message.segmentSize).toBe(100);
  });
});

describe('multicast', () => {
  it('reaches every member, and only members if they say so', () => {
    const { network, client, server, hosts } = world();
    const group = Address.of('239.1.2.3');
    const members = [0, 1].map(() => {
      const endpoint = new UdpEndpoint(
        server,
        false,
        settingsWith({ reuseAddress: true, multicastAll: false }),
      );
      endpoint.bind(null, 5000);
      return endpoint;
    });
    expect(members[0]!.memberships.join(group, 1)).toBe(0);
    expect(members[0]!.memberships.join(group, 1)).toBe(-98);
    expect(members[0]!.memberships.join(hosts[0].address, 1)).toBe(-22);
    network.onSend = (p) => {
      hosts[1].receive(p.copy());
      return true;
    };
    hosts[1].pool.packetsInUse;
    new UdpEndpoint(client).send(bytes(1), 0, 1, group, 5000);
    expect(members.map((m) => m.queued)).toEqual([1, 0]);
    members[0]!.memberships.block(group, 1, hosts[0].address);
    new UdpEndpoint(client).send(bytes(1), 0, 1, group, 5000);
    expect(members.map((m) => m.queued)).toEqual([1, 0]);
    members[0]!.close();
    expect(hosts[1].joined).toEqual([]);
  });
});

describe('forwarder', () => {
  it('turns an unknown flow into a socket whose first datagram waits', () => {
    const { network, client, server, hosts } = world();
    const made: UdpEndpoint[] = [];
    server.forwarder = { incomingUdp: (flow) => void made.push(flow.accept(null, 0)!) };
    const a = new UdpEndpoint(client);
    for (let i = 0; i < 3; i++) a.send(bytes(i), 0, 1, hosts[1].address, 7777);
    network.run(1000);
    expect(made.length).toBe(1);
    expect(made[0]!.queued).toBe(3);
    made[0]!.send(bytes(9), 0, 1);
    network.run(1000);
    expect(a.queued).toBe(1);
  });
});
