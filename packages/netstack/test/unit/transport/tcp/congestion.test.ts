// Packet scripts for what decides how much may be sent: CUBIC (RFC 9438), Proportional Rate Reduction (RFC 6937), BBR; and for
// tcp_tw_reuse (RFC 6191). The peer acknowledges by hand; sizes are whole segments of 1,000 bytes.
import { describe, expect, it } from 'vitest';
import { TcpEndpoint } from '../../../../src/transport/tcp/endpoint.js';
import { CA_OPEN, CA_RECOVERY } from '../../../../src/transport/tcp/state.js';
import { SHUTDOWN_SEND, type Tcb } from '../../../../src/transport/tcp/tcb.js';
import { established, PEER, Script } from '../../../support/packet-script.js';
import { settingsWith } from '../../../support/tcp-pair.js';

const MSS = 1000;
/** Enough that neither the peer's window nor our buffer limits. */
const WIDE = { scale: 10, window: 65535, sackOk: true };

function open(congestion: string, config = {}): { script: Script; tcb: Tcb } {
  const settings = settingsWith({ noDelay: true, congestion, sendBuffer: 1 << 24 });
  const script = established(WIDE, { ...config }, settings);
  return { script, tcb: script.endpoint.tcb as Tcb };
}

function fill(script: Script): void {
  script.endpoint.write(new Uint8Array(1 << 23), 0, 1 << 23);
}

/** Takes what was sent off the record; the end of the last segment. */
function taken(script: Script): { count: number; end: number } {
  const sent = script.sent.splice(0);
  const last = sent.at(-1);
  return { count: sent.length, end: last === undefined ? 0 : (last.seq as number) + (last.length as number) };
}

/** One round trip: everything that is out is acknowledged, segment by segment. */
function round(script: Script, milliseconds: number): number {
  const { count, end } = taken(script);
  script.after(milliseconds);
  for (let at = end - (count - 1) * MSS; at <= end; at += MSS)
    script.inject({ flags: '.', seq: 1, ack: at, window: 65535 });
  // Never short of data: a window that is not used does not grow.
  script.endpoint.write(new Uint8Array(count * MSS), 0, count * MSS);
  return count;
}

/** Slow start up to `segments`, then the first segment of the next flight is lost and repaired. */
function loseOne(script: Script, tcb: Tcb, segments: number, milliseconds: number): void {
  while (tcb.cwnd < segments * MSS) round(script, milliseconds);
  const { end, count } = taken(script);
  const first = end - count * MSS;
  script.after(milliseconds);
  for (let at = first + 2 * MSS; at <= end; at += MSS) {
    script.inject({ flags: '.', seq: 1, ack: first, window: 65535, sack: [[first + MSS, at]] });
  }
  script.after(milliseconds);
  const last = taken(script).end;
  script.inject({ flags: '.', seq: 1, ack: Math.max(end, last), window: 65535 });
}

describe('CUBIC (RFC 9438)', () => {
  /** The window in segments at each round trip of 100 ms, with its time since the loss. */
  function growth(rounds: number) {
    const { script, tcb } = open('cubic');
    fill(script);
    loseOne(script, tcb, 100, 100);
    const maximum = tcb.priorCwnd / MSS;
    const start = script.network.time;
    const curve: { time: number; window: number }[] = [];
    for (let i = 0; i < rounds; i++) {
      curve.push({ time: (script.network.time - start) / 1e6, window: tcb.cwnd / MSS });
      round(script, 100);
    }
    return { maximum, curve, tcb, script };
  }

  it('falls to seven tenths of the window, and comes back to it after K seconds', () => {
    const { maximum, curve, tcb } = growth(80);
    expect(tcb.ssthresh / MSS).toBeCloseTo(maximum * 0.7, 0);
    const k = Math.cbrt((maximum * 0.3) / 0.4);
    const there = curve.find(({ window }) => window >= maximum - 1);
    expect(there).toBeDefined();
    expect(Math.abs((there as { time: number }).time - k)).toBeLessThan(2);
  });

  it('follows W(t) = 0.4 (t − K)³ + W_max on both sides of the plateau', () => {
    const { maximum, curve } = growth(90);
    const k = Math.cbrt((maximum * 0.3) / 0.4);
    for (const { time, window } of curve) {
      // The window of a round trip ago was to reach the curve now; Reno's line is below it at this round trip time.
      const cubic = 0.4 * (time - k) ** 3 + maximum;
      if (time > 0.5) expect(Math.abs(window - cubic), `at ${time} s`).toBeLessThan(maximum * 0.12);
    }
    const early = (curve[10] as { window: number }).window - (curve[5] as { window: number }).window;
    const middle = curve.filter(({ time }) => Math.abs(time - k) < 0.5);
    expect(early).toBeGreaterThan((middle.at(-1)?.window ?? 0) - (middle[0]?.window ?? 0));
  });

  it('remembers less after a loss below the old maximum: fast convergence', () => {
    const { script, tcb, maximum } = growth(5);
    const before = tcb.cwnd / MSS;
    expect(before).toBeLessThan(maximum);
    loseOne(script, tcb, 1, 100);
    const remembered = (tcb.congestion as unknown as { maximum: number }).maximum;
    expect(remembered).toBeCloseTo((tcb.priorCwnd / MSS) * 0.85, 5);
  });

  it('is not slower than Reno where round trips are short', () => {
    const { script, tcb } = open('cubic');
    fill(script);
    loseOne(script, tcb, 40, 1);
    const start = tcb.cwnd / MSS;
    for (let i = 0; i < 100; i++) round(script, 1);
    // Reno with CUBIC's decrease gains 3 (1 − β) / (1 + β) = 0.53 segments a round trip.
    expect(tcb.cwnd / MSS - start).toBeGreaterThan(100 * 0.53 * 0.8);
  });

  it('leaves slow start when the round trip grows, before any loss (RFC 9406)', () => {
    const { script, tcb } = open('cubic');
    fill(script);
    for (let i = 0; i < 3; i++) round(script, 100);
    const window = tcb.cwnd;
    for (let i = 0; i < 3; i++) round(script, 125);
    // Conservative slow start: a quarter of the growth, so far from doubling.
    expect(tcb.cwnd).toBeLessThan(window * 4);
    for (let i = 0; i < 6; i++) round(script, 125);
    expect(tcb.ssthresh).toBeLessThan(0x7fffffff);
    expect(tcb.caState).toBe(CA_OPEN);
  });
});

describe('Proportional Rate Reduction (RFC 6937)', () => {
  /** Twenty segments out, the window full. */
  function twentyOut(congestion: string) {
    const { script, tcb } = open(congestion, { initialWindowSegments: 20 });
    fill(script);
    expect(taken(script).count).toBe(20);
    script.after(10);
    const sack = (from: number, to: number) =>
      script.inject({
        flags: '.',
        seq: 1,
        ack: 1,
        window: 65535,
        sack: [[1 + from * MSS, 1 + to * MSS]],
      });
    return { script, tcb, sack };
  }

  it.each([
    ['reno', 0.5],
    ['cubic', 0.7],
  ])('%s sends in proportion to what is delivered', (congestion, share) => {
    const { script, tcb, sack } = twentyOut(congestion);
    let sent = 0;
    for (let to = 2; to <= 20; to++) {
      const before = tcb.caState;
      sack(1, to);
      const { count } = taken(script);
      // Limited transmit (RFC 3042) before; recovery starts with the third SACK, by the fast retransmit.
      if (tcb.caState !== CA_RECOVERY) continue;
      expect(count, `SACK up to ${to}`).toBeLessThanOrEqual(1);
      if (before !== CA_RECOVERY) expect([to, count]).toEqual([4, 1]);
      sent += count;
      expect(sent * MSS).toBe(tcb.prrOut);
      // RFC 6937: sndcnt = CEIL(prr_delivered × ssthresh / RecoverFS) − prr_out.
      const due = Math.ceil((tcb.prrDelivered * tcb.ssthresh) / tcb.recoverFlightSize / MSS);
      expect(sent, `SACK up to ${to}`).toBeLessThanOrEqual(Math.max(1, due));
      expect(sent, `SACK up to ${to}`).toBeGreaterThanOrEqual(due - 2);
    }
    expect(tcb.ssthresh).toBe(20 * MSS * share);
    // Two by limited transmit, the retransmission, and the rest new: all of it arrives.
    script.inject({ flags: '.', seq: 1, ack: 1 + 20 * MSS + (sent + 1) * MSS, window: 65535 });
    expect(tcb.caState).toBe(CA_OPEN);
    expect(tcb.cwnd).toBeLessThanOrEqual(tcb.ssthresh + 2 * MSS);
  });

  it('never bursts when most of the window was lost: at most one more than was delivered', () => {
    const { script, tcb, sack } = twentyOut('reno');
    // Only the last four segments arrive: the pipe is far below the threshold.
    for (let to = 17; to <= 20; to++) {
      const before = tcb.delivered;
      sack(16, to);
      const { count } = taken(script);
      expect(count * MSS, `SACK up to ${to}`).toBeLessThanOrEqual(tcb.delivered - before + 2 * MSS);
    }
    expect(tcb.caState).toBe(CA_RECOVERY);
  });
});

describe('BBR', () => {
  /**
   * A path of one segment a millisecond and 40 ms: the peer acknowledges each segment when it has been through both. Returns
   * how far the peer has come.
   */
  class Path {
    private readonly queue: { ack: number; due: number }[] = [];
    private free = 0;
    acknowledged = 0;
    flight = 0;
    private readonly script: Script;

    constructor(script: Script) {
      this.script = script;
    }

    run(milliseconds: number): void {
      for (let i = 0; i < milliseconds * 2; i++) {
        const now = this.script.network.time;
        for (const seen of this.script.sent.splice(0)) {
          this.free = Math.max(this.free, now) + 1000;
          this.queue.push({ ack: (seen.seq as number) + (seen.length as number), due: this.free + 40_000 });
        }
        while ((this.queue[0]?.due ?? Number.POSITIVE_INFINITY) <= now) {
          const { ack } = this.queue.shift() as { ack: number };
          this.script.inject({ flags: '.', seq: 1, ack, window: 65535 });
          this.acknowledged = ack;
        }
        this.flight = this.queue.length;
        this.script.after(0.5);
      }
    }
  }
  const mode = (tcb: Tcb) => (tcb.congestion as unknown as { mode: number }).mode;

  it('finds the bandwidth, drains the queue it made, and then holds both', () => {
    const { script, tcb } = open('bbr');
    const path = new Path(script);
    fill(script);
    expect(mode(tcb)).toBe(0);
    path.run(1500);
    expect(mode(tcb)).toBe(2);
    const before = path.acknowledged;
    path.run(1000);
    // A million bytes a second, all but the pacing margin and the probing.
    expect(path.acknowledged - before).toBeGreaterThan(900_000);
    expect(tcb.pacingRate).toBeGreaterThan(700_000);
    expect(tcb.pacingRate).toBeLessThan(1_300_000);
    // Bandwidth times delay is 41 segments: the window is twice that, the queue far below what loss would tell.
    expect(path.flight).toBeLessThan(2 * 41 + 10);
  });

  it('goes down to four segments for 200 ms when no lower round trip was seen in ten seconds', () => {
    const { script, tcb } = open('bbr');
    const path = new Path(script);
    fill(script);
    path.run(4000);
    let least = Number.POSITIVE_INFINITY;
    let time = 0;
    for (let i = 0; i < 900 && script.endpoint.unsent > 0; i++) {
      path.run(10);
      if (i % 20 === 0) script.endpoint.write(new Uint8Array(1 << 20), 0, 1 << 20);
      if (mode(tcb) !== 3) continue;
      time += 10;
      least = Math.min(least, path.flight);
    }
    expect(time).toBeGreaterThanOrEqual(200);
    expect(least).toBeLessThanOrEqual(4);
  });

  it('does not slow down for a lost segment', () => {
    const { script, tcb } = open('bbr');
    const path = new Path(script);
    fill(script);
    path.run(1500);
    const rate = tcb.pacingRate;
    // The next segment is lost; the peer says so with SACKs of those behind it.
    let lost = script.sent.shift();
    while (lost === undefined) {
      script.after(0.5);
      lost = script.sent.shift();
    }
    path.run(300);
    expect(tcb.pacingRate).toBeGreaterThan(rate * 0.7);
    expect(tcb.ssthresh).toBe(0x7fffffff);
  });
});

describe('tcp_tw_reuse (RFC 6191)', () => {
  /** A connection of ours from a bound port, closed by us: its flow waits. */
  function waiting(timeWaitReuse: 0 | 1 | 2, timestamps = true): Script {
    const settings = settingsWith({ reuseAddress: true });
    const script = new Script({ timeWaitReuse }, settings);
    expect(script.endpoint.bind(null, 5555)).toBe(0);
    script.connect().expect({ flags: 'S' });
    script.peerTimestamps = timestamps;
    script.inject({ flags: 'S.', seq: 0, ack: 1, mss: MSS }).expect({ flags: '.', ack: 1 });
    script.endpoint.shutdown(SHUTDOWN_SEND);
    script.expect({ flags: 'F.', seq: 1 });
    script.inject({ flags: '.', seq: 1, ack: 2 }).inject({ flags: 'F.', seq: 1, ack: 2 });
    script.expect({ flags: '.', ack: 2 });
    expect(script.tcp.timeWaitCount).toBe(1);
    return script;
  }

  function again(script: Script): number {
    const port = script.localPort;
    const next = new TcpEndpoint(script.tcp, false, settingsWith({ reuseAddress: true }));
    expect(next.bind(null, port)).toBe(0);
    return next.connect(PEER, script.peerPort);
  }

  it('opens the same flow again after a second, with numbers behind the old ones', () => {
    const script = waiting(1);
    const old = script.localIsn as number;
    script.after(1500);
    expect(again(script)).toBe(-115);
    expect(script.tcp.timeWaitCount).toBe(0);
    script.expect({ flags: 'S' });
    expect(((script.localIsn as number) - old) | 0).toBeGreaterThan(65_535);
  });

  it.each([
    ['within the second in which timestamps may be equal', 1, true, 500],
    ['without timestamps', 1, false, 1500],
    ['when switched off', 0, true, 1500],
    ['beyond loopback when only that is allowed', 2, true, 1500],
  ] as const)('refuses %s', (_why, mode, timestamps, milliseconds) => {
    const script = waiting(mode, timestamps);
    script.after(milliseconds);
    expect(again(script)).toBe(-99);
    expect(script.tcp.timeWaitCount).toBe(1);
  });
});
