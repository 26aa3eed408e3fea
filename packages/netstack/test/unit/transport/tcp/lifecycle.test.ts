import { describe, expect, it } from 'vitest';
import { READY_ERROR, READY_READ, READY_WRITE } from '../../../../src/roles.js';
import { TcpEndpoint } from '../../../../src/transport/tcp/endpoint.js';
import { CA_OPEN } from '../../../../src/transport/tcp/state.js';
import { established } from '../../../support/packet-script.js';
import { connectPair, makePair, transfer } from '../../../support/tcp-pair.js';

describe('bookkeeping', () => {
  it('counts established connections and orphans, and forgets them', () => {
    const pair = connectPair(makePair({ delay: 1000 }));
    expect(pair.client.counters.established).toBe(1);
    pair.a.close();
    expect(pair.client.orphanCount).toBe(1);
    pair.b.close();
    pair.network.run(120_000_000);
    expect([pair.client.counters.established, pair.client.orphanCount, pair.client.flows.count]).toEqual([
      0, 0, 0,
    ]);
    expect([pair.server.counters.established, pair.server.orphanCount, pair.server.flows.count]).toEqual([
      0, 0, 0,
    ]);
  });

  it('frees the port of a closed connection', () => {
    const pair = connectPair(makePair({ delay: 1000 }));
    const port = pair.a.localPort;
    expect(pair.client.ports.isUsed(port)).toBe(true);
    transfer(pair, 1000);
    pair.b.close();
    pair.a.close();
    pair.network.run(120_000_000);
    expect(pair.client.ports.isUsed(port)).toBe(false);
  });

  it('tells an owner of readiness after the segment is dealt with, so that it may call back in', () => {
    const pair = connectPair(makePair({ delay: 1000 }));
    const events: number[] = [];
    const into = new Uint8Array(100);
    pair.b.setOwner(
      {
        endpointReady: (token, bits) => {
          expect(token).toBe(7);
          events.push(bits);
          const n = pair.b.read(into, 0, 100);
          if (n > 0) pair.b.write(into, 0, n);
          if (n === 0) pair.b.close();
        },
      },
      7,
    );
    pair.a.write(Uint8Array.of(1, 2, 3), 0, 3);
    pair.network.run(10_000);
    expect(pair.a.read(into, 0, 100)).toBe(3);
    pair.a.shutdown(2);
    pair.network.run(10_000);
    expect(events[0]! & READY_READ).toBe(READY_READ);
    expect(pair.server.flows.count).toBe(0);
  });

  it('measures how long a timeout took to be repaired', () => {
    const script = established({}, { tailLossProbe: false });
    script.write(1000).expect({ seq: 1 });
    script.untilSent(1000).expect({ seq: 1 });
    script.after(10).inject({ flags: '.', seq: 1, ack: 1001 });
    script.write(1000).after(10).inject({ flags: '.', seq: 1, ack: 2001 });
    expect(script.endpoint.tcb?.caState).toBe(CA_OPEN);
    expect(script.endpoint.tcb?.timeoutRecoveries).toBe(1);
    expect(script.endpoint.tcb?.timeoutTime).toBeGreaterThan(5000);
  });

  it('reads nothing and writes nothing before it is connected', () => {
    const { client } = makePair();
    const endpoint = new TcpEndpoint(client);
    const bytes = new Uint8Array(1);
    expect([endpoint.read(bytes, 0, 1), endpoint.write(bytes, 0, 1), endpoint.shutdown(1)]).toEqual([
      -107, -107, -107,
    ]);
    expect(endpoint.ready & (READY_ERROR | READY_WRITE)).toBe(READY_WRITE);
  });
});
