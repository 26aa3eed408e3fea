import { describe, expect, it } from 'vitest';
import { TcpInfo } from '../../../../src/transport/tcp/info.js';
import { CA_LOSS, CA_OPEN, CA_RECOVERY } from '../../../../src/transport/tcp/state.js';
import { established } from '../../../support/packet-script.js';
import { settingsWith } from '../../../support/tcp-pair.js';

/** Ten segments of 1000 bytes in flight, the handshake's round trip being 10 ms. */
function tenInFlight(options: { sackOk?: boolean; timestamps?: boolean } = {}, config = {}) {
  const script = established(
    { sackOk: options.sackOk ?? true, ...options },
    config,
    settingsWith({ noDelay: true }),
  );
  script.write(10_000);
  for (let i = 0; i < 10; i++) script.expect({ seq: 1 + i * 1000, length: 1000 });
  return script.quiet().after(10);
}

describe('initial window', () => {
  it('sends ten segments before the first acknowledgement (RFC 6928)', () => {
    const script = established();
    script.write(20_000);
    expect(script.sent.length).toBe(10);
  });

  it('doubles the window in slow start', () => {
    const script = established();
    script.write(20_000);
    script.sent.length = 0;
    script.after(10).inject({ flags: '.', seq: 1, ack: 10_001 });
    expect(script.sent.reduce((sum, s) => sum + s.length!, 0)).toBe(10_000);
    expect(script.endpoint.tcb?.cwnd).toBe(20_000);
  });
});

describe('fast retransmit with SACK and RACK', () => {
  it('retransmits the hole once three segments above it are SACKed', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 2001]] }).quiet();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 3001]] }).quiet();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] });
    script.expect({ flags: 'P.', seq: 1, length: 1000 }).quiet();
    expect(script.endpoint.tcb?.caState).toBe(CA_RECOVERY);
  });

  it('reduces the window to seven tenths and leaves recovery when all is acknowledged', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] });
    script.expect({ seq: 1 });
    script.after(10).inject({ flags: '.', seq: 1, ack: 10_001 });
    expect(script.endpoint.tcb?.caState).toBe(CA_OPEN);
    expect(script.endpoint.tcb?.ssthresh).toBe(7000);
    expect(script.endpoint.tcb?.cwnd).toBeLessThanOrEqual(8000);
  });

  it('repairs two holes of one window without a timeout', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] });
    script.inject({
      flags: '.',
      seq: 1,
      ack: 1,
      sack: [
        [5001, 10_001],
        [1001, 4001],
      ],
    });
    expect(script.sent.map((s) => s.seq)).toEqual([1, 4001]);
  });

  it('retransmits a retransmission that was lost again', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] }).expect({ seq: 1 });
    script.write(2000);
    for (const end of [5001, 6001, 7001, 8001, 9001, 10_001]) {
      script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, end]] });
    }
    const fresh = script.sent.map((s) => s.seq);
    expect(fresh).toEqual([10_001, 11_001]);
    script.sent.length = 0;
    script.after(20).inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 12_001]] });
    script.untilSent(30).expect({ seq: 1, length: 1000 });
  });

  it('takes the reduction back when D-SACK shows that nothing was lost (RFC 3708)', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] }).expect({ seq: 1 });
    script.after(1).inject({ flags: '.', seq: 1, ack: 4001 });
    script.inject({ flags: '.', seq: 1, ack: 10_001, sack: [[1, 1001]] });
    expect(script.endpoint.tcb?.cwnd).toBeGreaterThanOrEqual(10_000);
    expect(script.endpoint.tcb?.dsackDups).toBe(1);
  });

  it('takes it back when a timestamp shows that the original was only late (Eifel, RFC 3522)', () => {
    const script = established({ timestamps: true }, {}, settingsWith({ noDelay: true }));
    script.write(9880);
    const original = script.sent[0]!.ts!;
    script.sent.length = 0;
    script.after(10).inject({ flags: '.', seq: 1, ack: 1, sack: [[989, 3953]] });
    script.expect({ seq: 1, length: 988 });
    script.after(2).inject({ flags: '.', seq: 1, ack: 3953, echo: original });
    expect(script.endpoint.tcb?.caState).toBe(CA_OPEN);
    expect(script.endpoint.tcb?.cwnd).toBeGreaterThanOrEqual(9880);
  });

  it('ignores SACK blocks for what was never sent, and reneging garbage', () => {
    const script = tenInFlight();
    script
      .inject({
        flags: '.',
        seq: 1,
        ack: 1,
        sack: [
          [50_001, 60_001],
          [9001, 5001],
        ],
      })
      .quiet();
    expect(script.endpoint.tcb?.sackedBytes).toBe(0);
  });

  it('decides by RFC 6675 when RACK is off', () => {
    const script = tenInFlight({}, { rack: false, tailLossProbe: false });
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 3001]] }).quiet();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] }).expect({ seq: 1, length: 1000 });
  });
});

describe('NewReno, without SACK', () => {
  it('retransmits on the third duplicate acknowledgement', () => {
    const script = tenInFlight({ sackOk: false });
    script.inject({ flags: '.', seq: 1, ack: 1 }).inject({ flags: '.', seq: 1, ack: 1 }).quiet();
    script.inject({ flags: '.', seq: 1, ack: 1 }).expect({ seq: 1, length: 1000 });
  });

  it('retransmits the next hole on a partial acknowledgement (RFC 6582)', () => {
    const script = tenInFlight({ sackOk: false });
    for (let i = 0; i < 3; i++) script.inject({ flags: '.', seq: 1, ack: 1 });
    script.expect({ seq: 1 });
    script.inject({ flags: '.', seq: 1, ack: 3001 }).expect({ seq: 3001, length: 1000 });
  });

  it('does not count a window update as a duplicate', () => {
    const script = tenInFlight({ sackOk: false });
    for (let i = 1; i <= 4; i++) script.inject({ flags: '.', seq: 1, ack: 1, window: 65000 - i });
    script
      .inject({ flags: '.', seq: 1, ack: 1, window: 65100 })
      .inject({ flags: '.', seq: 1, ack: 1, window: 65200 });
    expect(script.endpoint.tcb?.caState).not.toBe(CA_RECOVERY);
  });
});

describe('retransmission timeout', () => {
  const quiet = { tailLossProbe: false };

  it('comes after 200 ms at the least, and doubles', () => {
    const script = established({}, quiet);
    script.write(500).expect({ seq: 1, length: 500 });
    const start = script.network.time;
    script.untilSent(1000).expect({ seq: 1, length: 500 });
    const first = script.network.time;
    script.untilSent(1000).expect({ seq: 1, length: 500 });
    const second = script.network.time;
    expect(Math.round((first - start) / 10_000)).toBe(21);
    expect(Math.round((second - first) / 10_000)).toBe(42);
  });

  it('shrinks the window to one segment and sends on in slow start', () => {
    const script = tenInFlight({}, { ...quiet, frto: false });
    script.untilSent(1000).expect({ seq: 1, length: 1000 });
    expect(script.endpoint.tcb?.caState).toBe(CA_LOSS);
    expect(script.endpoint.tcb?.cwnd).toBe(1000);
    script.sent.length = 0;
    script.after(10).inject({ flags: '.', seq: 1, ack: 1001 });
    expect(script.sent.map((s) => s.seq)).toEqual([1001, 2001]);
  });

  it('ends the connection with ETIMEDOUT after tcp_retries2', () => {
    const script = established({}, { ...quiet, retries2: 4 });
    script.write(100);
    script.after(60_000);
    expect(script.endpoint.takeError()).toBe(110);
  });

  it('ends it after TCP_USER_TIMEOUT', () => {
    const script = established({}, quiet, settingsWith({ userTimeout: 1500 }));
    script.write(100);
    script.after(5000);
    expect(script.endpoint.takeError()).toBe(110);
  });

  it('sends new data first and finds a spurious timeout by F-RTO (RFC 5682)', () => {
    const script = established({}, quiet);
    script.write(14_000);
    script.sent.length = 0;
    script.after(10).untilSent(1000).expect({ seq: 1, length: 1000 });
    script.inject({ flags: '.', seq: 1, ack: 2001 });
    expect(script.sent[0]?.seq).toBe(10_001);
    script.inject({ flags: '.', seq: 1, ack: 4001 });
    expect(script.endpoint.tcb?.caState).toBe(CA_OPEN);
    expect(script.endpoint.tcb?.cwnd).toBeGreaterThanOrEqual(10_000);
  });

  it('never samples a round trip from a retransmission (Karn)', () => {
    const script = established({}, quiet);
    const before = script.endpoint.tcb?.rtt.smoothed;
    script.write(100).expect({ seq: 1 }).untilSent(1000).expect({ seq: 1 });
    script.after(5).inject({ flags: '.', seq: 1, ack: 101 });
    expect(script.endpoint.tcb?.rtt.smoothed).toBe(before);
  });
});

describe('tail loss probe (RFC 8985)', () => {
  it('repeats the last segment after two round trips, before the timeout', () => {
    const script = tenInFlight();
    const start = script.network.time;
    script.untilSent(1000).expect({ seq: 9001, length: 1000 });
    expect(script.network.time - start).toBeLessThan(60_000);
    expect(script.tcp.counters.lossProbes).toBe(1);
    expect(script.tcp.counters.timeouts).toBe(0);
  });

  it('brings on fast recovery instead of a timeout when the tail was lost', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 7001 });
    script.untilSent(1000).expect({ seq: 9001 });
    script.after(10).inject({ flags: '.', seq: 1, ack: 7001, sack: [[9001, 10_001]] });
    script.untilSent(50).expect({ seq: 7001 });
    expect(script.tcp.counters.timeouts).toBe(0);
  });

  it('reduces the window once if the probe itself repaired the loss', () => {
    const script = tenInFlight({}, { dsack: true });
    script.inject({ flags: '.', seq: 1, ack: 9001 });
    script.untilSent(1000).expect({ seq: 9001 });
    script.write(1000).expect({ seq: 10_001 });
    script.after(10).inject({ flags: '.', seq: 1, ack: 11_001 });
    expect(script.tcp.counters.lossProbeRecoveries).toBe(1);
  });
});

describe('TCP_INFO', () => {
  it('reports segments in flight, SACKed, lost and retransmitted', () => {
    const script = tenInFlight();
    script.inject({ flags: '.', seq: 1, ack: 1, sack: [[1001, 4001]] });
    const info = new TcpInfo();
    script.endpoint.info(info);
    expect(info).toMatchObject({
      state: 1,
      caState: 3,
      unacked: 10,
      sacked: 3,
      retrans: 1,
      lost: 0,
      sndMss: 1000,
      totalRetrans: 1,
      bytesSent: 11_000,
      bytesRetrans: 1000,
      dataSegsOut: 11,
      pmtu: 1500,
    });
    expect(info.rtt).toBeGreaterThan(9000);
    expect(info.rto).toBeGreaterThan(200_000);
  });
});
