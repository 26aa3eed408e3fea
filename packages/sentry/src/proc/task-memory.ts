// /proc/PID/mem, pagemap, clear_refs and numa_maps: proc_pid_mem(5), proc_pid_pagemap(5), proc_pid_clear_refs(5), proc_pid_numa_maps(5).
// Page frames are not told (as to an unprivileged reader), and the bits that clear_refs resets are not kept.
import { EACCES, EINVAL, EIO, ESRCH } from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import { mayInspect, TASK_ZOMBIE, type Task } from '@sandbox-kernel/kernel';
import { emptyAreaInfo, emptyAreaUsage } from '@sandbox-kernel/mm';
import {
  type FileDescription,
  FileOps,
  FMODE_SEEK,
  gather,
  PseudoFile,
  PseudoSpecial,
  scatter,
} from '@sandbox-kernel/vfs';
import { ownByTask } from './task-access.js';

const PAGE_SIZE = 4096;
const STEP = 65536;
const ENTRY_SIZE = 8;

/** High words of a pagemap entry: present, and a file's or shared page. */
const PM_PRESENT = 0x80000000;
const PM_FILE = 0x20000000;
const PM_SOFT_DIRTY = 0x00800000;

class MemoryOps extends FileOps {
  override read(file: FileDescription, io: IoSegments, offset: number): number {
    const task = file.data as Task;
    if (task.state >= TASK_ZOMBIE) return 0;
    const bytes = new Uint8Array(Math.min(io.total, STEP));
    let done = 0;
    while (done < io.total) {
      const wanted = Math.min(bytes.length, io.total - done);
      const n = task.memory.readForced(offset + done, bytes, 0, wanted);
      scatter(io, done, bytes, 0, n);
      done += n;
      if (n < wanted) break;
    }
    return done === 0 && io.total > 0 ? -EIO : done;
  }

  override write(file: FileDescription, io: IoSegments, offset: number): number {
    const task = file.data as Task;
    if (task.state >= TASK_ZOMBIE) return 0;
    const bytes = new Uint8Array(Math.min(io.total, STEP));
    let done = 0;
    while (done < io.total) {
      const wanted = Math.min(bytes.length, io.total - done);
      gather(io, done, bytes, 0, wanted);
      const n = task.memory.writeForced(offset + done, bytes, 0, wanted);
      done += n;
      if (n < wanted) break;
    }
    return done === 0 && io.total > 0 ? -EIO : done;
  }

  override size(): number {
    return 0;
  }
}

class PagemapOps extends FileOps {
  override read(file: FileDescription, io: IoSegments, offset: number): number {
    const task = file.data as Task;
    if (offset % ENTRY_SIZE !== 0 || io.total % ENTRY_SIZE !== 0) return -EINVAL;
    if (task.state >= TASK_ZOMBIE) return 0;
    const limit = task.memory.layout.addressLimit / PAGE_SIZE;
    const first = offset / ENTRY_SIZE;
    const count = Math.min(io.total / ENTRY_SIZE, STEP / ENTRY_SIZE, limit - first);
    if (count <= 0) return 0;
    const entries = new Uint32Array(count * 2);
    fillEntries(task, first, entries);
    return scatter(io, 0, new Uint8Array(entries.buffer), 0, count * ENTRY_SIZE);
  }

  override size(): number {
    return 0;
  }
}

function fillEntries(task: Task, first: number, entries: Uint32Array): void {
  const { pages, areas, file } = task.memory;
  const start = first * PAGE_SIZE;
  const end = start + (entries.length / 2) * PAGE_SIZE;
  const held = new Uint8Array(1);
  for (let i = pages.find(start); i < pages.count && pages.start[i]! < end; i++) {
    const from = Math.max(start, pages.start[i]!);
    const to = Math.min(end, pages.end[i]!);
    for (let at = from; at < to; at += PAGE_SIZE) {
      const where = pages.offset[i]! + (at - pages.start[i]!);
      if (pages.fd[i]! < 0) file.present(where, PAGE_SIZE, held, 0);
      else held[0] = 1;
      if (held[0] === 0) continue;
      const shared = areas.files[areas.at(at)] !== null;
      entries[((at - start) / PAGE_SIZE) * 2 + 1] =
        (PM_PRESENT | PM_SOFT_DIRTY | (shared ? PM_FILE : 0)) >>> 0;
    }
  }
}

const MEMORY_OPS: FileOps = new MemoryOps();
const PAGEMAP_OPS: FileOps = new PagemapOps();

/** A file over a task's memory, for those who may trace it. */
class MemoryWindow extends PseudoSpecial {
  readonly #task: Task;
  readonly #ops: FileOps;

  constructor(task: Task, permissions: number, ops: FileOps) {
    super(permissions);
    this.#task = task;
    this.#ops = ops;
  }

  override refresh(): number {
    ownByTask(this, this.#task);
    return 0;
  }

  open(file: FileDescription): number {
    const reader = this.#task.kernel.current;
    if (this.#task.state >= TASK_ZOMBIE) return -ESRCH;
    if (reader !== null && !mayInspect(reader, this.#task)) return -EACCES;
    file.ops = this.#ops;
    file.data = this.#task;
    file.mode |= FMODE_SEEK;
    return 0;
  }
}

class ClearRefsFile extends PseudoFile {
  constructor() {
    super(0o200);
  }

  text(): number {
    return -EINVAL;
  }

  override write(text: string): number {
    return /^[1-5]\s*$/.test(text) ? text.length : -EINVAL;
  }
}

/** One line per area: everything is on node 0. */
export function numaMapsText(task: Task): string {
  if (task.state >= TASK_ZOMBIE) return '';
  const area = emptyAreaInfo();
  const usage = emptyAreaUsage();
  let text = '';
  for (let i = 0; i < task.memory.areaCount; i++) {
    task.memory.area(i, area);
    task.memory.areaUsage(i, usage);
    const kind = area.name === '[heap]' ? ' heap' : area.name === '[stack]' ? ' stack' : '';
    const file = area.inode !== 0 ? ` file=${area.name}` : kind;
    const pages = usage.rss / PAGE_SIZE;
    const figures =
      pages === 0
        ? ''
        : `${usage.anonymous > 0 ? ` anon=${usage.anonymous / PAGE_SIZE} dirty=${usage.anonymous / PAGE_SIZE}` : ` mapped=${pages}`} N0=${pages} kernelpagesize_kB=4`;
    text += `${area.start.toString(16)} default${file}${figures}\n`;
  }
  return text;
}

export const memFile = (task: Task): MemoryWindow => new MemoryWindow(task, 0o600, MEMORY_OPS);
export const pagemapFile = (task: Task): MemoryWindow => new MemoryWindow(task, 0o400, PAGEMAP_OPS);
export const clearRefsFile = (): PseudoFile => new ClearRefsFile();
