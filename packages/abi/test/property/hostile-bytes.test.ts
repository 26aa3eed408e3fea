// Bytes from a program never make a parser throw, and what a parser accepts keeps its promises.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  BPF_MEMWORDS,
  getU64,
  PT_LOAD,
  parseElfHeader,
  parseProgramHeaders,
  parseSeccompFilter,
  runSeccompFilter,
  SECCOMP_DATA_SIZE,
  set64,
  TASK_SIZE,
} from '../../src/index.js';
import { assemble } from '../support/assemble.js';

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const MAGIC = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];

it('parses arbitrary ELF headers without throwing', () => {
  const plausible = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => {
    bytes.set(MAGIC);
    bytes.set([3, 0, 62, 0], 16);
    bytes.set([56, 0], 54);
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), plausible), (bytes) => {
      const header = parseElfHeader(view(bytes));
      if (typeof header === 'number') return header < 0;
      return header.programHeaderCount * 56 <= 65536 && Number.isSafeInteger(header.programHeaderOffset);
    }),
    { numRuns: 2000 },
  );
});

it('accepts only load segments that lie in user space', () => {
  const edge = fc.constantFrom(0, 1, 4096, 2 ** 32, 2 ** 47 - 4096, 2 ** 53, 2 ** 63, 2 ** 64);
  const word = fc.oneof(edge, fc.nat(), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(word, { minLength: 6, maxLength: 6 }), fc.constantFrom(0, 1, 3), (words, type) => {
      const bytes = view(new Uint8Array(56));
      bytes.setUint32(0, type, true);
      words.forEach((value, i) => {
        set64(bytes, 8 + i * 8, value);
      });
      const result = parseProgramHeaders(bytes, {
        type: 3,
        entry: 0,
        programHeaderOffset: 64,
        programHeaderCount: 1,
      });
      if (typeof result === 'number') return result < 0;
      const [segment] = result;
      if (segment === undefined || segment.type !== PT_LOAD) return true;
      return segment.virtualAddress + segment.memorySize <= TASK_SIZE;
    }),
    { numRuns: 2000 },
  );
});

it('runs every filter that passes the check to its end', () => {
  const codes = [
    0x20, 0x00, 0x01, 0x15, 0x25, 0x35, 0x45, 0x05, 0x02, 0x03, 0x60, 0x61, 0x3c, 0x34, 0x74, 0x87,
  ];
  const instruction = fc.tuple(
    fc.oneof(fc.constantFrom(...codes), fc.nat(0xffff)),
    fc.nat(3),
    fc.nat(3),
    fc.oneof(fc.nat(70), fc.nat(0xffffffff)),
  );
  const memory = new Uint32Array(BPF_MEMWORDS);
  const data = view(new Uint8Array(SECCOMP_DATA_SIZE).fill(0x5a));
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 5 }), (list) => {
      const bytes = assemble([...list, [0x06, 0, 0, 0x7fff0000]]);
      const program = parseSeccompFilter(bytes, 0, list.length + 1);
      if (typeof program === 'number') return program < 0;
      accepted++;
      const result = runSeccompFilter(program, data, 0, memory);
      return Number.isInteger(result) && result >= 0 && result <= 0xffffffff;
    }),
    { numRuns: 5000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

it('reads back every safe integer that it stores', () => {
  const bytes = view(new Uint8Array(8));
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      set64(bytes, 0, value);
      return getU64(bytes, 0) === value && bytes.getBigUint64(0, true) === BigInt(value);
    }),
  );
});
