// After each test the memory file holds no page that nobody owns: when the last task is gone, what is left must belong to files that still
// have a name, to System V segments, or to the kernel itself. Switched on by SANDBOX_LEAK_CHECK in the environment of whoever boots a sandbox.
import { TASK_ZOMBIE } from '@sandbox-kernel/kernel';
import { tmpfsPages } from '@sandbox-kernel/vfs';
import type { Machine } from './machine.js';
import type { Vdso } from './vdso.js';

const PAGE_SIZE = 4096;

/** Owners by page of the memory file. */
class Expected {
  readonly counts = new Map<number, number>();

  add(offset: number, bytes: number): void {
    for (let at = offset; at < offset + bytes; at += PAGE_SIZE)
      this.counts.set(at, (this.counts.get(at) ?? 0) + 1);
  }
}

function ownersOf(machine: Machine): Expected {
  const { kernel, top, namespace } = machine;
  const expected = new Expected();
  const vdso = kernel.options.vdso as Vdso | null | undefined;
  if (vdso) expected.add(vdso.dataOffset, vdso.dataSize + vdso.size);
  for (const segment of kernel.ipc.segments.objects())
    segment.memory.eachRun((offset, bytes) => expected.add(offset, bytes));
  const seen = new Set<object>();
  // The upper layer of an overlay may be a directory of a tmpfs that is mounted too.
  const filePages = new Set<number>();
  // The tree that the sandbox began with stays for its owner (changes, files), even when programs have moved to another and thrown it away.
  for (const mount of [top, ...namespace.list()]) {
    const { superblock } = mount;
    if (seen.has(superblock)) continue;
    seen.add(superblock);
    const upper = (superblock.data as { readonly upper?: typeof superblock.root } | null)?.upper;
    const root = upper ?? superblock.root;
    if (root !== null) for (const offset of tmpfsPages(root)) filePages.add(offset);
  }
  for (const offset of filePages) expected.add(offset, PAGE_SIZE);
  return expected;
}

/** What is wrong with the ownership of pages, in words; empty when all is well or tasks still live. */
export function findLeaks(machine: Machine): string {
  const { kernel } = machine;
  for (const task of kernel.processes.tasks.values()) if (task.state < TASK_ZOMBIE) return '';
  const { counts } = ownersOf(machine);
  const wrong: string[] = [];
  let pages = 0;
  for (const holding of kernel.memoryFile.holdings()) {
    for (let at = holding.offset; at < holding.offset + holding.length; at += PAGE_SIZE) {
      const wanted = counts.get(at) ?? 0;
      counts.delete(at);
      if (wanted === holding.references) continue;
      pages++;
      if (wrong.length < 5)
        wrong.push(`page ${at / PAGE_SIZE} (kind ${holding.owner}): ${holding.references}, not ${wanted}`);
    }
  }
  if (counts.size > 0) wrong.push(`${counts.size} owned pages are free`);
  return wrong.length === 0
    ? ''
    : `memory leak: ${pages} pages have owners that nobody knows: ${wrong.join('; ')}`;
}
