import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createDirectFilesystem } from '@sandbox-kernel/gofer';
import { openHost } from '@sandbox-kernel/host';
import { createOverlay, createTmpfs, dropTree, type Superblock, type Vfs } from '@sandbox-kernel/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  operation,
  releaseHeld,
  runHere,
  runThere,
  treeHere,
  treeThere,
} from '../../../vfs/test/support/operations.js';
import { createWorld } from '../../../vfs/test/support/world.js';

const O_PATH_DIRECTORY = 0o10200000;
const DEPTH = '/p/p/p/p/p';
const RUNS = 150;

const host = openHost();

function direct(vfs: Vfs, path: string, cache: 'exclusive' | 'shared'): Superblock {
  const rootFd = host.paths.open(-100, path, O_PATH_DIRECTORY, 0, 0);
  const superblock = createDirectFilesystem(vfs, { host, rootFd, cache, readOnly: false, maxDescriptors: 4 });
  if (typeof superblock === 'number') throw new Error(`direct filesystem: ${superblock}`);
  return superblock;
}

/** The same operations through the sandbox's view of one directory and, natively, on its twin. */
function compare(make: (vfs: Vfs, path: string) => Superblock, writesThrough: boolean): void {
  const top = mkdtempSync('/dev/shm/direct-');
  process.umask(0o022);
  try {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 60 }), (operations) => {
        const base = mkdtempSync(join(top, 'run-'));
        const native = join(base, 'native');
        const seen = join(base, 'seen');
        for (const tree of [native, seen]) mkdirSync(tree + DEPTH, { recursive: true });
        const { caller, namespace } = createWorld((vfs) => make(vfs, seen));
        for (const op of operations) {
          const expected = runThere(native + DEPTH, op);
          expect({ op, outcome: runHere(caller, DEPTH, op) }).toEqual({ op, outcome: expected });
        }
        expect(treeHere(caller, DEPTH)).toEqual(treeThere(native + DEPTH));
        if (writesThrough) expect(treeThere(seen + DEPTH)).toEqual(treeThere(native + DEPTH));
        else expect(treeThere(seen + DEPTH)).toEqual([]);
        releaseHeld(caller, native + DEPTH);
        caller.fs.release();
        dropTree(namespace.root);
        rmSync(base, { recursive: true, force: true });
      }),
      { numRuns: RUNS },
    );
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

describe('direct filesystem', () => {
  it('changes the host as native calls do, when the tree is exclusive', () => {
    compare((vfs, path) => direct(vfs, path, 'exclusive'), true);
  });

  it('changes the host as native calls do, when the tree is shared', () => {
    compare((vfs, path) => direct(vfs, path, 'shared'), true);
  });

  it('below an overlay is never changed', () => {
    compare(
      (vfs, path) =>
        createOverlay(vfs, { upper: createTmpfs(vfs), lowers: [direct(vfs, path, 'exclusive')] }),
      false,
    );
  });
});
