// ioctl_userfaultfd(2): structures are copied from the program, checked in the order of Linux's userfaultfd.c, and answered in place.
import {
  CAP_SYS_PTRACE,
  EAGAIN,
  EBUSY,
  EFAULT,
  EINVAL,
  ENOMEM,
  EPERM,
  ESRCH,
  getU64,
  set64,
  UFFD_API,
  UFFD_FEATURE_EVENT_FORK,
  UFFD_FEATURE_EVENT_REMAP,
  UFFD_FEATURE_EVENT_REMOVE,
  UFFD_FEATURE_EVENT_UNMAP,
  UFFD_FEATURE_EXACT_ADDRESS,
  UFFD_FEATURE_MINOR_SHMEM,
  UFFD_FEATURE_MISSING_SHMEM,
  UFFD_FEATURE_PAGEFAULT_FLAG_WP,
  UFFD_FEATURE_SIGBUS,
  UFFD_FEATURE_THREAD_ID,
  UFFDIO_CONTINUE_MODE_DONTWAKE,
  UFFDIO_COPY_MODE_DONTWAKE,
  UFFDIO_COPY_MODE_WP,
  UFFDIO_REGISTER_MODE_MINOR,
  UFFDIO_REGISTER_MODE_MISSING,
  UFFDIO_REGISTER_MODE_WP,
  UFFDIO_WRITEPROTECT_MODE_DONTWAKE,
  UFFDIO_WRITEPROTECT_MODE_WP,
  UFFDIO_ZEROPAGE_MODE_DONTWAKE,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import {
  canMonitor,
  continueMinor,
  copyMissing,
  type MemoryManager,
  monitorRange,
  protectMonitored,
  unmonitorRange,
  VM_MAYWRITE,
  VM_SHARED,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  zeroMissing,
} from '@sandbox-kernel/mm';
import { checkRange, type UserFaults } from './user-faults.js';

// Requests: _IOWR(0xAA, nr, struct). The header spells them as macros over sizes.
const UFFDIO_REGISTER = 0xc020aa00;
const UFFDIO_UNREGISTER = 0x8010aa01;
const UFFDIO_WAKE = 0x8010aa02;
const UFFDIO_COPY = 0xc028aa03;
const UFFDIO_ZEROPAGE = 0xc020aa04;
const UFFDIO_WRITEPROTECT = 0xc018aa06;
const UFFDIO_CONTINUE = 0xc020aa07;
const UFFDIO_API = 0xc018aa3f;

const FEATURES =
  UFFD_FEATURE_PAGEFAULT_FLAG_WP |
  UFFD_FEATURE_EVENT_FORK |
  UFFD_FEATURE_EVENT_REMAP |
  UFFD_FEATURE_EVENT_REMOVE |
  UFFD_FEATURE_MISSING_SHMEM |
  UFFD_FEATURE_EVENT_UNMAP |
  UFFD_FEATURE_SIGBUS |
  UFFD_FEATURE_THREAD_ID |
  UFFD_FEATURE_MINOR_SHMEM |
  UFFD_FEATURE_EXACT_ADDRESS;

/** Bit numbers of the requests in the answers' masks. */
const API_REQUESTS_HIGH = 0x80000000;
const API_REQUESTS_LOW = 0x3;
const WAKE_BIT = 1 << 2;
const COPY_BIT = 1 << 3;
const ZEROPAGE_BIT = 1 << 4;
const WRITEPROTECT_BIT = 1 << 6;
const CONTINUE_BIT = 1 << 7;

export function userfaultRequest(faults: UserFaults, caller: Caller, request: number, addr: number): number {
  if (request >>> 0 === UFFDIO_API) return announce(faults, caller, addr);
  if (!faults.ready) return -EINVAL;
  switch (request >>> 0) {
    case UFFDIO_REGISTER:
      return register(faults, caller, addr);
    case UFFDIO_UNREGISTER:
      return unregister(faults, caller, addr);
    case UFFDIO_WAKE:
      return wake(faults, caller, addr);
    case UFFDIO_COPY:
      return fill(faults, caller, addr, COPY);
    case UFFDIO_ZEROPAGE:
      return fill(faults, caller, addr, ZERO);
    case UFFDIO_CONTINUE:
      return fill(faults, caller, addr, CONTINUE);
    case UFFDIO_WRITEPROTECT:
      return writeProtect(faults, caller, addr);
    default:
      return -EINVAL;
  }
}

function take(caller: Caller, addr: number, size: number): DataView | null {
  const bytes = new Uint8Array(size);
  return caller.memory.copyIn(addr, bytes, 0, size) < size ? null : new DataView(bytes.buffer);
}

/** struct uffdio_api: api, features, ioctls. */
function announce(faults: UserFaults, caller: Caller, addr: number): number {
  const view = take(caller, addr, 24);
  if (view === null) return -EFAULT;
  const wanted = view.getUint32(8, true);
  let error = 0;
  if (view.getUint32(0, true) !== UFFD_API || view.getUint32(4, true) !== 0) error = -EINVAL;
  else if (view.getUint32(12, true) !== 0 || (wanted & ~FEATURES) !== 0) error = -EINVAL;
  else if ((wanted & UFFD_FEATURE_EVENT_FORK) !== 0 && !caller.credentials.hasCapability(CAP_SYS_PTRACE))
    error = -EPERM;
  if (error === 0 && faults.ready) return -EINVAL;
  const { memory } = caller;
  if (error !== 0) return memory.zeroOut(addr, 24) < 24 ? -EFAULT : error;
  view.setUint32(8, FEATURES, true);
  view.setUint32(16, API_REQUESTS_LOW, true);
  view.setUint32(20, API_REQUESTS_HIGH, true);
  if (memory.copyOut(addr, new Uint8Array(view.buffer), 0, 24) < 24) return -EFAULT;
  faults.features = wanted;
  faults.ready = true;
  return 0;
}

/** struct uffdio_register: start, len, mode, ioctls. */
function register(faults: UserFaults, caller: Caller, addr: number): number {
  const view = take(caller, addr, 32);
  if (view === null) return -EFAULT;
  const mode = getU64(view, 16);
  const known = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR;
  if (mode === 0 || mode > known) return -EINVAL;
  const { memory } = faults;
  if (memory === null) return -ENOMEM;
  const start = getU64(view, 0);
  const length = getU64(view, 8);
  const bad = checkRange(memory, start, length) || checkAreas(memory, start, start + length, faults, mode);
  if (bad < 0) return bad;
  const bits =
    (mode & UFFDIO_REGISTER_MODE_MISSING ? VM_UFFD_MISSING : 0) |
    (mode & UFFDIO_REGISTER_MODE_WP ? VM_UFFD_WP : 0) |
    (mode & UFFDIO_REGISTER_MODE_MINOR ? VM_UFFD_MINOR : 0);
  const from = Math.max(start, memory.nextArea(start));
  monitorRange(memory, from, start + length, faults, bits);
  const requests =
    WAKE_BIT |
    COPY_BIT |
    ZEROPAGE_BIT |
    (mode & UFFDIO_REGISTER_MODE_WP ? WRITEPROTECT_BIT : 0) |
    (mode & UFFDIO_REGISTER_MODE_MINOR ? CONTINUE_BIT : 0);
  return caller.memory.writeU64(addr + 24, requests);
}

function checkAreas(
  memory: MemoryManager,
  start: number,
  end: number,
  faults: UserFaults,
  mode: number,
): number {
  const { areas } = memory;
  const first = areas.find(start);
  if (first >= areas.count) return -ENOMEM;
  if (areas.start[first]! >= end) return -EINVAL;
  for (let a = first; a < areas.count && areas.start[a]! < end; a++) {
    const flags = areas.flags[a]!;
    if (!canMonitor(memory, a)) return -EINVAL;
    if ((mode & UFFDIO_REGISTER_MODE_MINOR) !== 0 && areas.files[a] === null) return -EINVAL;
    if ((flags & VM_SHARED) !== 0 && (flags & VM_MAYWRITE) === 0) return -EPERM;
    const monitor = areas.monitors[a]!;
    if (monitor !== null && monitor !== faults) return -EBUSY;
  }
  return 0;
}

/** struct uffdio_range: start, len. */
function unregister(faults: UserFaults, caller: Caller, addr: number): number {
  const view = take(caller, addr, 16);
  if (view === null) return -EFAULT;
  const { memory } = faults;
  if (memory === null) return -ENOMEM;
  const start = getU64(view, 0);
  const length = getU64(view, 8);
  const bad = checkRange(memory, start, length);
  if (bad < 0) return bad;
  const { areas } = memory;
  const first = areas.find(start);
  if (first >= areas.count) return -ENOMEM;
  if (areas.start[first]! >= start + length) return -EINVAL;
  for (let a = first; a < areas.count && areas.start[a]! < start + length; a++)
    if (!canMonitor(memory, a)) return -EINVAL;
  unmonitorRange(memory, start, start + length, faults);
  return 0;
}

function wake(faults: UserFaults, caller: Caller, addr: number): number {
  const view = take(caller, addr, 16);
  if (view === null) return -EFAULT;
  const { memory } = faults;
  if (memory === null) return -EINVAL;
  const start = getU64(view, 0);
  const length = getU64(view, 8);
  const bad = checkRange(memory, start, length);
  if (bad === 0) faults.wakeFaults(start, start + length);
  return bad;
}

const COPY = 0;
const ZERO = 1;
const CONTINUE = 2;

/** struct uffdio_copy: dst, src, len, mode, copy. struct uffdio_zeropage and uffdio_continue: start, len, mode, done. */
function fill(faults: UserFaults, caller: Caller, addr: number, kind: number): number {
  const copies = kind === COPY;
  const view = take(caller, addr, copies ? 40 : 32);
  if (view === null) return -EFAULT;
  if (faults.hasEvents) return -EAGAIN;
  const start = getU64(view, 0);
  const length = getU64(view, copies ? 16 : 8);
  const mode = getU64(view, copies ? 24 : 16);
  const dontWake = copies
    ? UFFDIO_COPY_MODE_DONTWAKE
    : kind === ZERO
      ? UFFDIO_ZEROPAGE_MODE_DONTWAKE
      : UFFDIO_CONTINUE_MODE_DONTWAKE;
  const { memory } = faults;
  if (memory === null) return -ESRCH;
  const bad = checkRange(memory, start, length);
  if (bad < 0) return bad;
  const known = copies ? dontWake | UFFDIO_COPY_MODE_WP : kind === CONTINUE ? 3 : dontWake;
  if (mode > known) return -EINVAL;
  const protect = (mode & UFFDIO_COPY_MODE_WP) !== 0;
  const done = copies
    ? copyMissing(memory, start, length, caller.memory, getU64(view, 8), protect)
    : kind === ZERO
      ? zeroMissing(memory, start, length)
      : continueMinor(memory, start, length, protect);
  set64(view, 0, done);
  const { memory: own } = caller;
  const bytes = new Uint8Array(view.buffer, 0, 8);
  if (own.copyOut(addr + (copies ? 32 : 24), bytes, 0, 8) < 8) return -EFAULT;
  if (done < 0) return done;
  if ((mode & dontWake) === 0) faults.wakeFaults(start, start + done);
  return done === length ? 0 : -EAGAIN;
}

/** struct uffdio_writeprotect: start, len, mode. */
function writeProtect(faults: UserFaults, caller: Caller, addr: number): number {
  const view = take(caller, addr, 24);
  if (view === null) return -EFAULT;
  if (faults.hasEvents) return -EAGAIN;
  const { memory } = faults;
  if (memory === null) return -ESRCH;
  const start = getU64(view, 0);
  const length = getU64(view, 8);
  const mode = getU64(view, 16);
  const bad = checkRange(memory, start, length);
  if (bad < 0) return bad;
  const both = UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
  if (mode > both || mode === both) return -EINVAL;
  const protect = (mode & UFFDIO_WRITEPROTECT_MODE_WP) !== 0;
  const result = protectMonitored(memory, start, length, protect);
  if (result === 0 && mode === 0) faults.wakeFaults(start, start + length);
  return result;
}
