import { describe, expect, it } from 'vitest';
import { Address } from '../../../../src/address.js';
import { EMSGSIZE } from '../../../../src/errno.js';
import { type IcmpError, READY_WRITE } from '../../../../src/roles.js';
import { TcpEndpoint } from '../../../../src/transport/tcp/endpoint.js';
import type { ForwardedTcp, RefuseTcp } from '../../../../src/transport/tcp/forwarder.js';
import { TCP_ESTABLISHED } from '../../../../src/transport/tcp/state.js';
import { established, Script } from '../../../support/packet-script.js';
import { connectPair, makePair, settingsWith, transfer } from '../../../support/tcp-pair.js';

describe('forwarder', () => {
  function forwarding(decide: (flow: ForwardedTcp) => void): Script {
    const script = new Script();
    script.tcp.forwarder = { incomingTcp: decide };
    return script;
  }

  it('may accept: the handshake completes only then', () => {
    let pending: ForwardedTcp | null = null;
    const script = forwarding((flow) => {
      pending = flow;
    });
    script.inject({ flags: 'S', seq: 0, mss: 1000 }).inject({ flags: 'S', seq: 0, mss: 1000 }).quiet();
    expect(pending!.destinationPort).toBe(80);
    const endpoint = pending!.accept(null, 0)!;
    script.expect({ flags: 'S.', ack: 1 });
    expect(endpoint.ready & READY_WRITE).toBe(0);
    script.inject({ flags: '.', seq: 1, ack: 1 });
    expect(endpoint.state).toBe(TCP_ESTABLISHED);
    expect(endpoint.ready & READY_WRITE).toBe(READY_WRITE);
  });

  it('may refuse with a reset or an ICMP error, or drop', () => {
    const refuse = (how: RefuseTcp): Script =>
      forwarding((flow) => flow.refuse(how)).inject({ flags: 'S', seq: 0 });
    refuse('reset').expect({ flags: 'R.', ack: 1 }).quiet();
    expect(refuse('admin').quiet().host.refused).toEqual([2]);
    const dropped = forwarding((flow) => flow.drop()).inject({ flags: 'S', seq: 0 });
    expect(dropped.quiet().tcp.flows.count).toBe(0);
    expect(dropped.host.pool.packetsInUse).toBe(0);
  });

  it('decides once only', () => {
    const script = forwarding((flow) => {
      flow.drop();
      flow.refuse();
      expect(flow.accept(null, 0)).toBeNull();
    });
    script.inject({ flags: 'S', seq: 0 }).quiet();
  });

  it('bounds the flows that wait for a decision', () => {
    const script = forwarding(() => {});
    for (let port = 1; port < 3000; port++) {
      script.peerPort = port;
      script.inject({ flags: 'S', seq: 0 });
    }
    expect(script.tcp.forwardedPending).toBe(1024);
  });
});

describe('ICMP errors', () => {
  function quote(script: Script, seq: number, error: Partial<IcmpError>): void {
    const packet = script.host.pool.allocate(8);
    packet.append(8);
    packet.view.setUint16(packet.start, script.localPort);
    packet.view.setUint16(packet.start + 2, script.peerPort);
    packet.view.setInt32(packet.start + 4, (script.localIsn! + seq) | 0);
    packet.source = script.host.address;
    packet.destination = Address.of('192.0.2.1');
    const full: IcmpError = {
      errno: 113,
      fatal: false,
      type: 3,
      code: 1,
      mtu: 0,
      offender: packet.destination,
      origin: 2,
      interfaceIndex: 1,
      ...error,
    };
    script.tcp.icmpError(packet, full);
    packet.release();
  }

  it('end an attempt to connect if they are hard', () => {
    const script = new Script().connect();
    quote(script, 0, { errno: 111, fatal: true });
    expect(script.endpoint.takeError()).toBe(111);
  });

  it('never end an established connection (RFC 5461)', () => {
    const script = established();
    script.write(100);
    quote(script, 1, { errno: 111, fatal: true });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('are ignored if they quote a number that is not in flight (RFC 5927)', () => {
    const script = new Script().connect();
    quote(script, 5000, { errno: 111, fatal: true });
    expect(script.endpoint.takeError()).toBe(0);
  });

  it('shrink segments to the path MTU and resend what was too large', () => {
    const script = established({ mss: 1460 });
    script.write(4000);
    script.sent.length = 0;
    script.network.faults.mtu = 1000;
    quote(script, 1, { errno: EMSGSIZE, mtu: 1000 });
    expect(script.sent[0]).toMatchObject({ seq: 1, length: 960 });
    expect(script.endpoint.tcb?.mss).toBe(960);
  });
});

describe('Fast Open', () => {
  it('carries data on the SYN once the client has a cookie', () => {
    const base = makePair({ delay: 10_000 }, 1, { fastOpen: 3 });
    const listener = new TcpEndpoint(base.server, false, settingsWith({ fastOpenQueue: 16 }));
    listener.bind(null, 80);
    listener.listen(16);
    const first = new TcpEndpoint(base.client, false, settingsWith({ fastOpenConnect: true }));
    first.connect(base.serverHost.address, 80);
    base.network.run(1_000_000, () => listener.backlogLength > 0);
    expect(base.client.fastOpenCache.get(base.serverHost.address)?.length).toBe(8);
    listener.accept();
    const second = new TcpEndpoint(base.client, false, settingsWith({ fastOpenConnect: true }));
    const start = base.network.time;
    second.connect(base.serverHost.address, 80);
    second.write(new Uint8Array([1, 2, 3]), 0, 3);
    base.network.run(1_000_000, () => listener.backlogLength > 0);
    const child = listener.accept()!;
    const into = new Uint8Array(9);
    base.network.run(1_000_000, () => child.readable > 0);
    expect(child.read(into, 0, 9)).toBe(3);
    expect(base.network.time - start).toBeLessThan(15_000);
  });
});

describe('memory', () => {
  it('of an idle connection holds no buffers, and traffic in a steady state makes none', () => {
    const pair = connectPair(makePair({ delay: 100 }));
    expect(pair.a.tcb!.sendRing.capacity + pair.b.tcb!.receiveRing.capacity).toBe(0);
    const chunk = new Uint8Array(20_000);
    const into = new Uint8Array(65_536);
    const exchange = (): void => {
      for (let i = 0; i < 50; i++) {
        pair.a.write(chunk, 0, chunk.length);
        pair.network.run(5000);
        while (pair.b.read(into, 0, into.length) > 0) {}
      }
    };
    exchange();
    const made = () => [
      pair.client.rings.allocations,
      pair.server.rings.allocations,
      pair.client.queues.allocations,
      pair.clientHost.pool.blocksMade,
      pair.clientHost.pool.handlesMade,
      pair.serverHost.pool.blocksMade,
      pair.serverHost.pool.handlesMade,
    ];
    const before = made();
    exchange();
    expect(made()).toEqual(before);
  });
});

describe('options', () => {
  it('TCP_MAXSEG limits what is announced and what is sent', () => {
    const pair = connectPair(makePair({ delay: 100 }), settingsWith({ maxSegment: 500 }));
    expect(pair.b.tcb!.peerMss).toBe(500);
    transfer(pair, 10_000);
    expect(pair.a.tcb!.mss).toBeLessThanOrEqual(500);
  });

  it('SO_MAX_PACING_RATE spreads what is sent over time', () => {
    const pair = connectPair(makePair({ delay: 1000 }), settingsWith({ maxPacingRate: 100_000 }));
    const result = transfer(pair, 200_000);
    expect(result.complete).toBe(true);
    expect(result.time / 1e6).toBeGreaterThan(1.8);
    expect(result.time / 1e6).toBeLessThan(2.6);
  });

  it('TCP_CONGESTION is per socket and can change under way', () => {
    const pair = connectPair(makePair({ delay: 1000 }));
    pair.a.configure(settingsWith({ congestion: 'reno' }));
    expect(pair.a.tcb!.congestionControl.name).toBe('reno');
    expect(pair.b.tcb!.congestionControl.name).toBe('cubic');
    expect(transfer(pair, 100_000).complete).toBe(true);
  });
});

describe('ports', () => {
  it('are chosen anew for each connection, and the same destination never gets one twice', () => {
    const { network, client, serverHost } = makePair();
    expect(network.idle).toBe(true);
    const seen = new Set<number>();
    for (let i = 0; i < 500; i++) {
      const endpoint = new TcpEndpoint(client);
      endpoint.connect(serverHost.address, 80);
      expect(endpoint.localPort).toBeGreaterThanOrEqual(32768);
      seen.add(endpoint.localPort);
    }
    expect(seen.size).toBe(500);
  });

  it('follow the rules of SO_REUSEADDR and SO_REUSEPORT', () => {
    const { server } = makePair();
    const bind = (changes: object, address: string | null = null): number =>
      new TcpEndpoint(server, false, settingsWith(changes)).bind(
        address === null ? null : Address.of(address),
        80,
      );
    expect(bind({})).toBe(0);
    expect(bind({})).toBe(-98);
    expect(bind({ reuseAddress: true })).toBe(-98);
    expect(bind({}, '10.0.0.2')).toBe(-98);
    const other = makePair().server;
    const share = (changes: object): number =>
      new TcpEndpoint(other, false, settingsWith(changes)).bind(null, 80);
    expect([share({ reusePort: true }), share({ reusePort: true }), share({})]).toEqual([0, 0, -98]);
  });

  it('can be listened on by one socket only, unless both set SO_REUSEPORT', () => {
    const { server } = makePair();
    const make = (): TcpEndpoint => {
      const endpoint = new TcpEndpoint(server, false, settingsWith({ reuseAddress: true }));
      endpoint.bind(null, 80);
      return endpoint;
    };
    const [first, second] = [make(), make()];
    expect([first.listen(1), second.listen(1)]).toEqual([0, -98]);
  });

  it('spread connections over a SO_REUSEPORT group', () => {
    const pair = makePair({ delay: 10 });
    const group = [0, 1, 2, 3].map(() => {
      const endpoint = new TcpEndpoint(pair.server, false, settingsWith({ reusePort: true }));
      endpoint.bind(null, 80);
      endpoint.listen(128);
      return endpoint;
    });
    for (let i = 0; i < 100; i++) new TcpEndpoint(pair.client).connect(pair.serverHost.address, 80);
    pair.network.run(1_000_000);
    const counts = group.map((endpoint) => endpoint.backlogLength);
    expect(counts.reduce((a, b) => a + b)).toBe(100);
    expect(Math.min(...counts)).toBeGreaterThan(5);
  });
});

describe('backlog', () => {
  it('leaves the client waiting when it is full, and serves it when there is room', () => {
    const pair = makePair({ delay: 100 });
    const listener = new TcpEndpoint(pair.server);
    listener.bind(null, 80);
    listener.listen(1);
    const clients = [0, 1, 2, 3].map(() => {
      const endpoint = new TcpEndpoint(pair.client);
      endpoint.connect(pair.serverHost.address, 80);
      return endpoint;
    });
    pair.network.run(500_000);
    expect(listener.backlogLength).toBe(2);
    listener.accept();
    listener.accept();
    pair.network.run(20_000_000);
    expect(listener.backlogLength).toBe(2);
    expect(clients.every((c) => c.state === TCP_ESTABLISHED)).toBe(true);
  });

  it('resets what nobody accepted when the listener closes', () => {
    const pair = makePair({ delay: 100 });
    const listener = new TcpEndpoint(pair.server);
    listener.bind(null, 80);
    listener.listen(4);
    const client = new TcpEndpoint(pair.client);
    client.connect(pair.serverHost.address, 80);
    pair.network.run(100_000);
    listener.close();
    pair.network.run(100_000);
    expect(client.takeError()).toBe(104);
  });
});
