// What others do to the host processes of a platform, and what it does about processors.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { SYS_prlimit64 } from '@sandbox-kernel/abi';
import { type AddressSpace, type Context, FRAME_RDI } from '@sandbox-kernel/contracts';
import { DATA, openHost } from '@sandbox-kernel/host';
import type { StubAddressSpace } from '@sandbox-kernel/platform-stub';
import { Code, type PlatformHarness, RAX, RBX, RDI, Workbench } from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

export interface OutsideSuite {
  readonly create: () => PlatformHarness;
  /** Signals that the guest must not feel, besides those that no platform lets through. */
  readonly unfelt: readonly NodeJS.Signals[];
  /** How many areas an empty stub has, and how their lines in /proc/PID/maps begin. */
  readonly areas: number;
  readonly areaStart: RegExp;
}

/** The guest of the running test. */
export class Outside {
  readonly harness: PlatformHarness;
  readonly bench: Workbench;

  constructor(harness: PlatformHarness) {
    this.harness = harness;
    this.bench = new Workbench(harness);
  }

  makeCalls(context: Context, space: AddressSpace, count: number): void {
    for (let i = 0; i < count; i++) this.bench.run(context, space);
  }
}

export const caller = new Code().mov(RAX, 39).syscall().jumpTo(0);
const spinner = new Code().spin();

export const pidOf = (space: AddressSpace): number => (space as StubAddressSpace).pid;

export function threadsOf(space: AddressSpace): number[] {
  return readdirSync(`/proc/${pidOf(space)}/task`).map(Number);
}

export function cpusOf(pid: number, tid: number): string {
  const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
  return /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? '';
}

export function expectConfined(pid: number, tid: number): void {
  const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
  expect(status).toMatch(/NoNewPrivs:\s*1/);
  expect(status).toMatch(/Seccomp:\s*2/);
}

/** Declares the tests that all platforms pass; `own` declares what only this one does. */
export function outsideSuite(suite: OutsideSuite, own: (current: () => Outside) => void): void {
  let outside: Outside | null = null;
  beforeEach(() => {
    outside = new Outside(suite.create());
  });
  afterEach(() => {
    outside?.harness.close();
    outside = null;
  });
  const current = (): Outside => {
    if (outside === null) throw new Error('outside of a test');
    return outside;
  };
  describe('signals from outside', () => {
    it('that a program could catch are not felt by the guest', () => unfelt(current(), suite));
    it('sent to a spinning guest leave it running', () => unfeltWhileSpinning(current(), suite));
  });
  describe('a stub', () => {
    it('has nothing mapped but its own pages', () => onlyOwnPages(current(), suite));
  });
  describe('a stub without room for more descriptors', () => {
    it('gives up those that it can be sent again', () => evicts(current()));
  });
  describe.skipIf(availableParallelism() < 2)('processors', () => {
    it('are free to a guest that computes', () => freeToCompute(current()));
  });
  own(current);
}

function unfelt(outside: Outside, suite: OutsideSuite): void {
  const { space, context } = outside.bench.guest(caller);
  outside.makeCalls(context, space, 1);
  for (const signal of ['SIGTERM', 'SIGSEGV', 'SIGTRAP', 'SIGUSR1', ...suite.unfelt, 'SIGCONT'] as const) {
    process.kill(pidOf(space), signal);
    outside.makeCalls(context, space, 3);
  }
}

function unfeltWhileSpinning({ bench, harness }: Outside, suite: OutsideSuite): void {
  const { space, context } = bench.guest(spinner);
  context.resume(space, 0);
  for (const signal of ['SIGTERM', 'SIGILL', 'SIGUSR1', ...suite.unfelt] as const) {
    process.kill(pidOf(space), signal);
    expect(harness.platform.wait(harness.now() + 2e6)).toBe(-2);
  }
  context.interrupt();
  expect(bench.await(context)).toBe(4);
}

function onlyOwnPages({ bench }: Outside, suite: OutsideSuite): void {
  const maps = readFileSync(`/proc/${pidOf(bench.space())}/maps`, 'latin1')
    .trim()
    .split('\n');
  const ours = maps.filter((line) => !line.includes('[vsyscall]'));
  expect(ours.length).toBe(suite.areas);
  for (const line of ours) expect(line).toMatch(suite.areaStart);
}

function evicts({ bench, harness }: Outside): void {
  const RLIMIT_NOFILE = 7;
  const code = new Code().mov(RBX, 0x700000).load(RDI, RBX).mov(RAX, 1).syscall().jumpTo(0);
  const { space, context } = bench.guest(code);
  const { door } = openHost();
  door.view.setBigUint64(DATA, 12n, true);
  door.view.setBigUint64(DATA + 8, 12n, true);
  expect(door.call(SYS_prlimit64, 4, pidOf(space), RLIMIT_NOFILE, DATA, 0, 0, 0)).toBe(0);
  const files = Array.from({ length: 30 }, (_, i) => harness.openFile(Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0)));
  for (let i = 0; i < 60; i++) {
    expect(space.map(0x700000, 4096, files[i % 30] ?? -1, 0, 1, 1)).toBe(0);
    expect(bench.run(context, space)).toBe(1);
    expect(bench.get(context, FRAME_RDI)).toBe(i % 30);
  }
  for (const fd of files) {
    harness.platform.releaseFile(fd);
    harness.closeFile(fd);
  }
}

function freeToCompute(outside: Outside): void {
  const { bench, harness } = outside;
  const free = cpusOf(process.pid, process.pid);
  const { space, context } = bench.guest(caller);
  outside.makeCalls(context, space, 400);
  const spinning = bench.guest(spinner, space);
  context.resume(space, 0);
  bench.await(context);
  spinning.context.resume(space, 0);
  for (let i = 0; i < 400 && cpusOf(process.pid, process.pid) !== free; i++) {
    harness.platform.wait(harness.now() + 20e6);
  }
  expect(cpusOf(process.pid, process.pid)).toBe(free);
  expect(threadsOf(space).map((tid) => cpusOf(pidOf(space), tid))).toContain(free);
}
