import { describe, expect, it } from 'vitest';
import { READY_ERROR, READY_HANGUP, READY_READ, READY_READ_HANGUP } from '../../../../src/roles.js';
import {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
} from '../../../../src/transport/tcp/state.js';
import { SHUTDOWN_RECEIVE, SHUTDOWN_SEND } from '../../../../src/transport/tcp/tcb.js';
import { established, PEER, Script } from '../../../support/packet-script.js';
import { settingsWith } from '../../../support/tcp-pair.js';

const BOTH = SHUTDOWN_RECEIVE | SHUTDOWN_SEND;

describe('orderly release', () => {
  it('goes FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT for the side that closes first', () => {
    const script = established();
    script.endpoint.shutdown(SHUTDOWN_SEND);
    script.expect({ flags: 'F.', seq: 1 });
    expect(script.endpoint.state).toBe(TCP_FIN_WAIT1);
    script.inject({ flags: '.', seq: 1, ack: 2 });
    expect(script.endpoint.state).toBe(TCP_FIN_WAIT2);
    script.inject({ flags: 'F.', seq: 1, ack: 2 }).expect({ flags: '.', seq: 2, ack: 2 });
    expect(script.endpoint.state).toBe(TCP_CLOSE);
    expect(script.tcp.timeWaitCount).toBe(1);
    script.after(61_000);
    expect(script.tcp.timeWaitCount).toBe(0);
    expect(script.tcp.flows.count).toBe(0);
  });

  it('goes CLOSE-WAIT, LAST-ACK for the other side', () => {
    const script = established();
    script.inject({ flags: 'F.', seq: 1, ack: 1 }).expect({ flags: '.', ack: 2 });
    expect(script.endpoint.state).toBe(TCP_CLOSE_WAIT);
    expect(script.endpoint.ready & (READY_READ | READY_READ_HANGUP)).toBe(READY_READ | READY_READ_HANGUP);
    script.read(0).write(5).expect({ length: 5 });
    script.inject({ flags: '.', seq: 2, ack: 6 });
    script.endpoint.close();
    script.expect({ flags: 'F.', seq: 6 });
    script.inject({ flags: '.', seq: 2, ack: 7 });
    expect(script.tcp.flows.count).toBe(0);
  });

  it('passes through CLOSING when both close at once', () => {
    const script = established();
    script.endpoint.shutdown(SHUTDOWN_SEND);
    script.expect({ flags: 'F.' });
    script.inject({ flags: 'F.', seq: 1, ack: 1 }).expect({ flags: '.', ack: 2 });
    expect(script.endpoint.state).toBe(TCP_CLOSING);
    script.inject({ flags: '.', seq: 2, ack: 2 });
    expect(script.tcp.timeWaitCount).toBe(1);
  });

  it('reads the end, not the error, once the FIN was taken', () => {
    const script = established();
    script.inject({ flags: 'F.', seq: 1, ack: 1 }).inject({ flags: 'R', seq: 2 });
    expect(script.endpoint.state).toBe(TCP_CLOSE);
    expect(script.endpoint.read(new Uint8Array(1), 0, 1)).toBe(0);
    expect(script.endpoint.takeError()).toBe(32);
  });

  it('still receives after its own half is closed', () => {
    const script = established();
    script.endpoint.shutdown(SHUTDOWN_SEND);
    script.inject({ flags: 'P.', seq: 1, ack: 2, length: 7 }).read(7);
    expect(script.endpoint.write(new Uint8Array(1), 0, 1)).toBe(-32);
  });

  it('sends what was written before the FIN, and repeats both if they are lost', () => {
    const script = established({}, { tailLossProbe: false });
    script.write(1500).write(300).expect({ length: 1000 }).expect({ length: 500 }).quiet();
    script.endpoint.close();
    script.expect({ flags: 'FP.', seq: 1501, length: 300 });
    script.inject({ flags: '.', seq: 1, ack: 1501 });
    script.untilSent(1000).expect({ flags: 'FP.', seq: 1501, length: 300 });
    script.inject({ flags: '.', seq: 1, ack: 1802 });
    script.inject({ flags: 'F.', seq: 1, ack: 1802 }).expect({ ack: 2 });
  });

  it('takes a FIN that came before the data in front of it', () => {
    const script = established();
    script.inject({ flags: 'F.', seq: 101, ack: 1, length: 100 });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
    script.inject({ flags: '.', seq: 1, ack: 1, length: 100 });
    expect(script.endpoint.state).toBe(TCP_CLOSE_WAIT);
    script.read(200).read(0);
  });

  it('gives an orphan in FIN-WAIT-2 up after tcp_fin_timeout', () => {
    const script = established();
    script.endpoint.close();
    script.inject({ flags: '.', seq: 1, ack: 2 });
    expect(script.tcp.flows.count).toBe(1);
    script.after(61_000);
    expect(script.tcp.flows.count).toBe(0);
  });

  it('reports hang-up only when both halves are shut', () => {
    const script = established();
    script.endpoint.shutdown(BOTH);
    expect(script.endpoint.ready & READY_HANGUP).toBe(READY_HANGUP);
  });
});

describe('abort', () => {
  it('resets on close with unread data (RFC 2525, 2.17)', () => {
    const script = established();
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 5 });
    script.sent.length = 0;
    script.endpoint.close();
    script.expect({ flags: 'R.', seq: 1 });
    expect(script.tcp.flows.count).toBe(0);
  });

  it('resets on close with a linger time of zero', () => {
    const script = established({}, {}, settingsWith({ linger: 0 }));
    script.endpoint.close();
    script.expect({ flags: 'R.' });
  });

  it('lingers until the last acknowledgement', () => {
    const script = established({}, {}, settingsWith({ linger: 5_000_000 })).write(10);
    const told: boolean[] = [];
    script.endpoint.setOwner({ endpointReady: () => told.push(script.endpoint.lingering) }, 0);
    expect(script.endpoint.close()).toBe(-11);
    script.expect({ flags: 'P.', length: 10 }).expect({ flags: 'F.', seq: 11 });
    script.inject({ flags: '.', seq: 1, ack: 11 });
    expect(script.endpoint.lingering).toBe(true);
    script.inject({ flags: '.', seq: 1, ack: 12 });
    expect(told.at(-1)).toBe(false);
  });

  it('lingers no longer than it was told to, and then goes on alone', () => {
    const script = established({}, {}, settingsWith({ linger: 500_000 })).write(10);
    const told: boolean[] = [];
    script.endpoint.setOwner({ endpointReady: () => told.push(script.endpoint.lingering) }, 0);
    expect(script.endpoint.close()).toBe(-11);
    script.after(499);
    expect(script.endpoint.lingering).toBe(true);
    script.after(2);
    expect(told.at(-1)).toBe(false);
    script.inject({ flags: '.', seq: 1, ack: 12 }).inject({ flags: 'F.', seq: 1, ack: 12 });
    expect(script.tcp.flows.count).toBe(1);
  });

  it('has nothing to linger for once all is acknowledged', () => {
    const script = established({}, {}, settingsWith({ linger: 500_000 }));
    script.endpoint.shutdown(SHUTDOWN_SEND);
    script.inject({ flags: '.', seq: 1, ack: 2 });
    expect(script.endpoint.close()).toBe(0);
  });

  it('resets when data arrives for a program that is gone', () => {
    const script = established();
    script.endpoint.close();
    script.expect({ flags: 'F.' });
    script.inject({ flags: 'P.', seq: 1, ack: 2, length: 5 }).expect({ flags: 'R' });
    expect(script.tcp.flows.count).toBe(0);
  });

  it('is ECONNRESET for a reset with the exact number, after the data that came before', () => {
    const script = established();
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 5 }).inject({ flags: 'R', seq: 6 });
    expect(script.endpoint.ready & READY_ERROR).toBe(READY_ERROR);
    script.read(5);
    expect(script.endpoint.read(new Uint8Array(1), 0, 1)).toBe(-104);
    script.read(0);
  });
});

describe('blind attacks (RFC 5961)', () => {
  it('challenges a reset that is in the window but not exact', () => {
    const script = established();
    script.inject({ flags: 'R', seq: 500 }).expect({ flags: '.', seq: 1, ack: 1 });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('ignores a reset outside the window', () => {
    const script = established();
    script.inject({ flags: 'R', seq: 200_000 }).quiet();
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('challenges a SYN in the window', () => {
    const script = established();
    script.inject({ flags: 'S', seq: 500 }).expect({ flags: '.', seq: 1, ack: 1 });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('drops data whose acknowledgement is out of any window', () => {
    const script = established();
    script.inject({ flags: 'P.', seq: 1, ack: 900_000, length: 5 });
    expect(script.endpoint.readable).toBe(0);
  });

  it('answers a storm of challenges with a trickle', () => {
    const script = established();
    for (let i = 0; i < 1000; i++) script.inject({ flags: 'R', seq: 500 + i });
    expect(script.sent.length).toBe(1);
  });

  it('answers a storm of old acknowledgements with nothing', () => {
    const script = established();
    for (let i = 0; i < 1000; i++) script.inject({ flags: '.', seq: 1, ack: 1 });
    script.quiet();
  });
});

describe('PAWS (RFC 7323)', () => {
  it('rejects a segment with an older timestamp', () => {
    const script = new Script().connect();
    script.after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000, ts: 1000 });
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 5, ts: 2000 });
    script.inject({ flags: 'P.', seq: 6, ack: 1, length: 5, ts: 500 });
    expect(script.endpoint.readable).toBe(5);
    expect(script.tcp.counters.pawsRejected).toBe(1);
  });

  it('heeds a reset whatever its timestamp', () => {
    const script = new Script().connect();
    script.after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000, ts: 1000 });
    script.inject({ flags: 'R.', seq: 1, ack: 1, ts: 1 });
    expect(script.endpoint.state).toBe(TCP_CLOSE);
  });
});

describe('TIME-WAIT', () => {
  function inTimeWait(): Script {
    const script = new Script().listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000 }).inject({ flags: '.', seq: 1, ack: 1 }).accept();
    script.endpoint.close();
    script.inject({ flags: '.', seq: 1, ack: 2 }).inject({ flags: 'F.', seq: 1, ack: 2 });
    expect(script.tcp.timeWaitCount).toBe(1);
    script.sent.length = 0;
    return script;
  }

  it('answers a repeated FIN with the last acknowledgement', () => {
    inTimeWait().inject({ flags: 'F.', seq: 1, ack: 2 }).expect({ flags: '.', seq: 2, ack: 2 }).quiet();
  });

  it('lets a SYN with a higher number open a new connection', () => {
    const script = inTimeWait();
    const old = script.localIsn!;
    script.inject({ flags: 'S', seq: 100_000, mss: 1000 });
    script.expect({ flags: 'S.' });
    expect(script.localIsn! - old).toBeGreaterThan(65_535);
    expect(script.tcp.timeWaitCount).toBe(0);
  });

  it('refuses a SYN with an old number', () => {
    inTimeWait().inject({ flags: 'S', seq: 0, mss: 1000 }).expect({ flags: '.', ack: 2 });
  });

  it('survives a reset if tcp_rfc1337 is set', () => {
    const script = inTimeWait();
    script.inject({ flags: 'R', seq: 2 });
    expect(script.tcp.timeWaitCount).toBe(0);
  });
});

describe('keepalive', () => {
  const keep = settingsWith({ keepAlive: true, keepIdle: 10_000_000, keepInterval: 1_000_000, keepCount: 3 });

  it('probes an idle peer with an old sequence number and is content with an answer', () => {
    const script = established({}, {}, keep);
    for (let i = 0; i < 5; i++) {
      script.untilSent(20_000).expect({ flags: '.', seq: 0, length: 0 });
      script.inject({ flags: '.', seq: 1, ack: 1 });
    }
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('gives up with ETIMEDOUT and a reset after three probes', () => {
    const script = established({}, {}, keep);
    script.after(30_000);
    expect(script.sent.map((s) => s.flags)).toEqual(['.', '.', '.', 'R.']);
    expect(script.endpoint.takeError()).toBe(110);
  });
});

describe('reconnecting', () => {
  it('can be done on the same endpoint after a disconnect', () => {
    const script = established();
    script.endpoint.disconnect();
    script.expect({ flags: 'R.' });
    expect(script.endpoint.connect(PEER, 4001)).toBe(-115);
    script.expect({ flags: 'S' });
    expect(TCP_LAST_ACK).toBe(9);
  });
});
