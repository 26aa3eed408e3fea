// Areas watched by a userfaultfd against a naive map: each page is missing, there, or there and protected; every access and command says and
// does what that state asks for.
import {
  EEXIST,
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  UFFD_PAGEFAULT_FLAG_WP,
} from '@sandbox-kernel/abi';
import { FAULT_USER, FAULT_WRITE } from '@sandbox-kernel/contracts';
import {
  copyMissing,
  FAULT_WAITS,
  type FaultMonitor,
  MemoryFile,
  type MemoryManager,
  monitorRange,
  protectMonitored,
  unmonitorRange,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  zeroMissing,
} from '@sandbox-kernel/mm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SparseBacking } from '../support/sparse-backing.js';
import { MIB, PAGE, world } from '../support/world.js';

const PAGES = 10;

class Monitor implements FaultMonitor {
  readonly features = 0;
  readonly raisesSignal = false;
  readonly userModeOnly = false;

  removed(): void {}
  unmapped(): void {}
  remapped(): void {}
  forked(): null {
    return null;
  }
  forget(): void {}
}

interface PageState {
  content: number | null;
  protected: boolean;
}

const stepArbitrary = fc.record({
  op: fc.constantFrom('read', 'write', 'kernel', 'copy', 'zero', 'protect', 'allow', 'drop'),
  page: fc.nat(PAGES - 1),
  length: fc.integer({ min: 1, max: 4 }),
});

function access(mm: MemoryManager, addr: number, write: boolean): number {
  const result = mm.fault(addr, FAULT_USER | (write ? FAULT_WRITE : 0), mm.generation);
  if (result !== FAULT_WAITS) return result;
  const flags = mm.obstacle!.flags;
  mm.obstacle = null;
  return (flags & UFFD_PAGEFAULT_FLAG_WP) !== 0 ? -2 : -1;
}

test.each([MAP_PRIVATE, MAP_SHARED])(
  'watched pages are missing, there or protected (mapping type %i)',
  (type) => {
    fc.assert(
      fc.property(
        fc.array(stepArbitrary, { minLength: 1, maxLength: 50 }),
        fc.nat(2 ** PAGES - 1),
        (steps, touched) => {
          const { mm, file } = world({ file: new MemoryFile(new SparseBacking(16 * MIB)) });
          const base = mm.mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | type, null, 0);
          const source = mm.mmap(
            0,
            PAGES * PAGE,
            PROT_READ | PROT_WRITE,
            MAP_ANONYMOUS | MAP_PRIVATE,
            null,
            0,
          );
          const model: PageState[] = [];
          for (let k = 0; k < PAGES; k++) {
            const there = ((touched >> k) & 1) === 1;
            if (there) mm.writeU32(base + k * PAGE, 1000 + k);
            mm.writeU32(source + k * PAGE, 5000 + k);
            model.push({ content: there ? 1000 + k : null, protected: false });
          }
          const monitor = new Monitor();
          const end = base + PAGES * PAGE;
          monitorRange(mm, base, end, monitor, VM_UFFD_MISSING | (type === MAP_PRIVATE ? VM_UFFD_WP : 0));
          let counter = 0;
          for (const { op, page, length } of steps) {
            const state = model[page]!;
            const addr = base + page * PAGE;
            const count = Math.min(length, PAGES - page);
            const missing = state.content === null;
            if (op === 'read') expect(access(mm, addr, false)).toBe(missing ? -1 : 0);
            else if (op === 'write') {
              expect(access(mm, addr, true)).toBe(missing ? -1 : state.protected ? -2 : 0);
              if (missing || state.protected) continue;
              state.content = ++counter;
              expect(mm.writeU32(addr, counter)).toBe(0);
            } else if (op === 'kernel') {
              const waits = missing || state.protected;
              expect(mm.writeU32(addr, missing ? 1 : (state.content ?? 0))).toBe(waits ? -14 : 0);
              expect(mm.obstacle !== null).toBe(waits);
              mm.obstacle = null;
            } else if (op === 'copy' || op === 'zero') {
              let run = 0;
              while (run < count && model[page + run]!.content === null) run++;
              const bytes = count * PAGE;
              const done =
                op === 'copy'
                  ? copyMissing(mm, addr, bytes, mm, source, false)
                  : zeroMissing(mm, addr, bytes);
              expect(done).toBe(run === 0 ? -EEXIST : run * PAGE);
              for (let k = 0; k < run; k++) model[page + k]!.content = op === 'copy' ? 5000 + k : 0;
            } else if (op === 'drop') {
              // Shared memory keeps its content: only the mapping goes.
              if (type === MAP_SHARED) continue;
              expect(mm.madvise(addr, count * PAGE, MADV_DONTNEED)).toBe(0);
              for (let k = page; k < page + count; k++) model[k] = { content: null, protected: false };
            } else if (type === MAP_PRIVATE) {
              const on = op === 'protect';
              expect(protectMonitored(mm, addr, count * PAGE, on)).toBe(0);
              for (let k = page; k < page + count; k++)
                if (model[k]!.content !== null) model[k]!.protected = on;
            }
          }
          unmonitorRange(mm, base, end, monitor);
          for (let k = 0; k < PAGES; k++) expect(mm.readU32(base + k * PAGE)).toBe(model[k]!.content ?? 0);
          for (let k = 0; k < PAGES; k++) expect(mm.writeU32(base + k * PAGE, 1)).toBe(0);
          mm.destroy();
          expect(file.used).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  },
);
