// A vfs in memory with one caller: what every test of this package starts from.
import type { CallerCredentials, Clock, PageStore, RandomSource } from '@sandbox-kernel/contracts';
import { CHUNK_SIZE, PAGE_SIZE } from '@sandbox-kernel/contracts';
import {
  createNamespace,
  createTmpfs,
  FdTable,
  type FileCaller,
  FileDescription,
  FsContext,
  Location,
  type MountNamespace,
  openFile,
  type Superblock,
  Vfs,
} from '@sandbox-kernel/vfs';

/** A clock that moves only when told. */
export class TestClock implements Clock {
  now = 0;
  readonly realtimeSeconds = 1_700_000_000;
  readonly realtimeNanos = 0;

  monotonic(): number {
    return this.now;
  }
}

export class TestRandom implements RandomSource {
  fill(into: Uint8Array, at: number, length: number): void {
    for (let i = 0; i < length; i++) into[at + i] = (i * 7 + 13) & 0xff;
  }
}

/** Pages in one small array, with owners counted: leaks and double releases show. */
export class TestPages implements PageStore {
  private bytes = new Uint8Array(1 << 20);
  private readonly owners = new Map<number, number>();
  private readonly spare: number[] = [];
  private next = 0;
  /** Bytes that may be in use at once. */
  limit = Number.POSITIVE_INFINITY;

  allocate(bytes: number): number {
    const pages = bytes / PAGE_SIZE;
    if (this.owners.size * PAGE_SIZE + bytes > this.limit) return -12;
    if (pages === 1 && this.spare.length > 0) {
      const offset = this.spare.pop()!;
      this.bytes.fill(0, offset, offset + PAGE_SIZE);
      this.owners.set(offset, 1);
      return offset;
    }
    const offset = this.next;
    this.next += bytes;
    if (this.next > this.bytes.length) this.grow();
    for (let i = 0; i < pages; i++) this.owners.set(offset + i * PAGE_SIZE, 1);
    return offset;
  }

  retain(offset: number, bytes: number): void {
    for (let at = offset; at < offset + bytes; at += PAGE_SIZE) this.owners.set(at, this.count(at) + 1);
  }

  release(offset: number, bytes: number): void {
    for (let at = offset; at < offset + bytes; at += PAGE_SIZE) {
      const left = this.count(at) - 1;
      if (left < 0) throw new Error(`page ${at} released twice`);
      if (left > 0) this.owners.set(at, left);
      else {
        this.owners.delete(at);
        this.spare.push(at);
      }
    }
  }

  chunk(offset: number): Uint8Array {
    if (offset >= CHUNK_SIZE) throw new Error('test memory exhausted');
    return this.bytes;
  }

  get used(): number {
    return this.owners.size;
  }

  private count(page: number): number {
    return this.owners.get(page) ?? 0;
  }

  private grow(): void {
    const larger = new Uint8Array(this.bytes.length * 2 + (this.next - this.bytes.length));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

export class TestCredentials implements CallerCredentials {
  readonly fsuid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];

  constructor(fsuid = 0, fsgid = 0, groups: readonly number[] = []) {
    this.fsuid = fsuid;
    this.fsgid = fsgid;
    this.groups = groups;
  }

  hasCapability(): boolean {
    return this.fsuid === 0;
  }
}

export class TestCaller implements FileCaller {
  readonly fs: FsContext;
  readonly files: FdTable;
  credentials: CallerCredentials;

  constructor(fs: FsContext, files: FdTable, credentials: CallerCredentials) {
    this.fs = fs;
    this.files = files;
    this.credentials = credentials;
  }
}

export interface World {
  readonly vfs: Vfs;
  readonly clock: TestClock;
  readonly pages: TestPages;
  readonly namespace: MountNamespace;
  readonly caller: TestCaller;
}

export function createVfs(): { vfs: Vfs; clock: TestClock; pages: TestPages } {
  const clock = new TestClock();
  const pages = new TestPages();
  return { vfs: new Vfs({ clock, random: new TestRandom(), pages }), clock, pages };
}

/** A world whose root is `superblock`, or an empty tmpfs. */
export function createWorld(
  make: (vfs: Vfs) => Superblock = (vfs) => createTmpfs(vfs, { mode: 0o755 }),
): World {
  const { vfs, clock, pages } = createVfs();
  const namespace = createNamespace(make(vfs), 0);
  const top = new Location(namespace.root, namespace.root.root);
  const caller = new TestCaller(new FsContext(vfs, top, top, 0o022), new FdTable(), new TestCredentials());
  return { vfs, clock, pages, namespace, caller };
}

/** Opens or fails the test. */
export function mustOpen(caller: FileCaller, path: string, flags: number, mode = 0o644): FileDescription {
  const file = openFile(caller, -100, path, flags, mode);
  if (file instanceof FileDescription) return file;
  throw new Error(`open ${path}: ${file}`);
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function text(array: Uint8Array, length = array.length): string {
  return String.fromCharCode(...array.subarray(0, length));
}
