// State of the processor that is not in the general registers: SSE, AVX, fs and gs bases, flags; kept across traps, moved out
// and in, refused when malformed.
import { EINVAL } from '@sandbox-kernel/abi';
import {
  FRAME_EFLAGS,
  FRAME_FS_BASE,
  FRAME_GS_BASE,
  FRAME_RAX,
  FRAME_RDI,
  FRAME_RSI,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { Code, RAX, RBX } from '../guests/code.js';
import { DATA, type Suite, type Workbench } from './harness.js';

const XMM0 = 160;
const MXCSR = 24;
const XSTATE_BV = 512;
const AVX = 4;

/** movdqu (%rax), %xmm0 and back. */
const LOAD_XMM = [0xf3, 0x0f, 0x6f, 0x00];
const STORE_XMM = [0xf3, 0x0f, 0x7f, 0x00];
/** vmovdqu (%rax), %ymm0 and back. */
const LOAD_YMM = [0xc5, 0xfe, 0x6f, 0x00];
const STORE_YMM = [0xc5, 0xfe, 0x7f, 0x00];
/** mov %fs:0, %rdi; mov %gs:0, %rsi */
const LOAD_FS = [0x64, 0x48, 0x8b, 0x3c, 0x25, 0, 0, 0, 0];
const LOAD_GS = [0x65, 0x48, 0x8b, 0x34, 0x25, 0, 0, 0, 0];

export function registerSuite({ runner, bench }: Suite): void {
  const { describe, it } = runner;
  describe('extended state', () => {
    it('keeps SSE registers across traps', () => keeps(bench(), runner, LOAD_XMM, STORE_XMM, 16));
    it('keeps AVX registers across traps', () => {
      if ((bench().platform.features.xcr0Low & AVX) !== 0) keeps(bench(), runner, LOAD_YMM, STORE_YMM, 32);
    });
    it('is fresh in a new context', () => isFresh(bench(), runner));
    it('goes out and comes back unchanged', () => roundTrip(bench(), runner));
    it('can be changed between traps', () => canChange(bench(), runner));
    it('can be set before the first run', () => setEarly(bench(), runner));
    it('refuses reserved bits', () => refuses(bench(), runner));
    it('is reset on demand', () => resets(bench(), runner));
    it('does not leak from one context to the next', () => doesNotLeak(bench(), runner));
  });
  describe('segment bases', () => {
    it('are taken from the frame', () => basesIn(bench(), runner));
    it('written by the guest show in the frame', () => basesOut(bench(), runner));
  });
  it('keeps the flags of the guest', () => keepsFlags(bench(), runner));
}

type Runner = Suite['runner'];

function keeps(bench: Workbench, { expect }: Runner, load: number[], store: number[], size: number): void {
  const code = new Code()
    .mov(RAX, DATA)
    .raw(...load)
    .call(1)
    .mov(RAX, DATA + 64)
    .raw(...store)
    .call(2);
  const { space, context, data } = bench.guest(code);
  const pattern = Uint8Array.from({ length: size }, (_, i) => i * 7 + 1);
  bench.harness.memory.set(pattern, data);
  bench.run(context, space);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.bytes(data + 64, size)).toEqual(pattern);
}

function isFresh(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().call(1));
  bench.run(context, space);
  const state = new Uint8Array(bench.platform.features.fpuSize);
  expect(context.saveFpu(state, 0)).toBe(state.length);
  const view = new DataView(state.buffer);
  expect(view.getUint16(0, true)).toBe(0x37f);
  expect(view.getUint32(MXCSR, true)).toBe(0x1f80);
  expect(state.subarray(XMM0, XMM0 + 256).every((byte) => byte === 0)).toBe(true);
}

function roundTrip(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(
    new Code()
      .mov(RAX, DATA)
      .raw(...LOAD_XMM)
      .call(1)
      .call(2),
  );
  bench.harness.memory.fill(0x5a, data, data + 16);
  bench.run(context, space);
  const size = bench.platform.features.fpuSize;
  const before = new Uint8Array(size + 8);
  expect(context.saveFpu(before, 8)).toBe(size);
  expect(before.subarray(8 + XMM0, 8 + XMM0 + 16).every((byte) => byte === 0x5a)).toBe(true);
  expect(context.restoreFpu(before, 8, size)).toBe(size);
  bench.run(context, space);
  const after = new Uint8Array(size + 8);
  context.saveFpu(after, 8);
  expect(after).toEqual(before);
}

function canChange(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(
    new Code()
      .call(1)
      .mov(RAX, DATA)
      .raw(...STORE_XMM)
      .call(2),
  );
  bench.run(context, space);
  setXmm(bench, context, 0x77);
  bench.run(context, space);
  expect(bench.bytes(data, 16).every((byte) => byte === 0x77)).toBe(true);
  expect(bench.get(context, FRAME_RAX)).toBe(2);
}

function setEarly(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(
    new Code()
      .mov(RAX, DATA)
      .raw(...STORE_XMM)
      .call(2),
  );
  setXmm(bench, context, 0x33);
  bench.run(context, space);
  expect(bench.bytes(data, 16).every((byte) => byte === 0x33)).toBe(true);
}

function setXmm(bench: Workbench, context: ReturnType<Workbench['context']>, value: number): void {
  const size = bench.platform.features.fpuSize;
  const state = new Uint8Array(size);
  context.saveFpu(state, 0);
  state.fill(value, XMM0, XMM0 + 16);
  state[XSTATE_BV] = (state[XSTATE_BV] ?? 0) | 3;
  context.restoreFpu(state, 0, size);
}

function refuses(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().call(1).call(2));
  for (const started of [false, true]) {
    if (started) bench.run(context, space);
    const size = bench.platform.features.fpuSize;
    const good = new Uint8Array(size);
    context.saveFpu(good, 0);
    for (const [at, value] of [
      [XSTATE_BV + 7, 0x40],
      [XSTATE_BV + 24, 1],
      [MXCSR + 3, 0xff],
    ] as const) {
      const bad = good.slice();
      bad[at] = value;
      expect(context.restoreFpu(bad, 0, size)).toBe(-EINVAL);
    }
    const kept = new Uint8Array(size);
    context.saveFpu(kept, 0);
    expect(kept).toEqual(good);
  }
}

function resets(bench: Workbench, { expect }: Runner): void {
  const code = new Code()
    .mov(RAX, DATA)
    .raw(...LOAD_XMM)
    .call(1)
    .mov(RAX, DATA)
    .raw(...STORE_XMM)
    .call(2);
  const { space, context, data } = bench.guest(code);
  bench.harness.memory.fill(0xee, data, data + 16);
  bench.run(context, space);
  context.resetFpu();
  bench.run(context, space);
  expect(bench.bytes(data, 16).every((byte) => byte === 0)).toBe(true);
}

function doesNotLeak(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(
    new Code()
      .mov(RAX, DATA)
      .raw(...LOAD_XMM)
      .call(1)
      .nop(),
  );
  const reader = new Code()
    .mov(RAX, DATA + 64)
    .raw(...STORE_XMM)
    .call(2);
  bench.harness.memory.fill(0xaa, data, data + 16);
  bench.run(context, space);
  context.release();
  const offset = bench.map(space, 0x500000, 5);
  bench.harness.memory.set(reader.toBytes(), offset);
  const next = bench.at(0x500000);
  bench.run(next, space);
  expect(bench.bytes(data + 64, 16).every((byte) => byte === 0)).toBe(true);
}

function basesIn(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(new Code().raw(...LOAD_FS, ...LOAD_GS).call(1));
  bench.view(data).setBigUint64(16, 111n, true);
  bench.view(data).setBigUint64(32, 222n, true);
  bench.set(context, FRAME_FS_BASE, DATA + 16);
  bench.set(context, FRAME_GS_BASE, DATA + 32);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RDI)).toBe(111);
  expect(bench.get(context, FRAME_RSI)).toBe(222);
  expect(bench.get(context, FRAME_FS_BASE)).toBe(DATA + 16);
  expect(bench.get(context, FRAME_GS_BASE)).toBe(DATA + 32);
}

function basesOut(bench: Workbench, { expect }: Runner): void {
  if (!bench.platform.features.fsgsbase) return;
  const wrfsbase = [0xf3, 0x48, 0x0f, 0xae, 0xd3];
  const { space, context } = bench.guest(
    new Code()
      .mov(RBX, DATA + 8)
      .raw(...wrfsbase)
      .call(1),
  );
  bench.run(context, space);
  expect(bench.get(context, FRAME_FS_BASE)).toBe(DATA + 8);
}

function keepsFlags(bench: Workbench, { expect }: Runner): void {
  const carry = 1;
  const direction = 0x400;
  const { space, context } = bench.guest(new Code().raw(0xf9, 0xfd).call(1).call(2));
  bench.run(context, space);
  expect(bench.get(context, FRAME_EFLAGS) & (carry | direction)).toBe(carry | direction);
  // Commands that run before the guest goes on leave them alone too.
  bench.map(space, 0x900000, 1);
  bench.run(context, space);
  expect(bench.get(context, FRAME_EFLAGS) & (carry | direction)).toBe(carry | direction);
  expect(bench.get(context, FRAME_RAX)).toBe(2);
}
