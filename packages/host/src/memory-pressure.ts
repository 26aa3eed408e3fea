// Pressure stall information (Documentation/accounting/psi.rst): a descriptor that becomes ready (EPOLLPRI) when tasks of the machine, or of our
// control group, stall for memory.
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, SYS_close, SYS_openat, SYS_write } from '@sandbox-kernel/abi';
import { DATA, type Door } from './door.js';

const AT_FDCWD = -100;
/** 150 ms of stalls within 2 s: the smallest window that needs no privilege. */
const TRIGGER = 'some 150000 2000000';
const PLACES = ['/sys/fs/cgroup/memory.pressure', '/proc/pressure/memory'];

/** A descriptor, or -errno where the host has no such thing or keeps it from us. */
export function openMemoryPressure(door: Door): number {
  let result = -1;
  for (const path of PLACES) {
    door.putString(DATA, path, 256);
    result = door.call(SYS_openat, 2, AT_FDCWD, DATA, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
    if (result < 0) continue;
    door.putString(DATA, TRIGGER, 256);
    const written = door.call(SYS_write, 2, result, DATA, TRIGGER.length + 1, 0, 0, 0);
    if (written >= 0) return result;
    door.call(SYS_close, 0, result, 0, 0, 0, 0, 0);
    result = written;
  }
  return result;
}
