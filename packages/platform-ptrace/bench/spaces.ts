// Cost of address spaces, mappings and faults at the level of the platform.
// Run: npx tsx packages/platform-ptrace/bench/spaces.ts
import { readFileSync } from 'node:fs';
import { createMemoryFile, openDoor, startEventWatcher } from '@sandbox-kernel/host';
import { openPtracePlatform, type PtraceAddressSpace } from '@sandbox-kernel/platform-ptrace';

const door = openDoor();
const memory = createMemoryFile(door);
const events = startEventWatcher(door);
if (typeof memory === 'number' || typeof events === 'number') throw new Error('host refused');
memory.grow(64 << 20);
const bytes = memory.chunk(0) ?? new Uint8Array(0);
const platform = openPtracePlatform({ memoryFd: memory.fd, memoryReadOnlyFd: memory.readOnlyFd, events });

function time(name: string, rounds: number, work: (round: number) => void): void {
  const start = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) work(i);
  const micros = Number(process.hrtime.bigint() - start) / rounds / 1000;
  console.log(`${name.padEnd(58)} ${micros.toFixed(1).padStart(8)} us`);
}

function space(from: PtraceAddressSpace | null): PtraceAddressSpace {
  const made = platform.createAddressSpace(from);
  if (made === null) throw new Error('no address space');
  return made as PtraceAddressSpace;
}

function contextAt(rip: number) {
  const context = platform.createContext();
  if (context === null) throw new Error('no context');
  context.frame.view.setUint32(context.frame.offset + 128, rip, true);
  return context;
}

// mov $39,%eax; syscall; jmp
bytes.set([0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7], 0);
time('new address space, destroy', 200, () => space(null).destroy());
const parent = space(null);
for (let i = 0; i < 200; i++) parent.map(0x10000 + i * 8192, 4096, -1, i * 4096, 5, 5);
parent.flush();
time('copy of a space with 200 mappings, destroy', 200, () => space(parent).destroy());
time('new space, map, new context, one system call, all away', 200, () => {
  const own = space(null);
  own.map(0x10000, 4096, -1, 0, 5, 5);
  const context = contextAt(0x10000);
  context.resume(own, 0);
  platform.wait(Infinity);
  context.release();
  own.destroy();
});
const context = contextAt(0x10000);
const call = (): void => {
  context.resume(parent, 0);
  platform.wait(Infinity);
};
time('system call', 20000, call);
time('system call that maps 64 KiB', 5000, (i) => {
  parent.map(0x1000_0000 + (i % 512) * 65536, 65536, -1, 0, 3, 3);
  call();
});
time('system call that unmaps 64 KiB', 512, (i) => {
  parent.unmap(0x1000_0000 + i * 65536, 65536);
  call();
});
time('flush of one mapping while nothing runs', 5000, (i) => {
  parent.map(0x2000_0000 + (i % 512) * 65536, 65536, -1, 0, 3, 3);
  parent.flush();
});
// mov $addr,%rbx; L: mov (%rbx),%rax; add $4096,%rbx; jmp L: each page faults once
bytes.set(
  [0x48, 0xbb, 0, 0, 0, 0x30, 0, 0, 0, 0, 0x48, 0x8b, 0x03, 0x48, 0x81, 0xc3, 0, 0x10, 0, 0, 0xeb, 0xf4],
  4096,
);
const toucher = contextAt(0x10000 + 8192);
toucher.resume(parent, 0);
time('page fault, mapping of one page, go on', 5000, (i) => {
  platform.wait(Infinity);
  parent.map(0x3000_0000 + i * 4096, 4096, -1, 65536, 3, 3);
  toucher.resume(parent, 0);
});
toucher.release();
const rollup = readFileSync(`/proc/${parent.pid}/smaps_rollup`, 'latin1');
console.log(
  `memory of a stub: ${/Private_Dirty:\s+(\d+ kB)/.exec(rollup)?.[1]} private dirty, page tables ${/VmPTE:\s+(\d+ kB)/.exec(readFileSync(`/proc/${parent.pid}/status`, 'latin1'))?.[1]}`,
);
platform.close();
events.close();
