// Address spaces: what is mapped is what the guest sees, in every context of the space and in no other space.
import { EACCES, EINVAL, SIGBUS, SIGSEGV } from '@sandbox-kernel/abi';
import {
  type AddressSpace,
  FRAME_CR2,
  FRAME_RDI,
  FRAME_RIP,
  FRAME_SICODE,
  FRAME_SIGNO,
  MEMORY_FILE,
  PAGE_SIZE,
  TRAP_DEATH,
  TRAP_FAULT,
  TRAP_SYSCALL,
} from '@sandbox-kernel/contracts';
import { Code, RAX, RBX, RDI } from '../guests/code.js';
import { CODE, DATA, PROT_READ, PROT_WRITE, type Suite, type Workbench } from './harness.js';

type Runner = Suite['runner'];

const SEGV_ACCERR = 2;
const AREA = 0x1000_0000;
const RW = PROT_READ | PROT_WRITE;

/** Loads from AREA and reports the value in RDI, again and again. */
const reader = new Code().mov(RBX, AREA).load(RDI, RBX).mov(RAX, 1).syscall().jumpTo(0);

export function memorySuite({ runner, bench }: Suite): void {
  const { describe, it } = runner;
  describe('address spaces', () => {
    it('are isolated from each other', () => isolated(bench(), runner));
    it('map memory that is ready without a change of what it holds or allows', () => ready(bench(), runner));
    it('start as a copy when made from another', () => copies(bench(), runner));
    it('keep their mappings when the original goes', () => survives(bench(), runner));
    it('end the contexts that still run in them', () => endsRunning(bench(), runner));
    it('start empty otherwise', () => empty(bench(), runner));
    it('may be made and destroyed many times', () => churn(bench()));
    it('refuse ranges above the limit and odd ones', () => refuses(bench(), runner));
    it('let a context move from one to another', () => moves(bench(), runner));
  });
  describe('mappings', () => {
    it('show the memory file, and writes go both ways', () => sharesMemory(bench(), runner));
    it('replace what was there', () => replaces(bench(), runner));
    it('are gone after unmap', () => unmaps(bench(), runner));
    it('change their protection', () => protects(bench(), runner));
    it('changed under a running context hold for it after a flush', () => flushes(bench(), runner));
    it('may be hundreds in one batch', () => batches(bench(), runner));
    it('that the host refuses are told once, and the others hold', () => tellsErrors(bench(), runner));
    it('reach up to the limit of the address space', () => reaches(bench(), runner));
    it('of a host file show its content and write it', () => mapsFile(bench(), runner));
    it('of many host files keep them apart', () => manyFiles(bench(), runner));
    it('of a host file never reach another space than the one they are for', () => lostFile(bench(), runner));
    it('beyond the end of a host file give a bus error', () => busError(bench(), runner));
  });
}

function isolated(bench: Workbench, { expect }: Runner): void {
  const first = bench.guest(new Code().mov(RBX, DATA).mov(RAX, 42).store(RBX, RAX).call(1));
  const second = bench.guest(new Code().mov(RBX, DATA).load(RDI, RBX).call(1));
  bench.run(first.context, first.space);
  expect(bench.run(second.context, second.space)).toBe(TRAP_SYSCALL);
  expect(bench.get(second.context, FRAME_RDI)).toBe(0);
}

function place(bench: Workbench, space: AddressSpace, value: bigint): number {
  const offset = bench.map(space, AREA, RW);
  bench.view(offset).setBigUint64(0, value, true);
  return offset;
}

function ready(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().mov(RBX, AREA).load(RDI, RBX).store(RBX, RDI).call(1));
  const offset = bench.pages(2);
  bench.view(offset).setBigUint64(0, 7n, true);
  expect(space.map(AREA, 2 * PAGE_SIZE, MEMORY_FILE, offset, RW, RW, true)).toBe(0);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RDI)).toBe(7);
  expect(space.map(AREA, 2 * PAGE_SIZE, MEMORY_FILE, offset, PROT_READ, PROT_READ, true)).toBe(0);
  expect(bench.run(bench.at(CODE), space)).toBe(TRAP_FAULT);
}

function copies(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  place(bench, space, 5n);
  bench.run(context, space);
  const copy = bench.space(space);
  const other = bench.at(CODE);
  expect(bench.run(other, copy)).toBe(TRAP_SYSCALL);
  expect(bench.get(other, FRAME_RDI)).toBe(5);
  place(bench, copy, 6n);
  bench.run(other, copy);
  bench.run(context, space);
  expect(bench.get(other, FRAME_RDI)).toBe(6);
  expect(bench.get(context, FRAME_RDI)).toBe(5);
}

function survives(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  place(bench, space, 9n);
  const copy = bench.space(space);
  bench.run(context, space);
  space.destroy();
  expect(bench.run(context, copy)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RDI)).toBe(9);
}

function endsRunning(bench: Workbench, { expect }: Runner): void {
  const spinning = bench.guest(new Code().spin());
  const trapped = bench.guest(new Code().call(4).call(5));
  spinning.context.resume(spinning.space, 0);
  bench.run(trapped.context, trapped.space);
  const copy = bench.space(trapped.space);
  spinning.space.destroy();
  trapped.space.destroy();
  expect(bench.await(spinning.context)).toBe(TRAP_DEATH);
  expect(bench.run(trapped.context, copy)).toBe(TRAP_SYSCALL);
}

function empty(bench: Workbench, { expect }: Runner): void {
  for (const addr of [bench.platform.features.addressMinimum, CODE, 0x1000_0000_0000]) {
    const context = bench.at(addr);
    expect(bench.run(context, bench.space())).toBe(TRAP_FAULT);
    expect(bench.get(context, FRAME_CR2)).toBe(addr);
  }
}

function churn(bench: Workbench): void {
  for (let i = 0; i < 60; i++) {
    const space = bench.space();
    const context = bench.at(CODE);
    bench.run(context, space);
    if (i % 2 === 0) context.release();
    space.destroy();
    if (i % 2 !== 0) context.release();
  }
}

function refuses(bench: Workbench, { expect }: Runner): void {
  const space = bench.space();
  const limit = bench.platform.features.addressLimit;
  expect(space.map(limit, PAGE_SIZE, MEMORY_FILE, 0, RW, RW)).toBe(-EINVAL);
  expect(space.map(limit - PAGE_SIZE, 2 * PAGE_SIZE, MEMORY_FILE, 0, RW, RW)).toBe(-EINVAL);
  expect(space.unmap(0, limit + PAGE_SIZE)).toBe(-EINVAL);
  expect(space.protect(CODE + 1, PAGE_SIZE, RW)).toBe(-EINVAL);
  expect(space.unmap(CODE, 0)).toBe(-EINVAL);
}

function moves(bench: Workbench, { expect }: Runner): void {
  const here = bench.guest(reader);
  const there = bench.guest(reader);
  place(bench, here.space, 1n);
  place(bench, there.space, 2n);
  for (let i = 0; i < 3; i++) {
    bench.run(here.context, here.space);
    expect(bench.get(here.context, FRAME_RDI)).toBe(1);
    bench.run(here.context, there.space);
    expect(bench.get(here.context, FRAME_RDI)).toBe(2);
  }
}

function sharesMemory(bench: Workbench, { expect }: Runner): void {
  const { space, context, data } = bench.guest(
    new Code().mov(RBX, DATA).increment(RBX).mov(RAX, 1).syscall().jumpTo(10),
  );
  for (let i = 1; i < 5; i++) {
    bench.view(data).setUint32(0, i * 10, true);
    bench.run(context, space);
    expect(bench.view(data).getUint32(0, true)).toBe(i * 10 + 1);
  }
}

function replaces(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  for (let i = 1n; i < 6n; i++) {
    place(bench, space, i);
    bench.run(context, space);
    expect(bench.get(context, FRAME_RDI)).toBe(Number(i));
  }
}

function unmaps(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  place(bench, space, 1n);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(space.unmap(AREA, PAGE_SIZE)).toBe(0);
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get(context, FRAME_CR2)).toBe(AREA);
}

function protects(bench: Workbench, { expect }: Runner): void {
  const code = new Code().mov(RBX, AREA).increment(RBX).mov(RAX, 1).syscall().jumpTo(10);
  const { space, context } = bench.guest(code);
  place(bench, space, 1n);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  space.protect(AREA, PAGE_SIZE, PROT_READ);
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGSEGV);
  expect(bench.get32(context, FRAME_SICODE)).toBe(SEGV_ACCERR);
  space.protect(AREA, PAGE_SIZE, RW);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
}

function flushes(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().mov(RBX, AREA).load(RDI, RBX).jumpTo(10));
  place(bench, space, 1n);
  context.resume(space, 0);
  space.unmap(AREA, PAGE_SIZE);
  expect(space.flush()).toBe(0);
  expect(bench.await(context)).toBe(TRAP_FAULT);
  expect(bench.get(context, FRAME_CR2)).toBe(AREA);
  expect(bench.get(context, FRAME_RIP)).toBe(CODE + 10);
}

function batches(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  const offset = bench.pages();
  bench.view(offset).setBigUint64(0, 3n, true);
  for (let i = 700; i >= 0; i--)
    space.map(AREA + i * 2 * PAGE_SIZE, PAGE_SIZE, MEMORY_FILE, offset, PROT_READ, RW);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RDI)).toBe(3);
  for (let i = 0; i < 701; i++) space.unmap(AREA + i * 2 * PAGE_SIZE, PAGE_SIZE);
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
}

function tellsErrors(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  const readOnly = bench.harness.openReadOnly();
  place(bench, space, 1n);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  const early = space.map(AREA + PAGE_SIZE, PAGE_SIZE, readOnly, 0, RW, RW);
  place(bench, space, 2n);
  const error = early < 0 ? early : context.resume(space, 0);
  expect(error).toBe(-EACCES);
  expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
  expect(bench.get(context, FRAME_RDI)).toBe(2);
  const again = space.map(AREA + PAGE_SIZE, PAGE_SIZE, readOnly, 0, RW, RW);
  expect(again < 0 ? again : space.flush()).toBe(-EACCES);
  expect(space.flush()).toBe(0);
  bench.platform.releaseFile(readOnly);
  bench.harness.closeFile(readOnly);
}

function reaches(bench: Workbench, { expect }: Runner): void {
  const { addressLimit, addressMinimum } = bench.platform.features;
  for (const addr of [addressMinimum, addressLimit - PAGE_SIZE]) {
    const { space, context } = bench.guest(new Code().mov(RBX, addr).load(RDI, RBX).call(1));
    const offset = bench.map(space, addr, PROT_READ);
    bench.view(offset).setBigUint64(0, 8n, true);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RDI)).toBe(8);
  }
}

function fileOf(bench: Workbench, value: number, size = PAGE_SIZE): number {
  const content = new Uint8Array(size);
  new DataView(content.buffer).setUint32(0, value, true);
  return bench.harness.openFile(content);
}

function mapsFile(bench: Workbench, { expect }: Runner): void {
  const code = new Code().mov(RBX, AREA).load(RDI, RBX).increment(RBX).mov(RAX, 1).syscall().jumpTo(0);
  const { space, context } = bench.guest(code);
  const fd = fileOf(bench, 77);
  expect(space.map(AREA, PAGE_SIZE, fd, 0, RW, RW)).toBe(0);
  bench.run(context, space);
  expect(bench.get(context, FRAME_RDI)).toBe(77);
  // The mapping outlives the descriptor, and the number may name another file afterwards.
  bench.platform.releaseFile(fd);
  bench.harness.closeFile(fd);
  bench.run(context, space);
  expect(bench.get(context, FRAME_RDI)).toBe(78);
  const next = fileOf(bench, 500);
  space.map(AREA, PAGE_SIZE, next, 0, PROT_READ, PROT_READ);
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get(context, FRAME_RDI)).toBe(500);
  bench.platform.releaseFile(next);
  bench.harness.closeFile(next);
}

function manyFiles(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(reader);
  const files = Array.from({ length: 12 }, (_, i) => fileOf(bench, i + 100));
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < files.length; i++) {
      const fd = files[i] ?? -1;
      space.map(AREA, PAGE_SIZE, fd, 0, PROT_READ, PROT_READ);
      bench.run(context, space);
      expect(bench.get(context, FRAME_RDI)).toBe(i + 100);
      if (round === 0 && i % 3 === 0) bench.platform.releaseFile(fd);
    }
  }
  for (const fd of files) {
    bench.platform.releaseFile(fd);
    bench.harness.closeFile(fd);
  }
}

/** A descriptor on its way to a space that dies must not end up in the next space that is sent one. */
function lostFile(bench: Workbench, { expect }: Runner): void {
  const lost = fileOf(bench, 666);
  const meant = fileOf(bench, 77);
  for (let round = 0; round < 3; round++) {
    const { space: dying } = bench.guest(reader);
    const { space, context } = bench.guest(reader);
    dying.flush();
    bench.harness.killSpace(dying);
    dying.map(AREA, PAGE_SIZE, lost, 0, PROT_READ, PROT_READ);
    space.map(AREA, PAGE_SIZE, meant, 0, PROT_READ, PROT_READ);
    expect(bench.run(context, space)).toBe(TRAP_SYSCALL);
    expect(bench.get(context, FRAME_RDI)).toBe(77);
  }
  for (const fd of [lost, meant]) {
    bench.platform.releaseFile(fd);
    bench.harness.closeFile(fd);
  }
}

function busError(bench: Workbench, { expect }: Runner): void {
  const { space, context } = bench.guest(new Code().mov(RBX, AREA + PAGE_SIZE).load(RDI, RBX));
  const fd = fileOf(bench, 1);
  space.map(AREA, 2 * PAGE_SIZE, fd, 0, PROT_READ, PROT_READ);
  expect(bench.run(context, space)).toBe(TRAP_FAULT);
  expect(bench.get32(context, FRAME_SIGNO)).toBe(SIGBUS);
  expect(bench.get(context, FRAME_CR2)).toBe(AREA + PAGE_SIZE);
  bench.platform.releaseFile(fd);
  bench.harness.closeFile(fd);
}
