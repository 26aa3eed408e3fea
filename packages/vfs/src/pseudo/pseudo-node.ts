// The pieces of a generated tree (proc, sys, cgroup files): directories with fixed and computed names, files with computed text, knobs, links.
// Each is a plain object with a few methods to override; the filesystem makes inodes of them when they are looked up.
import { EINVAL, ENOENT, S_IFDIR, S_IFLNK, S_IFREG } from '@sandbox-kernel/abi';
import type { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import type { Location } from '../mount.js';

/** Anything with a name in a pseudo filesystem. The same file should be the same object for as long as it exists. */
export abstract class PseudoNode {
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Inode number; given at first use. */
  number: number;

  constructor(mode: number) {
    this.mode = mode;
    this.uid = 0;
    this.gid = 0;
    this.number = 0;
  }

  /** Called before the attributes are used: brings `uid`, `gid` and `mode` up to date. 0, or -ENOENT when it is gone. */
  refresh(): number {
    return 0;
  }
}

/** A directory. Override `find` and `names` for entries that come and go (tasks, descriptors). */
export class PseudoDirectory extends PseudoNode {
  /** Changes to its names say EPERM to everybody, as in the directories of tasks under /proc. */
  immutable: boolean;
  private readonly fixed: Map<string, PseudoNode>;

  constructor(permissions = 0o555) {
    super(S_IFDIR | permissions);
    this.immutable = false;
    this.fixed = new Map();
  }

  /** Adds a fixed entry; returns the directory, so that trees read as lists. */
  add(name: string, node: PseudoNode): this {
    this.fixed.set(name, node);
    return this;
  }

  remove(name: string): void {
    this.fixed.delete(name);
  }

  entry(name: string): PseudoNode | null {
    return this.fixed.get(name) ?? this.find(name);
  }

  entries(): string[] {
    return [...this.fixed.keys(), ...this.names()];
  }

  /** A chance to refuse opening: 0 or -errno. */
  mayOpen(): number {
    return 0;
  }

  /** A computed entry, or null. */
  find(_name: string): PseudoNode | null {
    return null;
  }

  /** Names of computed entries. */
  names(): string[] {
    return [];
  }

  /** mkdir(2): the new node, or -errno. */
  makeDirectory(_name: string): PseudoNode | number {
    return -ENOENT;
  }

  /** rmdir(2). */
  removeDirectory(_name: string): number {
    return -ENOENT;
  }
}

/** A file with text computed when it is read from the start. One character per byte. */
export abstract class PseudoFile extends PseudoNode {
  constructor(permissions = 0o444) {
    super(S_IFREG | permissions);
  }

  /** The contents, or -errno. */
  abstract text(): string | number;

  /** write(2): the bytes of one call. Bytes taken, or -errno. `offset`: where in the file. */
  write(_text: string, _file: FileDescription, _offset: number): number {
    return -EINVAL;
  }

  /** A chance to refuse opening: 0 or -errno. */
  mayOpen(_file: FileDescription): number {
    return 0;
  }
}

/** A file that never changes. */
export class StaticFile extends PseudoFile {
  private readonly content: string;

  constructor(content: string, permissions = 0o444) {
    super(permissions);
    this.content = content;
  }

  text(): string {
    return this.content;
  }
}

/** A number to read and set (/proc/sys): bounds are checked. */
export class NumberKnob extends PseudoFile {
  value: number;
  private readonly minimum: number;
  private readonly maximum: number;

  constructor(value: number, minimum = 0, maximum = 2 ** 31 - 1, permissions = 0o644) {
    super(permissions);
    this.value = value;
    this.minimum = minimum;
    this.maximum = maximum;
  }

  text(): string {
    return `${this.value}\n`;
  }

  override write(text: string): number {
    const trimmed = text.trim();
    if (!/^-?\d+$/.test(trimmed)) return -EINVAL;
    const value = Number(trimmed);
    if (value < this.minimum || value > this.maximum) return -EINVAL;
    this.value = value;
    return text.length;
  }
}

/** A line of text to read and set (/proc/sys/kernel/hostname). */
export class TextKnob extends PseudoFile {
  value: string;
  private readonly limit: number;

  constructor(value: string, limit = 64, permissions = 0o644) {
    super(permissions);
    this.value = value;
    this.limit = limit;
  }

  text(): string {
    return `${this.value}\n`;
  }

  override write(text: string): number {
    const line = text.split('\n')[0]!.split('\0')[0]!;
    if (line.length > this.limit) return -EINVAL;
    this.value = line;
    return text.length;
  }
}

/** A file that brings its own operations: binary files, files to poll. */
export abstract class PseudoSpecial extends PseudoNode {
  constructor(permissions: number, type = S_IFREG) {
    super(type | permissions);
  }

  /** Sets `file.ops`, `file.data` (and FMODE_SEEK in `file.mode`). 0 or -errno. */
  abstract open(file: FileDescription): number;
}

/** A symbolic link with computed text. */
export abstract class PseudoLink extends PseudoNode {
  /** True: leads to an object (`jump`), whatever its text says. */
  readonly magic: boolean;

  constructor(magic = false) {
    super(S_IFLNK | 0o777);
    this.magic = magic;
  }

  abstract target(caller: FileCaller): string | number;

  jump(_caller: FileCaller, _out: Location): number {
    return -ENOENT;
  }
}

export class StaticLink extends PseudoLink {
  private readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  target(): string {
    return this.text;
  }
}
