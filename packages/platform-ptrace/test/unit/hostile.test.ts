// Guests that attack the stub they run in: its code, its pages, the descriptors on their way to it.
import {
  FRAME_CR2,
  FRAME_CS,
  FRAME_EFLAGS,
  FRAME_FS_BASE,
  FRAME_RAX,
  FRAME_RBX,
  FRAME_RDI,
  FRAME_RIP,
  FRAME_RSP,
  TRAP_EXCEPTION,
  TRAP_FAULT,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { Code, type PlatformHarness, RAX, RBX, RCX, RDI, Workbench } from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHarness } from '../harness.js';

const STUB_TEXT = 0x7fff_ffff_0000;
const STUB_CONSTANTS = STUB_TEXT + 0x1000;
const STUB_SCRATCH = STUB_TEXT + 0x2000;
const STUB_COMMANDS = STUB_TEXT + 0x4000;
const DATA = 0x600000;
const R12 = 12;

let harness: PlatformHarness;
let bench: Workbench;
beforeEach(() => {
  harness = createHarness();
  bench = new Workbench(harness);
});
afterEach(() => harness.close());

describe('a guest that jumps into the stub', () => {
  it('gets a trap at every byte of it, and no host call', () => {
    const { space } = bench.guest(new Code().nop());
    for (let at = 0; at < 96; at++) {
      const context = bench.at(STUB_TEXT + at);
      // As a command this would unmap the whole stub.
      bench.set(context, FRAME_RBX, DATA);
      bench.set(context, FRAME_RAX, 11);
      bench.set(context, FRAME_RDI, STUB_TEXT);
      const kind = bench.run(context, space);
      expect([TRAP_SYSCALL, TRAP_FAULT, TRAP_EXCEPTION]).toContain(kind);
      context.release();
    }
    const next = bench.guest(new Code().call(5));
    expect(bench.run(next.context, next.space)).toBe(TRAP_SYSCALL);
  });

  it('with commands of its own has them told to its kernel instead of run', () => {
    const code = new Code()
      .mov(RBX, DATA)
      .mov(R12, DATA + 64)
      .mov(RAX, STUB_TEXT)
      .jump(RAX);
    const { space, context, data } = bench.guest(code);
    bench.view(data).setBigUint64(0, 11n, true);
    bench.view(data).setBigUint64(8, BigInt(STUB_TEXT), true);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RAX)).toBe(11);
    expect(bench.get(context, FRAME_RDI)).toBe(STUB_TEXT);
    bench.set(context, FRAME_RAX, 0);
    expect(bench.run(context, space)).toBe(TRAP_EXCEPTION);
    expect(bench.get(context, FRAME_RIP)).toBeGreaterThan(STUB_TEXT);
  });
});

describe("the stub's pages", () => {
  it('can not be written where it matters', () => {
    for (const addr of [STUB_TEXT, STUB_CONSTANTS, STUB_COMMANDS]) {
      const { space, context } = bench.guest(new Code().mov(RBX, addr).store(RBX, RAX).call(1));
      expect(bench.run(context, space)).toBe(TRAP_FAULT);
      expect(bench.get(context, FRAME_CR2)).toBe(addr);
    }
  });

  it('hold nothing of other address spaces', () => {
    const first = bench.guest(new Code().call(1));
    const second = bench.guest(
      new Code()
        .mov(RBX, STUB_COMMANDS + 8)
        .load(RDI, RBX)
        .call(1),
    );
    first.space.map(0x1234_5000, 4096, -1, 0, 1, 1);
    bench.run(first.context, first.space);
    bench.run(second.context, second.space);
    expect(bench.get(second.context, FRAME_RDI)).not.toBe(0x1234_5000);
  });

  it('where descriptors arrive may be scribbled on without effect', () => {
    // mov $0x0101010101010101,%rax; mov $scratch,%rdi; mov $512,%rcx; rep stosq; jump back to mov rdi
    const scribble = new Code().mov(RAX, -1).mov(RDI, STUB_SCRATCH).mov(RCX, 512).raw(0xf3, 0x48, 0xab);
    const { space, context } = bench.guest(scribble.jumpTo(10));
    context.resume(space, 0);
    const reader = bench.at(0x500000);
    const page = bench.map(space, 0x500000, 5);
    harness.memory.set(new Code().mov(RBX, 0x700000).load(RDI, RBX).call(1).jumpTo(0).toBytes(), page);
    for (let i = 1; i < 60; i++) {
      const content = new Uint8Array(4096);
      new DataView(content.buffer).setUint32(0, i, true);
      const fd = harness.openFile(content);
      expect(space.map(0x700000, 4096, fd, 0, 1, 1)).toBe(0);
      expect(bench.run(reader, space)).toBe(TRAP_SYSCALL);
      expect(bench.get(reader, FRAME_RDI)).toBe(i);
      if (i % 3 !== 0) harness.platform.releaseFile(fd);
      harness.closeFile(fd);
      if (i % 3 === 0) harness.platform.releaseFile(fd);
    }
  });
});

describe('a frame with hostile registers', () => {
  const cases: [string, number, bigint][] = [
    ['a kernel address to run', FRAME_RIP, 0xffff_8000_0000_0000n],
    ['a non-canonical address to run', FRAME_RIP, 0x8000_0000_0000_0000n],
    ['a kernel stack', FRAME_RSP, 0xffff_ffff_ffff_0000n],
    ['a kernel thread pointer', FRAME_FS_BASE, 0xffff_8000_0000_0000n],
    ['privileged flags', FRAME_EFLAGS, 0x3fffffn],
    ['kernel code selectors', FRAME_CS, 0x10n],
    ['selectors of no segment', FRAME_CS, 0xfff3n],
  ];
  it.each(cases)('such as %s is refused or traps', (_, register, value) => {
    const { space, context } = bench.guest(new Code().nop().call(1));
    bench.set(context, register, value);
    const error = context.resume(space, 0);
    if (error === 0) expect(bench.await(context)).toBeGreaterThan(0);
    else expect([-5, -22]).toContain(error);
    const next = bench.guest(new Code().call(5));
    expect(bench.run(next.context, next.space)).toBe(TRAP_SYSCALL);
    expect(bench.get(next.context, FRAME_EFLAGS) & 0x3000).toBe(0);
  });
});
