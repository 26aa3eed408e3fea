// The suite that every platform passes: `platformConformance('ptrace', create, vitest)` in the platform's own tests.
import { contextSuite } from './contexts.js';
import { type PlatformHarness, type Suite, type TestRunner, Workbench } from './harness.js';
import { memorySuite } from './memory.js';
import { registerSuite } from './registers.js';
import { trapSuite } from './traps.js';
import { waitSuite } from './waiting.js';

/** Declares the suite. `create` makes a platform with nothing in it; every test gets one of its own. */
export function platformConformance(name: string, create: () => PlatformHarness, runner: TestRunner): void {
  runner.describe(`${name} platform`, () => {
    let current: Workbench | null = null;
    runner.beforeEach(() => {
      current = new Workbench(create());
    });
    runner.afterEach(() => {
      current?.harness.close();
      current = null;
    });
    const bench = (): Workbench => {
      if (current === null) throw new Error('outside of a test');
      return current;
    };
    const suite: Suite = { runner, bench };
    runner.it('names itself', () => runner.expect(bench().platform.name).toBe(name));
    trapSuite(suite);
    registerSuite(suite);
    memorySuite(suite);
    contextSuite(suite);
    waitSuite(suite);
  });
}
