// What others do to the host processes of the platform, and what the platform does about processors.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { SYS_prlimit64 } from '@sandbox-kernel/abi';
import { type AddressSpace, type Context, FRAME_RDI } from '@sandbox-kernel/contracts';
import { DATA, openHost } from '@sandbox-kernel/host';
import { Code, type PlatformHarness, RAX, RBX, RDI, Workbench } from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SystrapAddressSpace } from '../../src/space.js';
import { createHarness } from '../harness.js';

let harness: PlatformHarness;
let bench: Workbench;
beforeEach(() => {
  harness = createHarness();
  bench = new Workbench(harness);
});
afterEach(() => harness.close());

const pidOf = (space: AddressSpace): number => (space as SystrapAddressSpace).pid;
const caller = new Code().mov(RAX, 39).syscall().jumpTo(0);
const spinner = new Code().spin();

function threadsOf(space: AddressSpace): number[] {
  return readdirSync(`/proc/${pidOf(space)}/task`).map(Number);
}

function cpusOf(pid: number, tid: number): string {
  const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
  return /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? '';
}

function makeCalls(context: Context, space: AddressSpace, count: number): void {
  for (let i = 0; i < count; i++) bench.run(context, space);
}

describe('signals from outside', () => {
  it('that a program could catch are not felt by the guest', () => {
    const { space, context } = bench.guest(caller);
    makeCalls(context, space, 1);
    for (const signal of ['SIGTERM', 'SIGSEGV', 'SIGTRAP', 'SIGUSR1', 'SIGCONT'] as const) {
      process.kill(pidOf(space), signal);
      makeCalls(context, space, 3);
    }
  });

  it('sent to a spinning guest leave it running', () => {
    const { space, context } = bench.guest(spinner);
    context.resume(space, 0);
    for (const signal of ['SIGTERM', 'SIGILL', 'SIGUSR1'] as const) {
      process.kill(pidOf(space), signal);
      expect(harness.platform.wait(harness.now() + 2e6)).toBe(-2);
    }
    context.interrupt();
    expect(bench.await(context)).toBe(4);
  });
});

describe('a stub', () => {
  it('has nothing mapped but its own pages', () => {
    const maps = readFileSync(`/proc/${pidOf(bench.space())}/maps`, 'latin1')
      .trim()
      .split('\n');
    const ours = maps.filter((line) => !line.includes('[vsyscall]'));
    expect(ours.length).toBe(5);
    for (const line of ours) expect(line).toMatch(/^7fffc/);
  });

  it('may gain no privileges, is filtered, and its guest threads hold no descriptor', () => {
    const { space, context } = bench.guest(caller);
    makeCalls(context, space, 1);
    const pid = pidOf(space);
    for (const tid of threadsOf(space)) {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
      expect(status).toMatch(/NoNewPrivs:\s*1/);
      expect(status).toMatch(/Seccomp:\s*2/);
      const held = readdirSync(`/proc/${pid}/task/${tid}/fd`);
      expect(held).toEqual(tid === pid ? ['0', '1', '2', '3', '4', '5'] : []);
    }
  });
});

describe('a stub without room for more descriptors', () => {
  it('gives up those that it can be sent again', () => {
    const RLIMIT_NOFILE = 7;
    const code = new Code().mov(RBX, 0x700000).load(RDI, RBX).mov(RAX, 1).syscall().jumpTo(0);
    const { space, context } = bench.guest(code);
    const { door } = openHost();
    door.view.setBigUint64(DATA, 12n, true);
    door.view.setBigUint64(DATA + 8, 12n, true);
    expect(door.call(SYS_prlimit64, 4, pidOf(space), RLIMIT_NOFILE, DATA, 0, 0, 0)).toBe(0);
    const files = Array.from({ length: 30 }, (_, i) =>
      harness.openFile(Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0)),
    );
    for (let i = 0; i < 60; i++) {
      expect(space.map(0x700000, 4096, files[i % 30] ?? -1, 0, 1, 1)).toBe(0);
      expect(bench.run(context, space)).toBe(1);
      expect(bench.get(context, FRAME_RDI)).toBe(i % 30);
    }
    for (const fd of files) {
      harness.platform.releaseFile(fd);
      harness.closeFile(fd);
    }
  });
});

describe.skipIf(availableParallelism() < 2)('processors', () => {
  it('are kept by the sentry while short bursts come from one guest', () => {
    const { space, context } = bench.guest(caller);
    makeCalls(context, space, 400);
    expect(cpusOf(process.pid, process.pid)).toMatch(/^\d+$/);
  });

  it('are free to a guest that computes', () => {
    const free = cpusOf(process.pid, process.pid);
    const { space, context } = bench.guest(caller);
    makeCalls(context, space, 400);
    const spinning = bench.guest(spinner, space);
    spinning.context.resume(space, 0);
    for (let i = 0; i < 400 && cpusOf(process.pid, process.pid) !== free; i++) {
      harness.platform.wait(harness.now() + 20e6);
    }
    expect(cpusOf(process.pid, process.pid)).toBe(free);
    expect(threadsOf(space).map((tid) => cpusOf(pidOf(space), tid))).toContain(free);
  });
});
