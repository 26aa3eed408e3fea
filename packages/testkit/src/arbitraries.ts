// fast-check arbitraries for what kernels are given: addresses at the edges that matter, lengths round page borders, offsets.
import fc from 'fast-check';

const PAGE = 4096;
const TOP = 2 ** 47;

/** Any page-aligned address a program can name, edges often. */
export function pageAddress(): fc.Arbitrary<number> {
  const page = fc.integer({ min: 0, max: TOP / PAGE - 1 }).map((n) => n * PAGE);
  const edge = fc.constantFrom(0, PAGE, 0x10000, 2 ** 32 - PAGE, 2 ** 32, 2 ** 46, TOP - PAGE);
  return fc.oneof({ weight: 3, arbitrary: page }, { weight: 1, arbitrary: edge });
}

/** Any address, aligned or not, the first beyond the user's half included. */
export function address(): fc.Arbitrary<number> {
  return fc.tuple(pageAddress(), fc.constantFrom(0, 1, 7, 2048, PAGE - 1)).map(([page, in_]) => page + in_);
}

/** A length with the odd sizes that break code: 0, 1, one less and one more than a page, several pages. */
export function byteLength(max = 16 * PAGE): fc.Arbitrary<number> {
  const edge = fc.constantFrom(0, 1, 2, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE + 5);
  return fc.oneof(
    edge.filter((n) => n <= max),
    fc.integer({ min: 0, max }),
  );
}

/** A whole number of pages, at least one. */
export function pageLength(maxPages = 64): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: maxPages }).map((n) => n * PAGE);
}

/** A file offset: small, unaligned, beyond 4 GiB, near the end of what a number holds. */
export function fileOffset(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: 1 << 20 }),
    fc.constantFrom(0, 2 ** 31, 2 ** 32 + 5, 2 ** 40, Number.MAX_SAFE_INTEGER),
  );
}
