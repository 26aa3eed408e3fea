// Random sequences on our tmpfs and overlay and on the host's own, mounted for the test in a mount namespace of this process; with
// renameat2(2) flags and extended attributes. Needs root (or skips aloud).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RENAME_WHITEOUT, SYS_unshare } from '@sandbox-kernel/abi';
import { createDirectFilesystem } from '@sandbox-kernel/gofer';
import { openHost } from '@sandbox-kernel/host';
import {
  createOverlay,
  createTmpfs,
  dropTree,
  makeDirectory,
  type Superblock,
  type Vfs,
} from '@sandbox-kernel/vfs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ExtendedOperation,
  extendedOperation,
  type NativeCalls,
  runExtendedHere,
  runExtendedThere,
} from '../../../vfs/test/support/extended-operations.js';
import { releaseHeld, treeHere, treeThere } from '../../../vfs/test/support/operations.js';
import { createWorld } from '../../../vfs/test/support/world.js';

const CLONE_NEWNS = 0x20000;
const CWD = -100;
const DEPTH = '/p/p/p/p/p';
const RUNS = 120;
const host = openHost();

const native: NativeCalls = {
  rename: (from, to, flags) => host.paths.rename(CWD, from, CWD, to, flags),
  setXattr: (path, name, value, flags) => host.xattrs.set(path, name, value, flags),
  getXattr: (path, name) => {
    const into = new Uint8Array(65536);
    const length = host.xattrs.get(path, name, into);
    return length < 0 ? length : into.slice(0, length);
  },
  removeXattr: (path, name) => host.xattrs.remove(path, name),
  listXattr: (path) => {
    const into = new Uint8Array(65536);
    const length = host.xattrs.list(path, into);
    return length < 0
      ? length
      : Buffer.from(into.subarray(0, length)).toString('latin1').split('\0').filter(Boolean);
  },
};

function mount(...words: string[]): boolean {
  return spawnSync('mount', words).status === 0;
}

let mayMount = false;
let scratch = '';

beforeAll(() => {
  if (process.getuid?.() !== 0 || host.door.call(SYS_unshare, 0, CLONE_NEWNS, 0, 0, 0, 0, 0) < 0) return;
  if (!mount('--make-rprivate', '/')) return;
  scratch = mkdtempSync('/tmp/mounted-');
  // Goes with this process's namespace.
  mayMount = mount('-t', 'tmpfs', '-o', 'mode=755', 'scratch', scratch);
  process.umask(0o022);
});

function allowed(): boolean {
  if (!mayMount)
    console.warn('SKIPPED: this process may not mount; sequences were not compared with the host');
  return mayMount;
}

function fill(top: string): void {
  const at = top + DEPTH;
  mkdirSync(at, { recursive: true });
  for (const name of ['a', 'b', 'a/b', 'a/c', 'b/d', 'b/d/a']) mkdirSync(join(at, name));
  for (const name of ['c', 'a/a', 'a/b/d', 'b/d/b']) writeFileSync(join(at, name), `content of ${name}`);
  symlinkSync('a/b', join(at, 'd'));
  symlinkSync('../c', join(at, 'a/d'));
  native.setXattr(join(at, 'c'), 'user.a', Buffer.from('below'), 0);
  native.setXattr(join(at, 'a'), 'trusted.t', Buffer.from('below'), 0);
}

interface Pair {
  /** The host's. */
  readonly path: string;
  readonly make: (vfs: Vfs) => Superblock;
  readonly made?: boolean;
  readonly end: () => void;
}

function compare(prepare: (base: string) => Pair, leaveOut = (_op: ExtendedOperation) => false): void {
  fc.assert(
    fc.property(fc.array(extendedOperation, { minLength: 1, maxLength: 60 }), (operations) => {
      const base = mkdtempSync(join(scratch, 'run-'));
      const pair = prepare(base);
      const { caller, namespace } = createWorld(pair.make);
      try {
        for (const op of operations) {
          if (leaveOut(op)) continue;
          const expected = runExtendedThere(pair.path + DEPTH, op, native);
          expect({ op, outcome: runExtendedHere(caller, DEPTH, op) }).toEqual({ op, outcome: expected });
        }
        expect(treeHere(caller, DEPTH)).toEqual(treeThere(pair.path + DEPTH));
      } finally {
        releaseHeld(caller, pair.path + DEPTH);
        caller.fs.release();
        dropTree(namespace.root);
        pair.end();
        rmSync(base, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
}

/** Ours makes whiteouts on an overlay too, because the root of a sandbox is one; overlayfs refuses. */
function isWhiteout(op: ExtendedOperation): boolean {
  return op.kind === 'rename2' && (op.flags & RENAME_WHITEOUT) !== 0;
}

function hostTree(vfs: Vfs, path: string): Superblock {
  const rootFd = host.paths.open(CWD, path, 0o10200000, 0, 0);
  const superblock = createDirectFilesystem(vfs, { host, rootFd, cache: 'exclusive', readOnly: true });
  if (typeof superblock === 'number') throw new Error(`direct filesystem: ${superblock}`);
  return superblock;
}

describe('mounted by the host', () => {
  it('tmpfs answers as ours does', () => {
    if (!allowed()) return;
    compare((base) => {
      mkdirSync(base + DEPTH, { recursive: true });
      const make = (vfs: Vfs): Superblock => {
        const superblock = createTmpfs(vfs, { mode: 0o755 });
        const { caller } = createWorld(() => superblock);
        let made = '';
        for (const part of DEPTH.slice(1).split('/')) {
          made += `/${part}`;
          makeDirectory(caller, CWD, made, 0o777);
        }
        return superblock;
      };
      return { path: base, make, end: () => {} };
    });
  });

  it('overlayfs answers as ours does over the same lower tree', () => {
    if (!allowed()) return;
    const folders = ['lower', 'upper', 'work', 'merged'] as const;
    const mountOverlay = (base: string): boolean =>
      mount(
        '-t',
        'overlay',
        '-o',
        `lowerdir=${base}/lower,upperdir=${base}/upper,workdir=${base}/work,redirect_dir=on,metacopy=off,index=off,xino=off`,
        'overlay',
        `${base}/merged`,
      );
    let refused = false;
    compare((base) => {
      for (const folder of folders) mkdirSync(`${base}/${folder}`);
      fill(`${base}/lower`);
      if (!refused && !mountOverlay(base)) {
        console.warn('SKIPPED: the host mounts no overlayfs here');
        refused = true;
      }
      return {
        path: refused ? `${base}/lower` : `${base}/merged`,
        make: (vfs) =>
          createOverlay(vfs, {
            upper: createTmpfs(vfs, { mode: 0o755 }),
            lowers: [hostTree(vfs, `${base}/lower`)],
          }),
        end: () => void spawnSync('umount', [`${base}/merged`]),
      };
    }, isWhiteout);
  });
});
