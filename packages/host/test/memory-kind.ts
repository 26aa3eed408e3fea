// Makes a memory file, on a host that refuses new mounts when the argument is `refused`, and prints what it is and what it can.
import { readlinkSync } from 'node:fs';
import { createMemoryFile, MemoryFile, openHost } from '@sandbox-kernel/host';

const MIB = 2 ** 20;
const host = openHost();
if (process.argv[2] === 'refused') {
  const program = new Uint8Array(4 * 8);
  const view = new DataView(program.buffer);
  const SYS_FSOPEN = 430;
  const instructions = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, SYS_FSOPEN],
    [0x06, 0, 0, 0x0005_0001],
    [0x06, 0, 0, 0x7fff_0000],
  ];
  instructions.forEach(([code = 0, yes = 0, no = 0, value = 0], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, value, true);
  });
  host.confinement.noNewPrivileges();
  host.confinement.seccomp(program);
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
