// Page faults of the program. With the processor's error code the access is known; without it (ptrace) it is worked out from what was
// mapped: first the page, then the right to write, then the signal, each on a fault of its own. A context that ran before the last change of
// mappings may have faulted on what is no longer so: it is never judged by such a fault where the access is not known, but tries again.
import {
  BUS_ADRERR,
  ENOMEM,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  SEGV_ACCERR,
  SEGV_MAPERR,
  SIGBUS,
  SIGSEGV,
} from '@sandbox-kernel/abi';
import {
  FAULT_INSTRUCTION,
  FAULT_UNKNOWN,
  FAULT_WRITE,
  MEMORY_FILE,
  PAGE_SIZE,
} from '@sandbox-kernel/contracts';
import { allows, areaFor, installChanges } from './access.js';
import { pageDown } from './addresses.js';
import { PAGE_OWNED, VM_PROT, VM_SHARED, VM_WRITE } from './area-flags.js';
import { FAULT_SIGBUS, FAULT_WAITS } from './fault-monitor.js';
import type { MemoryManager } from './memory-manager.js';
import { arrived, dropPages, install, mayWritePages, settle } from './pages.js';
import { makePresent } from './populate.js';

function signalled(mm: MemoryManager, signal: number, code: number, addr: number): number {
  mm.faultCode = code;
  mm.faultAddress = addr;
  return signal;
}

/** PROT_READ, PROT_WRITE or PROT_EXEC; 0 when the platform can't tell. */
function accessOf(errorCode: number): number {
  if (errorCode & FAULT_UNKNOWN) return 0;
  if (errorCode & FAULT_WRITE) return PROT_WRITE;
  return errorCode & FAULT_INSTRUCTION ? PROT_EXEC : PROT_READ;
}

export function fault(
  mm: MemoryManager,
  addr: number,
  errorCode: number,
  generation: number,
  signal: number,
): number {
  arrived(mm, generation);
  const page = pageDown(addr);
  const current = generation === mm.generation;
  const a = areaFor(mm, page);
  if (a < 0) return signalled(mm, SIGSEGV, SEGV_MAPERR, addr);
  const flags = mm.areas.flags[a]!;
  const access = accessOf(errorCode);
  if (!(flags & VM_PROT) || (access !== 0 && !allows(flags, access))) {
    return signalled(mm, SIGSEGV, SEGV_ACCERR, addr);
  }
  const i = mm.pages.at(page);
  if (i < 0) return bring(mm, a, page, access === PROT_WRITE || sharedWrite(flags, access), addr);
  const upgradable = (flags & VM_WRITE) !== 0 && !mayWritePages(flags, mm.pages.flags[i]!);
  if (signal === SIGBUS && !(mm.pages.flags[i]! & PAGE_OWNED))
    return fileFault(mm, a, i, page, current, addr);
  if (upgradable && (access === PROT_WRITE || (access === 0 && current)))
    return bring(mm, a, page, true, addr);
  if (!current) return 0;
  if (access === 0) return signalled(mm, SIGSEGV, SEGV_ACCERR, addr);
  return repair(mm, page, addr);
}

/** Times that one page may be mapped again before its fault is the program's problem. */
const MAX_REPAIRS = 3;

/** Everything is as it should be, yet the platform faulted: it lost the mapping (a command of its own failed). Once more. */
function repair(mm: MemoryManager, page: number, addr: number): number {
  mm.repairs = mm.repairPage === page ? mm.repairs + 1 : 1;
  mm.repairPage = page;
  const result = install(mm, page, page + PAGE_SIZE);
  if (result === -ENOMEM) return result;
  return result < 0 || mm.repairs > MAX_REPAIRS ? signalled(mm, SIGBUS, BUS_ADRERR, addr) : 0;
}

/** Where the access is not known, a writable shared page is asked for with write at once: its pages are the file's either way. */
function sharedWrite(flags: number, access: number): boolean {
  return access === 0 && (flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE);
}

function bring(mm: MemoryManager, a: number, page: number, write: boolean, addr: number): number {
  const result = makePresent(mm, a, page, write);
  const installed = installChanges(mm);
  if (result === FAULT_WAITS) return result;
  if (result === FAULT_SIGBUS) return signalled(mm, SIGBUS, BUS_ADRERR, addr);
  if (result === -ENOMEM || (result === 0 && installed === -ENOMEM)) return -ENOMEM;
  return result < 0 ? signalled(mm, SIGBUS, BUS_ADRERR, addr) : 0;
}

/** The host could not deliver a page of a file (it was cut short behind our back): ask the file again where it is, once. */
function fileFault(
  mm: MemoryManager,
  a: number,
  i: number,
  page: number,
  current: boolean,
  addr: number,
): number {
  if (!current) return 0;
  const { areas, pages, backing } = mm;
  const fd = pages.fd[i]!;
  const offset = pages.offset[i]! + (page - pages.start[i]!);
  const where = areas.offset[a]! + (page - areas.start[a]!);
  const result = areas.files[a]!.translate(where, PAGE_SIZE, false, backing);
  if (result === -ENOMEM) return result;
  if (result < 0 || (backing.fd === fd && backing.offset === offset && fd !== MEMORY_FILE)) {
    return signalled(mm, SIGBUS, BUS_ADRERR, addr);
  }
  dropPages(mm, page, page + PAGE_SIZE);
  settle(mm);
  return 0;
}
