import { describe, expect, it } from 'vitest';
import { READY_HANGUP } from '../../../src/roles.js';
import type { TcpConfig } from '../../../src/transport/tcp/config.js';
import { SHUTDOWN_SEND } from '../../../src/transport/tcp/tcb.js';
import type { PathFaults } from '../../support/network.js';
import { connectPair, makePair, settingsWith, transfer } from '../../support/tcp-pair.js';

const FAULTS: Record<string, PathFaults> = {
  clean: { delay: 10_000 },
  'loss 1%': { delay: 10_000, loss: 0.01 },
  'loss 10%': { delay: 10_000, loss: 0.1 },
  'loss 30%': { delay: 5_000, loss: 0.3 },
  reordering: { delay: 10_000, reorder: 0.2 },
  jitter: { delay: 10_000, jitter: 8_000 },
  duplication: { delay: 10_000, duplicate: 0.2 },
  corruption: { delay: 10_000, corrupt: 0.05 },
  'slow line, short queue': { delay: 20_000, rate: 1_250_000, queue: 20 },
  'slow line, long queue': { delay: 20_000, rate: 1_250_000, queue: 500 },
  satellite: { delay: 300_000, loss: 0.005 },
  everything: { delay: 15_000, jitter: 5_000, loss: 0.03, reorder: 0.05, duplicate: 0.03, corrupt: 0.02 },
};

const VARIANTS: Record<string, Partial<TcpConfig>> = {
  'cubic, RACK': {},
  'reno, no SACK': { congestion: 'reno', sack: false },
  'reno, RFC 6675': { congestion: 'reno', rack: false, tailLossProbe: false },
  bbr: { congestion: 'bbr' },
  'no timestamps, ECN': { timestamps: false, ecn: 1 },
};

const TOTAL = 400_000;

describe('TCP over a bad path', () => {
  for (const [variant, config] of Object.entries(VARIANTS)) {
    it(`delivers every byte in order, whatever the path does: ${variant}`, () => {
      const table: Record<string, string> = {};
      for (const [name, faults] of Object.entries(FAULTS)) {
        for (const seed of [1, 2, 3]) {
          const pair = connectPair(makePair(faults, seed, config));
          const result = transfer(pair, TOTAL);
          expect(result, `${name}, seed ${seed}`).toMatchObject({
            complete: true,
            received: TOTAL,
            wrong: 0,
          });
          table[`${name} #${seed}`] = `${Math.round(TOTAL / (result.time / 1e6) / 1000)} kB/s`;
        }
      }
      expect(table).toMatchSnapshot();
    });
  }

  it('carries both directions at once, and both ends terminate', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = connectPair(makePair(FAULTS.everything, seed));
      const bytes = new Uint8Array(100_000).fill(3);
      let there = 0;
      let back = 0;
      let sentThere = 0;
      let sentBack = 0;
      const into = new Uint8Array(65536);
      const done = pair.network.run(600_000_000, () => {
        for (let n = 1; n > 0 && sentThere < bytes.length; ) {
          n = pair.a.write(bytes, sentThere, bytes.length - sentThere);
          if (n > 0) sentThere += n;
        }
        for (let n = 1; n > 0 && sentBack < bytes.length; ) {
          n = pair.b.write(bytes, sentBack, bytes.length - sentBack);
          if (n > 0) sentBack += n;
        }
        if (sentThere === bytes.length) pair.a.shutdown(SHUTDOWN_SEND);
        if (sentBack === bytes.length) pair.b.shutdown(SHUTDOWN_SEND);
        for (let n = pair.b.read(into, 0, into.length); n > 0; n = pair.b.read(into, 0, into.length))
          there += n;
        for (let n = pair.a.read(into, 0, into.length); n > 0; n = pair.a.read(into, 0, into.length))
          back += n;
        return (
          there === bytes.length &&
          back === bytes.length &&
          (pair.a.ready & pair.b.ready & READY_HANGUP) !== 0
        );
      });
      expect([done, there, back]).toEqual([true, bytes.length, bytes.length]);
      pair.a.close();
      pair.b.close();
      pair.network.run(300_000_000);
      expect([pair.client.flows.count, pair.server.flows.count - pair.server.listening().length * 0]).toEqual(
        [0, 0],
      );
      expect(pair.clientHost.pool.packetsInUse + pair.serverHost.pool.packetsInUse).toBe(0);
    }
  }, 60_000);

  it('works through tiny windows', () => {
    for (const receiveBuffer of [2, 100, 600, 2000, 5000]) {
      const pair = connectPair(
        makePair({ delay: 1000, loss: 0.02 }, 5),
        undefined,
        settingsWith({ receiveBuffer }),
      );
      const result = transfer(pair, receiveBuffer < 100 ? 20 : 5000, { readSize: 333 });
      expect(result, `buffer ${receiveBuffer}`).toMatchObject({ complete: true, wrong: 0 });
    }
  });

  it('escapes a path MTU black hole', () => {
    const pair = connectPair(makePair({ delay: 5000, blackHole: 1200 }));
    expect(transfer(pair, 200_000)).toMatchObject({ complete: true, received: 200_000, wrong: 0 });
    expect(pair.a.tcb?.mss ?? 1100).toBeLessThan(1200);
  });

  it('carries trains of segments when the path takes them', () => {
    const pair = connectPair(makePair({ delay: 1000, gso: 65535, loss: 0.02, reorder: 0.05 }, 3));
    expect(transfer(pair, 3_000_000)).toMatchObject({ complete: true, received: 3_000_000, wrong: 0 });
  });

  it('fills a long fat path by growing its buffers', () => {
    const pair = connectPair(makePair({ delay: 50_000 }));
    const result = transfer(pair, 20_000_000);
    expect(result).toMatchObject({ complete: true, wrong: 0 });
    expect(20_000_000 / (result.time / 1e6)).toBeGreaterThan(5_000_000);
  });

  it('wraps its sequence numbers, signed and unsigned', () => {
    for (const iss of [-100_000, 0x7fffffff - 50_000]) {
      const base = makePair({ delay: 1000, loss: 0.01 }, 9);
      base.client.sequences.initial = () => iss;
      const pair = connectPair(base);
      expect(pair.a.tcb!.iss).toBe(iss);
      expect(transfer(pair, 1_000_000)).toMatchObject({ complete: true, received: 1_000_000, wrong: 0 });
    }
  });
});
