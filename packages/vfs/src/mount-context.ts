// A filesystem being configured: fsopen(2), fsconfig(2), fspick(2). Options are collected one by one and checked as they come; `create`
// or `reconfigure` applies them. What went wrong is told in words to whoever reads the descriptor.
import {
  EBUSY,
  EINVAL,
  ENODATA,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_RDONLY,
  MS_SYNCHRONOUS,
  O_RDWR,
} from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import { createAnonymousFile } from './anon/anonymous.js';
import type { FileDescription } from './file-description.js';
import { FileOps } from './file-ops.js';
import type { FileCaller } from './fs-context.js';
import { type Mount, releaseSuperblock } from './mount.js';
import { newMount, reconfigure } from './ops/mounts.js';
import { scatter } from './segments.js';
import type { Superblock } from './superblock.js';
import type { FilesystemType, MountOptions } from './vfs.js';

const COLLECTING = 0;
const CREATED = 1;
const SPENT = 2;
const FAILED = 3;
/** Messages kept; older ones go. */
const MOST_MESSAGES = 8;

/** Options of every filesystem: bits to set, bits to clear. */
export const COMMON_OPTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ro: [MS_RDONLY, 0],
  rw: [0, MS_RDONLY],
  sync: [MS_SYNCHRONOUS, 0],
  async: [0, MS_SYNCHRONOUS],
  dirsync: [128, 0],
  lazytime: [MS_LAZYTIME, 0],
  nolazytime: [0, MS_LAZYTIME],
  mand: [MS_MANDLOCK, 0],
  nomand: [0, MS_MANDLOCK],
};

export class MountContext {
  readonly type: FilesystemType;
  /** What fspick(2) chose; null for a new filesystem. Held. */
  readonly picked: Superblock | null;
  private phase: number;
  private source: string | null;
  private flags: number;
  private readonly options: string[];
  /** Of a type that collects its own. */
  private readonly collected: MountOptions | null;
  private readonly messages: string[];
  /** After `create`, until `take`. */
  private superblock: Superblock | null;

  constructor(type: FilesystemType, picked: Superblock | null) {
    this.type = type;
    this.picked = picked;
    this.phase = COLLECTING;
    this.source = null;
    this.flags = picked === null ? 0 : picked.flags & MS_RDONLY;
    this.options = [];
    this.collected = type.begin?.() ?? null;
    this.messages = [];
    this.superblock = null;
    if (picked !== null) picked.mounts++;
  }

  /** FSCONFIG_SET_FLAG (`value` null), SET_STRING and SET_PATH. */
  set(caller: FileCaller, key: string, value: string | null): number {
    if (this.phase !== COLLECTING) return -EBUSY;
    const common = value === null ? COMMON_OPTIONS[key] : undefined;
    if (common !== undefined) {
      this.flags = (this.flags | common[0]) & ~common[1];
      return 0;
    }
    const fixed = this.collected !== null && this.picked !== null;
    if (key === 'source' && !fixed) return this.setSource(value);
    if (this.collected !== null) return this.collect(caller, this.collected, key, value);
    const option = value === null ? key : `${key}=${value}`;
    const known = this.type.knows?.(key) ?? false;
    if (!known) return this.refuse(`Unknown parameter '${key}'`);
    if (this.type.checks?.(option) === false) return this.refuse(`Bad value for '${key}'`);
    this.options.push(option);
    return 0;
  }

  private collect(caller: FileCaller, options: MountOptions, key: string, value: string | null): number {
    if (this.picked !== null) return this.refuse('No changes allowed in reconfigure');
    const taken = options.set(caller, key, value);
    if (taken === 0) return 0;
    if (options.message !== '') this.refuse(options.message);
    return taken;
  }

  private setSource(value: string | null): number {
    if (value === null) return this.refuse('Non-string source');
    if (this.source !== null) return this.refuse('Multiple sources');
    this.source = value;
    return 0;
  }

  /** FSCONFIG_CMD_CREATE. */
  create(caller: FileCaller): number {
    if (this.picked !== null || this.phase !== COLLECTING) return -EBUSY;
    const { vfs } = caller.fs;
    const source = this.source ?? 'none';
    const made =
      this.collected?.create(vfs, source, this.flags, caller) ??
      this.type.mount(vfs, source, this.flags, this.options.join(','), caller);
    this.phase = typeof made === 'number' ? FAILED : CREATED;
    if (typeof made === 'number') return made;
    made.flags |= this.flags & MS_RDONLY;
    this.superblock = made;
    return 0;
  }

  /** FSCONFIG_CMD_RECONFIGURE. */
  reconfigure(): number {
    if (this.picked === null || this.phase !== COLLECTING) return -EBUSY;
    const result = reconfigure(this.picked, this.flags, this.options.join(','));
    this.options.length = 0;
    return result;
  }

  /** fsmount(2): the new filesystem as a mount that is attached nowhere. */
  take(flags: number): Mount | number {
    const superblock = this.superblock;
    if (superblock === null) return this.phase === SPENT ? -EBUSY : -EINVAL;
    this.superblock = null;
    this.phase = SPENT;
    return newMount(superblock, flags);
  }

  read(io: IoSegments): number {
    const message = this.messages[0];
    if (message === undefined) return -ENODATA;
    const length = Math.min(message.length, io.total);
    const bytes = new Uint8Array(message.length);
    for (let i = 0; i < message.length; i++) bytes[i] = message.charCodeAt(i);
    this.messages.shift();
    return scatter(io, 0, bytes, 0, length);
  }

  destroy(): void {
    if (this.picked !== null) releaseSuperblock(this.picked);
    // A filesystem that was never mounted ends here.
    if (this.superblock?.mounts === 0) this.superblock.vfs.shutdown(this.superblock);
    this.superblock = null;
  }

  private refuse(text: string): number {
    this.messages.push(`e ${this.type.name}: ${text}\n`);
    if (this.messages.length > MOST_MESSAGES) this.messages.shift();
    return -EINVAL;
  }
}

class MountContextOps extends FileOps {
  override read(file: FileDescription, io: IoSegments): number {
    return (file.data as MountContext).read(io);
  }

  override label(): string {
    return 'anon_inode:[fscontext]';
  }

  override release(file: FileDescription): void {
    (file.data as MountContext).destroy();
  }
}

const MOUNT_CONTEXT_OPS: FileOps = new MountContextOps();

export function createMountContext(
  caller: FileCaller,
  type: FilesystemType,
  picked: Superblock | null,
): FileDescription {
  return createAnonymousFile(caller, MOUNT_CONTEXT_OPS, O_RDWR, new MountContext(type, picked));
}

export function mountContextOf(file: FileDescription): MountContext | null {
  return file.ops === MOUNT_CONTEXT_OPS ? (file.data as MountContext) : null;
}
