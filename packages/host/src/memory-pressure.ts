// News of memory running short: pressure stall information (Documentation/accounting/psi.rst) of our control group, or else of the machine, and the
// events of our control group (memory.events in Documentation/admin-guide/cgroup-v2.rst). Both are descriptors that become ready with EPOLLPRI.
import { readFileSync } from 'node:fs';
import {
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  SYS_close,
  SYS_openat,
  SYS_write,
} from '@sandbox-kernel/abi';
import { DATA, type Door } from './door.js';

const AT_FDCWD = -100;
/** 150 ms of stalls within 2 s: the smallest window that needs no privilege. */
const TRIGGER = 'some 150000 2000000';
const CGROUP_ROOT = '/sys/fs/cgroup';

/** Where the files may be, best first. */
export interface PressurePlaces {
  readonly pressure: readonly string[];
  readonly events: readonly string[];
}

/** Places of this process; its control group is the root of what a container sees, or named in /proc/self/cgroup. */
export function pressurePlaces(): PressurePlaces {
  const folders = [...new Set([`${CGROUP_ROOT}${ownGroup()}`, CGROUP_ROOT])];
  return {
    pressure: [...folders.map((folder) => `${folder}/memory.pressure`), '/proc/pressure/memory'],
    events: folders.map((folder) => `${folder}/memory.events`),
  };
}

/** The line `0::PATH` (cgroups(7)); an empty string where it can't be read. */
function ownGroup(): string {
  try {
    const line = readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .find((one) => one.startsWith('0::/'));
    const path = line?.slice(3) ?? '/';
    return path === '/' ? '' : path;
  } catch {
    return '';
  }
}

/** Descriptors that tell of pressure; none where the host has no such thing or keeps it from us. */
export function openMemoryPressure(door: Door, places: PressurePlaces = pressurePlaces()): readonly number[] {
  const pressure = first(places.pressure, (path) => openTrigger(door, path));
  const events = first(places.events, (path) => openAt(door, path, O_RDONLY));
  return [pressure, events].filter((fd) => fd >= 0);
}

function first(paths: readonly string[], open: (path: string) => number): number {
  for (const path of paths) {
    const fd = open(path);
    if (fd >= 0) return fd;
  }
  return -1;
}

function openAt(door: Door, path: string, access: number): number {
  if (!door.putString(DATA, path, 4096)) return -1;
  return door.call(SYS_openat, 2, AT_FDCWD, DATA, access | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
}

function openTrigger(door: Door, path: string): number {
  const fd = openAt(door, path, O_RDWR);
  if (fd < 0) return fd;
  door.putString(DATA, TRIGGER, 256);
  const written = door.call(SYS_write, 2, fd, DATA, TRIGGER.length + 1, 0, 0, 0);
  if (written >= 0) return fd;
  door.call(SYS_close, 0, fd, 0, 0, 0, 0, 0);
  return written;
}
