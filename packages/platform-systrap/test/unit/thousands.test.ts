// More contexts than anybody has cores: each keeps its own registers, and none is passed over.
import { type Context, FRAME_RAX, FRAME_RDI, TRAP_SYSCALL } from '@sandbox-kernel/contracts';
import { Code, type PlatformHarness, RAX, Workbench } from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHarness } from '../harness.js';

const CODE = 0x400000;
const CONTEXTS = 4000;
const ROUNDS = 3;
const SECOND = 1e9;

let harness: PlatformHarness;
beforeEach(() => {
  harness = createHarness();
});
afterEach(() => harness.close());

it('thousands of contexts of one address space trap and go on', () => {
  const bench = new Workbench(harness);
  const { space, context } = bench.guest(new Code().mov(RAX, 39).syscall().jumpTo(0));
  const contexts = [context, ...Array.from({ length: CONTEXTS - 1 }, () => bench.at(CODE))];
  const byId = new Map(contexts.map((one, i) => [one.id, i]));
  const served = new Array<number>(CONTEXTS).fill(0);
  contexts.forEach((one, i) => {
    bench.set(one, FRAME_RDI, i);
    expect(one.resume(space, 0)).toBe(0);
  });
  for (let n = 0; n < CONTEXTS * ROUNDS; n++) {
    const id = bench.platform.wait(bench.harness.now() + 60 * SECOND);
    const index = byId.get(id) ?? -1;
    const one = contexts[index] as Context;
    if (bench.kind(one) !== TRAP_SYSCALL || bench.get(one, FRAME_RAX) !== 39)
      throw new Error(`context ${id} did not make its call`);
    if (bench.get(one, FRAME_RDI) !== index) throw new Error(`context ${id} has the registers of another`);
    served[index] = (served[index] as number) + 1;
    if ((served[index] as number) < ROUNDS) one.resume(space, 0);
  }
  expect(new Set(served)).toEqual(new Set([ROUNDS]));
  expect(harness.platform.statistics()['threads']).toBeGreaterThanOrEqual(CONTEXTS);
});
