// Times of the hot paths of mm on a plain ArrayBuffer with an address space that does nothing: what this package itself costs.
// Run: npx tsx packages/mm/bench/main.ts
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { ACCESS_READ, type AddressSpace, FAULT_USER, FAULT_WRITE } from '@sandbox-kernel/contracts';
import { ArrayBacking, chooseLayout, IoBuffers, MemoryFile, MemoryManager } from '@sandbox-kernel/mm';

const PAGE = 4096;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const BASE = 0x1000_0000_0000;
const RW = PROT_READ | PROT_WRITE;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

class NullSpace implements AddressSpace {
  commands = 0;

  map(): number {
    this.commands++;
    return 0;
  }

  unmap(): number {
    this.commands++;
    return 0;
  }

  protect(): number {
    this.commands++;
    return 0;
  }

  flush(): number {
    return 0;
  }

  destroy(): void {}
}

function machine(capacity: number): MemoryManager {
  const random = { fill: () => {} };
  const limits = {
    addressSpace: Number.POSITIVE_INFINITY,
    data: Number.POSITIVE_INFINITY,
    stack: 8 * MIB,
    lockedMemory: Number.POSITIVE_INFINITY,
    canLockMemory: false,
    canMapLow: false,
  };
  const layout = chooseLayout({
    random,
    stackLimit: 8 * MIB,
    addressLimit: 2 ** 47 - PAGE,
    addressMinimum: 65536,
    personality: 0,
  });
  const file = new MemoryFile(new ArrayBacking(capacity));
  return new MemoryManager({ file, space: new NullSpace(), random, layout, limits });
}

/** Median of seven runs, ns per call. */
function time(name: string, calls: number, run: (calls: number) => void): void {
  run(Math.ceil(calls / 10));
  const results: number[] = [];
  for (let k = 0; k < 7; k++) {
    const start = process.hrtime.bigint();
    run(calls);
    results.push(Number(process.hrtime.bigint() - start) / calls);
  }
  results.sort((a, b) => a - b);
  const median = results[3]!;
  const shown = median > 10_000 ? `${(median / 1000).toFixed(1)} µs` : `${median.toFixed(1)} ns`;
  console.log(`${name.padEnd(52)}${shown.padStart(12)}`);
}

function lookups(): void {
  const mm = machine(64 * MIB);
  for (let k = 0; k < 1000; k++)
    mm.mmap(BASE + k * 2 * PAGE, PAGE, k % 2 === 0 ? RW : PROT_READ, FIXED, null, 0);
  let sum = 0;
  let at = 1;
  time('area lookup, 1,000 areas, random', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) {
      at = (at * 1103515245 + 12345) & 0x7fffffff;
      sum += mm.areas.find(BASE + (at % 2000) * PAGE);
    }
  });
  time('area lookup, the same again', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) sum += mm.areas.find(BASE + 600 * PAGE);
  });
  time('mmap + munmap of 64 KiB among 1,000 areas', 2e4, (calls) => {
    for (let k = 0; k < calls; k++)
      mm.munmap(mm.mmap(0, 65536, RW, MAP_PRIVATE | MAP_ANONYMOUS, null, 0), 65536);
  });
  time('mprotect of a page, there and back, among 1,000 areas', 2e4, (calls) => {
    for (let k = 0; k < calls; k++) {
      mm.mprotect(BASE, PAGE, PROT_READ);
      mm.mprotect(BASE, PAGE, RW);
    }
  });
  if (sum < 0) console.log(sum);
}

function copies(): void {
  const mm = machine(64 * MIB);
  mm.mmap(BASE, 16 * MIB, RW, FIXED, null, 0);
  const bytes = new Uint8Array(65536);
  for (const size of [8, 64, 4096, 65536]) {
    time(`copyIn, ${size} bytes`, size > 4096 ? 1e5 : 1e6, (calls) => {
      for (let k = 0; k < calls; k++) mm.copyIn(BASE + (k % 16) * 64, bytes, 0, size);
    });
  }
  time('copyOut, 64 bytes', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) mm.copyOut(BASE + (k % 16) * 64, bytes, 0, 64);
  });
  let sum = 0;
  time('readU32', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) sum += mm.readU32(BASE + (k % 1000) * 4);
  });
  time('writeU64', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) mm.writeU64(BASE + (k % 1000) * 8, k);
  });
  const path = new TextEncoder().encode('/usr/lib/x86_64-linux-gnu/libc.so.6\0');
  mm.copyOut(BASE, path, 0, path.length);
  time('readString, 35 characters', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) sum += (mm.readString(BASE, 4095) as string).length;
  });
  const io = new IoBuffers();
  time('addSegments, 4 KiB', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) {
      io.clear();
      sum += mm.addSegments(BASE + 4096, 4096, ACCESS_READ, io);
    }
  });
  if (sum < 0) console.log(sum);
}

function forks(): void {
  const mm = machine(3 * GIB);
  mm.mmap(BASE, GIB, RW, FIXED, null, 0);
  for (let at = 0; at < GIB; at += 2 * MIB) mm.fault(BASE + at, FAULT_USER | FAULT_WRITE, mm.generation);
  const spaces = { createAddressSpace: () => new NullSpace() };
  time('fork + destroy of the copy, 1 GiB mapped', 20, (calls) => {
    for (let k = 0; k < calls; k++) (mm.fork(spaces) as MemoryManager).destroy();
  });
  let child = mm.fork(spaces) as MemoryManager;
  let at = 0;
  time('write fault that copies a block of 16 KiB', 512, (calls) => {
    child.destroy();
    child = mm.fork(spaces) as MemoryManager;
    at = 0;
    for (let k = 0; k < calls; k++) {
      child.fault(BASE + at, FAULT_USER | FAULT_WRITE, child.generation);
      at += 131072;
    }
  });
  child.destroy();
}

function pageReuse(): void {
  const backing = new ArrayBacking(64 * MIB);
  const dirty = new MemoryFile(backing);
  time('allocate + release of a page, dirty page zero-filled', 1e6, (calls) => {
    for (let k = 0; k < calls; k++) dirty.release(dirty.allocate(PAGE), PAGE);
  });
  time('allocate + release of 64 KiB', 1e5, (calls) => {
    for (let k = 0; k < calls; k++) dirty.release(dirty.allocate(65536), 65536);
  });
}

lookups();
copies();
forks();
pageReuse();
