// Reaching a page on behalf of the program's own instruction (fault.ts) or of the sentry (usermem.ts): may it be accessed, and is it there?
import { EFAULT, ENOMEM, PROT_EXEC, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import { VM_PROT } from './area-flags.js';
import { EXHAUSTED, FAULT_WAITS } from './fault-monitor.js';
import type { MemoryManager } from './memory-manager.js';
import { install, settle } from './pages.js';
import { makePresent } from './populate.js';
import { growStack } from './stack.js';

/** Does a protection allow an access of kind PROT_READ, PROT_WRITE or PROT_EXEC? On x86-64 every accessible page can be read. */
export function allows(areaFlags: number, access: number): boolean {
  if (access === PROT_WRITE) return (areaFlags & PROT_WRITE) !== 0;
  if (access === PROT_EXEC) return (areaFlags & PROT_EXEC) !== 0;
  return (areaFlags & VM_PROT) !== 0;
}

/** Index of the area that contains `page`, growing a stack if need be; -1 when there is none. */
export function areaFor(mm: MemoryManager, page: number): number {
  if (!(page >= 0 && page < mm.layout.addressLimit)) return -1;
  const i = mm.areas.at(page);
  return i >= 0 ? i : growStack(mm, page);
}

/** Sends what `makePresent` changed to the platform. 0 or -errno. */
export function installChanges(mm: MemoryManager): number {
  const low = mm.lowChanged;
  const high = mm.highChanged;
  if (low >= high) return 0;
  mm.lowChanged = Number.POSITIVE_INFINITY;
  mm.highChanged = 0;
  const result = install(mm, low, high);
  settle(mm);
  return result;
}

/** Makes the page at `page` ready for access by the sentry. 0; -EFAULT when the program itself could not access it. */
export function reach(mm: MemoryManager, page: number, write: boolean): number {
  const a = areaFor(mm, page);
  if (a < 0 || !allows(mm.areas.flags[a]!, write ? PROT_WRITE : PROT_READ)) return -EFAULT;
  const result = makePresent(mm, a, page, write);
  // A monitor that answers the program only lets the kernel's access fail.
  if (result === FAULT_WAITS && mm.obstacle!.monitor!.userModeOnly) mm.obstacle = null;
  if (result === -ENOMEM) mm.obstacle = EXHAUSTED;
  installChanges(mm);
  return result < 0 ? -EFAULT : 0;
}
