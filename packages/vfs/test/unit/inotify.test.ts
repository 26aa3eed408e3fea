import { AT_FDCWD, EAGAIN, EINVAL, O_CREAT, O_WRONLY } from '@sandbox-kernel/abi';
import {
  ByteSegments,
  createInotify,
  inotifyOf,
  makeDirectory,
  readFile,
  renameFile,
  unlinkFile,
  writeFile,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { bytes, createWorld, mustOpen } from '../support/world.js';

const IN_ALL = 0xfff;

function events(file: Parameters<typeof readFile>[0]): string[] {
  const into = new Uint8Array(4096);
  const length = readFile(file, new ByteSegments().add(into, 0, into.length), 0);
  const view = new DataView(into.buffer);
  const found: string[] = [];
  for (let at = 0; at < length; at += 16 + view.getUint32(at + 12, true)) {
    let name = '';
    for (let i = at + 16; i < length && into[i] !== 0 && view.getUint32(at + 12, true) > 0; i++)
      name += String.fromCharCode(into[i]!);
    found.push(`${view.getUint32(at + 4, true).toString(16)} ${name}`);
  }
  return found;
}

describe('inotify', () => {
  it('tells what happens in a directory, in order', () => {
    const { caller } = createWorld();
    makeDirectory(caller, AT_FDCWD, '/d', 0o755);
    const file = createInotify(caller, 0);
    const inotify = inotifyOf(file)!;
    const directory = mustOpen(caller, '/d', 0).inode!;
    expect(inotify.add(directory, 0)).toBe(-EINVAL);
    expect(inotify.add(directory, IN_ALL)).toBe(1);
    expect(inotify.add(directory, IN_ALL)).toBe(1);
    const made = mustOpen(caller, '/d/f', O_CREAT | O_WRONLY);
    writeFile(made, new ByteSegments().add(bytes('x'), 0, 1), 0, Infinity);
    made.release();
    renameFile(caller, AT_FDCWD, '/d/f', AT_FDCWD, '/d/g', 0);
    unlinkFile(caller, AT_FDCWD, '/d/g');
    expect(events(file)).toEqual(['100 f', '20 f', '2 f', '8 f', '40 f', '80 g', '200 g']);
    expect(readFile(file, new ByteSegments().add(new Uint8Array(64), 0, 64), 0)).toBe(-EAGAIN);
  });

  it('merges equal events and ends with its file', () => {
    const { caller } = createWorld();
    mustOpen(caller, '/f', O_CREAT | O_WRONLY).release();
    const file = createInotify(caller, 0);
    const held = mustOpen(caller, '/f', O_WRONLY);
    inotifyOf(file)!.add(held.inode!, 2 | 0x400);
    for (let i = 0; i < 3; i++) writeFile(held, new ByteSegments().add(bytes('x'), 0, 1), 0, Infinity);
    held.release();
    unlinkFile(caller, AT_FDCWD, '/f');
    expect(events(file)).toEqual(['2 ', '400 ', '8000 ']);
  });
});
