// Arithmetic on addresses and lengths: plain numbers, so no 32-bit operators above 4 GiB.
import { PAGE_SIZE } from '@sandbox-kernel/contracts';

export const pageDown = (addr: number): number => addr - (addr % PAGE_SIZE);

export const pageUp = (addr: number): number => {
  const rest = addr % PAGE_SIZE;
  return rest === 0 ? addr : addr + (PAGE_SIZE - rest);
};

/** Lengths as programs give them wrap at 2^64: PAGE_ALIGN of the last page's worth is 0. */
export const ADDRESS_WRAP = 2 ** 64;

export const pageLength = (length: number): number => {
  const bytes = pageUp(length);
  return bytes >= ADDRESS_WRAP ? 0 : bytes;
};

export const isPageAligned = (addr: number): boolean => addr % PAGE_SIZE === 0;

/** Rounds down to a multiple of `block`. */
export const blockDown = (addr: number, block: number): number => addr - (addr % block);
