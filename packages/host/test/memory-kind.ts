// Makes a memory file, on a host that refuses new mounts when the argument is `refused`, and prints what it is and what it can.
import { readlinkSync } from 'node:fs';
import { createMemoryFile, MemoryFile, openHost } from '@sandbox-kernel/host';
import { refuseCalls } from './support/refuse.js';

const MIB = 2 ** 20;
const host = openHost();
if (process.argv[2] === 'refused') {
  const SYS_FSOPEN = 430;
  refuseCalls(host, [{ number: SYS_FSOPEN, errno: 1 }]);
}
const memory = createMemoryFile(host.door);
if (!(memory instanceof MemoryFile)) throw new Error(`memory file: ${memory}`);
memory.grow(16 * MIB);
const chunk = memory.chunk(0) ?? new Uint8Array(0);
chunk.fill(7, MIB, MIB + 8);
const prepared = [
  memory.prepare(0, 2 * MIB),
  memory.prepare(4 * MIB, 4 * MIB),
  memory.prepare(8 * MIB, 8192),
].map((one) => one >= 0);
const clean = chunk.subarray(4 * MIB, 8 * MIB).every((byte) => byte === 0);
const beyond = memory.prepare(64 * MIB, 4096);
const kind = readlinkSync(`/proc/self/fd/${memory.fd}`).startsWith('/memfd:') ? 'memfd' : 'tmpfs';
console.log(JSON.stringify([kind, prepared, chunk[MIB], clean, beyond < 0, memory.readOnlyFd !== memory.fd]));
memory.close();
