import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { ArrayBacking, chooseLayout, MemoryFile, MemoryManager } from '@sandbox-kernel/mm';

const none = Number.POSITIVE_INFINITY;
const random = { fill: (into: Uint8Array, at: number, length: number) => void into.fill(7, at, at + length) };
const space = { map: () => 0, unmap: () => 0, protect: () => 0, flush: () => 0, destroy: () => {} };
const bounds = { stackLimit: 2 ** 23, addressLimit: 2 ** 47 - 4096, addressMinimum: 65536 };
const layout = chooseLayout({ random, personality: 0, ...bounds });
const limits = { addressSpace: none, data: none, stack: 2 ** 23, lockedMemory: none };
const rights = { canLockMemory: false, canMapLow: false };
const file = new MemoryFile(new ArrayBacking(2 ** 26), { limit: 2 ** 24 });
const memory = new MemoryManager({ file, space, random, layout, limits: { ...limits, ...rights } });

const addr = memory.mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
memory.copyOut(addr + 4090, new TextEncoder().encode('across two pages\0'), 0, 17);
const child = memory.fork({ createAddressSpace: () => ({ ...space }) });
if (typeof child === 'number') throw new Error(`fork: ${child}`);
child.writeU8(addr + 4090, 'A'.charCodeAt(0));
export const parentSees = memory.readString(addr + 4090, 100); // 'across two pages'
export const childSees = child.readString(addr + 4090, 100); // 'Across two pages'
child.destroy();
memory.destroy(); // file.used is 0 again
export const left = file.used;
