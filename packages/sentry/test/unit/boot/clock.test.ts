import type { TimeKeeper } from '@sandbox-kernel/host';
import { describe, expect, it } from 'vitest';
import { createClock, ScaledClock, type StepClock } from '../../../src/boot/clock.js';

const SECOND = 1e9;

/** The host's side: a clock that the test moves. */
class Host {
  now = 500 * SECOND;
  asked: number[] = [];

  monotonic(): number {
    return this.now;
  }

  virtualize(...asked: number[]): number {
    this.asked = asked;
    return this.now;
  }

  get keeper(): TimeKeeper {
    return this as unknown as TimeKeeper;
  }
}

function stepping(): { host: Host; clock: StepClock } {
  const host = new Host();
  const clock = createClock(host.keeper, { seconds: 1700000000, nanos: 0, scale: 0 });
  return { host, clock: clock as StepClock };
}

describe('a clock that takes steps', () => {
  it('starts where it is told, and stands still while nobody reads it', () => {
    const { host, clock } = stepping();
    const wall = () =>
      (clock.realtimeSeconds - 1700000000) * SECOND + clock.realtimeNanos + clock.monotonic();
    expect(wall()).toBe(0);
    host.now += 3600 * SECOND;
    expect(wall()).toBe(0);
    clock.step();
    expect(wall()).toBe(1000);
  });

  it('does not move for the network while a program computes', () => {
    const { clock } = stepping();
    expect(clock.unasked(5 * SECOND)).toBe(5 * SECOND);
    clock.isBusy = () => true;
    expect(clock.unasked(5 * SECOND)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is at the next timer at once when every program waits', () => {
    const { clock } = stepping();
    const due = clock.monotonic() + 86_400 * SECOND;
    expect(clock.sleepUntil(due)).toBe(0);
    expect(clock.monotonic()).toBe(due);
    expect(clock.sleepUntil(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(clock.sleepUntil(0)).toBe(0);
  });

  it('lets a program compute: a timer comes when that has taken longer', () => {
    const { host, clock } = stepping();
    clock.isBusy = () => true;
    const due = clock.monotonic() + SECOND;
    const until = clock.sleepUntil(due);
    expect(until).toBeGreaterThan(host.now + SECOND);
    host.now += SECOND;
    clock.slept(due);
    expect(clock.monotonic()).toBeLessThan(due);
    host.now = until;
    clock.slept(due);
    expect(clock.monotonic()).toBe(due);
  });

  it('does not begin anew with each trap of a program that waits in a loop', () => {
    const { host, clock } = stepping();
    clock.isBusy = () => true;
    const due = clock.monotonic() + SECOND;
    for (let i = 0; i < 25; i++) {
      clock.sleepUntil(due);
      host.now += SECOND / 10;
      clock.slept(due);
    }
    expect(clock.monotonic()).toBe(due);
  });
});

describe('a clock at a speed of its own', () => {
  it.each([0.5, 1, 10, 1000])('sleeps until the host’s clock is there: times %d', (scale) => {
    const host = new Host();
    const clock = createClock(host.keeper, { seconds: 100, nanos: 5, scale });
    expect(clock).toBeInstanceOf(ScaledClock);
    expect(host.asked).toEqual([scale, 99, 5, SECOND]);
    expect(clock.sleepUntil(2 * SECOND)).toBe(host.now + SECOND / scale);
    expect(clock.sleepUntil(0)).toBe(0);
    expect(clock.sleepUntil(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});
