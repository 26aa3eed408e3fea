// Random file operations that run both here and on the host through node:fs, with results that can be compared: errno names or values.
import * as fs from 'node:fs';
import {
  EBADF,
  errnoName,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '@sandbox-kernel/abi';
import {
  ByteSegments,
  changeMode,
  type FileCaller,
  FileDescription,
  linkFile,
  makeDirectory,
  makeSymlink,
  openFile,
  readDirectory,
  readFile,
  readFileAt,
  readLink,
  removeDirectory,
  renameFile,
  StatData,
  statFile,
  statPath,
  truncateFile,
  truncatePath,
  unlinkFile,
  writeFile,
  writeFileAt,
} from '@sandbox-kernel/vfs';
import fc from 'fast-check';

const CWD = -100;

export type Operation =
  | { readonly kind: 'open'; readonly path: string; readonly flags: number; readonly write: string }
  | {
      readonly kind: 'read' | 'mkdir' | 'rmdir' | 'unlink' | 'stat' | 'lstat' | 'readlink' | 'list';
      readonly path: string;
    }
  | { readonly kind: 'symlink' | 'link' | 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'chmod'; readonly path: string; readonly mode: number }
  | HeldOperation;

/** On one of a few files that stay open, whatever happens to their names. */
export type HeldOperation =
  | { readonly kind: 'hold'; readonly slot: number; readonly path: string; readonly flags: number }
  | { readonly kind: 'heldWrite'; readonly slot: number; readonly size: number; readonly write: string }
  | { readonly kind: 'heldCut'; readonly slot: number; readonly size: number }
  | { readonly kind: 'heldRead' | 'heldStat' | 'heldClose'; readonly slot: number };

/** What an operation gives: a value, or the name of an errno. */
export type Outcome = string;

const name = fc.constantFrom(
  'a',
  'a',
  'b',
  'b',
  'a',
  'b',
  'a',
  'b',
  'c',
  '.',
  '..',
  'x'.repeat(255),
  'y'.repeat(256),
);
export const path = fc
  .tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '', '/', '//'))
  .map(([parts, end]) => `/${parts.join('/')}${end}`);
const target = fc.oneof(
  path.map((text) => text.slice(1)),
  fc.constantFrom('a', 'b', '../a', './b', 'a/b', 'loop', ''),
);
const flags = fc
  .tuple(
    fc.constantFrom(O_RDONLY, O_WRONLY, O_RDWR),
    fc.subarray([O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW]),
  )
  .map(([access, extra]) => extra.reduce((all, flag) => all | flag, access));

const slot = fc.nat(2);
/** Far beyond the end now and then: a hole. */
const place = fc.constantFrom(0, 1, 5, 4095, 4096, 9000, 15_000);
const held: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      slot,
      path,
      flags: fc.oneof(flags, fc.constant(O_TMPFILE | O_RDWR)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('heldWrite' as const),
      slot,
      size: place,
      write: fc.string({ minLength: 1, maxLength: 20 }).map(ascii),
    }),
  },
  fc.record({ kind: fc.constant('heldCut' as const), slot, size: place }),
  fc.record({
    kind: fc.constantFrom('heldRead', 'heldStat', 'heldClose' as const),
    slot,
  }) as fc.Arbitrary<Operation>,
);

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: held },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      path,
      flags,
      write: fc.string({ maxLength: 20 }).map(ascii),
    }),
  },
  fc.record({
    kind: fc.constantFrom('read', 'stat', 'lstat', 'list', 'readlink' as const),
    path,
  }) as fc.Arbitrary<Operation>,
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('mkdir', 'rmdir', 'unlink' as const),
      path,
    }) as fc.Arbitrary<Operation>,
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename' as const), path, to: path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('link' as const), path, to: path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('symlink' as const), path, to: target }) },
  fc.record({ kind: fc.constant('truncate' as const), path, size: fc.nat(10_000) }),
  fc.record({ kind: fc.constant('chmod' as const), path, mode: fc.constantFrom(0o644, 0o755, 0o700) }),
);

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function outcome(result: number): Outcome {
  return result < 0 ? errnoName(-result) : 'ok';
}

/** Every path is below the host directory, and `..` can't leave it: the host side starts two levels down. */
export function runHere(caller: FileCaller, at: string, op: Operation): Outcome {
  const where = 'path' in op ? at + op.path : at;
  switch (op.kind) {
    case 'open':
      return openHere(caller, where, op.flags, op.write);
    case 'read':
      return readHere(caller, where);
    case 'mkdir':
      return outcome(makeDirectory(caller, CWD, where, 0o777));
    case 'rmdir':
      return outcome(removeDirectory(caller, CWD, where));
    case 'unlink':
      return outcome(unlinkFile(caller, CWD, where));
    case 'stat':
      return statHere(caller, where, 0);
    case 'lstat':
      return statHere(caller, where, 0x100);
    case 'readlink': {
      const text = readLink(caller, CWD, where);
      return typeof text === 'number' ? outcome(text) : text;
    }
    case 'list':
      return listHere(caller, where);
    case 'symlink':
      return outcome(makeSymlink(caller, op.to, CWD, where));
    case 'link':
      return outcome(linkFile(caller, CWD, where, CWD, at + op.to, 0));
    case 'rename':
      return outcome(renameFile(caller, CWD, where, CWD, at + op.to, 0));
    case 'truncate':
      return outcome(truncatePath(caller, where, op.size));
    case 'chmod':
      return outcome(changeMode(caller, CWD, where, op.mode, 0));
    default:
      return heldHere(caller, at, op);
  }
}

const openHereNow = new WeakMap<FileCaller, Map<number, FileDescription>>();
const openThereNow = new Map<string, Map<number, number>>();

function heldHere(caller: FileCaller, at: string, op: HeldOperation): Outcome {
  const slots = openHereNow.get(caller) ?? new Map<number, FileDescription>();
  openHereNow.set(caller, slots);
  const file = slots.get(op.slot);
  if (op.kind === 'hold') {
    const opened = openFile(caller, CWD, at + op.path, op.flags, 0o666);
    if (!(opened instanceof FileDescription)) return outcome(opened);
    file?.release();
    slots.set(op.slot, opened);
    return 'ok';
  }
  if (file === undefined) return 'nothing held';
  switch (op.kind) {
    case 'heldWrite': {
      const data = Uint8Array.from(op.write, (char) => char.charCodeAt(0));
      const io = new ByteSegments().add(data, 0, data.length);
      const done = file.writable ? writeFileAt(file, io, op.size, 0, Number.POSITIVE_INFINITY) : -EBADF;
      return done < 0 ? outcome(done) : `${done}`;
    }
    case 'heldRead': {
      const into = new Uint8Array(20_000);
      const io = new ByteSegments().add(into, 0, into.length);
      const done = file.readable ? readFileAt(file, io, 0, 0) : -EBADF;
      return done < 0 ? outcome(done) : String.fromCharCode(...into.subarray(0, done));
    }
    case 'heldCut':
      return outcome(truncateFile(caller, file, op.size));
    case 'heldStat': {
      const stat = new StatData();
      const result = statFile(file, stat);
      return result < 0 ? outcome(result) : describe(stat.mode, stat.links, stat.size);
    }
    default:
      file.release();
      slots.delete(op.slot);
      return 'ok';
  }
}

function heldThere(at: string, op: HeldOperation): Outcome {
  const slots = openThereNow.get(at) ?? new Map<number, number>();
  openThereNow.set(at, slots);
  const fd = slots.get(op.slot);
  if (op.kind === 'hold') {
    const opened = fs.openSync(at + op.path, op.flags, 0o666);
    if (fd !== undefined) fs.closeSync(fd);
    slots.set(op.slot, opened);
    return 'ok';
  }
  if (fd === undefined) return 'nothing held';
  switch (op.kind) {
    case 'heldWrite':
      return `${fs.writeSync(fd, Buffer.from(op.write, 'latin1'), 0, op.write.length, op.size)}`;
    case 'heldRead': {
      const into = Buffer.alloc(20_000);
      return into.toString('latin1', 0, fs.readSync(fd, into, 0, into.length, 0));
    }
    case 'heldCut':
      fs.ftruncateSync(fd, op.size);
      return 'ok';
    case 'heldStat':
      return statThere(fs.fstatSync(fd));
    default:
      fs.closeSync(fd);
      slots.delete(op.slot);
      return 'ok';
  }
}

/** Ends what a sequence left open. */
export function releaseHeld(caller: FileCaller, at: string | null): void {
  for (const file of openHereNow.get(caller)?.values() ?? []) file.release();
  openHereNow.delete(caller);
  if (at === null) return;
  for (const fd of openThereNow.get(at)?.values() ?? []) fs.closeSync(fd);
  openThereNow.delete(at);
}

function openHere(caller: FileCaller, where: string, wanted: number, write: string): Outcome {
  const file = openFile(caller, CWD, where, wanted, 0o666);
  if (!(file instanceof FileDescription)) return outcome(file);
  const data = Uint8Array.from(write, (char) => char.charCodeAt(0));
  let result = 'ok';
  if (write.length > 0) {
    const done = writeFile(file, new ByteSegments().add(data, 0, data.length), 0, Number.POSITIVE_INFINITY);
    result = done < 0 ? outcome(done) : `${done}`;
  }
  file.release();
  return result;
}

function readHere(caller: FileCaller, where: string): Outcome {
  const file = openFile(caller, CWD, where, O_RDONLY, 0);
  if (!(file instanceof FileDescription)) return outcome(file);
  const into = new Uint8Array(20_000);
  const done = readFile(file, new ByteSegments().add(into, 0, into.length), 0);
  file.release();
  return done < 0 ? outcome(done) : String.fromCharCode(...into.subarray(0, done));
}

function statHere(caller: FileCaller, where: string, atFlags: number): Outcome {
  const stat = new StatData();
  const result = statPath(caller, CWD, where, atFlags, stat);
  return result < 0 ? outcome(result) : describe(stat.mode, stat.links, stat.size);
}

/** Sizes and link counts of directories differ between filesystems. */
function describe(mode: number, links: number, size: number): string {
  const isDirectory = (mode & 0o170000) === 0o40000;
  return isDirectory ? mode.toString(8) : `${mode.toString(8)} ${links} ${size}`;
}

class Names {
  readonly list: string[] = [];

  add(entry: string): boolean {
    if (entry !== '.' && entry !== '..') this.list.push(entry);
    return true;
  }
}

function listHere(caller: FileCaller, where: string): Outcome {
  const file = openFile(caller, CWD, where, O_RDONLY | O_DIRECTORY, 0);
  if (!(file instanceof FileDescription)) return outcome(file);
  const sink = new Names();
  const result = readDirectory(file, sink);
  file.release();
  return result < 0 ? outcome(result) : sink.list.sort().join(' ');
}

export function runThere(at: string, op: Operation): Outcome {
  const where = 'path' in op ? at + op.path : at;
  try {
    return there(at, where, op);
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (errno === undefined) throw error;
    return errnoName(errno);
  }
}

function there(at: string, where: string, op: Operation): Outcome {
  switch (op.kind) {
    case 'open':
      return openThere(where, op.flags, op.write);
    case 'read':
      return fs.readFileSync(where, 'latin1');
    case 'mkdir':
      fs.mkdirSync(where, 0o777);
      return 'ok';
    case 'rmdir':
      fs.rmdirSync(where);
      return 'ok';
    case 'unlink':
      fs.unlinkSync(where);
      return 'ok';
    case 'stat':
      return statThere(fs.statSync(where));
    case 'lstat':
      return statThere(fs.lstatSync(where));
    case 'readlink':
      return fs.readlinkSync(where, 'latin1');
    case 'list':
      return fs.readdirSync(where).sort().join(' ');
    case 'symlink':
      fs.symlinkSync(op.to, where);
      return 'ok';
    case 'link':
      fs.linkSync(where, at + op.to);
      return 'ok';
    case 'rename':
      fs.renameSync(where, at + op.to);
      return 'ok';
    case 'truncate':
      fs.truncateSync(where, op.size);
      return 'ok';
    case 'chmod':
      fs.chmodSync(where, op.mode);
      return 'ok';
    default:
      return heldThere(at, op);
  }
}

function openThere(where: string, wanted: number, write: string): Outcome {
  const fd = fs.openSync(where, wanted, 0o666);
  try {
    return write.length === 0 ? 'ok' : `${fs.writeSync(fd, Buffer.from(write, 'latin1'))}`;
  } finally {
    fs.closeSync(fd);
  }
}

function statThere(stat: fs.Stats): Outcome {
  return describe(stat.mode, stat.nlink, stat.size);
}

/** Everything below a directory, one line each. */
export function treeThere(at: string, prefix = ''): string[] {
  const lines: string[] = [];
  for (const entry of fs.readdirSync(at + prefix).sort()) {
    const where = `${prefix}/${entry}`;
    const stat = fs.lstatSync(at + where);
    lines.push(`${where} ${statThere(stat)} ${contentThere(at + where, stat)}`);
    if (stat.isDirectory()) lines.push(...treeThere(at, where));
  }
  return lines;
}

function contentThere(where: string, stat: fs.Stats): string {
  if (stat.isSymbolicLink()) return fs.readlinkSync(where, 'latin1');
  return stat.isFile() ? fs.readFileSync(where, 'latin1') : '';
}

export function treeHere(caller: FileCaller, at: string, prefix = ''): string[] {
  const lines: string[] = [];
  const listing = listHere(caller, at + prefix);
  for (const entry of listing === '' ? [] : listing.split(' ')) {
    const where = `${prefix}/${entry}`;
    const stat = new StatData();
    statPath(caller, CWD, at + where, 0x100, stat);
    const type = stat.mode & 0o170000;
    const link = type === 0o120000 ? String(readLink(caller, CWD, at + where)) : '';
    const content = type === 0o100000 ? readHere(caller, at + where) : link;
    lines.push(`${where} ${describe(stat.mode, stat.links, stat.size)} ${content}`);
    if (type === 0o40000) lines.push(...treeHere(caller, at, where));
  }
  return lines;
}
