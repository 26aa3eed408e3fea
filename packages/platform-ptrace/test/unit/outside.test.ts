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

const suite = { create: createHarness, unfelt: ['SIGSTOP'], areas: 4, areaStart: /^7fffffff/ } as const;

outsideSuite(suite, (current) => {
  it('a stub holds four descriptors, may gain no privileges, and is filtered', () => {
    const pid = pidOf(current().bench.space());
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(['0', '1', '2', '3']);
    expectConfined(pid, pid);
  });

  describe.skipIf(availableParallelism() < 2)('processors', () => {
    it('are shared by the sentry and the only guest that runs', () => {
      const outside = current();
      const { space, context } = outside.bench.guest(caller);
      let lists: string[] = [];
      // A guest that loses its processor to other work looks as if it computed, and goes away for some calls.
      for (let round = 0; round < 400 && !/^(\d+)(,\1)+$/.test(lists.join()); round++) {
        outside.makeCalls(context, space, 50);
        lists = [
          cpusOf(process.pid, process.pid),
          ...threadsOf(space).map((tid) => cpusOf(pidOf(space), tid)),
        ];
      }
      expect(new Set(lists).size).toBe(1);
      expect(lists[0]).toMatch(/^\d+$/);
    });
  });
});
