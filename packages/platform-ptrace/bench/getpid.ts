// Cost of one system call round trip at the level of the platform: the guest is `mov $39,%eax; syscall; jmp`, the answer is
// written by JavaScript. Run: npx tsx packages/platform-ptrace/bench/getpid.ts [rounds] [contexts]
import { createMemoryFile, openDoor, startEventWatcher } from '@sandbox-kernel/host';
import { openPtracePlatform } from '@sandbox-kernel/platform-ptrace';

const rounds = Number(process.argv[2] ?? 100_000);
const contexts = Number(process.argv[3] ?? 1);
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

const byId = [];
for (let i = 0; i < contexts; i++) {
  const context = platform.createContext();
  if (context === null) throw new Error('no context');
  context.frame.words[(context.frame.offset + 128) / 4] = 0x10000;
  byId[context.id] = context;
  const error = context.resume(space, 0);
  if (error !== 0) throw new Error(`resume: ${error}`);
}
const cpuStart = process.cpuUsage();
const start = process.hrtime.bigint();
for (let i = 0; i < rounds; i++) {
  const context = byId[platform.wait(Infinity)];
  if (context === undefined) throw new Error('unexpected event');
  const at = context.frame.offset / 4;
  if (context.frame.words[at + 50] !== 1) throw new Error(`trap kind ${context.frame.words[at + 50]}`);
  context.frame.words[at + 26] = 1234;
  context.frame.words[at + 27] = 0;
  context.resume(space, 0);
}
const nanos = Number(process.hrtime.bigint() - start);
console.log(`${contexts} context(s): ${(nanos / rounds / 1000).toFixed(2)} us per system call`);
const cpu = process.cpuUsage(cpuStart);
const guest = byId.reduce((sum, context) => sum + context.cpuNanos(), 0);
const each = (nanos: number): string => (nanos / rounds / 1000).toFixed(2);
console.log(
  `processor time: sentry user ${each(cpu.user * 1000)}, system ${each(cpu.system * 1000)}, guest ${each(guest)} us`,
);
console.log(platform.statistics());
platform.close();
events.close();
