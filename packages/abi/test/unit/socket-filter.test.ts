import { expect, it } from 'vitest';
import {
  BPF_MEMWORDS,
  type BpfProgram,
  EINVAL,
  FilteredPacket,
  parseSocketFilter,
  runBpf,
  SKF_AD_OFF,
  SKF_AD_PAY_OFFSET,
  SKF_LL_OFF,
  SKF_NET_OFF,
} from '../../src/index.js';
import { assemble, type Instruction } from '../support/assemble.js';

function parse(...program: readonly Instruction[]): BpfProgram | number {
  return parseSocketFilter(assemble(program), 0, program.length);
}

/** Bytes 0 to 39: a link header of 14, a network header of 20, the rest. */
function packet(start: number): FilteredPacket {
  const input = new FilteredPacket();
  input.view = new DataView(Uint8Array.from({ length: 40 }, (_, i) => i).buffer);
  input.start = start;
  input.end = 40;
  input.linkHeader = 0;
  input.networkHeader = 14;
  return input;
}

const RET_A: Instruction = [0x16, 0, 0, 0];

/** What a load leaves in A; 0 where the program was ended. */
function loaded(input: FilteredPacket, code: number, k: number, x = 0): number {
  const program = parse([0x01, 0, 0, x], [code, 0, 0, k], RET_A);
  return runBpf(program as BpfProgram, input, new Uint32Array(BPF_MEMWORDS));
}

it('loads words, halves and bytes in network order', () => {
  expect(loaded(packet(34), 0x20, 0)).toBe(0x22232425);
  expect(loaded(packet(34), 0x28, 1)).toBe(0x2324);
  expect(loaded(packet(34), 0x30, 5)).toBe(39);
  expect(loaded(packet(34), 0x50, 2, 3)).toBe(39);
  expect(loaded(packet(34), 0x80, 0)).toBe(6);
});

it.each([
  ['a word over the end', 0x20, 3, 0],
  ['a byte at the end', 0x30, 6, 0],
  ['far beyond', 0x30, 0x7fffffff, 0],
  ['before the link header', 0x30, SKF_LL_OFF - 1, 0],
  ['from X over the end', 0x50, 5, 1],
  ['by a sum that wraps', 0x50, 0xffffffff, 0x7fffffff],
])('is ended by a load %s', (_, code, k, x) => {
  expect(loaded(packet(34), code, k, x)).toBe(0);
});

it('reaches the headers before the data', () => {
  expect(loaded(packet(34), 0x28, SKF_LL_OFF + 12)).toBe(0x0c0d);
  expect(loaded(packet(34), 0x30, SKF_NET_OFF + 9)).toBe(23);
  const bare = packet(34);
  bare.linkHeader = -1;
  expect(loaded(bare, 0x28, SKF_LL_OFF + 12)).toBe(0);
});

it('refuses what it can not tell', () => {
  expect(parse([0x20, 0, 0, SKF_AD_OFF + SKF_AD_PAY_OFFSET], RET_A)).toBe(-EINVAL);
  expect(parse([0x20, 0, 0, SKF_AD_OFF + 2], RET_A)).toBe(-EINVAL);
  expect(parse([0x20, 0, 0, SKF_AD_OFF], RET_A)).toBeTypeOf('object');
});
