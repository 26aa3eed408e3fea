import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  createOverlay,
  createTmpfs,
  makeDirectory,
  makeSymlink,
  type Superblock,
  type Vfs,
} from '@sandbox-kernel/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operation, releaseHeld, runHere, runThere, treeHere, treeThere } from '../support/operations.js';
import { createWorld, mustOpen } from '../support/world.js';

const SHM = '/dev/shm';
const RUNS = 300;
/** Deep enough that the `..` of a test stay inside. */
const DEPTH = '/p/p/p/p/p';

/** The same operations on a filesystem of ours and on the host's tmpfs. */
function compare(make: (vfs: Vfs) => Superblock): void {
  const host = mkdtempSync(join(SHM, 'vfs-'));
  process.umask(0o022);
  try {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 60 }), (operations) => {
        const base = mkdtempSync(join(host, 'run-'));
        mkdirSync(base + DEPTH, { recursive: true });
        const { caller } = createWorld(make);
        let made = '';
        for (const part of DEPTH.slice(1).split('/')) {
          made += `/${part}`;
          makeDirectory(caller, -100, made, 0o777);
        }
        for (const op of operations) {
          const expected = runThere(base + DEPTH, op);
          const actual = runHere(caller, DEPTH, op);
          expect({ op, outcome: actual }).toEqual({ op, outcome: expected });
        }
        expect(treeHere(caller, DEPTH)).toEqual(treeThere(base + DEPTH));
        releaseHeld(caller, base + DEPTH);
        rmSync(base, { recursive: true, force: true });
      }),
      { numRuns: RUNS },
    );
  } finally {
    rmSync(host, { recursive: true, force: true });
  }
}

describe('tmpfs', () => {
  it('answers as the host does, to the errno', () => {
    compare((vfs) => createTmpfs(vfs, { mode: 0o755 }));
  });
});

describe('overlay', () => {
  it('over an empty lower layer answers as the host does', () => {
    compare((vfs) =>
      createOverlay(vfs, { upper: createTmpfs(vfs), lowers: [createTmpfs(vfs, { mode: 0o755 })] }),
    );
  });

  it('over a lower layer with files answers as a plain copy of it does', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 60 }), (operations) => {
        const plain = createWorld((vfs) => createTmpfs(vfs, { mode: 0o755 }));
        fillSample(plain.caller);
        const over = createWorld((vfs) =>
          createOverlay(vfs, { upper: createTmpfs(vfs), lowers: [sampleLayer(vfs)] }),
        );
        for (const op of operations) {
          const expected = runHere(plain.caller, DEPTH, op);
          const actual = runHere(over.caller, DEPTH, op);
          expect({ op, outcome: actual }).toEqual({ op, outcome: expected });
        }
        expect(treeHere(over.caller, '')).toEqual(treeHere(plain.caller, ''));
        for (const { caller } of [plain, over]) releaseHeld(caller, null);
      }),
      { numRuns: RUNS },
    );
  });
});

function fillSample(caller: Parameters<typeof makeDirectory>[0]): void {
  let made = '';
  for (const part of DEPTH.slice(1).split('/')) {
    made += `/${part}`;
    makeDirectory(caller, -100, made, 0o755);
  }
  for (const name of ['a', 'b', 'a/b', 'a/c', 'b/d', 'b/d/a'])
    makeDirectory(caller, -100, `${made}/${name}`, 0o755);
  for (const name of ['c', 'a/a', 'a/b/d', 'b/d/b']) mustOpen(caller, `${made}/${name}`, 0o102).release();
  makeSymlink(caller, 'a/b', -100, `${made}/d`);
  makeSymlink(caller, '../c', -100, `${made}/a/d`);
}

/** A lower layer with the sample, made in the same vfs. */
function sampleLayer(vfs: Vfs): Superblock {
  const superblock = createTmpfs(vfs, { mode: 0o755 });
  const { caller } = createWorldOn(superblock);
  fillSample(caller);
  return superblock;
}

function createWorldOn(superblock: Superblock): ReturnType<typeof createWorld> {
  return createWorld(() => superblock);
}
