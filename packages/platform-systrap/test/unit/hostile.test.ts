// Guests that attack the stub they run in: docs/security/systrap.md names these tests.
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
  TRAP_DEATH,
  TRAP_EXCEPTION,
  TRAP_FAULT,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import {
  Code,
  type PlatformHarness,
  RAX,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  Workbench,
} from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHarness } from '../harness.js';
import {
  GUEST_TEXT,
  jumpToEachByte,
  runBesideScribbler,
  SLOTS,
  settle,
  worksBeside,
} from '../support/hostile.js';

const TRUSTED_TEXT = GUEST_TEXT + 0x1000;
const CONSTANTS = 0x7fff_c001_0000;
const CONTROL = 0x7fff_c001_1000;
const DOORBELL = 0x7fff_c001_2000;
const SCRATCH = 0x7fff_c001_3000;
const COMMANDS = 0x7fff_c002_0000;
const DATA = 0x600000;
const SYS_futex = 202;
const SYS_rt_sigreturn = 15;
const SYS_munmap = 11;

let harness: PlatformHarness;
let bench: Workbench;
beforeEach(() => {
  harness = createHarness();
  bench = new Workbench(harness);
});
afterEach(() => harness.close());

/** The platform still serves others. */
function stillWorks(): void {
  const { space, context } = bench.guest(new Code().call(5));
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RAX)).toBe(5);
}

describe('jumps into the stub', () => {
  const fillings: [string, number][] = [
    ['zeros', 0],
    ['the address of the constants', CONSTANTS],
    ['the address of a slot', SLOTS],
    ['the number of munmap', SYS_munmap],
  ];
  it.each(fillings)(
    'at every byte, with registers full of %s, hurt nobody',
    (_, value) => {
      const victim = () => bench.guest(new Code().nop());
      jumpToEachByte(bench, victim, GUEST_TEXT, GUEST_TEXT + 448, value);
      jumpToEachByte(bench, victim, TRUSTED_TEXT, TRUSTED_TEXT + 1536, value);
      stillWorks();
    },
    120_000,
  );

  it('with commands of its own are told to its kernel', () => {
    const { space, context, data } = bench.guest(new Code().mov(RBX, DATA).call(SYS_munmap).nop());
    bench.view(data).setBigUint64(0, BigInt(SYS_munmap), true);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RAX)).toBe(SYS_munmap);
  });
});

describe('unmapping the stub', () => {
  it('and writing to what matters is a fault', () => {
    for (const addr of [GUEST_TEXT, TRUSTED_TEXT, CONSTANTS, CONTROL, COMMANDS]) {
      const { space, context } = bench.guest(new Code().mov(RBX, addr).store(RBX, RAX).call(1));
      expect(bench.run(context, space)).toBe(TRAP_FAULT);
      expect(bench.get(context, FRAME_CR2)).toBe(addr);
    }
  });

  it('is refused as out of range', () => {
    const space = bench.space();
    for (const addr of [GUEST_TEXT, SLOTS, COMMANDS]) {
      expect(space.unmap(addr, 4096)).toBeLessThan(0);
      expect(space.protect(addr, 4096, 7)).toBeLessThan(0);
    }
    expect(space.unmap(0, 2 ** 47)).toBeLessThan(0);
  });

  it('is of no use to see the slots or commands of others', () => {
    const first = bench.guest(new Code().mov(RDI, 0x4242).call(1));
    bench.run(first.context, first.space);
    first.space.map(0x1234_5000, 4096, -1, 0, 1, 1);
    const copy = bench.space(first.space);
    for (const addr of [SLOTS + 0x3c00, COMMANDS + 4096 + 8]) {
      const reader = bench.guest(new Code().mov(RBX, addr).load(RDI, RBX).call(1), copy);
      bench.run(reader.context, copy);
      expect(bench.get(reader.context, FRAME_RDI)).not.toBe(0x1234_5000);
      expect(bench.get(reader.context, FRAME_RDI)).not.toBe(0x4242);
    }
  });
});

describe('forged doorbells', () => {
  it('and scribbling on all that can be written lose no trap of others', () => {
    // Fills the doorbell's page and the scratch page, for ever.
    const code = new Code().mov(RAX, -1).mov(RDI, DOORBELL).mov(RCX, 1024).raw(0xf3, 0x48, 0xab).jumpTo(10);
    const attacker = bench.guest(code);
    attacker.context.resume(attacker.space, 0);
    const witness = bench.guest(new Code().mov(RAX, 39).syscall().jumpTo(0));
    for (let i = 0; i < 300; i++) expect(bench.run(witness.context, witness.space)).toBe(TRAP_SYSCALL);
    attacker.context.interrupt();
    expect(bench.await(attacker.context)).toBe(TRAP_INTERRUPTED);
  });

  it('where descriptors arrive have no effect', () => {
    const scribble = new Code().mov(RAX, -1).mov(RDI, SCRATCH).mov(RCX, 512).raw(0xf3, 0x48, 0xab);
    const { space, context } = bench.guest(scribble.jumpTo(10));
    context.resume(space, 0);
    const reader = bench.at(0x500000);
    const page = bench.map(space, 0x500000, 5);
    harness.memory.set(new Code().mov(RBX, 0x700000).load(RDI, RBX).call(1).jumpTo(0).toBytes(), page);
    for (let i = 1; i < 20; i++) {
      const content = new Uint8Array(4096);
      new DataView(content.buffer).setUint32(0, i, true);
      const fd = harness.openFile(content);
      expect(space.map(0x700000, 4096, fd, 0, 1, 1)).toBe(0);
      expect(bench.run(reader, space)).toBe(TRAP_SYSCALL);
      expect(bench.get(reader, FRAME_RDI)).toBe(i);
      harness.platform.releaseFile(fd);
      harness.closeFile(fd);
    }
  });
});

describe('corrupt frames', () => {
  it('written by a sibling while the sentry reads them end in traps or the death of that space', () => {
    const guest = bench.guest(new Code().mov(RAX, 39).syscall().jumpTo(0));
    bench.run(guest.context, guest.space);
    const sibling = runBesideScribbler(bench, guest, 0x0102_0304_0506_0708n);
    worksBeside(bench, bench.guest(new Code().call(5)), [sibling, guest.context]);
  });
});

/** Jumps to the stub's rt_sigreturn with a frame at `DATA` (struct ucontext of the kernel). */
function sigreturn(frameAt: number): Code {
  return new Code().mov(RSP, frameAt).mov(RBX, GUEST_TEXT).jump(RBX);
}

/** A frame that blocks all signals, uses `stack` as alternate stack and goes to `rip`. */
function forge(data: number, rip: number, stack: number, selector = 0x33): void {
  const view = bench.view(data);
  const registers = 40;
  view.setBigUint64(16, BigInt(stack), true);
  view.setBigUint64(32, 8192n, true);
  view.setBigUint64(registers + FRAME_RIP, BigInt(rip), true);
  view.setBigUint64(registers + FRAME_RSP, 0x800000n - 64n, true);
  view.setBigUint64(registers + FRAME_EFLAGS, 0x202n, true);
  view.setUint16(registers + FRAME_CS, selector, true);
  view.setUint16(registers + FRAME_CS + 6, 0x2b, true);
  for (let i = 0; i < 8; i++) view.setUint8(296 + i, stack === 0 ? 0xff : 0);
}

describe('blocked signals, moved stack', () => {
  it('a guest that blocks all signals dies of its next call', () => {
    const { space, context, data } = bench.guest(sigreturn(DATA));
    const page = bench.map(space, 0x500000, 5);
    harness.memory.set(new Code().call(1).toBytes(), page);
    forge(data, 0x500000, 0);
    expect(bench.run(context, space)).toBe(TRAP_DEATH);
    stillWorks();
  });

  it('a guest that blocks all signals and computes can be released', () => {
    const { space, context, data } = bench.guest(sigreturn(DATA));
    const page = bench.map(space, 0x500000, 5);
    harness.memory.set(new Code().spin().toBytes(), page);
    forge(data, 0x500000, 0);
    context.resume(space, 0);
    harness.platform.wait(harness.now() + 5e6);
    context.release();
    stillWorks();
  });

  it('a guest that blocks all signals and computes dies some time after it was interrupted', () => {
    const { space, context, data } = bench.guest(sigreturn(DATA));
    const page = bench.map(space, 0x500000, 5);
    harness.memory.set(new Code().spin().toBytes(), page);
    forge(data, 0x500000, 0);
    context.resume(space, 0);
    harness.platform.wait(harness.now() + 5e6);
    context.interrupt();
    expect(bench.await(context)).toBe(TRAP_DEATH);
    stillWorks();
  }, 30_000);

  it('a guest that moves its alternate stack dies, or traps', () => {
    const { space, context, data } = bench.guest(sigreturn(DATA));
    const page = bench.map(space, 0x500000, 5);
    bench.map(space, 0x900000, 3, 4);
    harness.memory.set(new Code().call(1).toBytes(), page);
    forge(data, 0x500000, 0x900000);
    expect([TRAP_DEATH, TRAP_SYSCALL]).toContain(settle(bench, context, space));
    stillWorks();
  });

  it('a guest that returns to selectors of the kernel gets a signal', () => {
    for (const selector of [0x10, 0xfff3, 0]) {
      const { space, context, data } = bench.guest(sigreturn(DATA));
      forge(data, 0x500000, 0, selector);
      expect([TRAP_DEATH, TRAP_EXCEPTION, TRAP_FAULT]).toContain(settle(bench, context, space));
    }
    stillWorks();
  });
});

describe('calls that guest threads may make', () => {
  it('are traps from anywhere but their page', () => {
    for (const number of [SYS_futex, SYS_rt_sigreturn]) {
      const { space, context } = bench.guest(
        new Code().mov(RDI, DOORBELL).mov(RSI, 1).mov(RDX, 1).call(number),
      );
      expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
      expect(bench.get(context, FRAME_RAX)).toBe(number);
    }
  });
});

describe('hostile selectors', () => {
  const cases: [string, number, bigint][] = [
    ['a kernel address to run', FRAME_RIP, 0xffff_8000_0000_0000n],
    ['a non-canonical address to run', FRAME_RIP, 0x8000_0000_0000_0000n],
    ['a kernel stack', FRAME_RSP, 0xffff_ffff_ffff_0000n],
    ['a non-canonical thread pointer', FRAME_FS_BASE, 0x8000_0000_0000n],
    ['privileged flags', FRAME_EFLAGS, 0x3fffffn],
    ['kernel code selectors', FRAME_CS, 0x10n],
    ['selectors of no segment', FRAME_CS, 0xfff3n],
  ];
  it.each(cases)('such as %s are refused or trap', (_, register, value) => {
    const { space, context } = bench.guest(new Code().nop().call(1));
    bench.set(context, register, value);
    const kind = settle(bench, context, space);
    if (kind >= 0) expect(kind).toBeGreaterThan(0);
    const next = bench.guest(new Code().call(5));
    expect(bench.run(next.context, next.space)).toBe(TRAP_SYSCALL);
    expect(bench.get(next.context, FRAME_EFLAGS) & 0x3000).toBe(0);
  });
});

describe('exhausted contexts', () => {
  it('end in a refusal, and what was made still runs', () => {
    const { space, context } = bench.guest(new Code().mov(RAX, 39).syscall().jumpTo(0));
    const many = Array.from({ length: 300 }, () => bench.at(bench.get(context, FRAME_RIP)));
    for (const one of many) bench.run(one, space);
    for (const one of many) one.release();
    bench.set(context, FRAME_RBX, 1);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  });
});
