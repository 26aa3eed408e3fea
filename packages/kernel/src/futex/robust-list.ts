// get_robust_list(2), set_robust_list(2): what a dying thread does for the locks it holds, and clear_child_tid (set_tid_address(2)).
// The list is in the program's memory: every link is checked, and the walk ends after ROBUST_LIST_LIMIT.
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS, ROBUST_LIST_LIMIT } from '@sandbox-kernel/abi';
import type { Task } from '../task.js';
import { piOwnerDied } from './pi.js';

export const ROBUST_LIST_HEAD_BYTES = 24;

/** Where a thread keeps its list of held robust locks. */
export class RobustList {
  readonly head: number;

  constructor(head: number) {
    this.head = head;
  }
}

/** Everything about futexes that a thread does as it exits (or executes another program). */
export function exitFutexes(task: Task): void {
  const list = task.robustList;
  task.robustList = null;
  if (list !== null) walk(task, list.head);
  piOwnerDied(task);
  const addr = task.clearChildTid;
  task.clearChildTid = 0;
  if (addr !== 0 && task.image.users > 1) {
    task.memory.writeU32(addr, 0);
    task.kernel.futexes.wakeAddress(task, addr, true, 1);
  }
}

function walk(task: Task, head: number): void {
  const memory = task.memory;
  const first = memory.readU64(head);
  const offset = readSigned(task, head + 8);
  const pending = memory.readU64(head + 16);
  if (first < 0 || pending < 0) return;
  let entry = first;
  for (let left = ROBUST_LIST_LIMIT; left > 0 && entryAddress(entry) !== head; left--) {
    const address = entryAddress(entry);
    const next = memory.readU64(address);
    if (entry !== pending && !ownerDied(task, address + offset, isPi(entry), false)) return;
    if (next < 0) break;
    entry = next;
  }
  if (pending !== 0) ownerDied(task, entryAddress(pending) + offset, isPi(pending), true);
}

/** A signed 64-bit number, exact: small negative ones would be rounded as an unsigned double. */
function readSigned(task: Task, addr: number): number {
  return (task.memory.readU32(addr + 4) | 0) * 2 ** 32 + task.memory.readU32(addr);
}

function isPi(entry: number): boolean {
  return entry % 2 === 1;
}

function entryAddress(entry: number): number {
  return entry - (entry % 2);
}

/** Marks one lock word. False: the memory is gone, stop. */
function ownerDied(task: Task, address: number, pi: boolean, pending: boolean): boolean {
  if (address < 0 || address % 4 !== 0) return false;
  const word = task.memory.readU32(address);
  if (word < 0) return false;
  const owner = (word & FUTEX_TID_MASK) >>> 0;
  if (pending && owner === 0 && !pi) {
    // It died between unlocking and waking.
    task.kernel.futexes.wakeAddress(task, address, true, 1);
    return true;
  }
  if (owner !== task.tid) return true;
  if (pi && (word & FUTEX_WAITERS) !== 0 && task.kernel.futexes.hasPiState(task, address)) return true;
  if (task.memory.writeU32(address, ((word & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0) < 0) return false;
  if (!pi && (word & FUTEX_WAITERS) !== 0) task.kernel.futexes.wakeAddress(task, address, true, 1);
  return true;
}
