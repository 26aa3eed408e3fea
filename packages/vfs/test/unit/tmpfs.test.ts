import { O_CREAT, O_RDONLY, O_RDWR, O_TMPFILE, O_WRONLY } from '@sandbox-kernel/abi';
import {
  ByteSegments,
  linkFile,
  makeDirectory,
  makeSymlink,
  openFile,
  readFile,
  readFileAt,
  readLink,
  removeDirectory,
  renameFile,
  StatData,
  seekFile,
  statPath,
  unlinkFile,
  writeFile,
  writeFileAt,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { bytes, createWorld, mustOpen, text } from '../support/world.js';

const CWD = -100;

describe('tmpfs', () => {
  it('gives back what was written, at any offset', () => {
    const { caller } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    expect(writeFile(file, new ByteSegments().add(bytes('hello'), 0, 5), 0, Infinity)).toBe(5);
    expect(writeFileAt(file, new ByteSegments().add(bytes('x'), 0, 1), 10_000, 0, Infinity)).toBe(1);
    const into = new Uint8Array(20_000);
    expect(readFileAt(file, new ByteSegments().add(into, 0, 20_000), 0, 0)).toBe(10_001);
    expect(text(into, 5)).toBe('hello');
    expect(into[9_999]).toBe(0);
    expect(into[10_000]).toBe(0x78);
    expect(seekFile(file, 0, 3)).toBe(0);
    expect(seekFile(file, 0, 4)).toBe(4096);
    expect(seekFile(file, 5000, 3)).toBe(8192);
  });

  it('counts links and keeps deleted files until they are closed', () => {
    const { caller, pages } = createWorld();
    const file = mustOpen(caller, '/a', O_CREAT | O_RDWR);
    writeFile(file, new ByteSegments().add(bytes('data'), 0, 4), 0, Infinity);
    expect(linkFile(caller, CWD, '/a', CWD, '/b', 0)).toBe(0);
    const stat = new StatData();
    statPath(caller, CWD, '/b', 0, stat);
    expect(stat.links).toBe(2);
    expect(unlinkFile(caller, CWD, '/a')).toBe(0);
    expect(unlinkFile(caller, CWD, '/b')).toBe(0);
    expect(statPath(caller, CWD, '/b', 0, stat)).toBe(-2);
    const into = new Uint8Array(4);
    expect(readFileAt(file, new ByteSegments().add(into, 0, 4), 0, 0)).toBe(4);
    expect(pages.used).toBe(1);
    file.release();
    expect(pages.used).toBe(0);
  });

  it('follows links and reports loops', () => {
    const { caller } = createWorld();
    makeDirectory(caller, CWD, '/d', 0o755);
    makeSymlink(caller, 'd', CWD, '/l');
    makeSymlink(caller, 'loop', CWD, '/loop');
    mustOpen(caller, '/l/f', O_CREAT | O_WRONLY).release();
    expect(mustOpen(caller, '/d/f', O_RDONLY).inode!.size).toBe(0);
    expect(readLink(caller, CWD, '/l')).toBe('d');
    expect(openFile(caller, CWD, '/loop', O_RDONLY, 0)).toBe(-40);
    expect(openFile(caller, CWD, '/d/f/', O_RDONLY, 0)).toBe(-20);
    expect(removeDirectory(caller, CWD, '/d')).toBe(-39);
    expect(renameFile(caller, CWD, '/d', CWD, '/d/e', 0)).toBe(-22);
    expect(renameFile(caller, CWD, '/d/f', CWD, '/g', 0)).toBe(0);
    expect(removeDirectory(caller, CWD, '/d/')).toBe(0);
    expect(openFile(caller, CWD, '/l', O_CREAT | O_WRONLY, 0o600)).not.toBeTypeOf('number');
    expect(mustOpen(caller, '/d', O_RDONLY).inode!.isDirectory).toBe(false);
  });

  it('makes files without a name', () => {
    const { caller } = createWorld();
    const file = mustOpen(caller, '/', O_TMPFILE | O_RDWR);
    expect(file.inode!.links).toBe(0);
    const fd = caller.files.install(file, 10, false);
    expect(linkFile(caller, fd, '', CWD, '/named', 0x1000)).toBe(0);
    expect(file.inode!.links).toBe(1);
    expect(readFile(file, new ByteSegments().add(new Uint8Array(1), 0, 1), 0)).toBe(0);
  });
});
