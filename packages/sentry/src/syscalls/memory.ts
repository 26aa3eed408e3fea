// mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), remap_file_pages(2), mseal(2). The checks are mm's; here descriptors become files,
// and limits become current.
import {
  EBADF,
  EINVAL,
  EPERM,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_WRITE,
  FS_APPEND_FL,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MS_NOEXEC,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  READ_IMPLIES_EXEC,
  SYS_brk,
  SYS_mmap,
  SYS_mprotect,
  SYS_mremap,
  SYS_mseal,
  SYS_munmap,
  SYS_remap_file_pages,
} from '@sandbox-kernel/abi';
import type { Mappable } from '@sandbox-kernel/contracts';
import { type SyscallArgs, socketOf, type Task } from '@sandbox-kernel/kernel';
import type { MappedFile, MemoryManager } from '@sandbox-kernel/mm';
import { type FileDescription, tmpfsFileOf } from '@sandbox-kernel/vfs';
import { mayMapWith, mayProtectWith } from './prctl-execution.js';
import type { SyscallRow } from './row.js';

const PAGE_SIZE = 4096;

/** The caller's memory, with the limits that count now; what was unmapped before the caller last ran is let go. */
export function memoryOf(task: Task): MemoryManager {
  const memory = task.memory;
  memory.arrived(task.generation);
  memory.limits = task.memoryLimits;
  return memory;
}

/** An open file as mmap asks about it. */
class OpenMapping implements MappedFile {
  readonly mappable: Mappable | null;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly appendOnly: boolean;
  readonly noexec: boolean;
  readonly sealed: boolean;

  constructor(file: FileDescription) {
    this.mappable = file.ops.mappable(file);
    this.readable = file.readable;
    this.writable = file.writable;
    this.appendOnly = file.inode !== null && (file.inode.attributes & FS_APPEND_FL) !== 0;
    this.noexec = file.mount !== null && (file.mount.flags & MS_NOEXEC) !== 0;
    this.sealed = isSealed(this.mappable);
  }
}

/** A tmpfs file with memfd_create(2)'s seals against writing. */
function isSealed(mappable: Mappable | null): boolean {
  const seals = (mappable as (Mappable & { readonly seals?: number }) | null)?.seals ?? 0;
  return (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
}

/** A writable shared mapping of a memfd that is sealed against writing. */
function isSealedWrite(file: FileDescription, flags: number, prot: number): boolean {
  if ((flags & MAP_PRIVATE) !== 0 || (prot & PROT_WRITE) === 0 || file.inode === null) return false;
  if (file.inode.superblock !== file.inode.superblock.vfs.memory) return false;
  const data = tmpfsFileOf(file.inode);
  return typeof data !== 'number' && (data.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
}

function mmap(task: Task, args: SyscallArgs): number {
  const flags = args.int(3);
  const offset = args.addr(5);
  if ((args.lo(5) & (PAGE_SIZE - 1)) !== 0) return -EINVAL;
  let file: OpenMapping | null = null;
  if ((flags & MAP_ANONYMOUS) === 0) {
    const open = task.files.getOpen(args.int(4));
    if (open === null) return -EBADF;
    if (isSealedWrite(open, flags, args.int(2))) return -EPERM;
    const refused = socketOf(open)?.mapError(args.addr(1), offset) ?? 0;
    if (refused !== 0) return refused;
    file = new OpenMapping(open);
  }
  const prot = impliedProt(task, args.int(2), file);
  const refused = mayMapWith(task, prot);
  return refused !== 0 ? refused : memoryOf(task).mmap(args.addr(0), args.addr(1), prot, flags, file, offset);
}

/** personality(2) READ_IMPLIES_EXEC. */
function impliedProt(task: Task, prot: number, file: MappedFile | null): number {
  if ((prot & PROT_READ) === 0 || (task.personality & READ_IMPLIES_EXEC) === 0) return prot;
  return file?.noexec === true ? prot : prot | PROT_EXEC;
}

function munmap(task: Task, args: SyscallArgs): number {
  return memoryOf(task).munmap(args.addr(0), args.addr(1));
}

export function mprotect(task: Task, args: SyscallArgs): number {
  const prot = impliedProt(task, args.int(2), null);
  const refused = mayProtectWith(task, args.addr(0), args.addr(1), prot);
  return refused !== 0 ? refused : memoryOf(task).mprotect(args.addr(0), args.addr(1), prot);
}

function mremap(task: Task, args: SyscallArgs): number {
  const memory = memoryOf(task);
  return memory.mremap(args.addr(0), args.addr(1), args.addr(2), args.int(3), args.addr(4));
}

function brk(task: Task, args: SyscallArgs): number {
  return memoryOf(task).brk(args.addr(0));
}

function remapFilePages(task: Task, args: SyscallArgs): number {
  return memoryOf(task).remapFilePages(args.addr(0), args.addr(1), args.int(2), args.addr(3));
}

function mseal(task: Task, args: SyscallArgs): number {
  return memoryOf(task).mseal(args.addr(0), args.addr(1), args.hi(2) === 0 ? args.lo(2) : -1);
}

export const MEMORY_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_mmap,
    name: 'mmap',
    handler: mmap,
    coverage: 'full',
    note: 'no huge page pool',
    format: 'pzxxfx',
  },
  { nr: SYS_mprotect, name: 'mprotect', handler: mprotect, coverage: 'full', format: 'pzx' },
  { nr: SYS_munmap, name: 'munmap', handler: munmap, coverage: 'full', format: 'pz' },
  { nr: SYS_brk, name: 'brk', handler: brk, coverage: 'full', format: 'p' },
  { nr: SYS_mremap, name: 'mremap', handler: mremap, coverage: 'full', format: 'pzzxp' },
  {
    nr: SYS_remap_file_pages,
    name: 'remap_file_pages',
    handler: remapFilePages,
    coverage: 'full',
    format: 'pzxux',
  },
  { nr: SYS_mseal, name: 'mseal', handler: mseal, coverage: 'full', format: 'pzx' },
];
