// Where the pieces of a fresh address space go, as arch/x86/mm/mmap.c and fs/binfmt_elf.c choose it: 28 random bits for mmap, 22 for the
// stack, up to 1 GiB for brk; see personality(2) for how to turn that off.
import { PAGE_SIZE, type RandomSource } from '@sandbox-kernel/contracts';
import { pageDown, pageUp } from './addresses.js';
import { STACK_GAP } from './stack.js';
import type { AddressLayout } from './types.js';

// personality(2)
const ADDR_NO_RANDOMIZE = 0x0040000;
const ADDR_COMPAT_LAYOUT = 0x0200000;

const MMAP_RANDOM_BITS = 28;
const STACK_RANDOM_BITS = 22;
const BRK_RANDOM_PAGES = 2 ** 30 / PAGE_SIZE;
/** The room that a stack gets at least, however low its limit. */
const MINIMUM_GAP = 128 * 2 ** 20;

export interface LayoutOptions {
  readonly random: RandomSource;
  /** RLIMIT_STACK, bytes; Infinity for none. */
  readonly stackLimit: number;
  /** From PlatformFeatures. */
  readonly addressLimit: number;
  readonly addressMinimum: number;
  /** Bits of personality(2): ADDR_NO_RANDOMIZE and ADDR_COMPAT_LAYOUT count. */
  readonly personality: number;
}

export function randomWord(random: RandomSource): number {
  const bytes = new Uint8Array(4);
  random.fill(bytes, 0, 4);
  return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
}

export function chooseLayout(options: LayoutOptions): AddressLayout {
  const { random, addressLimit: limit } = options;
  const randomize = (options.personality & ADDR_NO_RANDOMIZE) === 0;
  const legacy = (options.personality & ADDR_COMPAT_LAYOUT) !== 0;
  const pages = (bits: number): number => (randomize ? (randomWord(random) % 2 ** bits) * PAGE_SIZE : 0);
  const mmapRandom = pages(MMAP_RANDOM_BITS);
  const stackRoom = (randomize ? 2 ** STACK_RANDOM_BITS * PAGE_SIZE : 0) + STACK_GAP;
  const wanted = options.stackLimit + stackRoom;
  const most = pageDown((limit / 6) * 5);
  const gap = Math.min(Math.max(pageUp(Math.min(wanted, limit)), MINIMUM_GAP), most);
  const bottom = pageUp(limit / 3);
  return {
    mmapBase: pageDown(limit - gap - mmapRandom),
    mmapBottom: legacy ? bottom + mmapRandom : bottom,
    legacy,
    stackTop: pageDown(limit) - pages(STACK_RANDOM_BITS),
    pieBase: pageDown((limit / 3) * 2) + pages(MMAP_RANDOM_BITS),
    brkOffset: randomize ? (randomWord(random) % BRK_RANDOM_PAGES) * PAGE_SIZE : 0,
    addressLimit: limit,
    addressMinimum: options.addressMinimum,
    randomize,
  };
}
