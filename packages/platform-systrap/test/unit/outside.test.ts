// What others do to the host processes of the platform, and what the platform does about processors.
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  caller,
  cpusOf,
  expectConfined,
  outsideSuite,
  pidOf,
  threadsOf,
} from '../../../platform-stub/test/support/outside.js';
import { createHarness } from '../harness.js';

outsideSuite({ create: createHarness, unfelt: [], areas: 5, areaStart: /^7fffc/ }, (current) => {
  it('a stub may gain no privileges, is filtered, and its guest threads hold no descriptor', () => {
    const outside = current();
    const { space, context } = outside.bench.guest(caller);
    outside.makeCalls(context, space, 1);
    const pid = pidOf(space);
    for (const tid of threadsOf(space)) {
      expectConfined(pid, tid);
      const held = readdirSync(`/proc/${pid}/task/${tid}/fd`);
      expect(held).toEqual(tid === pid ? ['0', '1', '2', '3', '4', '5'] : []);
    }
  });

  describe.skipIf(availableParallelism() < 2)('processors', () => {
    it('are kept by the sentry while short bursts come from one guest', () => {
      const outside = current();
      const { space, context } = outside.bench.guest(caller);
      outside.makeCalls(context, space, 400);
      expect(cpusOf(process.pid, process.pid)).toMatch(/^\d+$/);
    });
  });
});
