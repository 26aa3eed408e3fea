// What /proc shows of an address space: areas with their names (maps), figures by area (smaps), sizes (status, statm); see proc_pid_maps(5).
import { EBADF, EINVAL, ENOMEM } from '@sandbox-kernel/abi';
import { PAGE_SIZE } from '@sandbox-kernel/contracts';
import { isPageAligned, pageUp } from './addresses.js';
import {
  PAGE_OWNED,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_DROPPABLE,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_PROT,
  VM_RAND_READ,
  VM_READ,
  VM_SEALED,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  VM_WIPEONFORK,
  VM_WRITE,
} from './area-flags.js';
import { cutArea, isCommitted, mergeAreas } from './areas.js';
import type { MemoryManager } from './memory-manager.js';
import type { AreaInfo, AreaUsage, MemoryUsage } from './types.js';

export function describeArea(mm: MemoryManager, i: number, out: AreaInfo): void {
  const areas = mm.areas;
  const file = areas.files[i] ?? null;
  const flags = areas.flags[i]!;
  out.start = areas.start[i]!;
  out.end = areas.end[i]!;
  out.prot = flags & VM_PROT;
  out.shared = (flags & VM_SHARED) !== 0;
  out.flags = flags;
  out.offset = file === null ? 0 : areas.offset[i]!;
  out.deviceMajor = file?.deviceMajor ?? 0;
  out.deviceMinor = file?.deviceMinor ?? 0;
  out.inode = file?.inode ?? 0;
  out.name = areaName(mm, i);
}

function areaName(mm: MemoryManager, i: number): string {
  const areas = mm.areas;
  const given = areas.names[i] ?? null;
  const file = areas.files[i] ?? null;
  if (areas.flags[i]! & VM_SPECIAL) return given ?? '';
  if (file !== null) return given !== null && file.anonymous ? `[anon_shmem:${given}]` : file.mapName();
  const start = areas.start[i]!;
  const end = areas.end[i]!;
  if (mm.startBrk < mm.currentBrk && start < mm.currentBrk && end > mm.startBrk) return '[heap]';
  if (start <= mm.startStack && mm.startStack < end) return '[stack]';
  return given === null ? '' : `[anon:${given}]`;
}

/** VmFlags of smaps (proc_pid_smaps(5)), in Linux's order: bits here, name there. What has no bit of its own is worked out below. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [VM_READ, 'rd'],
  [VM_WRITE, 'wr'],
  [VM_EXEC, 'ex'],
  [0, 'sh'],
  [VM_MAYREAD, 'mr'],
  [VM_MAYWRITE, 'mw'],
  [VM_MAYEXEC, 'me'],
  [VM_SHARED, 'ms'],
  [VM_GROWSDOWN, 'gd'],
  [VM_UFFD_MISSING, 'um'],
  [VM_UFFD_WP, 'uw'],
  [VM_LOCKED, 'lo'],
  [VM_SEQ_READ, 'sr'],
  [VM_RAND_READ, 'rr'],
  [VM_DONTCOPY, 'dc'],
  [VM_DONTEXPAND | VM_SPECIAL, 'de'],
  [VM_LOCKONFAULT, 'lf'],
  [0, 'ac'],
  [VM_NORESERVE, 'nr'],
  [VM_WIPEONFORK, 'wf'],
  [VM_DONTDUMP, 'dd'],
  [VM_HUGEPAGE, 'hg'],
  [VM_NOHUGEPAGE, 'nh'],
  [VM_MERGEABLE, 'mg'],
  [VM_UFFD_MINOR, 'ui'],
  [VM_SEALED, 'sl'],
  [VM_DROPPABLE, 'dp'],
];

/** Each name with a space behind it. */
export function areaFlagNames(flags: number): string {
  let text = '';
  for (const [bits, name] of FLAG_NAMES) {
    // A shared mapping that can never be written is private to Linux, but for its `ms`.
    const shared = name === 'sh' && (flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE);
    const counted = name === 'ac' && isCommitted(flags, null);
    if ((flags & bits) !== 0 || shared || counted) text += `${name} `;
  }
  return text;
}

export function areaUsage(mm: MemoryManager, i: number, out: AreaUsage): void {
  const { areas, pages } = mm;
  const start = areas.start[i]!;
  const end = areas.end[i]!;
  out.rss = 0;
  out.pss = 0;
  out.sharedClean = 0;
  out.sharedDirty = 0;
  out.privateClean = 0;
  out.privateDirty = 0;
  out.anonymous = 0;
  for (let k = pages.find(start); k < pages.count && pages.start[k]! < end; k++) {
    const from = Math.max(start, pages.start[k]!);
    const length = Math.min(end, pages.end[k]!) - from;
    out.rss += length;
    if (pages.flags[k]! & PAGE_OWNED)
      countOwned(mm, pages.offset[k]! + (from - pages.start[k]!), length, out);
    else countFile(areas.flags[i]!, length, out);
  }
  out.locked = areas.flags[i]! & VM_LOCKED ? out.rss : 0;
}

function countOwned(mm: MemoryManager, offset: number, length: number, out: AreaUsage): void {
  out.anonymous += length;
  for (let at = 0; at < length; at += PAGE_SIZE) {
    const owners = mm.file.references(offset + at);
    out.pss += PAGE_SIZE / owners;
    if (owners > 1) out.sharedDirty += PAGE_SIZE;
    else out.privateDirty += PAGE_SIZE;
  }
}

/** How many others map a file's page is not known here: shared memory counts as shared, private views as clean. */
function countFile(flags: number, length: number, out: AreaUsage): void {
  out.pss += length;
  if (flags & VM_SHARED) out.sharedDirty += length;
  else out.privateClean += length;
}

export function describeUsage(mm: MemoryManager, out: MemoryUsage): void {
  const sizes = mm.sizes;
  out.total = sizes.total;
  out.totalPeak = sizes.totalPeak;
  out.data = sizes.data;
  out.stack = sizes.stack;
  out.exec = sizes.exec;
  out.locked = sizes.locked;
  out.rssAnonymous = sizes.rssAnonymous;
  out.rssFile = sizes.rssFile;
  out.rssShared = sizes.rssShared;
  out.rssPeak = sizes.rssPeak;
  out.committed = sizes.committed;
}

/** prctl(2) PR_SET_VMA_ANON_NAME. Pre: the name's characters were checked. */
export function setAnonymousName(
  mm: MemoryManager,
  addr: number,
  length: number,
  name: string | null,
): number {
  if (!isPageAligned(addr)) return -EINVAL;
  const end = addr + pageUp(length);
  if (end >= 2 ** 64) return -EINVAL;
  const result = nameAreas(mm, addr, end, name);
  mergeAreas(mm, addr, end);
  return result;
}

/** Names what is there; holes make the result -ENOMEM, a file ends it with -EBADF. */
function nameAreas(mm: MemoryManager, start: number, end: number, name: string | null): number {
  const areas = mm.areas;
  let hole = 0;
  let at = start;
  while (at < end) {
    const i = areas.find(at);
    if (i >= areas.count || areas.start[i]! >= end) return -ENOMEM;
    if (areas.start[i]! > at) {
      hole = -ENOMEM;
      at = areas.start[i]!;
    }
    if (areas.files[i] !== null && !areas.files[i]!.anonymous) return -EBADF;
    const stop = Math.min(end, areas.end[i]!);
    if (areas.count + 2 > mm.tuning.maxAreas) return -ENOMEM;
    cutArea(mm, at);
    cutArea(mm, stop);
    areas.names[areas.find(at)] = name;
    at = stop;
  }
  return hole;
}
