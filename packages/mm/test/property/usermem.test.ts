// Access by address against a byte-wise model, at any address: non-canonical ones, the borders of the address space, the kernel half, ranges
// that wrap. Counts must be exact to the byte, and nothing may throw.
import { EFAULT, EINVAL, ENAMETOOLONG, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE } from '@sandbox-kernel/contracts';
import { IoBuffers, importBuffer, importIovec } from '@sandbox-kernel/mm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ADDRESS_LIMIT, PAGE, world } from '../support/world.js';

const ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
const LOW = 0x10000;
const TOP = ADDRESS_LIMIT - 4 * PAGE;
/** [start, pages, prot] */
const LAYOUT: readonly (readonly [number, number, number])[] = [
  [LOW, 2, 3],
  [LOW + 2 * PAGE, 1, 1],
  [LOW + 4 * PAGE, 1, 0],
  [LOW + 5 * PAGE, 2, 2],
  [0x7000_0000, 3, 3],
  [TOP, 4, 3],
];

const scene = world();
for (const [start, pages, prot] of LAYOUT) {
  expect(scene.mm.mmap(start, pages * PAGE, prot, ANON, null, 0)).toBe(start);
}

function reachable(addr: number, length: number, write: boolean): number {
  let n = 0;
  while (n < length) {
    const at = addr + n;
    const area = LAYOUT.find(([start, pages]) => at >= start && at < start + pages * PAGE);
    if (area === undefined || (write ? (area[2] & 2) === 0 : area[2] === 0)) break;
    n = Math.min(length, area[0] + area[1] * PAGE - addr);
  }
  return n;
}

const offset = fc.oneof(fc.integer({ min: -70, max: 70 }), fc.integer({ min: -2 * PAGE, max: 2 * PAGE }));
const border = fc.constantFrom(
  0,
  LOW,
  LOW + 2 * PAGE,
  LOW + 3 * PAGE,
  LOW + 5 * PAGE,
  LOW + 7 * PAGE,
  0x7000_0000,
  0x7000_0000 + 3 * PAGE,
  TOP,
  ADDRESS_LIMIT,
  2 ** 47,
);
const far = fc.constantFrom(2 ** 48, 2 ** 63, 2 ** 64 - 2 ** 47, 2 ** 64 - 4096, 2 ** 64, 2 ** 53 + 2);
const address = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(border, offset).map(([base, by]) => Math.max(0, base + by)) },
  { weight: 1, arbitrary: far },
);
const length = fc.oneof(fc.nat(20), fc.nat(3 * PAGE), fc.constantFrom(0, PAGE, 5 * PAGE));

test('copies stop exactly at the first byte that can not be reached', () => {
  const { mm } = scene;
  fc.assert(
    fc.property(address, length, fc.nat(255), (addr, size, byte) => {
      const bytes = new Uint8Array(size + 2).fill(byte);
      const writable = reachable(addr, size, true);
      expect(mm.copyOut(addr, bytes, 1, size)).toBe(writable);
      const back = new Uint8Array(size + 2);
      const readable = reachable(addr, size, false);
      expect(mm.copyIn(addr, back, 1, size)).toBe(readable);
      if (writable === size) {
        expect(back[0]).toBe(0);
        expect(back[size + 1]).toBe(0);
        expect(back.subarray(1, size + 1).every((b) => b === byte)).toBe(true);
      }
      const io = new IoBuffers();
      const write = mm.addSegments(addr, size, ACCESS_WRITE, io);
      expect(write).toBe(writable === 0 && size > 0 ? -EFAULT : writable);
      expect(io.total).toBe(writable);
      for (let k = 0; k < io.count; k++) {
        const start = io.fileOffsets[k]!;
        expect(scene.file.chunk(start)).toBe(io.arrays[k]);
        expect(start % 2 ** 30).toBe(io.starts[k]);
      }
      expect(mm.zeroOut(addr, size)).toBe(writable);
      if (writable > 0) {
        expect(mm.copyIn(addr, back, 1, writable)).toBe(writable);
        expect(back.subarray(1, writable + 1).every((b) => b === 0)).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
});

test('words are whole or not at all', () => {
  const { mm } = scene;
  fc.assert(
    fc.property(address, fc.nat(0xffffffff), fc.nat(2 ** 20), (addr, value, high) => {
      const wide = high * 2 ** 32 + value;
      const before = new Uint8Array(8);
      mm.copyIn(addr, before, 0, 8);
      const all = reachable(addr, 8, true) === 8;
      expect(mm.writeU64(addr, wide)).toBe(all ? 0 : -EFAULT);
      if (all) expect(mm.readU64(addr)).toBe(wide);
      else {
        const after = new Uint8Array(8);
        mm.copyIn(addr, after, 0, 8);
        expect(after).toEqual(before);
      }
      const word = reachable(addr, 4, true) === 4;
      expect(mm.writeU32(addr, value)).toBe(word ? 0 : -EFAULT);
      if (word) {
        expect(mm.readU32(addr)).toBe(value);
        expect(mm.readU16(addr)).toBe(value & 0xffff);
        expect(mm.readU8(addr)).toBe(value & 0xff);
      }
      const readable = reachable(addr, 4, false) === 4;
      expect(mm.readU32(addr) >= 0).toBe(readable);
    }),
    { numRuns: 1500 },
  );
});

test('strings end at their NUL, at the limit, or at the first bad byte', () => {
  const { mm } = scene;
  fc.assert(
    fc.property(address, fc.nat(9000), fc.nat(9000), (addr, text, limit) => {
      const room = reachable(addr, text + 1, true);
      const bytes = new Uint8Array(text + 1);
      for (let k = 0; k < text; k++) bytes[k] = 1 + (k % 255);
      mm.copyOut(addr, bytes, 0, text + 1);
      const found = mm.readString(addr, limit);
      if (room === text + 1) {
        if (text > limit) expect(found).toBe(-ENAMETOOLONG);
        else expect(found).toBe(String.fromCharCode(...bytes.subarray(0, text)));
      } else if (reachable(addr, 1, false) === 0) expect(found).toBe(-EFAULT);
    }),
    { numRuns: 800 },
  );
});

test('iovec arrays are checked as a whole before anything is resolved', () => {
  const { mm } = scene;
  const at = 0x7000_0000;
  const entry = fc.tuple(address, fc.oneof(length, fc.constantFrom(2 ** 63, 2 ** 62, 2 ** 64 - 2048)));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
      const io = new IoBuffers();
      for (const [k, [base, size]] of entries.entries()) {
        mm.writeU64(at + k * 16, base);
        // Values at 2^63 and above do not fit the exact range of a double: written by halves.
        mm.writeU32(at + k * 16 + 8, size % 2 ** 32);
        mm.writeU32(at + k * 16 + 12, Math.floor(size / 2 ** 32));
      }
      const result = importIovec(mm, at, entries.length, ACCESS_READ, io);
      if (entries.some(([, size]) => size >= 2 ** 63)) {
        expect(result).toBe(-EINVAL);
        return;
      }
      let expected = 0;
      for (const [base, size] of entries) {
        const n = reachable(base, Math.min(size, 6 * PAGE), false);
        expected += n;
        if (n < size) break;
      }
      const first = entries.find(([, size]) => size > 0);
      if (first !== undefined && reachable(first[0], 1, false) === 0) expect(result).toBe(-EFAULT);
      else expect(result).toBe(expected);
    }),
    { numRuns: 800 },
  );
  const io = new IoBuffers();
  expect(importIovec(mm, at, 1025, ACCESS_READ, io)).toBe(-EINVAL);
  expect(importIovec(mm, at, -1, ACCESS_READ, io)).toBe(-EINVAL);
  expect(importIovec(mm, LOW + 4 * PAGE, 1, ACCESS_READ, io)).toBe(-EFAULT);
  expect(importBuffer(mm, at, 2 ** 63, ACCESS_READ, io)).toBe(-EINVAL);
  expect(importBuffer(mm, at, -1, ACCESS_READ, io)).toBe(-EINVAL);
  expect(importBuffer(mm, at, 0, ACCESS_READ, io)).toBe(0);
});
