import { describe, expect, it } from 'vitest';
import { sandboxPlan } from '../../../src/api/options.js';
import { seedSpec, timeSpec } from '../../../src/api/time-option.js';

describe('the time option', () => {
  it.each([
    ['1970-01-01', 0, 0],
    ['2024-02-29T12:00:00Z', 1709208000, 0],
    ['2024-02-29T12:00:00', 1709208000, 0],
    ['2024-02-29 12:00', 1709208000, 0],
    ['2024-02-29T12:00:00.250+01:00', 1709204400, 250_000_000],
    ['@1700000000', 1700000000, 0],
    ['@1700000000.125', 1700000000, 125_000_000],
  ])('reads %s, in UTC unless a zone is named', (start, seconds, nanos) => {
    expect(timeSpec({ start })).toEqual({ seconds, nanos, scale: 0 });
  });

  it('takes a Date and a speed', () => {
    expect(timeSpec({ start: new Date(5500), scale: 10 })).toEqual({
      seconds: 5,
      nanos: 500_000_000,
      scale: 10,
    });
    expect(timeSpec(undefined)).toBeNull();
  });

  it.each(['', 'tomorrow', '1969-12-31', '2024-13-01', '@-1', '@9999999999', '2024-02-29T12'])(
    'refuses the start %j',
    (start) => {
      expect(() => timeSpec({ start })).toThrow(/time\.start/);
    },
  );

  it.each([0, -1, 0.0001, 1001, Number.NaN, Number.POSITIVE_INFINITY])('refuses the speed %d', (scale) => {
    expect(() => timeSpec({ start: '@0', scale })).toThrow(/time\.scale/);
  });

  it('names the nearest option for a wrong one', () => {
    const wrong = { start: '@0', scael: 2 } as unknown as { start: string };
    expect(() => sandboxPlan({ time: wrong })).toThrow(/unknown option 'scael'/);
    const alien = { tiem: { start: '@0' } } as object;
    expect(() => sandboxPlan(alien)).toThrow(/unknown option 'tiem'/);
  });
});

describe('the seed option', () => {
  it('takes whole numbers from zero on', () => {
    expect([undefined, 0, 7].map(seedSpec)).toEqual([-1, 0, 7]);
    for (const seed of [-1, 1.5, Number.NaN, 2 ** 60]) expect(() => seedSpec(seed)).toThrow(/seed/);
  });
});
