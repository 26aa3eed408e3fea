import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum, finish, fold, sumBytes, update16, update32 } from '../../../src/wire/checksum.js';

/** RFC 1071 word by word: the model. */
function slowSum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i += 2) {
    sum += ((bytes[i] as number) << 8) | (i + 1 < end ? (bytes[i + 1] as number) : 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** 0 and 0xffff are the same number in one's complement. */
const same = (a: number, b: number) => a % 0xffff === b % 0xffff;

describe('the Internet checksum', () => {
  it('agrees with RFC 1071 word by word at any offset and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(40), (bytes, start) => {
        fc.pre(start <= bytes.length);
        const view = new DataView(Uint8Array.from(bytes).buffer);
        const expected = slowSum(bytes, start, bytes.length);
        expect(same(sumBytes(view, start, bytes.length), expected)).toBe(true);
      }),
    );
  });

  it.each([65535, 65536, 131072])('holds the sum of %i bytes of ones', (size) => {
    const bytes = new Uint8Array(size).fill(0xff);
    const sum = sumBytes(new DataView(bytes.buffer), 0, size);
    expect(same(sum, size % 2 === 1 ? 0xff00 : 0xffff)).toBe(true);
  });

  it('is zero over data that holds it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), (bytes) => {
        const view = new DataView(Uint8Array.from(bytes).buffer);
        view.setUint16(2, 0);
        view.setUint16(2, checksum(view, 0, bytes.length));
        expect(checksum(view, 0, bytes.length)).toBe(0);
      }),
    );
  });

  it('is mended by the difference as if computed anew', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), fc.integer(), (bytes, word) => {
        const view = new DataView(Uint8Array.from(bytes).buffer);
        const before = finish(sumBytes(view, 0, 12));
        const old = view.getInt32(4);
        view.setInt32(4, word);
        const anew = finish(sumBytes(view, 0, 12));
        expect(same(update32(before, old, word | 0), anew)).toBe(true);
        const half = update16(
          update16(before, old >>> 16, (word >>> 16) & 0xffff),
          old & 0xffff,
          word & 0xffff,
        );
        expect(same(half, anew)).toBe(true);
      }),
    );
  });

  it('folds any sum to 16 bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 47 }), (sum) => {
        const folded = fold(sum);
        expect(folded).toBeLessThanOrEqual(0xffff);
        expect(same(folded, sum)).toBe(true);
      }),
    );
  });
});
