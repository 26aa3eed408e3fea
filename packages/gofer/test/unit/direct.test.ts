import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  EEXIST,
  ESTALE,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RENAME_EXCHANGE,
} from '@sandbox-kernel/abi';
import {
  ByteSegments,
  createOverlay,
  createTmpfs,
  dropTree,
  type FileCaller,
  type FileDescription,
  getXattr,
  Location,
  linkFile,
  makeDirectory,
  makeSymlink,
  openFile,
  overlayChanges,
  readDirectory,
  readFile,
  readLink,
  removeDirectory,
  removeXattr,
  renameFile,
  StatData,
  setXattr,
  statPath,
  truncatePath,
  unlinkFile,
  writeFile,
} from '@sandbox-kernel/vfs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytes, createWorld, mustOpen, TestCredentials, text } from '../../../vfs/test/support/world.js';
import { createHostTree, type HostTree } from '../support/direct-world.js';

const CWD = -100;
let tree: HostTree;

beforeEach(() => {
  tree = createHostTree();
});

afterEach(() => tree.remove());

function put(io: string): ByteSegments {
  return new ByteSegments().add(bytes(io), 0, io.length);
}

function changeDirectory(caller: FileCaller, path: string): void {
  const { fs } = caller;
  expect(fs.vfs.walker.lookup(caller, CWD, path, 0)).toBe(0);
  fs.setCwd(new Location(fs.vfs.walker.mount, fs.vfs.walker.dentry));
}

class Names {
  readonly names: string[] = [];

  add(name: string): boolean {
    this.names.push(name);
    return true;
  }
}

describe('direct filesystem', () => {
  it('reads and writes host files', () => {
    writeFileSync(join(tree.path, 'a'), 'hello');
    const { caller } = createWorld((vfs) => tree.mount(vfs));
    const file = mustOpen(caller, '/a', O_RDWR);
    const into = new Uint8Array(10);
    expect(readFile(file, new ByteSegments().add(into, 0, 10), 0)).toBe(5);
    expect(text(into, 5)).toBe('hello');
    expect(writeFile(file, put(' world'), 0, Infinity)).toBe(6);
    expect(readFileSync(join(tree.path, 'a'), 'utf8')).toBe('hello world');
    const stat = new StatData();
    expect(statPath(caller, CWD, '/a', 0, stat)).toBe(0);
    expect(stat.size).toBe(11);
    expect(truncatePath(caller, '/a', 3)).toBe(0);
    expect(readFileSync(join(tree.path, 'a'), 'utf8')).toBe('hel');
  });

  it('creates, links, renames and removes on the host', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs));
    expect(makeDirectory(caller, CWD, '/d', 0o755)).toBe(0);
    mustOpen(caller, '/d/f', O_CREAT | O_WRONLY, 0o600).release();
    expect(linkFile(caller, CWD, '/d/f', CWD, '/g', 0)).toBe(0);
    expect(makeSymlink(caller, 'd/f', CWD, '/s')).toBe(0);
    expect(readLink(caller, CWD, '/s')).toBe('d/f');
    expect(renameFile(caller, CWD, '/d/f', CWD, '/d/h', 0)).toBe(0);
    expect(readdirSync(tree.path).sort()).toEqual(['d', 'g', 's']);
    expect(readdirSync(join(tree.path, 'd'))).toEqual(['h']);
    expect(removeDirectory(caller, CWD, '/d')).toBe(-39);
    expect(unlinkFile(caller, CWD, '/d/h')).toBe(0);
    expect(removeDirectory(caller, CWD, '/d')).toBe(0);
    const stat = new StatData();
    expect(statPath(caller, CWD, '/g', 0, stat)).toBe(0);
    expect(stat.links).toBe(1);
  });

  it('never leaves its tree, whatever links say', () => {
    writeFileSync(join(tree.path, 'outside'), 'secret');
    mkdirSync(join(tree.path, 'inner'));
    symlinkSync('../outside', join(tree.path, 'inner/up'));
    symlinkSync(join(tree.path, 'outside'), join(tree.path, 'inner/absolute'));
    const inner = { ...tree, path: join(tree.path, 'inner') };
    const rootFd = tree.host.paths.open(-100, inner.path, 0o10200000, 0, 0);
    expect(rootFd).toBeGreaterThan(0);
    tree.host.descriptors.close(rootFd);
    const sub = createHostTree();
    symlinkSync('../../../../../../../../etc/passwd', join(sub.path, 'up'));
    symlinkSync('/etc/passwd', join(sub.path, 'absolute'));
    const { caller } = createWorld((vfs) => sub.mount(vfs));
    expect(openFile(caller, CWD, '/up', O_RDONLY, 0)).toBe(-2);
    expect(openFile(caller, CWD, '/absolute', O_RDONLY, 0)).toBe(-2);
    expect(openFile(caller, CWD, '/../../etc/passwd', O_RDONLY, 0)).toBe(-2);
    sub.remove();
  });

  it('sees host-side changes when shared, and refuses swapped files when exclusive', () => {
    writeFileSync(join(tree.path, 'a'), 'one');
    const shared = createWorld((vfs) => tree.mount(vfs, 'shared'));
    const stat = new StatData();
    expect(statPath(shared.caller, CWD, '/b', 0, stat)).toBe(-2);
    expect(statPath(shared.caller, CWD, '/a', 0, stat)).toBe(0);
    writeFileSync(join(tree.path, 'b'), 'new');
    writeFileSync(join(tree.path, 'a'), 'longer');
    expect(statPath(shared.caller, CWD, '/b', 0, stat)).toBe(0);
    expect(statPath(shared.caller, CWD, '/a', 0, stat)).toBe(0);
    expect(stat.size).toBe(6);
    const exclusive = createWorld((vfs) => tree.mount(vfs));
    expect(statPath(exclusive.caller, CWD, '/a', 0, stat)).toBe(0);
    renameSync(join(tree.path, 'b'), join(tree.path, 'a'));
    expect(openFile(exclusive.caller, CWD, '/a', O_RDONLY, 0)).toBe(-116);
  });

  it('lists big directories and closes descriptors it no longer needs', () => {
    const many = createHostTree(4);
    for (let i = 0; i < 300; i++) mkdirSync(join(many.path, `d${i}`));
    const { caller } = createWorld((vfs) => many.mount(vfs));
    const before = readdirSync('/proc/self/fd').length;
    const directory = mustOpen(caller, '/', O_RDONLY);
    const sink = new Names();
    expect(readDirectory(directory, sink)).toBe(0);
    expect(sink.names.length).toBe(302);
    for (let i = 0; i < 300; i++) mustOpen(caller, `/d${i}/f`, O_CREAT | O_WRONLY).release();
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 10);
    many.remove();
  });

  it('keeps extended attributes on the host', () => {
    writeFileSync(join(tree.path, 'a'), 'x');
    const { caller } = createWorld((vfs) => tree.mount(vfs));
    expect(getXattr(caller, CWD, '/a', 'user.k', 0)).toBe(-61);
    const set = setXattr(caller, CWD, '/a', 'user.k', bytes('v'), 0, 0);
    if (set === -95) return;
    expect(set).toBe(0);
    expect(getXattr(caller, CWD, '/a', 'user.k', 0)).toEqual(bytes('v'));
    expect(removeXattr(caller, CWD, '/a', 'user.k', 0)).toBe(0);
    expect(getXattr(caller, CWD, '/a', 'user.k', 0)).toBe(-61);
  });

  it.each(['exclusive', 'shared'] as const)('enforces access control lists of the host, %s', (cache) => {
    writeFileSync(join(tree.path, 'f'), 'x');
    mkdirSync(join(tree.path, 'd'));
    const host = (...words: string[]) => spawnSync('setfacl', [...words], { cwd: tree.path }).status === 0;
    if (!host('-m', 'u:1000:r,g:2000:rw', 'f') || !host('-d', '-m', 'u:1000:rw', 'd')) {
      process.stderr.write('SKIPPED: setfacl is missing (package acl), or the host keeps no lists here\n');
      return;
    }
    chmodSync(tree.path, 0o755);
    const { caller } = createWorld((vfs) => tree.mount(vfs, cache));
    const open = (uid: number, groups: number[], path: string, flags: number) => {
      caller.credentials = new TestCredentials(uid, uid, groups);
      const file = openFile(caller, CWD, path, flags, 0o666);
      if (typeof file !== 'number') file.release();
      return typeof file === 'number' ? file : 0;
    };
    expect(open(1000, [], '/f', O_RDONLY)).toBe(0);
    expect(open(1000, [], '/f', O_RDWR)).toBe(-13);
    expect(open(1001, [2000], '/f', O_RDWR)).toBe(0);
    expect(open(1001, [], '/f', O_WRONLY)).toBe(-13);
    const name = 'system.posix_acl_access';
    const list = getXattr(caller, CWD, '/f', name, 0);
    expect(typeof list).toBe('object');
    expect(setXattr(caller, CWD, '/f', name, list as Uint8Array, 0, 0)).toBe(-1);
    expect(removeXattr(caller, CWD, '/f', name, 0)).toBe(-1);
    // What root of the sandbox makes in a directory inherits, as seen on the host.
    expect(open(0, [], '/d/new', O_CREAT | O_WRONLY)).toBe(0);
    const seen = spawnSync('getfacl', ['-cn', 'd/new'], { cwd: tree.path, encoding: 'utf8' }).stdout;
    expect(seen).toContain('user:1000:rw-\n');
    expect(open(1000, [], '/d/new', O_RDWR)).toBe(0);
    expect(removeXattr(caller, CWD, '/d', 'system.posix_acl_default', 0)).toBe(-1);
    caller.credentials = new TestCredentials();
    expect(setXattr(caller, CWD, '/f', 'system.other', bytes('v'), 0, 0)).toBe(-95);
    expect(removeXattr(caller, CWD, '/f', name, 0)).toBe(0);
    expect(open(1000, [], '/f', O_RDWR)).toBe(-13);
    if (cache === 'exclusive') return;
    expect(host('-m', 'u:1000:rw', 'f')).toBe(true);
    expect(open(1000, [], '/f', O_RDWR)).toBe(0);
  });

  it('gives all its descriptors back when it is unmounted', () => {
    mkdirSync(join(tree.path, 'd'));
    writeFileSync(join(tree.path, 'd/f'), 'x');
    const before = readdirSync('/proc/self/fd').length;
    const { caller, namespace } = createWorld((vfs) => tree.mount(vfs));
    const file = mustOpen(caller, '/d/f', O_RDWR);
    expect(readdirSync('/proc/self/fd').length).toBeGreaterThan(before);
    file.release();
    caller.fs.release();
    dropTree(namespace.root);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('is a lower layer that stays untouched', () => {
    mkdirSync(join(tree.path, 'etc'));
    writeFileSync(join(tree.path, 'etc/conf'), 'x'.repeat(10_000));
    writeFileSync(join(tree.path, 'gone'), '');
    const { caller, namespace } = createWorld((vfs) =>
      createOverlay(vfs, { upper: createTmpfs(vfs), lowers: [tree.mount(vfs, 'exclusive', true)] }),
    );
    const file = mustOpen(caller, '/etc/conf', O_WRONLY);
    expect(writeFile(file, put('changed'), 0, Infinity)).toBe(7);
    file.release();
    expect(unlinkFile(caller, CWD, '/gone')).toBe(0);
    expect(openFile(caller, CWD, '/gone', O_RDONLY, 0)).toBe(-2);
    const stat = new StatData();
    expect(statPath(caller, CWD, '/etc/conf', 0, stat)).toBe(0);
    expect(stat.size).toBe(10_000);
    expect(readFileSync(join(tree.path, 'etc/conf'), 'utf8')).toBe('x'.repeat(10_000));
    expect(existsSync(join(tree.path, 'gone'))).toBe(true);
    const changes = overlayChanges(namespace.root.superblock).map(
      (change) => `${change.kind} ${change.path}`,
    );
    expect(changes.sort()).toEqual(['deleted /gone', 'modified /etc/conf']);
  });
});

describe('host descriptors', () => {
  it('stay with every file that is open, however many there are, and go when they are closed', () => {
    tree.remove();
    tree = createHostTree(4);
    const { caller } = createWorld((vfs) => tree.mount(vfs));
    const files = Array.from({ length: 40 }, (_, i) => {
      writeFileSync(join(tree.path, `f${i}`), `content ${i}`);
      return mustOpen(caller, `/f${i}`, i % 2 === 0 ? O_RDONLY : O_RDWR);
    });
    const open = readdirSync('/proc/self/fd').length;
    files.forEach((file, i) => {
      const into = new Uint8Array(20);
      const length = readFile(file, new ByteSegments().add(into, 0, 20), 0);
      expect(text(into, length)).toBe(`content ${i}`);
    });
    for (const file of files) file.release();
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(open - 35);
  });
});

describe('a host that changes names between two looks', () => {
  /** Runs `change` right before the sandbox's next host call of this kind. */
  function before(object: object, method: string, change: () => void): void {
    const methods = object as Record<string, (...words: unknown[]) => unknown>;
    const real = methods[method]!.bind(object);
    vi.spyOn(methods, method).mockImplementationOnce((...words) => {
      change();
      return real(...words);
    });
  }

  function swap(a: string, b: string): void {
    renameSync(join(tree.path, a), join(tree.path, 'between'));
    renameSync(join(tree.path, b), join(tree.path, a));
    renameSync(join(tree.path, 'between'), join(tree.path, b));
  }

  beforeEach(() => {
    mkdirSync(join(tree.path, 'd'));
    writeFileSync(join(tree.path, 'd/f'), 'inside');
    symlinkSync('/nowhere', join(tree.path, 'l'));
    writeFileSync(join(tree.path, 'one'), '1');
    writeFileSync(join(tree.path, 'two'), '2');
  });

  it('a link that became a directory before it was read is looked at again', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    before(tree.host.paths, 'readlink', () => swap('d', 'l'));
    expect(openFile(caller, CWD, '/l/f', O_RDONLY, 0)).toBe(-ESTALE);
    expect(typeof openFile(caller, CWD, '/l/f', O_RDONLY, 0)).toBe('object');
    before(tree.host.paths, 'readlink', () => swap('d', 'l'));
    expect(readLink(caller, CWD, '/d')).toBe(-ESTALE);
    before(tree.host.paths, 'readlink', () => unlinkSync(join(tree.path, 'l')));
    expect(readLink(caller, CWD, '/l')).toBe(-ESTALE);
  });

  it('so is a file whose name led elsewhere when it was opened, whatever stood there', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    mkdirSync(join(tree.path, 'e'));
    for (const other of ['two', 'l', 'e']) {
      before(tree.host.paths, 'open', () => swap('one', other));
      expect(openFile(caller, CWD, '/one', O_RDWR, 0)).toBe(-ESTALE);
      swap('one', other);
    }
    before(tree.host.paths, 'open', () => unlinkSync(join(tree.path, 'one')));
    expect(openFile(caller, CWD, '/one', O_RDONLY, 0)).toBe(-ESTALE);
    expect(openFile(caller, CWD, '/one', O_RDONLY, 0)).toBe(-2);
  });

  it('so is a directory on the way', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    before(tree.host.paths, 'open', () => swap('d', 'l'));
    expect(openFile(caller, CWD, '/d/f', O_RDONLY, 0)).toBe(-ESTALE);
  });

  it('a name that the host made first is opened, unless it had to be new', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    const make = (name: string) => () => writeFileSync(join(tree.path, name), 'theirs');
    before(tree.host.paths, 'open', make('new'));
    expect(openFile(caller, CWD, '/new', O_CREAT | O_WRONLY, 0o600)).toBe(-ESTALE);
    before(tree.host.paths, 'open', make('newer'));
    expect(openFile(caller, CWD, '/newer', O_CREAT | O_EXCL | O_WRONLY, 0o600)).toBe(-EEXIST);
  });

  it('a file that the host renamed opens by its new name, and by another link when one is gone', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    const stat = new StatData();
    expect(statPath(caller, CWD, '/one', 0, stat)).toBe(0);
    renameSync(join(tree.path, 'one'), join(tree.path, 'three'));
    mustOpen(caller, '/three', O_RDONLY).release();
    linkSync(join(tree.path, 'two'), join(tree.path, 'link'));
    expect(statPath(caller, CWD, '/two', 0, stat)).toBe(0);
    expect(statPath(caller, CWD, '/link', 0, stat)).toBe(0);
    unlinkSync(join(tree.path, 'link'));
    mustOpen(caller, '/two', O_RDWR).release();
  });

  it('a directory that the host renamed stays where a process stands, or has it open', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    mkdirSync(join(tree.path, 'open'));
    writeFileSync(join(tree.path, 'open/g'), 'g');
    changeDirectory(caller, '/d');
    const open = openFile(caller, CWD, '/open', O_RDONLY, 0) as FileDescription;
    const fd = caller.files.install(open, 10, false);
    renameSync(join(tree.path, 'd'), join(tree.path, 'elsewhere'));
    renameSync(join(tree.path, 'open'), join(tree.path, 'far'));
    const stat = new StatData();
    expect(statPath(caller, CWD, '.', 0, stat)).toBe(0);
    expect(stat.links).toBe(2);
    expect(statPath(caller, CWD, 'f', 0, stat)).toBe(0);
    expect(statPath(caller, fd, 'g', 0, stat)).toBe(0);
    expect(statPath(caller, CWD, '/d', 0, stat)).toBe(-2);
    const before = readdirSync('/proc/self/fd').length;
    caller.files.close(fd);
    changeDirectory(caller, '/');
    expect(statPath(caller, CWD, '/elsewhere/f', 0, stat)).toBe(0);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  it('directories that are open do not use up the descriptors, however many there are', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    const before = readdirSync('/proc/self/fd').length;
    const open: FileDescription[] = [];
    for (let i = 0; i < 700; i++) {
      mkdirSync(join(tree.path, `many${i}`));
      open.push(openFile(caller, CWD, `/many${i}`, O_RDONLY, 0) as FileDescription);
    }
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThan(200);
    for (const file of open) file.release();
    expect(openFile(caller, CWD, '/many699', O_RDONLY, 0)).toBeInstanceOf(Object);
  });

  it('a tree turned over by the host makes no ring', () => {
    const { caller } = createWorld((vfs) => tree.mount(vfs, 'shared'));
    mkdirSync(join(tree.path, 'a/b'), { recursive: true });
    writeFileSync(join(tree.path, 'a/b/f'), '');
    changeDirectory(caller, '/a/b');
    mustOpen(caller, 'f', O_RDONLY).release();
    renameSync(join(tree.path, 'a/b'), join(tree.path, 'b'));
    renameSync(join(tree.path, 'a'), join(tree.path, 'b/a'));
    const stat = new StatData();
    expect(statPath(caller, CWD, 'a', 0, stat)).toBe(0);
    expect(statPath(caller, CWD, 'f', 0, stat)).toBe(0);
    expect(statPath(caller, CWD, '/b/a', 0, stat)).toBe(0);
  });
});

describe('directories', () => {
  it('swapped by renameat2(2) both go on', () => {
    mkdirSync(join(tree.path, 'a'));
    mkdirSync(join(tree.path, 'b'));
    const { caller } = createWorld((vfs) => tree.mount(vfs));
    const stat = new StatData();
    expect(statPath(caller, CWD, '/a', 0, stat)).toBe(0);
    expect(renameFile(caller, CWD, '/a', CWD, '/b', RENAME_EXCHANGE)).toBe(0);
    mustOpen(caller, '/a/f', O_CREAT | O_WRONLY).release();
    mustOpen(caller, '/b/g', O_CREAT | O_WRONLY).release();
    expect(statPath(caller, CWD, '/b', 0, stat)).toBe(0);
    expect(stat.links).toBe(2);
  });

  it('deep below each other open again after their descriptors were closed', () => {
    tree.remove();
    tree = createHostTree(4);
    const { caller } = createWorld((vfs) => tree.mount(vfs));
    for (let depth = 0; depth < 8_000; depth++) {
      expect(makeDirectory(caller, CWD, 'd', 0o755)).toBe(0);
      changeDirectory(caller, 'd');
    }
    for (let i = 0; i < 20; i++) {
      expect(makeDirectory(caller, CWD, `/e${i}`, 0o755)).toBe(0);
      mustOpen(caller, `/e${i}/f`, O_CREAT | O_WRONLY).release();
    }
    mustOpen(caller, 'f', O_CREAT | O_WRONLY).release();
    // Node's own rm recurses.
    execFileSync('rm', ['-rf', join(tree.path, 'd')]);
  }, 60_000);
});
