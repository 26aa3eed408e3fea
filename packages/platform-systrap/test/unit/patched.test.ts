// The way in for patched sites, as the kernel's trampolines use it and as a hostile program may: docs/security/systrap.md.
import {
  type AddressSpace,
  type Context,
  FRAME_EFLAGS,
  FRAME_FS_BASE,
  FRAME_HOT_SITE,
  FRAME_R8,
  FRAME_R9,
  FRAME_R10,
  FRAME_R11,
  FRAME_R15,
  FRAME_RAX,
  FRAME_RBX,
  FRAME_RCX,
  FRAME_RIP,
  FRAME_RSP,
  TRAP_DEATH,
  TRAP_FAULT,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { Code, type PlatformHarness, RAX, RBX, RCX, Workbench } from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHarness, createPatchingHarness } from '../harness.js';
import {
  GUEST_TEXT,
  jumpToEachByte,
  KINDS,
  REGISTERS,
  runBesideScribbler,
  SLOTS,
  settle,
  startSibling,
  worksBeside,
} from '../support/hostile.js';

const CODE = 0x400000;
const DATA = 0x600000;
/** Where the assembly of native/stub/patched.S is, with room to spare. */
const PATCHED_FROM = 1024;
const PATCHED_TO = 1900;

let harness: PlatformHarness;
let bench: Workbench;
let entry: number;
beforeEach(() => {
  harness = createPatchingHarness();
  bench = new Workbench(harness);
  entry = harness.platform.features.patchEntry;
});
afterEach(() => harness.close());

/** lea to a record at DATA + `record`, and to the platform. */
const enter = (record = 0): Code =>
  new Code().mov(RCX, DATA + record).raw(0x49, 0xbb, ...quad(entry), 0x41, 0xff, 0xe3);

function quad(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return [...bytes];
}

/** A guest that comes in through a trampoline for call `number`, and goes on at `next`. */
function patched(
  code: Code,
  next: number | bigint,
  number = 39,
): { space: AddressSpace; context: Context; data: number } {
  const guest = bench.guest(code);
  const view = bench.view(guest.data);
  view.setBigUint64(0, BigInt.asUintN(64, BigInt(next)), true);
  view.setBigUint64(8, BigInt(number), true);
  return guest;
}

/** One that does it for ever, with RBX counting. */
function patchedLoop(): { space: AddressSpace; context: Context; data: number } {
  const code = enter().raw(0x48, 0xff, 0xc3).jumpTo(0);
  return patched(code, CODE + 23);
}

function counter(name: string): number {
  return harness.platform.statistics()[name] ?? -1;
}

function stillWorks(): void {
  const { space, context } = patchedLoop();
  for (let i = 0; i < 3; i++) expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RAX)).toBe(39);
  context.release();
}

describe('a call through a patched site', () => {
  it('shows the registers that `syscall` would have left, and returns with the result', () => {
    const { space, context } = patchedLoop();
    for (const register of REGISTERS) {
      if (![FRAME_RAX, FRAME_RCX, FRAME_R11, FRAME_RSP].includes(register))
        bench.set(context, register, 1000 + register);
    }
    bench.set(context, FRAME_EFLAGS, 0x246);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RAX)).toBe(39);
    expect(bench.get(context, FRAME_RIP)).toBe(CODE + 23);
    expect(bench.get(context, FRAME_RCX)).toBe(CODE + 23);
    expect(bench.get(context, FRAME_R11)).toBe(0x246);
    expect(bench.get(context, FRAME_EFLAGS)).toBe(0x246);
    expect(bench.get(context, FRAME_R8)).toBe(1000 + FRAME_R8);
    expect(bench.get(context, FRAME_R15)).toBe(1000 + FRAME_R15);
    expect(bench.get(context, FRAME_RSP)).toBe(0x800000 - 64);
    bench.set(context, FRAME_RAX, 77);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RBX)).toBe(1000 + FRAME_RBX + 1);
    expect(counter('patched')).toBe(2);
    expect(counter('spills')).toBe(0);
  });

  it('takes the number from R9 and R9 from the stack by the second entry', () => {
    const { space, context, data } = patched(
      new Code().mov(RCX, DATA).raw(0x49, 0xbb, ...quad(entry + 8), 0x41, 0xff, 0xe3),
      CODE + 23,
    );
    bench.set(context, FRAME_R9, 555);
    bench.set(context, FRAME_RSP, DATA + 8);
    bench.view(data).setBigUint64(16, 0x1234_5678n, true);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RAX)).toBe(555);
    expect(bench.get(context, FRAME_R9)).toBe(0x1234_5678);
  });

  it('can be answered with other registers, bases and extended state', () => {
    const { space, context } = patchedLoop();
    const state = new Uint8Array(harness.platform.features.fpuSize);
    for (let i = 1; i <= 5; i++) {
      expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
      expect(context.saveFpu(state, 0)).toBeGreaterThan(0);
      state.fill(i, 160, 176);
      state[512] = 3;
      expect(context.restoreFpu(state, 0, state.length)).toBeGreaterThan(0);
      bench.set(context, FRAME_R10, 4000 + i);
      bench.set(context, FRAME_FS_BASE, 0x5000 * i);
      expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
      expect(bench.get(context, FRAME_R10)).toBe(4000 + i);
      expect(bench.get(context, FRAME_FS_BASE)).toBe(0x5000 * i);
      expect(context.saveFpu(state, 0)).toBeGreaterThan(0);
      expect([...state.subarray(160, 176)]).toEqual(Array.from({ length: 16 }, () => i));
    }
    expect(counter('spills')).toBeGreaterThan(0);
  });

  it('can be followed by another program in the same thread, or in another space', () => {
    const { space, context } = patchedLoop();
    bench.run(context, space);
    context.release();
    const next = bench.at(CODE);
    expect(bench.run(next, space)).toBe(TRAP_SYSCALL);
    const other = patchedLoop();
    bench.set(next, FRAME_RIP, CODE);
    expect(bench.run(next, other.space)).toBe(TRAP_SYSCALL);
    space.destroy();
    expect(bench.run(next, other.space)).toBe(TRAP_SYSCALL);
  });

  it('is not lost, nor an interrupt, when both come at the same time', () => {
    const { space, context } = patchedLoop();
    let interrupted = 0;
    let calls = 0;
    let last = 0;
    for (let i = 0; i < 3000; i++) {
      expect(context.resume(space, 0)).toBe(0);
      for (let k = i % 97; k > 0; k--) harness.now();
      context.interrupt();
      const kind = bench.await(context);
      if (kind === TRAP_INTERRUPTED) interrupted++;
      else {
        expect(kind).toBe(TRAP_SYSCALL);
        calls++;
        expect(bench.get(context, FRAME_RAX)).toBe(39);
      }
      // Never in the platform's text, and no round is made twice or left out.
      const count = bench.get(context, FRAME_RBX);
      expect(count === last || count === last + 1).toBe(true);
      last = count;
      expect(bench.get(context, FRAME_RSP)).toBe(0x800000 - 64);
      if (kind === TRAP_INTERRUPTED) expect(bench.get(context, FRAME_RIP)).toBeLessThan(CODE + 64);
    }
    expect(interrupted + calls).toBe(3000);
    // And one that only computes can still be stopped.
    const spinner = bench.guest(new Code().spin());
    spinner.context.resume(spinner.space, 0);
    spinner.context.interrupt();
    expect(bench.await(spinner.context)).toBe(TRAP_INTERRUPTED);
  }, 60_000);

  it('is told to be worth it at the second time, by a trap', () => {
    const { space, context } = bench.guest(new Code().mov(RAX, 39).syscall().jumpTo(0));
    const hot = [1, 2, 3].map(() => {
      bench.run(context, space);
      return bench.get32(context, FRAME_HOT_SITE);
    });
    expect(hot).toEqual([0, 1, 0]);
    expect(counter('trapped')).toBe(3);
  });
});

describe('without patching', () => {
  it('there is no entry, no site is hot, and who goes there all the same makes the call by a trap', () => {
    harness.close();
    harness = createHarness();
    bench = new Workbench(harness);
    expect(harness.platform.features.patchEntry).toBe(0);
    const { space, context } = bench.guest(new Code().mov(RAX, 39).syscall().jumpTo(0));
    for (let i = 0; i < 5; i++) {
      bench.run(context, space);
      expect(bench.get32(context, FRAME_HOT_SITE)).toBe(0);
    }
    // Its thread has no segment.
    const forged = patched(
      new Code()
        .mov(RCX, DATA)
        .mov(RBX, GUEST_TEXT + PATCHED_FROM)
        .jump(RBX),
      0x500002,
    );
    harness.memory.set(new Code().syscall().nop().toBytes(), bench.map(forged.space, 0x500000, 5));
    expect(bench.run(forged.context, forged.space)).toBe(TRAP_SYSCALL);
    expect(bench.get(forged.context, FRAME_RAX)).toBe(39);
    expect(bench.get(forged.context, FRAME_RIP)).toBe(0x500002);
    expect(counter('patched')).toBe(0);
  });
});

describe('hostile use', () => {
  const fillings: [string, number][] = [
    ['zeros', 0],
    ['the address of a record', DATA],
    ['the address of a slot', SLOTS],
    ['the address of the entry', GUEST_TEXT + PATCHED_FROM],
  ];
  it.each(fillings)(
    'jumps to every byte of the way in, with registers full of %s, hurt nobody',
    (_, value) => {
      jumpToEachByte(
        bench,
        () => patched(new Code().nop(), CODE),
        GUEST_TEXT + PATCHED_FROM,
        GUEST_TEXT + PATCHED_TO,
        value,
      );
      stillWorks();
    },
    120_000,
  );

  it.each([
    ['of the kernel', 0xffff_8000_0000_0000n],
    ['that is not canonical', 0x8000_0000_0000_0000n],
    ['of the platform', BigInt(GUEST_TEXT + PATCHED_FROM)],
    ['of nothing', 0x1000n],
  ])('records with a way back %s are faults or calls of the program', (_, next) => {
    const { space, context } = patched(enter(), next);
    for (let i = 0; i < 3; i++) {
      const kind = settle(bench, context, space);
      expect([...KINDS, -1]).toContain(kind);
      if (kind !== TRAP_SYSCALL) break;
    }
    stillWorks();
  });

  it.each([0, 0xdead_0000, 0x7fff_ffff_f000])('a record at %i is a fault', (at) => {
    const { space, context } = patched(
      new Code().mov(RCX, at).raw(0x49, 0xbb, ...quad(entry), 0x41, 0xff, 0xe3),
      CODE,
    );
    expect(settle(bench, context, space)).toBe(TRAP_FAULT);
  });

  it('siblings that write the slots while calls come in end in traps or the death of that space', () => {
    const guest = patchedLoop();
    bench.run(guest.context, guest.space);
    const sibling = runBesideScribbler(bench, guest, 0x0000_0001_0000_0001n);
    worksBeside(bench, patchedLoop(), [sibling, guest.context]);
  });

  it('a sibling that keeps a thread from making its frame loses its space, and nobody else anything', () => {
    const { space, context } = patchedLoop();
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    // Says for ever that the first slot was entered by a patch.
    const scribble = new Code()
      .mov(RBX, SLOTS + 56)
      .mov(RAX, 1)
      .store(RBX, RAX)
      .jumpTo(20);
    const sibling = startSibling(bench, space, scribble);
    bench.set(context, FRAME_R10, 1);
    // Other registers than a fast return can bring: the thread has to make its frame.
    for (let i = 0; i < 3; i++) {
      bench.set(context, FRAME_R10, i);
      if (context.resume(space, 0) !== 0) break;
      const id = harness.platform.wait(harness.now() + 20e9);
      expect([context.id, sibling.id]).toContain(id);
      if (id !== context.id || bench.kind(context) === TRAP_DEATH) break;
    }
    worksBeside(bench, patchedLoop(), [sibling, context]);
  }, 60_000);
});
