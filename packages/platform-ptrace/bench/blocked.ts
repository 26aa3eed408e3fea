// Cost of a system call while many other contexts are stopped: waitpid looks at every traced thread.
// Run: npx tsx packages/platform-ptrace/bench/blocked.ts [stopped contexts]
import { createMemoryFile, openDoor, startEventWatcher } from '@sandbox-kernel/host';
import { openPtracePlatform } from '@sandbox-kernel/platform-ptrace';

const stopped = Number(process.argv[2] ?? 1000);
const rounds = 20_000;
const door = openDoor();
const memory = createMemoryFile(door);
const events = startEventWatcher(door);
if (typeof memory === 'number' || typeof events === 'number') throw new Error('host refused');
memory.grow(1 << 20);
memory.chunk(0)?.set([0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7], 0);
const platform = openPtracePlatform({ memoryFd: memory.fd, memoryReadOnlyFd: memory.readOnlyFd, events });
const space = platform.createAddressSpace(null);
if (space === null) throw new Error('no address space');
space.map(0x10000, 4096, -1, 0, 5, 5);
const before = process.hrtime.bigint();
let context = platform.createContext();
for (let i = 0; i <= stopped; i++) {
  context = platform.createContext();
  if (context === null) throw new Error('no context');
  context.frame.view.setUint32(context.frame.offset + 128, 0x10000, true);
  context.resume(space, 0);
  platform.wait(Infinity);
}
const start = process.hrtime.bigint();
for (let i = 0; i < rounds; i++) {
  context?.resume(space, 0);
  platform.wait(Infinity);
}
const end = process.hrtime.bigint();
console.log(
  `new context and its first call: ${(Number(start - before) / (stopped + 1) / 1000).toFixed(1)} us`,
);
console.log(`${stopped} stopped: ${(Number(end - start) / rounds / 1000).toFixed(2)} us per system call`);
platform.close();
events.close();
