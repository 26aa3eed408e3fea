import {
  AT_FDCWD,
  EAGAIN,
  EINVAL,
  EMFILE,
  FAN_CLASS_CONTENT,
  FAN_CLOSE_WRITE,
  FAN_CREATE,
  FAN_EVENT_ON_CHILD,
  FAN_OPEN_PERM,
  FAN_REPORT_DIR_FID,
  FAN_REPORT_NAME,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
} from '@sandbox-kernel/abi';
import {
  ByteSegments,
  createFanotify,
  type FileCaller,
  type FileDescription,
  fanotifyOf,
  makeDirectory,
  openFile,
  readFile,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen } from '../support/world.js';

const NAMES = FAN_REPORT_DIR_FID | FAN_REPORT_NAME;

function masks(file: Parameters<typeof readFile>[0]): string[] {
  const into = new Uint8Array(4096);
  const length = readFile(file, new ByteSegments().add(into, 0, into.length), 0);
  const view = new DataView(into.buffer);
  const found: string[] = [];
  for (let at = 0; at < length; at += view.getUint32(at, true))
    found.push(view.getUint32(at + 8, true).toString(16));
  return found;
}

function create(caller: FileCaller, flags: number, asks: boolean): FileDescription {
  const file = createFanotify(caller, flags, O_RDONLY, false, asks);
  if (typeof file === 'number') throw new Error(`fanotify: ${file}`);
  return file;
}

describe('fanotify', () => {
  it('merges what happens to one name and keeps other names apart', () => {
    const { caller } = createWorld();
    makeDirectory(caller, AT_FDCWD, '/d', 0o755);
    const file = create(caller, NAMES, false);
    const directory = mustOpen(caller, '/d', 0).inode!;
    const group = fanotifyOf(file)!;
    expect(group.mark(directory, FAN_CREATE | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, 0)).toBe(0);
    mustOpen(caller, '/d/a', O_CREAT | O_WRONLY).release();
    mustOpen(caller, '/d/b', O_CREAT | O_WRONLY).release();
    expect(masks(file)).toEqual(['108', '108']);
    expect(readFile(file, new ByteSegments().add(new Uint8Array(64), 0, 64), 0)).toBe(-EAGAIN);
    file.release();
  });

  it('says EINVAL when not even one event fits, and keeps it', () => {
    const { caller } = createWorld();
    const file = create(caller, NAMES, false);
    fanotifyOf(file)!.mark(mustOpen(caller, '/', 0).inode!, FAN_CREATE, 0);
    mustOpen(caller, '/f', O_CREAT | O_WRONLY).release();
    expect(readFile(file, new ByteSegments().add(new Uint8Array(24), 0, 24), 0)).toBe(-EINVAL);
    expect(masks(file)).toEqual(['100']);
  });

  it('lets opens wait for an answer, and go on when the group is gone', () => {
    const { caller } = createWorld();
    mustOpen(caller, '/f', O_CREAT | O_WRONLY).release();
    const file = create(caller, FAN_CLASS_CONTENT, true);
    const held = mustOpen(caller, '/f', 0);
    expect(fanotifyOf(file)!.mark(held.inode!, FAN_OPEN_PERM, 0)).toBe(0);
    expect(openFile(caller, AT_FDCWD, '/f', O_RDONLY, 0)).toBe(-EAGAIN);
    expect(caller.fs.vfs.notify.waiting).not.toBeNull();
    file.release();
    const opened = openFile(caller, AT_FDCWD, '/f', O_RDONLY, 0);
    expect(typeof opened).toBe('object');
  });

  it('gives one user 128 groups', () => {
    const { caller } = createWorld();
    for (let i = 0; i < 128; i++) create(caller, NAMES, false);
    expect(createFanotify(caller, NAMES, O_RDONLY, false, false)).toBe(-EMFILE);
  });
});
