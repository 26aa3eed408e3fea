import { describe, expect, it } from 'vitest';
import { READY_ERROR, READY_HANGUP, READY_READ, READY_WRITE } from '../../../../src/roles.js';
import {
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from '../../../../src/transport/tcp/state.js';
import { established, Script } from '../../../support/packet-script.js';

describe('active open', () => {
  it('offers MSS, SACK, timestamps and a window scale on its SYN', () => {
    const script = new Script().connect();
    script.expect({ flags: 'S', seq: 0, length: 0, mss: 1460, sackOk: true, scale: 7 });
    expect(script.endpoint.state).toBe(TCP_SYN_SENT);
  });

  it('becomes writable once the SYN is acknowledged', () => {
    const script = established();
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
    expect(script.endpoint.ready).toBe(READY_WRITE);
  });

  it('repeats the SYN with doubling intervals and fails with ETIMEDOUT', () => {
    const script = new Script({ synRetries: 3 }).connect();
    const times: number[] = [];
    for (let i = 0; i < 4; i++) {
      script.untilSent(20_000);
      times.push(script.network.time);
      script.expect({ flags: 'S', seq: 0 });
    }
    const gaps = times.slice(1).map((t, i) => Math.round((t - times[i]!) / 1e6));
    expect(gaps).toEqual([1, 2, 4]);
    script.after(10_000).quiet();
    expect(script.endpoint.takeError()).toBe(110);
    expect(script.endpoint.state).toBe(TCP_CLOSE);
  });

  it('is refused by a reset that acknowledges the SYN', () => {
    const script = new Script().connect();
    script.inject({ flags: 'R.', seq: 0, ack: 1 });
    expect(script.endpoint.ready & (READY_ERROR | READY_HANGUP)).toBe(READY_ERROR | READY_HANGUP);
    expect(script.endpoint.takeError()).toBe(111);
  });

  it('ignores a reset that acknowledges something else', () => {
    const script = new Script().connect();
    script.inject({ flags: 'R.', seq: 0, ack: 2 }).inject({ flags: 'R', seq: 0 });
    expect(script.endpoint.state).toBe(TCP_SYN_SENT);
  });

  it('answers an acknowledgement of what it never sent with a reset', () => {
    const script = new Script().connect();
    script.sent.length = 0;
    script.inject({ flags: '.', seq: 0, ack: 77 });
    script.expect({ flags: 'R', seq: 77 }).quiet();
    expect(script.endpoint.state).toBe(TCP_SYN_SENT);
  });

  it('opens simultaneously with a peer that sends a SYN too', () => {
    const script = new Script().connect();
    script.sent.length = 0;
    script.inject({ flags: 'S', seq: 0, mss: 1000 });
    script.expect({ flags: 'S.', seq: 0, ack: 1 });
    expect(script.endpoint.state).toBe(TCP_SYN_RECV);
    script.inject({ flags: '.', seq: 1, ack: 1 });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('uses no window scale, timestamps or SACK that the peer did not offer', () => {
    const script = established({ sackOk: false });
    script.write(10).expect({ flags: 'P.', length: 10 });
    const last = script.write(1500);
    expect(last.sent[0]?.ts).toBeUndefined();
    expect(script.endpoint.tcb?.sackOk).toBe(false);
    expect(script.endpoint.tcb?.rcvWindowScale).toBe(0);
  });
});

describe('passive open', () => {
  it('answers a SYN and hands out the connection after the third segment', () => {
    const script = new Script().listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000, sackOk: true, scale: 3 });
    script.expect({ flags: 'S.', seq: 0, ack: 1, mss: 1460, sackOk: true }).quiet();
    expect(script.listener?.accept()).toBeNull();
    script.inject({ flags: '.', seq: 1, ack: 1 });
    expect(script.listener?.ready).toBe(READY_READ);
    script.accept();
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('takes data that comes with the third segment', () => {
    const script = new Script().listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000 });
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 5 });
    script.accept().read(5);
  });

  it('repeats the SYN-ACK and forgets the handshake in the end', () => {
    const script = new Script({ synAckRetries: 2 }).listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000 });
    script.expect({ flags: 'S.' });
    script.after(1100).expect({ flags: 'S.' }).after(2100).expect({ flags: 'S.' }).after(60_000).quiet();
    expect(script.tcp.flows.count).toBe(0);
  });

  it('answers a repeated SYN with the same SYN-ACK', () => {
    const script = new Script().listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000 });
    const first = script.sent.shift();
    script.inject({ flags: 'S', seq: 0, mss: 1000 });
    expect(script.sent.shift()?.raw.seq).toBe(first?.raw.seq);
  });

  it('refuses an acknowledgement out of nothing with a reset', () => {
    const script = new Script().listen();
    script.inject({ flags: '.', seq: 1, ack: 55 });
    script.expect({ flags: 'R', seq: 55 }).quiet();
  });

  it('resets a SYN for a port where nobody listens, acknowledging it', () => {
    const script = new Script();
    script.inject({ flags: 'S', seq: 0 });
    script.expect({ flags: 'R.', seq: 0, ack: 1 }).quiet();
  });

  it('never answers a reset', () => {
    new Script().inject({ flags: 'R', seq: 0 }).quiet();
  });

  it('holds the connection back until data comes with TCP_DEFER_ACCEPT', () => {
    const script = new Script();
    const settings = script.endpoint.settings.clone();
    settings.deferAccept = 3_000_000;
    script.endpoint.configure(settings);
    script.listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000 }).inject({ flags: '.', seq: 1, ack: 1 });
    expect(script.listener?.ready).toBe(0);
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 3 });
    script.accept().read(3);
  });
});

describe('SYN flood', () => {
  it('keeps a bounded number of handshakes and still serves a client by cookie', () => {
    const script = new Script({ maxSynBacklog: 16 }).listen(16);
    for (let port = 10_000; port < 12_000; port++) {
      script.peerPort = port;
      script.inject({ flags: 'S', seq: 0, mss: 1000 });
    }
    expect(script.tcp.flows.count).toBeLessThanOrEqual(16);
    expect(script.tcp.counters.synCookiesSent).toBeGreaterThan(1900);
    script.sent.length = 0;
    script.peerPort = 20_000;
    script.inject({ flags: 'S', seq: 0, mss: 1460, sackOk: true, scale: 5, ts: 9 });
    script.expect({ flags: 'S.', ack: 1, sackOk: true });
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 4, ts: 10 });
    script.accept().read(4);
    const tcb = script.endpoint.tcb;
    expect([tcb?.sndWindowScale, tcb?.sackOk, tcb?.peerMss]).toEqual([5, true, 1460]);
  });

  it('does not believe a cookie that it did not make', () => {
    const script = new Script({ synCookies: 2 }).listen();
    script.inject({ flags: 'S', seq: 0, mss: 1460 });
    script.sent.length = 0;
    script.inject({ flags: '.', seq: 1, ack: 12345 });
    expect(script.listener?.accept()).toBeNull();
    expect(script.sent[0]?.flags).toBe('R');
  });
});
