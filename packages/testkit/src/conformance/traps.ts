// Every way a guest enters the kernel: system calls of all kinds, faults, exceptions, single steps.
import { SIGFPE, SIGILL, SIGSEGV, SIGTRAP } from '@sandbox-kernel/abi';
import {
  FAULT_INSTRUCTION,
  FRAME_CR2,
  FRAME_CS,
  FRAME_ERR,
  FRAME_KIND,
  FRAME_R8,
  FRAME_R9,
  FRAME_R10,
  FRAME_RAX,
  FRAME_RBX,
  FRAME_RDI,
  FRAME_RDX,
  FRAME_RIP,
  FRAME_RSI,
  FRAME_SIADDR,
  FRAME_SICODE,
  FRAME_SIGNO,
  FRAME_SYSCALL_ARCH,
  FRAME_TRAPNO,
  RESUME_SINGLE_STEP,
  SYSCALL_ARCH_I386,
  SYSCALL_ARCH_X86_64,
  TRAP_EXCEPTION,
  TRAP_FAULT,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { Code, R8, R9, R10, RAX, RBX, RCX, RDI, RDX, RSI } from '../guests/code.js';
import { CODE, DATA, PROT_READ, type Suite, type Workbench } from './harness.js';

const SEGV_MAPERR = 1;
const SEGV_ACCERR = 2;
const FPE_INTDIV = 1;

export function trapSuite({ runner, bench }: Suite): void {
  const { describe, it } = runner;
  describe('system calls', () => {
    it('deliver the number and all six arguments', () => checkArguments(bench(), runner));
    it('give the result to the guest and go on after the instruction', () => checkResult(bench(), runner));
    it('may be made again from the same place', () => checkRestart(bench(), runner));
    it('made with int 0x80 name the 32-bit table', () => checkInt80(bench(), runner));
    it('made from 32-bit code name the 32-bit table', () => checkCompatibility(bench(), runner));
    it('made with sysenter never reach the host', () => checkSysenter(bench(), runner));
    it('with x32 numbers come as they are', () => checkX32(bench(), runner));
    it('made through the vsyscall page do not run on the host', () => checkVsyscall(bench(), runner));
    it('with results that look like restart codes are left alone', () => checkRestartCodes(bench(), runner));
  });
  describe('faults', () => {
    it('on a read give the address', () => checkFault(bench(), runner, 'read'));
    it('on a write give the address', () => checkFault(bench(), runner, 'write'));
    it('on a jump say that it was an instruction fetch', () => checkExecFault(bench(), runner));
    it('on a write to a read-only page are access errors', () => checkReadOnly(bench(), runner));
    it('are over once the page is mapped', () => checkFaultRepair(bench(), runner));
  });
  describe('exceptions', () => {
    it('report an illegal instruction at its address', () => checkIllegal(bench(), runner));
    it('report a division by zero', () => checkDivision(bench(), runner));
    it('report a breakpoint after the instruction', () => checkBreakpoint(bench(), runner));
    it('report a privileged instruction as general protection', () => checkPrivileged(bench(), runner));
    it('report a non-canonical address as general protection', () => checkNonCanonical(bench(), runner));
    it('stop after each instruction when single-stepping', () => checkSingleStep(bench(), runner));
  });
}

function checkArguments(bench: Workbench, { expect }: Suite['runner']): void {
  const high = 0xfedc_ba98_7654_3210n;
  const code = new Code().mov(RDI, 11).mov(RSI, 22).mov(RDX, high).mov(R10, 44).mov(R8, 55).mov(R9, -1n);
  const { space, context } = bench.guest(code.call(777));
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RAX)).toBe(777);
  expect(bench.get(context, FRAME_RDI)).toBe(11);
  expect(bench.get(context, FRAME_RSI)).toBe(22);
  expect(bench.getBig(context, FRAME_RDX)).toBe(high);
  expect(bench.get(context, FRAME_R10)).toBe(44);
  expect(bench.get(context, FRAME_R8)).toBe(55);
  expect(bench.getBig(context, FRAME_R9)).toBe(0xffff_ffff_ffff_ffffn);
  expect(bench.get(context, FRAME_RIP)).toBe(CODE + code.length);
  expect(bench.get32(context, FRAME_SYSCALL_ARCH)).toBe(SYSCALL_ARCH_X86_64);
}

function checkResult(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context, data } = bench.guest(new Code().call(1).mov(RBX, DATA).store(RBX, RAX).call(2));
  bench.run(context, space);
  bench.set(context, FRAME_RAX, 0x1234_5678_9abc);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RAX)).toBe(2);
  expect(bench.view(data).getBigUint64(0, true)).toBe(0x1234_5678_9abcn);
}

function checkRestart(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().call(5));
  bench.run(context, space);
  bench.set(context, FRAME_RIP, bench.get(context, FRAME_RIP) - 2);
  bench.set(context, FRAME_RAX, 6);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RAX)).toBe(6);
}

function checkInt80(bench: Workbench, { expect }: Suite['runner']): void {
  const code = new Code().mov(RAX, 20).mov(RBX, 99).raw(0xcd, 0x80);
  const { space, context } = bench.guest(code.call(3));
  const end = CODE + code.length - 12;
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get32(context, FRAME_SYSCALL_ARCH)).toBe(SYSCALL_ARCH_I386);
  expect(bench.get(context, FRAME_RAX)).toBe(20);
  expect(bench.get(context, FRAME_RBX)).toBe(99);
  expect(bench.get(context, FRAME_RIP)).toBe(end);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get32(context, FRAME_SYSCALL_ARCH)).toBe(SYSCALL_ARCH_X86_64);
}

/** A far return to the 32-bit code segment; mappings that change there must not disturb it. */
function checkCompatibility(bench: Workbench, { expect }: Suite['runner']): void {
  const code = new Code().raw(0x6a, 0x23, 0x68, 0x40, 0, 0x40, 0, 0x48, 0xcb);
  while (code.length < 0x40) code.nop();
  code.raw(0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7);
  const { space, context } = bench.guest(code);
  for (let i = 0; i < 20; i++) {
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get32(context, FRAME_SYSCALL_ARCH)).toBe(SYSCALL_ARCH_I386);
    expect(bench.get(context, FRAME_RAX)).toBe(20);
    expect(context.frame.view.getUint16(context.frame.offset + FRAME_CS, true)).toBe(0x23);
    bench.map(space, 0x900000 + i * 4096, PROT_READ);
  }
}

/** From 64-bit code this is #UD on some processors and a 32-bit call on others; either is fine, a host call is not. */
function checkSysenter(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().mov(RAX, 20).raw(0x0f, 0x34));
  const kind = bench.run(context, space);
  if (kind === TRAP_SYSCALL) expect(bench.get32(context, FRAME_SYSCALL_ARCH)).toBe(SYSCALL_ARCH_I386);
  else expect(bench.get32(context, FRAME_SIGNO) === SIGILL || kind === TRAP_FAULT).toBe(true);
}

function checkX32(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().call(0x4000_0027));
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RAX)).toBe(0x4000_0027);
}

/** time(NULL) at its fixed address: a system call trap or a fault, never a value from the host. */
function checkVsyscall(bench: Workbench, { expect }: Suite['runner']): void {
  const code = new Code().mov(RDI, 0).mov(RBX, 0xffff_ffff_ff60_0400n).raw(0xff, 0xd3);
  const { space, context } = bench.guest(code.call(60));
  const kind = bench.run(context, space);
  if (kind === TRAP_SYSCALL) {
    expect(bench.get(context, FRAME_RAX)).toBe(201);
    expect(bench.get(context, FRAME_RIP)).toBe(CODE + 22);
  } else {
    expect(kind).toBe(TRAP_FAULT);
    expect(bench.getBig(context, FRAME_CR2)).toBe(0xffff_ffff_ff60_0400n);
  }
}

function checkRestartCodes(bench: Workbench, { expect }: Suite['runner']): void {
  const code = new Code().call(7).mov(RBX, DATA).store(RBX, RAX).spin();
  for (const value of [-512, -513, -514, -516]) {
    const { space, context, data } = bench.guest(code);
    bench.run(context, space);
    bench.set(context, FRAME_RAX, value);
    context.resume(space, 0);
    context.interrupt();
    bench.await(context);
    expect(bench.get(context, FRAME_RIP)).toBeGreaterThanOrEqual(CODE + 12);
    expect(bench.getBig(context, FRAME_RAX)).toBe(BigInt.asUintN(64, BigInt(value)));
    expect(
      bench.view(data).getBigInt64(0, true) === BigInt(value) || bench.get(context, FRAME_RIP) < CODE + 25,
    ).toBe(true);
    space.destroy();
    context.release();
  }
}

function checkFault(bench: Workbench, { expect }: Suite['runner'], how: 'read' | 'write'): void {
  const addr = 0x7000_1234_5678;
  const code = new Code().mov(RBX, addr);
  const { space, context } = bench.guest(how === 'read' ? code.load(RAX, RBX) : code.store(RBX, RAX));
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get(context, FRAME_CR2)).toBe(addr);
  expect(bench.get(context, FRAME_SIADDR)).toBe(addr);
  expect(bench.get(context, FRAME_RIP)).toBe(CODE + 10);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGSEGV);
  expect(bench.get32(context, FRAME_SICODE)).toBe(SEGV_MAPERR);
  expect(bench.get32(context, FRAME_TRAPNO)).toBe(14);
  if (!bench.platform.features.faultErrorCode) return;
  expect(bench.get(context, FRAME_ERR) & 2).toBe(how === 'write' ? 2 : 0);
}

function checkExecFault(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().mov(RBX, DATA).jump(RBX));
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get(context, FRAME_CR2)).toBe(DATA);
  expect(bench.get(context, FRAME_RIP)).toBe(DATA);
  expect(bench.get(context, FRAME_ERR) & FAULT_INSTRUCTION).toBe(FAULT_INSTRUCTION);
  expect(bench.get32(context, FRAME_SICODE)).toBe(SEGV_ACCERR);
}

function checkReadOnly(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().mov(RBX, CODE + 0x800).store(RBX, RAX));
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get(context, FRAME_CR2)).toBe(CODE + 0x800);
  expect(bench.get32(context, FRAME_SICODE)).toBe(SEGV_ACCERR);
}

function checkFaultRepair(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().mov(RBX, 0x900000).load(RDI, RBX).call(1));
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  const offset = bench.map(space, 0x900000, PROT_READ);
  bench.view(offset).setBigUint64(0, 4711n, true);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RDI)).toBe(4711);
}

function checkIllegal(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().nop().raw(0x0f, 0x0b));
  expect(bench.run(context, space)).toBe(TRAP_EXCEPTION);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGILL);
  expect(bench.get(context, FRAME_RIP)).toBe(CODE + 1);
  expect(bench.get(context, FRAME_SIADDR)).toBe(CODE + 1);
  expect(bench.get(context, FRAME_TRAPNO)).toBe(6);
}

function checkDivision(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().mov(RAX, 1).mov(RDX, 0).mov(RCX, 0).raw(0xf7, 0xf1));
  expect(bench.run(context, space)).toBe(TRAP_EXCEPTION);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGFPE);
  expect(bench.get32(context, FRAME_SICODE)).toBe(FPE_INTDIV);
  expect(bench.get(context, FRAME_SIADDR)).toBe(CODE + 30);
  expect(bench.get(context, FRAME_TRAPNO)).toBe(0);
}

function checkBreakpoint(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().raw(0xcc).call(8));
  expect(bench.run(context, space)).toBe(TRAP_EXCEPTION);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGTRAP);
  expect(bench.get(context, FRAME_RIP)).toBe(CODE + 1);
  expect(bench.get(context, FRAME_TRAPNO)).toBe(3);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
}

function checkPrivileged(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().raw(0xf4));
  expect(bench.run(context, space)).toBe(TRAP_EXCEPTION);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGSEGV);
  expect(bench.get(context, FRAME_TRAPNO)).toBe(13);
  expect(bench.get(context, FRAME_SIADDR)).toBe(0);
}

function checkNonCanonical(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().mov(RBX, 0x8000_0000_0000_0000n).load(RAX, RBX));
  expect(bench.run(context, space)).toBe(TRAP_EXCEPTION);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGSEGV);
  expect(bench.get(context, FRAME_TRAPNO)).toBe(13);
}

function checkSingleStep(bench: Workbench, { expect }: Suite['runner']): void {
  const { space, context } = bench.guest(new Code().nop().nop().call(9).nop().nop());
  for (const rip of [1, 2, 12]) {
    expect(bench.run(context, space, RESUME_SINGLE_STEP)).toBe(TRAP_EXCEPTION);
    expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGTRAP);
    expect(bench.get(context, FRAME_RIP)).toBe(CODE + rip);
  }
  expect(bench.run(context, space, RESUME_SINGLE_STEP)).toBe(TRAP_SYSCALL);
  expect(bench.get32(context, FRAME_SYSCALL_ARCH)).toBe(SYSCALL_ARCH_X86_64);
  expect(bench.run(context, space, RESUME_SINGLE_STEP)).toBe(TRAP_EXCEPTION);
  expect(context.frame.view.getUint32(context.frame.offset + FRAME_KIND, true)).toBe(TRAP_EXCEPTION);
  expect(bench.get(context, FRAME_RIP)).toBeLessThanOrEqual(CODE + 15);
}
