// Many guest threads: in one space, in many spaces, interrupted, released, killed.
import { EBUSY } from '@sandbox-kernel/abi';
import {
  type AddressSpace,
  type Context,
  FRAME_RAX,
  FRAME_RBX,
  FRAME_RDI,
  FRAME_RIP,
  TRAP_DEATH,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
  WAIT_DEAD,
} from '@sandbox-kernel/contracts';
import { Code, RAX, RBX } from '../guests/code.js';
import { CODE, DATA, type Suite, type Workbench } from './harness.js';

type Runner = Suite['runner'];

const SECOND = 1e9;

/** A call, over and over; the number does not matter. */
const caller = new Code().mov(RAX, 39).syscall().jumpTo(0);
const spinner = new Code().mov(RBX, DATA).increment(RBX).jumpTo(10);

export function contextSuite({ runner, bench }: Suite): void {
  const { describe, it } = runner;
  describe('contexts', () => {
    it('share one address space', () => share(bench(), runner));
    it('run by the hundreds', () => hundreds(bench(), runner));
    it('are served fairly', () => fairly(bench(), runner));
    it('are served in turn when all have trapped', () => inTurn(bench(), runner));
    it('have ids that are used again', () => reuseIds(bench(), runner));
    it('start with all registers zero', () => startZero(bench(), runner));
    it('refuse to be resumed twice', () => resumeTwice(bench(), runner));
    it('count the processor time of the guest', () => countTime(bench(), runner));
  });
  describe('interrupt', () => {
    it('stops a spinning guest where it is', () => stopsSpinning(bench(), runner));
    it('has no effect on a stopped context', () => ignoredWhenStopped(bench(), runner));
    it('that comes too late is not told twice', () => tooLate(bench(), runner));
    it('works again and again', () => again(bench(), runner));
  });
  describe('release', () => {
    it('stops a running context', () => releaseRunning(bench(), runner));
    it('of a context that has trapped drops its trap', () => releaseTrapped(bench(), runner));
  });
  describe('death from outside', () => {
    it('of a running guest is a trap', () => killRunning(bench(), runner));
    it('of a stopped guest is a trap after resume', () => killStopped(bench(), runner));
    it('leaves other spaces alone', () => killOne(bench(), runner));
  });
}

function share(bench: Workbench, { expect }: Runner): void {
  const code = new Code().mov(RBX, DATA).raw(0xf0).increment(RBX).mov(RAX, 1).syscall().jumpTo(10);
  const { space, context, data } = bench.guest(code);
  const contexts = [context, bench.at(CODE), bench.at(CODE), bench.at(CODE)];
  for (const one of contexts) one.resume(space, 0);
  const byId = new Map(contexts.map((one) => [one.id, one]));
  for (let i = 0; i < 40; i++) {
    const one = byId.get(bench.platform.wait(bench.harness.now() + 20 * SECOND));
    if (one === undefined) throw new Error('no context');
    expect(bench.kind(one)).toBe(TRAP_SYSCALL);
    if (i < 36) one.resume(space, 0);
  }
  expect(bench.view(data).getUint32(0, true)).toBe(40);
}

function serve(bench: Workbench, contexts: Context[]): Context {
  const id = bench.platform.wait(bench.harness.now() + 20 * SECOND);
  const context = contexts.find((one) => one.id === id);
  if (context === undefined) throw new Error(`wait returned ${id}`);
  return context;
}

function hundreds(bench: Workbench, { expect }: Runner): void {
  const spaces: AddressSpace[] = [];
  const contexts: Context[] = [];
  for (let i = 0; i < 10; i++) {
    const { space, context } = bench.guest(caller);
    spaces.push(space);
    contexts.push(context);
    for (let j = 1; j < 50; j++) contexts.push(bench.at(CODE));
  }
  const seen = new Map<number, number>();
  contexts.forEach((one, i) => {
    bench.set(one, FRAME_RDI, i);
    one.resume(spaces[Math.floor(i / 50)] as AddressSpace, 0);
  });
  const byId = new Map(contexts.map((one, i) => [one.id, i]));
  for (let n = 0; n < 1500; n++) {
    const id = bench.platform.wait(bench.harness.now() + 20 * SECOND);
    const index = byId.get(id) ?? -1;
    const one = contexts[index] as Context;
    if (bench.get(one, FRAME_RDI) !== index) throw new Error(`context ${id} has the registers of another`);
    seen.set(index, (seen.get(index) ?? 0) + 1);
    if (n < 1000) one.resume(spaces[Math.floor(index / 50)] as AddressSpace, 0);
  }
  expect(seen.size).toBe(500);
}

/** Eight contexts that call in turns: until each was served `rounds` times. How often the host lets each run is the host's business. */
function fairly(bench: Workbench, { expect }: Runner): void {
  const rounds = 20;
  const { space, context } = bench.guest(caller);
  const contexts = [context, ...Array.from({ length: 7 }, () => bench.at(CODE))];
  const counts = new Map(contexts.map((one) => [one.id, 0]));
  for (const one of contexts) one.resume(space, 0);
  for (let i = 0; i < 2_000_000 && Math.min(...counts.values()) < rounds; i++) {
    const one = serve(bench, contexts);
    counts.set(one.id, (counts.get(one.id) ?? 0) + 1);
    one.resume(space, 0);
  }
  expect(Math.min(...counts.values())).toBe(rounds);
}

/** Lets other threads have the processor. */
function sleepMillis(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}

/**
 * Every context has trapped before one is served, and the served one has trapped again before the next is: nobody may be passed over for long.
 * The word before the call says that a guest is about to trap; where the host takes its processor away just then, it is served later.
 */
function inTurn(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(new Code().increment(RBX).mov(RAX, 39).syscall().jumpTo(0));
  const contexts = [context, ...Array.from({ length: 7 }, () => bench.at(CODE))];
  const words = bench.view(data);
  const calls = contexts.map(() => 0);
  const letTrap = (index: number): void => {
    const before = words.getUint32(index * 8, true);
    contexts[index]?.resume(space, 0);
    // A platform may keep it back until the next wait, while another one has the processor.
    for (let millis = 0; millis < 20 && words.getUint32(index * 8, true) === before; millis++) sleepMillis(1);
    sleepMillis(1);
  };
  contexts.forEach((one, i) => {
    bench.set(one, FRAME_RBX, DATA + i * 8);
    letTrap(i);
  });
  for (let i = 0; i < 1000 && Math.min(...calls) < 3; i++) {
    const index = contexts.indexOf(serve(bench, contexts));
    calls[index] = (calls[index] ?? 0) + 1;
    letTrap(index);
  }
  expect(Math.min(...calls)).toBe(3);
}

function reuseIds(bench: Workbench, { expect }: Runner): void {
  const first = bench.context();
  const { id } = first;
  first.release();
  expect(bench.context().id).toBe(id);
}

function startZero(bench: Workbench, { expect }: Runner): void {
  const dirty = bench.context();
  for (let at = 0; at < 136; at += 8) bench.set(dirty, at, -1);
  dirty.release();
  const fresh = bench.context();
  for (let at = 0; at < 136; at += 8) expect(bench.getBig(fresh, at)).toBe(0n);
}

function resumeTwice(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(spinner);
  expect(context.resume(space, 0)).toBe(0);
  expect(context.resume(space, 0)).toBe(-EBUSY);
}

function countTime(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(spinner);
  const before = context.cpuNanos();
  context.resume(space, 0);
  while (context.cpuNanos() - before < 2e6) bench.platform.wait(bench.harness.now() + 1e6);
  context.interrupt();
  bench.await(context);
  const total = context.cpuNanos();
  expect(total).toBeGreaterThanOrEqual(2e6);
  context.resume(bench.space(), 0);
  bench.await(context);
  expect(context.cpuNanos()).toBeGreaterThanOrEqual(total);
}

function stopsSpinning(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(spinner);
  context.resume(space, 0);
  while (bench.view(data).getUint32(0, true) === 0) bench.platform.wait(bench.harness.now() + 1e5);
  context.interrupt();
  expect(bench.await(context)).toBe(TRAP_INTERRUPTED);
  expect(bench.get(context, FRAME_RIP)).toBeLessThan(CODE + spinner.length);
  const count = bench.view(data).getUint32(0, true);
  bench.platform.wait(bench.harness.now() + 1e6);
  expect(bench.view(data).getUint32(0, true)).toBe(count);
}

function ignoredWhenStopped(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(caller);
  context.interrupt();
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  context.interrupt();
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
}

/** The guest traps by itself at about the time of the interrupt: one trap each time, never a second one. */
function tooLate(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(caller);
  for (let i = 0; i < 300; i++) {
    context.resume(space, 0);
    if (i % 3 === 0) bench.platform.wait(0) === context.id ? context.resume(space, 0) : undefined;
    context.interrupt();
    const kind = bench.await(context);
    expect(kind === TRAP_SYSCALL || kind === TRAP_INTERRUPTED).toBe(true);
    const after = bench.run(context, space);
    expect(after).toBe(TRAP_SYSCALL);
    bench.set(context, FRAME_RAX, 0);
  }
}

function again(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(spinner);
  for (let i = 0; i < 50; i++) {
    context.resume(space, 0);
    context.interrupt();
    context.interrupt();
    expect(bench.await(context)).toBe(TRAP_INTERRUPTED);
  }
}

function releaseRunning(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(spinner);
  context.resume(space, 0);
  context.release();
  const count = bench.view(data).getUint32(0, true);
  const next = bench.at(CODE);
  next.resume(space, 0);
  next.interrupt();
  expect(bench.await(next)).toBe(TRAP_INTERRUPTED);
  expect(bench.view(data).getUint32(0, true)).toBeGreaterThanOrEqual(count);
}

function releaseTrapped(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(caller);
  const other = bench.at(CODE);
  context.resume(space, 0);
  other.resume(space, 0);
  const first = serve(bench, [context, other]);
  const second = first === context ? other : context;
  second.release();
  expect(bench.run(first, space)).toBe(TRAP_SYSCALL);
}

function killRunning(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(spinner);
  context.resume(space, 0);
  bench.harness.killSpace(space);
  expect(bench.await(context)).toBe(TRAP_DEATH);
  context.release();
  space.destroy();
  const next = bench.guest(caller);
  expect(bench.run(next.context, next.space)).toBe(TRAP_SYSCALL);
}

function killStopped(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(caller);
  bench.run(context, space);
  bench.harness.killSpace(space);
  expect(bench.run(context, space)).toBe(TRAP_DEATH);
  context.release();
  space.destroy();
}

function killOne(bench: Workbench, { expect }: Runner): void {
  const victim = bench.guest(spinner);
  const witness = bench.guest(caller);
  victim.context.resume(victim.space, 0);
  bench.harness.killSpace(victim.space);
  let deaths = 0;
  for (let i = 0; i < 50; i++) {
    witness.context.resume(witness.space, 0);
    for (;;) {
      const id = bench.platform.wait(bench.harness.now() + 20 * SECOND);
      expect(id).not.toBe(WAIT_DEAD);
      if (id === witness.context.id) break;
      deaths += bench.kind(victim.context) === TRAP_DEATH ? 1 : 0;
    }
  }
  if (deaths === 0) deaths += bench.await(victim.context) === TRAP_DEATH ? 1 : 0;
  expect(deaths).toBe(1);
}
