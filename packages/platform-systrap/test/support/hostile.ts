// What hostile.test.ts and patched.test.ts do to the stub from inside: jumps to each of its bytes, and siblings that write its slots.
import {
  type AddressSpace,
  type Context,
  FRAME_RSP,
  TRAP_DEATH,
  TRAP_EXCEPTION,
  TRAP_FAULT,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { Code, RAX, RCX, RDI, type Workbench } from '@sandbox-kernel/testkit';
import { expect } from 'vitest';

export const GUEST_TEXT = 0x7fff_c000_0000;
export const SLOTS = 0x7fff_d000_0000;
const SLOT_SIZE = 16384;
const SIBLING_CODE = 0x500000;

export const KINDS = [TRAP_SYSCALL, TRAP_FAULT, TRAP_EXCEPTION, TRAP_INTERRUPTED, TRAP_DEATH];
export const REGISTERS = Array.from({ length: 15 }, (_, i) => i * 8);

export interface Guest {
  readonly space: AddressSpace;
  readonly context: Context;
}

/** Runs until it traps; a guest that only loops is interrupted. */
export function settle(bench: Workbench, context: Context, space: AddressSpace): number {
  const { platform, harness } = bench;
  if (context.resume(space, 0) !== 0) return -1;
  let id = platform.wait(harness.now() + 2e6);
  if (id !== context.id) {
    context.interrupt();
    id = platform.wait(harness.now() + 20e9);
  }
  expect(id).toBe(context.id);
  return bench.kind(context);
}

/** Starts a guest at each byte of [from..to), with `value` in all registers but the stack's. What dies of it is made anew. */
export function jumpToEachByte(
  bench: Workbench,
  make: () => Guest,
  from: number,
  to: number,
  value: number,
): void {
  let victim = make();
  for (let at = from; at < to; at++) {
    const context = bench.at(at);
    for (const register of REGISTERS) if (register !== FRAME_RSP) bench.set(context, register, value);
    const kind = settle(bench, context, victim.space);
    expect(KINDS).toContain(kind);
    context.release();
    if (kind !== TRAP_DEATH) continue;
    victim.space.destroy();
    victim = make();
  }
}

/** Starts a sibling of the space's threads with this code. */
export function startSibling(bench: Workbench, space: AddressSpace, code: Code): Context {
  const page = bench.map(space, SIBLING_CODE, 5);
  bench.harness.memory.set(code.toBytes(), page);
  const sibling = bench.at(SIBLING_CODE);
  sibling.resume(space, 0);
  return sibling;
}

/** Goes on with a guest whose sibling fills the first slots, stacks and all, with `pattern` for ever, until its space dies of it. */
export function runBesideScribbler(bench: Workbench, { space, context }: Guest, pattern: bigint): Context {
  const fill = new Code()
    .mov(RAX, pattern)
    .mov(RDI, SLOTS)
    .mov(RCX, SLOT_SIZE / 8)
    .raw(0xf3, 0x48, 0xab)
    .jumpTo(10);
  const sibling = startSibling(bench, space, fill);
  const next = (): number => bench.platform.wait(bench.harness.now() + 20e6);
  for (let i = 0; i < 200; i++) {
    if (context.resume(space, 0) !== 0) break;
    let id = next();
    while (id === sibling.id) id = next();
    if (id !== context.id || bench.kind(context) === TRAP_DEATH) break;
  }
  return sibling;
}

/** The platform still serves `witness`, whatever these others have to tell meanwhile. */
export function worksBeside(bench: Workbench, witness: Guest, others: readonly Context[]): void {
  witness.context.resume(witness.space, 0);
  for (;;) {
    const id = bench.platform.wait(bench.harness.now() + 20e9);
    if (id === witness.context.id) return;
    expect(others.map((other) => other.id)).toContain(id);
  }
}
