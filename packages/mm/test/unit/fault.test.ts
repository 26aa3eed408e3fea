import * as abi from '@sandbox-kernel/abi';
import {
  FAULT_INSTRUCTION,
  FAULT_PRESENT,
  FAULT_UNKNOWN,
  FAULT_USER,
  FAULT_WRITE,
} from '@sandbox-kernel/contracts';
import type { MemoryManager } from '@sandbox-kernel/mm';
import { describe, expect, test } from 'vitest';
import { HostBackedFile, MemoryBackedFile } from '../support/fake-files.js';
import { MIB, PAGE, world } from '../support/world.js';

const RW = abi.PROT_READ | abi.PROT_WRITE;
const ANON = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS;
const FIXED = ANON | abi.MAP_FIXED;
const B = 0x2000_0000;
const READ = FAULT_USER;
const WRITE = FAULT_USER | FAULT_WRITE;
const FETCH = FAULT_USER | FAULT_INSTRUCTION;

const opened = { readable: true, writable: true, appendOnly: false, noexec: false };
const LAZY = { eagerBytes: 0, faultBlock: 4 * PAGE, fileBlock: PAGE };

function expectSignal(mm: MemoryManager, result: number, signal: number, code: number, addr: number): void {
  expect([result, mm.faultCode, mm.faultAddress]).toEqual([signal, code, addr]);
}

describe('fault', () => {
  test('outside every area is SIGSEGV with SEGV_MAPERR at the exact address', () => {
    const { mm } = world();
    expectSignal(mm, mm.fault(B + 5, READ, mm.generation), abi.SIGSEGV, abi.SEGV_MAPERR, B + 5);
    for (const addr of [0, 2 ** 47, 2 ** 64 - 8, 2 ** 63]) {
      expectSignal(mm, mm.fault(addr, WRITE, mm.generation), abi.SIGSEGV, abi.SEGV_MAPERR, addr);
    }
  });

  test('against the protection is SIGSEGV with SEGV_ACCERR', () => {
    const { mm } = world();
    mm.mmap(B, PAGE, abi.PROT_READ, FIXED, null, 0);
    mm.mmap(B + PAGE, PAGE, abi.PROT_NONE, FIXED, null, 0);
    const write = WRITE | FAULT_PRESENT;
    expectSignal(mm, mm.fault(B, write, mm.generation), abi.SIGSEGV, abi.SEGV_ACCERR, B);
    expectSignal(mm, mm.fault(B, FETCH, mm.generation), abi.SIGSEGV, abi.SEGV_ACCERR, B);
    expectSignal(mm, mm.fault(B + PAGE, READ, mm.generation), abi.SIGSEGV, abi.SEGV_ACCERR, B + PAGE);
  });

  test('of unknown kind maps first, then gives write access, then judges', () => {
    const { mm, space, spaces } = world({ tuning: LAZY });
    mm.mmap(B, PAGE, RW, FIXED, null, 0);
    expect(mm.fault(B, FAULT_UNKNOWN, mm.generation)).toBe(0);
    expect(space.pages.get(B)!.prot).toBe(RW);
    const child = mm.fork(spaces) as MemoryManager;
    expect(space.pages.get(B)!.prot).toBe(abi.PROT_READ);
    expect(mm.fault(B, FAULT_UNKNOWN, mm.generation)).toBe(0);
    expect(space.pages.get(B)!.prot).toBe(RW);
    expectSignal(mm, mm.fault(B, FAULT_UNKNOWN, mm.generation), abi.SIGSEGV, abi.SEGV_ACCERR, B);
    child.destroy();
  });

  test('taken before the mappings changed is tried again, not judged', () => {
    const { mm } = world({ tuning: LAZY });
    mm.mmap(B, 2 * PAGE, abi.PROT_READ, FIXED, null, 0);
    const before = mm.generation;
    expect(mm.fault(B, FAULT_UNKNOWN, before)).toBe(0);
    // Another thread faulted on the same page at the same time.
    expect(mm.fault(B, FAULT_UNKNOWN, before)).toBe(0);
    expect(mm.fault(B, FAULT_UNKNOWN, mm.generation)).toBe(abi.SIGSEGV);
  });

  test('in a page that was unmapped meanwhile is judged by what is there now', () => {
    const { mm } = world({ tuning: LAZY });
    mm.mmap(B, PAGE, RW, FIXED, null, 0);
    const before = mm.generation;
    mm.munmap(B, PAGE);
    expectSignal(mm, mm.fault(B, FAULT_UNKNOWN, before), abi.SIGSEGV, abi.SEGV_MAPERR, B);
  });

  test('beyond the end of a file is SIGBUS with BUS_ADRERR', () => {
    const { mm, file } = world({ tuning: LAZY });
    const mappable = new MemoryBackedFile(file, 2);
    mm.mmap(B, 4 * PAGE, RW, abi.MAP_SHARED | abi.MAP_FIXED, { ...opened, mappable }, 0);
    expect(mm.fault(B + PAGE, READ, mm.generation)).toBe(0);
    const at = B + 2 * PAGE + 7;
    expectSignal(mm, mm.fault(at, READ, mm.generation), abi.SIGBUS, abi.BUS_ADRERR, at);
  });

  test('reported by the host as SIGBUS is one to the program when the file says nothing new', () => {
    const { mm } = world();
    const mappable = new HostBackedFile(4 * PAGE);
    mm.mmap(B, 4 * PAGE, abi.PROT_READ, abi.MAP_SHARED | abi.MAP_FIXED, { ...opened, mappable }, 0);
    const result = mm.fault(B + PAGE, READ, mm.generation, abi.SIGBUS);
    expectSignal(mm, result, abi.SIGBUS, abi.BUS_ADRERR, B + PAGE);
  });

  test('of a mapping that the platform lost installs it again, but not for ever', () => {
    const { mm, space } = world();
    mm.mmap(B, PAGE, RW, FIXED, null, 0);
    space.pages.delete(B);
    expect(mm.fault(B, READ, mm.generation)).toBe(0);
    expect(space.pages.has(B)).toBe(true);
    const results: number[] = [];
    for (let k = 0; k < 5; k++) results.push(mm.fault(B, READ, mm.generation));
    expect(results).toContain(abi.SIGBUS);
  });

  test('over the memory limit is -ENOMEM and changes nothing', () => {
    const { mm, file } = world({ memory: 2 * PAGE, tuning: { ...LAZY, overcommit: abi.OVERCOMMIT_ALWAYS } });
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    expect(mm.fault(B, WRITE, mm.generation)).toBe(0);
    expect(mm.fault(B + PAGE, WRITE, mm.generation)).toBe(0);
    expect(mm.fault(B + 2 * PAGE, WRITE, mm.generation)).toBe(-abi.ENOMEM);
    expect(file.used).toBe(2 * PAGE);
    mm.munmap(B, PAGE);
    expect(mm.fault(B + 2 * PAGE, WRITE, mm.generation)).toBe(0);
  });

  test('maps a block around the address, within the area', () => {
    const { mm, space } = world({ tuning: LAZY });
    mm.mmap(B + PAGE, 9 * PAGE, RW, FIXED, null, 0);
    expect(mm.fault(B + 2 * PAGE, WRITE, mm.generation)).toBe(0);
    expect([...space.pages.keys()].sort()).toEqual([B + PAGE, B + 2 * PAGE, B + 3 * PAGE]);
    expect(space.commands).toBe(1);
  });
});

describe('munmap', () => {
  test('of the whole address space takes away what is there, and asks the platform for no more', () => {
    const { mm, space, file } = world();
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    mm.mmap(2 * B, 4 * PAGE, RW, FIXED, null, 0);
    expect(mm.munmap(0, mm.layout.addressLimit)).toBe(0);
    expect([space.pages.size, space.commands, file.used, mm.areaCount]).toEqual([0, 3, 0, 0]);
  });

  test('that the platform refuses keeps the pages until the space is gone', () => {
    const { mm, space, file } = world();
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    space.unmap = () => -abi.EINVAL;
    expect(mm.munmap(B, 4 * PAGE)).toBe(0);
    expect(file.used).toBe(4 * PAGE);
    mm.destroy();
    expect(file.used).toBe(0);
  });

  test('that can not be made sure of keeps them, too, and forbids fork', () => {
    const { mm, space, spaces, file } = world();
    mm.mmap(B, 4 * PAGE, RW, FIXED, null, 0);
    space.flush = () => -abi.ESRCH;
    expect(mm.fork(spaces)).toBe(-abi.ENOMEM);
    mm.munmap(B, 4 * PAGE);
    expect(file.used).toBe(4 * PAGE);
    mm.destroy();
    expect(file.used).toBe(0);
  });
});

describe('stack growth', () => {
  const GROWS = ANON | abi.MAP_GROWSDOWN | abi.MAP_FIXED | abi.MAP_STACK;

  test('an access below a stack extends it', () => {
    const { mm } = world();
    mm.mmap(B, 4 * PAGE, RW, GROWS, null, 0);
    expect(mm.fault(B - 3 * PAGE, WRITE, mm.generation)).toBe(0);
    expect(mm.nextArea(0)).toBeLessThanOrEqual(B - 3 * PAGE);
    expect(mm.writeU32(B - 3 * PAGE, 7)).toBe(0);
  });

  test('the sentry’s own access extends it too', () => {
    const { mm } = world();
    mm.mmap(B, 4 * PAGE, RW, GROWS, null, 0);
    expect(mm.writeU64(B - 8, 1)).toBe(0);
  });

  test('ends at the limit', () => {
    const { mm } = world({ limits: { stack: 8 * PAGE } });
    mm.mmap(B, 4 * PAGE, RW, GROWS, null, 0);
    expect(mm.fault(B - 4 * PAGE, WRITE, mm.generation)).toBe(0);
    expect(mm.fault(B - 4 * PAGE - 1, WRITE, mm.generation)).toBe(abi.SIGSEGV);
    expect(mm.faultCode).toBe(abi.SEGV_MAPERR);
  });

  test('keeps its distance from what lies below, unless that can not be accessed', () => {
    const { mm } = world();
    mm.mmap(B, 4 * PAGE, RW, GROWS, null, 0);
    mm.mmap(B - MIB - 2 * PAGE, PAGE, RW, FIXED, null, 0);
    expect(mm.fault(B - PAGE, WRITE, mm.generation)).toBe(0);
    expect(mm.fault(B - 2 * PAGE, WRITE, mm.generation)).toBe(abi.SIGSEGV);
    mm.mprotect(B - MIB - 2 * PAGE, PAGE, abi.PROT_NONE);
    expect(mm.fault(B - 2 * PAGE, WRITE, mm.generation)).toBe(0);
  });

  test('nothing is placed into its gap', () => {
    const { mm } = world();
    const top = mm.mmap(0, PAGE, RW, ANON, null, 0);
    mm.mmap(top - 64 * PAGE, 4 * PAGE, RW, GROWS, null, 0);
    const next = mm.mmap(0, 100 * PAGE, RW, ANON, null, 0);
    expect(next + 100 * PAGE).toBe(top - 64 * PAGE - MIB);
  });
});

describe('copy-on-write', () => {
  test('costs one command per contiguous run at fork, and the last owner copies nothing', () => {
    const { mm, space, spaces, file } = world();
    mm.mmap(B, 300 * PAGE, RW, FIXED, null, 0);
    space.commands = 0;
    const child = mm.fork(spaces) as MemoryManager;
    expect(space.commands).toBe(1);
    expect(file.used).toBe(300 * PAGE);
    child.destroy();
    expect(mm.fault(B, WRITE | FAULT_PRESENT, mm.generation)).toBe(0);
    expect(file.used).toBe(300 * PAGE);
    expect(space.pages.get(B + 299 * PAGE)!.maxProt & abi.PROT_WRITE).toBe(abi.PROT_WRITE);
  });

  test('copies the block around a write, and no more', () => {
    const { mm, spaces, file } = world({ tuning: { copyBlock: 8 * PAGE } });
    mm.mmap(B, 64 * PAGE, RW, FIXED, null, 0);
    const child = mm.fork(spaces) as MemoryManager;
    expect(child.fault(B + 20 * PAGE, WRITE | FAULT_PRESENT, child.generation)).toBe(0);
    expect(file.used).toBe(72 * PAGE);
    child.destroy();
    expect(file.used).toBe(64 * PAGE);
  });

  test('a private file page is copied on its first write, and the file stays as it was', () => {
    const { mm, space } = world();
    const mappable = new HostBackedFile(4 * PAGE);
    mappable.bytes.fill(9);
    mm.mmap(B, 4 * PAGE, RW, abi.MAP_PRIVATE | abi.MAP_FIXED, { ...opened, mappable }, 0);
    expect(space.pages.get(B)!.maxProt & abi.PROT_WRITE).toBe(0);
    expect(mm.writeU32(B + 100, 1)).toBe(0);
    expect(mm.readU8(B + 99)).toBe(9);
    expect(mm.readU32(B + 100)).toBe(1);
    expect(mappable.bytes[100]).toBe(9);
  });
});
