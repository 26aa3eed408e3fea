import { describe, expect, it } from 'vitest';
import {
  AUDIT_ARCH_X86_64,
  BPF_MEMWORDS,
  type BpfProgram,
  EINVAL,
  parseSeccompFilter,
  runSeccompFilter,
  SECCOMP_DATA_LAYOUT,
  SECCOMP_DATA_SIZE,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
} from '../../src/index.js';
import { assemble, type Instruction } from '../support/assemble.js';

function parse(program: readonly Instruction[]): BpfProgram | number {
  return parseSeccompFilter(assemble(program), 0, program.length);
}

function run(program: readonly Instruction[], nr: number): number {
  const data = new DataView(new ArrayBuffer(SECCOMP_DATA_SIZE));
  SECCOMP_DATA_LAYOUT.encode(data, 0, { nr, arch: AUDIT_ARCH_X86_64 });
  return runSeccompFilter(parse(program) as BpfProgram, data, 0, new Uint32Array(BPF_MEMWORDS));
}

const RET_A: Instruction = [0x16, 0, 0, 0];
const LOAD_NR: Instruction = [0x20, 0, 0, 0];

it('chooses by system call number', () => {
  const filter: Instruction[] = [
    LOAD_NR,
    [0x15, 0, 1, 59],
    [0x06, 0, 0, SECCOMP_RET_ERRNO | 1],
    [0x06, 0, 0, SECCOMP_RET_ALLOW],
  ];
  expect([run(filter, 59), run(filter, 60)]).toEqual([SECCOMP_RET_ERRNO | 1, SECCOMP_RET_ALLOW]);
});

it.each([
  ['add wraps', 0x04, 0xffffffff, 4],
  ['sub wraps', 0x14, 6, 0xffffffff],
  ['mul keeps 32 bits', 0x24, 0x40000001, 0x40000005],
  ['div is unsigned', 0x34, 2, 2],
  ['or', 0x44, 0x80000000, 0x80000005],
  ['and', 0x54, 4, 4],
  ['xor', 0xa4, 1, 4],
  ['shift left', 0x64, 31, 0x80000000],
  ['shift right', 0x74, 1, 2],
  ['neg', 0x84, 0, 0xfffffffb],
])('%s', (_, code, k, result) => {
  expect(run([LOAD_NR, [code, 0, 0, k], RET_A], 5)).toBe(result);
});

it('ends with 0 when X divides by zero', () => {
  expect(run([LOAD_NR, [0x3c, 0, 0, 0], RET_A], 5)).toBe(0);
});

it('keeps values in scratch memory and X', () => {
  expect(run([LOAD_NR, [0x02, 0, 0, 15], [0x00, 0, 0, 9], [0x60, 0, 0, 15], RET_A], 77)).toBe(77);
  expect(run([LOAD_NR, [0x07, 0, 0, 0], [0x00, 0, 0, 9], [0x0c, 0, 0, 0], RET_A], 77)).toBe(86);
});

describe('the check', () => {
  it.each<[string, Instruction[]]>([
    ['an empty program', []],
    ['no return at the end', [LOAD_NR]],
    ['a jump past the end', [[0x05, 0, 0, 1], RET_A]],
    ['a conditional jump past the end', [[0x15, 0, 1, 0], RET_A]],
    ['an unaligned load', [[0x20, 0, 0, 2], RET_A]],
    ['a load past seccomp_data', [[0x20, 0, 0, 64], RET_A]],
    ['a byte load', [[0x30, 0, 0, 0], RET_A]],
    ['division by the constant zero', [[0x34, 0, 0, 0], RET_A]],
    ['a shift by 32', [[0x64, 0, 0, 32], RET_A]],
    ['scratch memory outside its words', [[0x02, 0, 0, 16], RET_A]],
    ['a load of a word that no store set', [[0x60, 0, 0, 0], RET_A]],
    [
      'a load of a word that one path only set',
      [LOAD_NR, [0x15, 1, 0, 3], [0x02, 0, 0, 0], [0x60, 0, 0, 0], RET_A],
    ],
    ['an unknown code', [[0xffff, 0, 0, 0], RET_A]],
  ])('refuses %s', (_, program) => {
    expect(parse(program)).toBe(-EINVAL);
  });
});
