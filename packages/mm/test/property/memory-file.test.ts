// The page allocator against a plain array of reference counts: no page is given out twice, fresh pages read as zeros, nothing is lost.
import { ArrayBacking, MemoryFile } from '@sandbox-kernel/mm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PAGE } from '../support/world.js';

const CAPACITY = 256;

const step = fc.record({
  op: fc.constantFrom('allocate', 'allocate', 'retain', 'release', 'release', 'purge'),
  which: fc.nat(1000),
  pages: fc.integer({ min: 1, max: 40 }),
});

test('allocate, retain and release agree with a plain array of counts', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(64), (steps, dirtyPages) => {
      const backing = new ArrayBacking(CAPACITY * PAGE);
      const file = new MemoryFile(backing, { dirtyLimit: dirtyPages * PAGE });
      const counts = new Array<number>(CAPACITY).fill(0);
      const held: { page: number; pages: number }[] = [];
      for (const { op, which, pages } of steps) {
        const chosen = held[which % Math.max(1, held.length)];
        if (op === 'allocate') {
          const offset = file.allocate(pages * PAGE);
          if (offset < 0) continue;
          const page = offset / PAGE;
          for (let k = 0; k < pages; k++) {
            expect(counts[page + k]).toBe(0);
            counts[page + k] = 1;
          }
          const bytes = file.chunk(offset).subarray(offset, offset + pages * PAGE);
          expect(bytes.every((byte) => byte === 0)).toBe(true);
          bytes.fill(0xa5);
          held.push({ page, pages });
        } else if (op === 'purge') file.purge();
        else if (chosen !== undefined) {
          if (op === 'retain') {
            file.retain(chosen.page * PAGE, chosen.pages * PAGE);
            held.push(chosen);
          } else {
            held.splice(held.indexOf(chosen), 1);
            file.release(chosen.page * PAGE, chosen.pages * PAGE);
          }
          for (let k = 0; k < chosen.pages; k++) {
            counts[chosen.page + k] = counts[chosen.page + k]! + (op === 'retain' ? 1 : -1);
          }
        }
        expect(file.used).toBe(counts.filter((count) => count > 0).length * PAGE);
        for (let page = 0; page < file.size / PAGE; page++) {
          expect(file.references(page * PAGE)).toBe(counts[page]);
        }
      }
      for (const { page, pages } of held) file.release(page * PAGE, pages * PAGE);
      expect(file.holdings()).toEqual([]);
      // Everything is one piece again.
      file.purge();
      expect(file.allocate(CAPACITY * PAGE)).toBe(0);
    }),
    { numRuns: 150 },
  );
});
