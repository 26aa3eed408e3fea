// The one place to wait: contexts, host events and deadlines all end `wait`, and none of them is lost.
import { TRAP_INTERRUPTED, TRAP_SYSCALL, WAIT_DEADLINE, WAIT_HOST_EVENT } from '@sandbox-kernel/contracts';
import { Code, RAX } from '../guests/code.js';
import type { Suite, Workbench } from './harness.js';

type Runner = Suite['runner'];

const MILLI = 1e6;
const SECOND = 1e9;

export function waitSuite({ runner, bench }: Suite): void {
  const { describe, it } = runner;
  describe('wait', () => {
    it('ends at the deadline, not before', () => deadline(bench(), runner));
    it('only polls when the deadline has passed', () => polls(bench(), runner));
    it('ends at a deadline while a guest runs', () => deadlineWhileRunning(bench(), runner));
    it('uses the earliest of several deadlines', () => changingDeadline(bench(), runner));
    it('tells of a host event that came before', () => eventBefore(bench(), runner));
    it('ends when a host event comes', () => eventDuring(bench(), runner));
    it('tells of the event again until it is acknowledged', () => untilAcknowledged(bench(), runner));
    it('serves contexts also while events stay unread', () => noStarvation(bench(), runner));
  });
}

function deadline(bench: Workbench, { expect }: Runner): void {
  for (const delay of [0.2, 1, 5]) {
    const at = bench.harness.now() + delay * MILLI;
    expect(bench.platform.wait(at)).toBe(WAIT_DEADLINE);
    expect(bench.harness.now()).toBeGreaterThanOrEqual(at);
  }
}

function polls(bench: Workbench, { expect }: Runner): void {
  expect(bench.platform.wait(0)).toBe(WAIT_DEADLINE);
  const { space, context } = bench.guest(new Code().call(1));
  context.resume(space, 0);
  let id = WAIT_DEADLINE;
  while (id === WAIT_DEADLINE) id = bench.platform.wait(bench.harness.now() - 1);
  expect(id).toBe(context.id);
}

function deadlineWhileRunning(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().spin());
  context.resume(space, 0);
  expect(bench.platform.wait(bench.harness.now() + 2 * MILLI)).toBe(WAIT_DEADLINE);
  context.interrupt();
  expect(bench.await(context)).toBe(TRAP_INTERRUPTED);
}

function changingDeadline(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().call(1).call(1));
  const far = bench.harness.now() + 3600 * SECOND;
  context.resume(space, 0);
  expect(bench.platform.wait(far)).toBe(context.id);
  const near = bench.harness.now() + MILLI;
  expect(bench.platform.wait(near)).toBe(WAIT_DEADLINE);
  const later = bench.harness.now() + 3 * MILLI;
  context.resume(space, 0);
  expect(bench.platform.wait(later)).toBe(context.id);
  expect(bench.platform.wait(later)).toBe(WAIT_DEADLINE);
  expect(bench.harness.now()).toBeGreaterThanOrEqual(later);
}

function eventBefore(bench: Workbench, { expect }: Runner): void {
  bench.harness.ring();
  expect(bench.platform.wait(Infinity)).toBe(WAIT_HOST_EVENT);
  bench.harness.acknowledge();
  expect(bench.platform.wait(bench.harness.now() + MILLI)).toBe(WAIT_DEADLINE);
}

function eventDuring(bench: Workbench, { expect }: Runner): void {
  for (let i = 0; i < 20; i++) {
    bench.harness.ringLater(i % 4);
    expect(bench.platform.wait(Infinity)).toBe(WAIT_HOST_EVENT);
    bench.harness.acknowledge();
  }
}

function untilAcknowledged(bench: Workbench, { expect }: Runner): void {
  bench.harness.ring();
  const results = [0, 1, 2, 3].map(() => bench.platform.wait(bench.harness.now() + MILLI));
  expect(results).toContain(WAIT_HOST_EVENT);
  expect(results.filter((result) => result === WAIT_HOST_EVENT).length).toBeGreaterThan(1);
  bench.harness.acknowledge();
}

function noStarvation(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().mov(RAX, 1).syscall().jumpTo(0));
  bench.harness.ring();
  for (let i = 0; i < 20; i++) {
    context.resume(space, 0);
    let id = WAIT_HOST_EVENT;
    while (id === WAIT_HOST_EVENT) id = bench.platform.wait(bench.harness.now() + SECOND);
    expect(id).toBe(context.id);
    expect(bench.kind(context)).toBe(TRAP_SYSCALL);
  }
  bench.harness.acknowledge();
}
