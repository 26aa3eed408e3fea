import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timer, type TimerOwner, TimerWheel } from '../../../src/storage/timer-wheel.js';

class Recorder implements TimerOwner {
  readonly fired: [number, number, number][] = [];

  timerExpired(timer: Timer, now: number): void {
    this.fired.push([timer.kind, timer.deadline, now]);
  }
}

const delay = fc.oneof(
  fc.nat(100),
  fc.nat(100_000),
  fc.nat(10_000_000),
  fc.nat(1_000_000_000),
  fc.integer({ min: 0, max: 2 ** 45 }),
);
const command = fc.oneof(
  fc.record({ kind: fc.constant('arm'), timer: fc.nat(9), value: delay }),
  fc.record({ kind: fc.constant('cancel'), timer: fc.nat(9), value: fc.constant(0) }),
  fc.record({ kind: fc.constant('run'), timer: fc.constant(0), value: delay }),
);

describe('the timer wheel', () => {
  it('fires each timer once, not early, and never later than the first advance after its deadline', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 60 }),
        fc.integer({ min: 0, max: 2 ** 44 }),
        (commands, begin) => {
          let now = begin;
          const wheel = new TimerWheel(now);
          const owner = new Recorder();
          const timers = Array.from({ length: 10 }, (_, i) => new Timer(owner, i));
          const model = new Map<number, number>();
          for (const { kind, timer, value } of commands) {
            if (kind === 'arm') {
              wheel.arm(timers[timer] as Timer, now + value);
              model.set(timer, now + value);
            } else if (kind === 'cancel') {
              wheel.cancel(timers[timer] as Timer);
              model.delete(timer);
            } else {
              now += value;
              owner.fired.length = 0;
              wheel.advance(now);
              const due = [...model].filter(([, deadline]) => deadline <= now).map(([id]) => id);
              expect(owner.fired.map(([id]) => id).sort()).toEqual(due.sort());
              for (const id of due) model.delete(id);
            }
            const next = Math.min(Number.POSITIVE_INFINITY, ...model.values());
            expect(wheel.nextDeadline()).toBeLessThanOrEqual(next);
            if (model.size === 0) expect(wheel.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('following nextDeadline alone fires every timer exactly on time', () => {
    fc.assert(
      fc.property(fc.array(delay, { minLength: 1, maxLength: 50 }), (delays) => {
        const wheel = new TimerWheel(0);
        const owner = new Recorder();
        delays.forEach((value, i) => {
          wheel.arm(new Timer(owner, i), value);
        });
        let steps = 0;
        for (let at = wheel.nextDeadline(); at !== Number.POSITIVE_INFINITY; at = wheel.nextDeadline()) {
          wheel.advance(at);
          expect(++steps).toBeLessThan(1000);
        }
        expect(owner.fired.every(([, deadline, now]) => deadline === now)).toBe(true);
        expect(owner.fired).toHaveLength(delays.length);
      }),
    );
  });

  it('a timer moved later by arming again fires at the later time only', () => {
    const wheel = new TimerWheel(0);
    const owner = new Recorder();
    const timer = new Timer(owner, 1);
    wheel.arm(timer, 1000);
    wheel.arm(timer, 5000);
    wheel.advance(4999);
    expect(owner.fired).toEqual([]);
    wheel.advance(5000);
    expect(owner.fired).toEqual([[1, 5000, 5000]]);
  });
});
