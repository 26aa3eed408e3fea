// Names of Unix sockets (unix(7)): pathnames live in the filesystem as inodes that hold the socket; abstract names live here.
import { AF_UNIX, EADDRINUSE, ECONNREFUSED, EINVAL, EPROTOTYPE, SOCKADDR_UN_SIZE } from '@sandbox-kernel/abi';
import { MAY_WRITE, makeNode, permission, WALK_FOLLOW } from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';
import type { UnixSocket } from './unix-socket.js';

const FAMILY_BYTES = 2;
const S_IFSOCK = 0o140000;
const AUTOBIND_NAMES = 0x100000;

/** Abstract names of a kernel, without the leading NUL; one character per byte. */
export class UnixNames {
  readonly abstract: Map<string, UnixSocket>;
  private nextAuto: number;

  constructor() {
    this.abstract = new Map();
    this.nextAuto = 0;
  }

  /** A free name of five hexadecimal digits. */
  automatic(): string | null {
    for (let tries = 0; tries < AUTOBIND_NAMES; tries++) {
      const name = (this.nextAuto++ % AUTOBIND_NAMES).toString(16).padStart(5, '0');
      if (!this.abstract.has(name)) return name;
    }
    return null;
  }
}

/** What a sockaddr_un says. */
export interface UnixAddress {
  readonly kind: 'unnamed' | 'path' | 'abstract';
  readonly name: string;
}

/** -EINVAL for a wrong family or length. */
export function parseUnixAddress(bytes: Uint8Array): UnixAddress | number {
  if (bytes.length < FAMILY_BYTES || bytes.length > SOCKADDR_UN_SIZE) return -EINVAL;
  if ((bytes[0]! | (bytes[1]! << 8)) !== AF_UNIX) return -EINVAL;
  if (bytes.length === FAMILY_BYTES) return { kind: 'unnamed', name: '' };
  const abstract = bytes[2] === 0;
  let name = '';
  for (let i = abstract ? 3 : 2; i < bytes.length; i++) {
    if (!abstract && bytes[i] === 0) break;
    name += String.fromCharCode(bytes[i]!);
  }
  return { kind: abstract ? 'abstract' : 'path', name };
}

/** sockaddr_un as getsockname(2) gives it: pathnames with their NUL. */
export function encodeUnixAddress(address: UnixAddress | null): Uint8Array {
  if (address === null || address.kind === 'unnamed') return Uint8Array.of(AF_UNIX, 0);
  const abstract = address.kind === 'abstract';
  const bytes = new Uint8Array(FAMILY_BYTES + address.name.length + 1);
  bytes[0] = AF_UNIX;
  const at = abstract ? 3 : 2;
  for (let i = 0; i < address.name.length; i++) bytes[at + i] = address.name.charCodeAt(i);
  return bytes;
}

/** Gives a socket its name. 0 or -errno. */
export function bindUnixName(task: Task, socket: UnixSocket, address: UnixAddress): number {
  const names = socket.kernel.unixNames;
  if (address.kind === 'path') return bindPath(task, socket, address);
  const name = address.kind === 'unnamed' ? names.automatic() : address.name;
  if (name === null || names.abstract.has(name)) return -EADDRINUSE;
  names.abstract.set(name, socket);
  socket.address = { kind: 'abstract', name };
  return 0;
}

function bindPath(task: Task, socket: UnixSocket, address: UnixAddress): number {
  const made = makeNode(task, -100, address.name, S_IFSOCK | 0o777, 0);
  if (made !== 0) return made === -17 ? -EADDRINUSE : made;
  const walker = task.fs.vfs.walker;
  const found = walker.lookup(task, -100, address.name, 0);
  if (found !== 0) return found;
  const inode = walker.dentry.inode!;
  inode.socket = socket;
  socket.address = address;
  socket.inode = inode;
  return 0;
}

/** Who is bound to an address; -ECONNREFUSED, path walk errors, -EPROTOTYPE for another type. */
export function findUnixSocket(task: Task, socket: UnixSocket, address: UnixAddress): UnixSocket | number {
  const found = address.kind === 'path' ? findByPath(task, address.name) : findByName(socket, address.name);
  if (typeof found === 'number') return found;
  return found.type === socket.type ? found : -EPROTOTYPE;
}

function findByName(socket: UnixSocket, name: string): UnixSocket | number {
  // Abstract names of another type are other names (Linux hashes both).
  const found = socket.kernel.unixNames.abstract.get(name);
  return found === undefined || found.type !== socket.type ? -ECONNREFUSED : found;
}

function findByPath(task: Task, path: string): UnixSocket | number {
  const walker = task.fs.vfs.walker;
  const found = walker.lookup(task, -100, path, WALK_FOLLOW);
  if (found !== 0) return found;
  const inode = walker.dentry.inode!;
  const allowed = permission(inode, task.credentials, MAY_WRITE);
  if (allowed !== 0) return allowed;
  return inode.socket === null ? -ECONNREFUSED : (inode.socket as UnixSocket);
}
