// The host directory that changes are applied to. Every path is walked one component at a time from its descriptor, never through a
// symbolic link, never upwards (openat2(2) RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS): whatever names a program in the sandbox chose,
// nothing outside is reached.
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  errnoName,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  S_IFDIR,
  S_IFMT,
} from '@sandbox-kernel/abi';
import {
  type Host,
  HostStat,
  openHost,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '@sandbox-kernel/host';
import { SandboxError } from '../errors.js';

const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
const DIRECTORY = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** Directories kept open. */
const KEPT = 64;

export class HostTree {
  readonly host: Host;
  readonly root: string;
  readonly #top: number;
  /** By path, in order of use. */
  readonly #open = new Map<string, number>();

  constructor(root: string) {
    this.host = openHost(null);
    this.root = root;
    this.#top = this.host.paths.open(AT_FDCWD, latin1(root), O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (this.#top < 0) throw hostError(`can't open the host directory '${root}'`, this.#top, root);
  }

  /** O_PATH descriptor of a directory ('' is the top), valid until a few other directories were asked for; or -errno. */
  directory(path: string): number {
    if (path === '') return this.#top;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const slash = path.lastIndexOf('/');
    const parent = this.directory(path.slice(0, slash));
    if (parent < 0) return parent;
    const fd = this.host.paths.open(parent, path.slice(slash + 1), DIRECTORY, 0, RESOLVE);
    if (fd >= 0) this.#keep(path, fd);
    return fd;
  }

  /** Opens one name in a directory descriptor. */
  openIn(directory: number, name: string, flags: number, mode = 0): number {
    return this.host.paths.open(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, mode, RESOLVE);
  }

  /** The state of a name, not following it; or -errno. */
  stat(path: string): HostStat | number {
    const parent = this.directory(parentOf(path));
    return parent < 0 ? parent : this.statIn(parent, nameOf(path));
  }

  statIn(directory: number, name: string): HostStat | number {
    const stat = new HostStat();
    const result = this.host.stats.stat(directory, name, AT_SYMLINK_NOFOLLOW, stat);
    return result === 0 ? stat : result;
  }

  /** Names in a directory, without the dots; or -errno. */
  names(directory: number, name: string): string[] | number {
    const fd = this.openIn(directory, name, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return fd;
    const found: string[] = [];
    const listing = this.host.directory;
    while (listing.fill(fd) > 0)
      while (listing.next()) if (listing.name !== '.' && listing.name !== '..') found.push(listing.name);
    this.host.descriptors.close(fd);
    return found;
  }

  /** Removes a name and all below it. 0 or the first -errno. */
  removeAll(directory: number, name: string): number {
    const stat = this.statIn(directory, name);
    if (typeof stat === 'number') return stat;
    if ((stat.mode & S_IFMT) !== S_IFDIR) return this.host.paths.unlink(directory, name, 0);
    const inner = this.openIn(directory, name, O_PATH | O_DIRECTORY);
    if (inner < 0) return inner;
    const names = this.names(inner, '.');
    let result = typeof names === 'number' ? names : 0;
    if (typeof names !== 'number')
      for (const entry of names) if (result === 0) result = this.removeAll(inner, entry);
    this.host.descriptors.close(inner);
    return result === 0 ? this.host.paths.unlink(directory, name, AT_REMOVEDIR) : result;
  }

  /** Forgets descriptors of what moved: everything at and below `path`. */
  moved(path: string): void {
    for (const [known, fd] of this.#open) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      this.host.descriptors.close(fd);
      this.#open.delete(known);
    }
  }

  close(): void {
    for (const fd of this.#open.values()) this.host.descriptors.close(fd);
    this.#open.clear();
    this.host.descriptors.close(this.#top);
  }

  #keep(path: string, fd: number): void {
    this.#open.set(path, fd);
    if (this.#open.size <= KEPT) return;
    for (const [oldest, old] of this.#open) {
      this.#open.delete(oldest);
      this.host.descriptors.close(old);
      return;
    }
  }
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** UTF-8 bytes, one character each. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** As people see it. */
export function readable(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}

export function hostError(what: string, error: number, path: string): SandboxError {
  return new SandboxError('ERR_SANDBOX_APPLY', `${what}: ${errnoName(-error)}`, {
    hint: 'nothing was changed on the host; check permissions and free space there',
    errno: errnoName(-error),
    path: readable(path),
  });
}
