// shmget(2), shmat(2), shmdt(2), shmctl(2).
import {
  EFAULT,
  EINVAL,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  MAP_FIXED,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  SHM_EXEC,
  SHM_INFO,
  SHM_INFO_SHM_RSS,
  SHM_INFO_SHM_TOT,
  SHM_INFO_SIZE,
  SHM_INFO_USED_IDS,
  SHM_LOCK,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
  SHM_STAT,
  SHM_STAT_ANY,
  SHM_UNLOCK,
  SHMID64_DS_SHM_ATIME,
  SHMID64_DS_SHM_CPID,
  SHMID64_DS_SHM_CTIME,
  SHMID64_DS_SHM_DTIME,
  SHMID64_DS_SHM_LPID,
  SHMID64_DS_SHM_NATTCH,
  SHMID64_DS_SHM_SEGSZ,
  SHMID64_DS_SIZE,
  SHMMIN,
  SHMMNI,
  SHMSEG,
  SYS_shmat,
  SYS_shmctl,
  SYS_shmdt,
  SYS_shmget,
  set64,
} from '@sandbox-kernel/abi';
import { getSegment, type SharedSegment, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import type { MappedFile } from '@sandbox-kernel/mm';
import {
  freshStructure,
  giveStructure,
  ownedTarget,
  PERMISSIONS_SIZE,
  putPermissions,
  setPermissions,
  statTarget,
  takeStructure,
} from './ipc-arguments.js';
import { memoryOf } from './memory.js';
import type { SyscallRow } from './row.js';

const PAGE_SIZE = 4096;
/** struct shminfo64: five words and as many reserved. */
const SHMINFO64_SIZE = 72;

function shmget(task: Task, args: SyscallArgs): number {
  return getSegment(task, args.int(0), args.addr(1), args.int(2));
}

function shmat(task: Task, args: SyscallArgs): number {
  const flags = args.int(2);
  let addr = args.addr(1);
  if (args.int(0) < 0) return -EINVAL;
  if (addr % PAGE_SIZE !== 0) {
    if ((flags & SHM_RND) === 0) return -EINVAL;
    addr -= addr % PAGE_SIZE;
  }
  if (addr === 0 && (flags & SHM_REMAP) !== 0) return -EINVAL;
  const readOnly = (flags & SHM_RDONLY) !== 0;
  const exec = (flags & SHM_EXEC) !== 0;
  const segment = task.kernel.ipc.segments.get(args.int(0));
  if (typeof segment === 'number') return segment;
  const allowed = segment.check(task.credentials, (readOnly ? 0o444 : 0o666) | (exec ? 0o111 : 0));
  if (allowed < 0) return allowed;
  return attach(task, segment, addr, flags);
}

function attach(task: Task, segment: SharedSegment, addr: number, flags: number): number {
  const memory = memoryOf(task);
  const writable = (flags & SHM_RDONLY) === 0;
  const prot = PROT_READ | (writable ? PROT_WRITE : 0) | ((flags & SHM_EXEC) !== 0 ? PROT_EXEC : 0);
  const fixed = addr !== 0;
  if (fixed && (flags & SHM_REMAP) === 0) {
    const next = memory.nextArea(addr);
    if (next >= 0 && next < addr + segment.size) return -EINVAL;
  }
  const file: MappedFile = {
    mappable: segment.memory,
    readable: true,
    writable,
    appendOnly: false,
    noexec: false,
  };
  return memory.mmap(addr, segment.size, prot, MAP_SHARED | (fixed ? MAP_FIXED : 0), file, 0);
}

function shmdt(task: Task, args: SyscallArgs): number {
  return memoryOf(task).detach(args.addr(0));
}

function shmctl(task: Task, args: SyscallArgs): number {
  const id = args.int(0);
  const command = args.int(1);
  const table = task.kernel.ipc.segments;
  if (command < 0 || id < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
      return reportLimits(task, args.addr(2));
    case SHM_INFO:
      return reportUse(task, args.addr(2));
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: {
      const byIndex = command !== IPC_STAT;
      const segment = statTarget(task, table, id, byIndex, command === SHM_STAT_ANY);
      return typeof segment === 'number' ? segment : report(task, segment, args.addr(2), byIndex);
    }
    case IPC_SET: {
      const view = takeStructure(task, args.addr(2), PERMISSIONS_SIZE);
      if (view === null) return -EFAULT;
      const segment = ownedTarget(task, table, id);
      return typeof segment === 'number' ? segment : setPermissions(task, segment, view);
    }
    case IPC_RMID: {
      const segment = ownedTarget(task, table, id);
      if (typeof segment === 'number') return segment;
      segment.markForRemoval();
      return 0;
    }
    case SHM_LOCK:
    case SHM_UNLOCK: {
      const segment = table.get(id);
      return typeof segment === 'number' ? segment : segment.setLocked(task, command);
    }
    default:
      return -EINVAL;
  }
}

function report(task: Task, segment: SharedSegment, addr: number, byIndex: boolean): number {
  const view = freshStructure(task, SHMID64_DS_SIZE);
  putPermissions(view, segment);
  set64(view, SHMID64_DS_SHM_SEGSZ, segment.size);
  set64(view, SHMID64_DS_SHM_ATIME, segment.attachTime);
  set64(view, SHMID64_DS_SHM_DTIME, segment.detachTime);
  set64(view, SHMID64_DS_SHM_CTIME, segment.changeTime);
  view.setInt32(SHMID64_DS_SHM_CPID, segment.creatorPid, true);
  view.setInt32(SHMID64_DS_SHM_LPID, segment.lastPid, true);
  set64(view, SHMID64_DS_SHM_NATTCH, segment.attaches);
  return giveStructure(task, addr, SHMID64_DS_SIZE, byIndex ? segment.id : 0);
}

function reportLimits(task: Task, addr: number): number {
  const view = freshStructure(task, SHMINFO64_SIZE);
  // ULONG_MAX - 2^24 is no double: its halves are written as they are.
  for (const at of [0, 32]) {
    view.setUint32(at, 0xfeffffff, true);
    view.setUint32(at + 4, 0xffffffff, true);
  }
  set64(view, 8, SHMMIN);
  set64(view, 16, SHMMNI);
  set64(view, 24, SHMSEG);
  return giveStructure(task, addr, SHMINFO64_SIZE, task.kernel.ipc.segments.highest);
}

function reportUse(task: Task, addr: number): number {
  const { ipc } = task.kernel;
  const view = freshStructure(task, SHM_INFO_SIZE);
  let resident = 0;
  for (const segment of ipc.segments.objects()) resident += segment.memory.used / PAGE_SIZE;
  view.setInt32(SHM_INFO_USED_IDS, ipc.segments.count, true);
  set64(view, SHM_INFO_SHM_TOT, ipc.segmentPages);
  set64(view, SHM_INFO_SHM_RSS, resident);
  return giveStructure(task, addr, SHM_INFO_SIZE, ipc.segments.highest);
}

export const SHM_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_shmget,
    name: 'shmget',
    handler: shmget,
    coverage: 'full',
    note: 'no huge page pool',
    format: 'xzo',
  },
  { nr: SYS_shmat, name: 'shmat', handler: shmat, coverage: 'full', format: 'dpx' },
  { nr: SYS_shmctl, name: 'shmctl', handler: shmctl, coverage: 'full', format: 'ddp' },
  { nr: SYS_shmdt, name: 'shmdt', handler: shmdt, coverage: 'full', format: 'p' },
];
