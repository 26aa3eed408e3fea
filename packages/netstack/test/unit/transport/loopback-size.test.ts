import { describe, expect, it } from 'vitest';
import { LOOPBACK_V4, Stack, Tcp, TcpEndpoint, Udp, UdpEndpoint } from '../../../src/index.js';

function pair() {
  let seed = 1;
  const stack = new Stack({ random: { next32: () => (seed = (seed * 48271) % 0x7fffffff) } });
  const tcp = new Tcp(stack.host);
  stack.register(tcp);
  const listener = new TcpEndpoint(tcp);
  listener.bind(null, 7);
  listener.listen(4);
  const client = new TcpEndpoint(tcp);
  client.connect(LOOPBACK_V4, 7);
  stack.poll(1000);
  return { stack, tcp, client, server: listener.accept() as TcpEndpoint };
}

describe('on loopback', () => {
  it('full segments fit the length field of IPv4, so that none is lost', () => {
    const { stack, tcp, client, server } = pair();
    const bytes = new Uint8Array(1 << 20);
    let got = 0;
    client.write(bytes, 0, bytes.length);
    const sent = client.unacknowledged;
    for (let time = 2000; time < 20_000; time += 100) {
      stack.poll(time);
      got += Math.max(server.read(bytes, 0, bytes.length), 0);
    }
    expect(got).toBe(sent);
    expect(tcp.counters.retransmittedSegments).toBe(0);
  });

  it('bytes committed after a held write push both out', () => {
    const { stack, client, server } = pair();
    client.write(new Uint8Array(1), 0, 1, 1);
    expect(client.reserve(1)).toBe(1);
    client.commit(1);
    stack.poll(3000);
    expect(server.readable).toBe(2);
  });

  it('shutting a socket without a peer is refused and done', () => {
    const stack = new Stack({ random: { next32: () => 1 } });
    const endpoint = new UdpEndpoint(new Udp(stack.host));
    expect(endpoint.shutdown(3)).toBeLessThan(0);
    expect(endpoint.send(new Uint8Array(1), 0, 1, LOOPBACK_V4, 9)).toBe(-32);
  });
});
