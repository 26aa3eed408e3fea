// select(2), pselect6(2).
import {
  EBADF,
  EFAULT,
  EINVAL,
  ERESTARTNOHAND,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
  SYS_pselect6,
  SYS_select,
} from '@sandbox-kernel/abi';
import type { SyscallArgs, Task } from '@sandbox-kernel/kernel';
import { expired, finishWait, prepareWait, startDeadline } from './poll.js';
import type { SyscallRow } from './row.js';
import { readLooseTimeval, UserTime, writePair, writeTimespec } from './user-time.js';

const READ_SET = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR;
const WRITE_SET = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR;
const EVERYTHING = READ_SET | WRITE_SET | POLLPRI;
const SETS: readonly number[] = [READ_SET, WRITE_SET, POLLPRI];

function select(task: Task, args: SyscallArgs): number {
  const addr = args.addr(4);
  const time = new UserTime();
  if (addr !== 0 && task.call.phase === 0) {
    const read = readLooseTimeval(task, addr, time);
    if (read !== 0) return read;
  }
  startDeadline(task, addr === 0 ? Number.POSITIVE_INFINITY : time.total);
  return finishWait(task, selectSets(task, args), addr, writeTimeval);
}

/** The sixth argument points to the address and size of the mask. */
function pselect6(task: Task, args: SyscallArgs): number {
  const pack = args.addr(5);
  const mask = pack === 0 ? 0 : task.memory.readU64(pack);
  const size = pack === 0 ? 0 : task.memory.readU64(pack + 8);
  if (mask < 0 || size < 0) return -EFAULT;
  const prepared = prepareWait(task, args.addr(4), mask, size);
  if (prepared !== 0) return prepared;
  return finishWait(task, selectSets(task, args), args.addr(4), writeTimespec);
}

function writeTimeval(task: Task, addr: number, nanos: number): number {
  const micros = Math.floor(nanos / 1000);
  const seconds = Math.floor(micros / 1e6);
  return writePair(task, addr, seconds, micros - seconds * 1e6);
}

function selectSets(task: Task, args: SyscallArgs): number {
  if (args.int(0) < 0) return -EINVAL;
  const count = Math.min(args.int(0), Math.max(task.files.size, 64));
  const bytes = Math.ceil(count / 64) * 8;
  const wanted: (Uint8Array | null)[] = [];
  const found: Uint8Array[] = [];
  for (let i = 0; i < SETS.length; i++) {
    const addr = args.addr(1 + i);
    const set = addr === 0 ? null : new Uint8Array(bytes);
    if (set !== null && task.memory.copyIn(addr, set, 0, bytes) < bytes) return -EFAULT;
    wanted.push(set);
    found.push(new Uint8Array(bytes));
  }
  const ready = scan(task, count, wanted, found);
  if (ready < 0) return ready;
  if (ready === 0 && !expired(task)) return waitForAny(task, count, wanted);
  for (let i = 0; i < SETS.length; i++) {
    const set = found[i]!;
    if (wanted[i] !== null && task.memory.copyOut(args.addr(1 + i), set, 0, bytes) < bytes) return -EFAULT;
  }
  return ready;
}

function scan(task: Task, count: number, wanted: (Uint8Array | null)[], found: Uint8Array[]): number {
  let ready = 0;
  for (let fd = 0; fd < count; fd++) {
    if (eventsWanted(wanted, fd) === 0) continue;
    const file = task.files.get(fd);
    if (file === null) return -EBADF;
    // A path's descriptor is none to wait for: poll(2) says POLLNVAL, and select(2) that it is ready.
    const events = file.pathOnly ? EVERYTHING : file.ops.poll(file);
    for (let i = 0; i < SETS.length; i++) {
      if (!has(wanted[i]!, fd) || (events & SETS[i]!) === 0) continue;
      found[i]![fd >> 3] = found[i]![fd >> 3]! | (1 << (fd & 7));
      ready++;
    }
  }
  return ready;
}

function waitForAny(task: Task, count: number, wanted: (Uint8Array | null)[]): number {
  for (let fd = 0; fd < count; fd++) {
    const events = eventsWanted(wanted, fd);
    if (events === 0) continue;
    const file = task.files.getOpen(fd);
    if (file !== null) task.watch(file, events, false);
  }
  task.wakeAt(task.call.deadline);
  return task.block(-ERESTARTNOHAND);
}

function eventsWanted(wanted: (Uint8Array | null)[], fd: number): number {
  let events = 0;
  for (let i = 0; i < SETS.length; i++) if (has(wanted[i]!, fd)) events |= SETS[i]!;
  return events;
}

function has(set: Uint8Array | null, fd: number): boolean {
  return set !== null && (set[fd >> 3]! & (1 << (fd & 7))) !== 0;
}

export const SELECT_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_select, name: 'select', handler: select, coverage: 'full', format: 'dpppp' },
  { nr: SYS_pselect6, name: 'pselect6', handler: pselect6, coverage: 'full', format: 'dppppp' },
];
