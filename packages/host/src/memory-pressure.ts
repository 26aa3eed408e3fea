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

/**
 * Opened while the files can be reached, armed when there is something to give back: to end a trigger costs the host a grace period of RCU,
 * 10 ms in which a short run would not end.
 */
export class MemoryPressure {
  readonly #door: Door;
  readonly #pressure: readonly number[];
  readonly #events: readonly number[];
  #armed = false;

  /** Takes over the descriptors: of pressure files, best first, and of the control group's events. */
  constructor(door: Door, pressure: readonly number[], events: readonly number[]) {
    this.#door = door;
    this.#pressure = pressure;
    this.#events = events;
  }

  /** Descriptors that tell of pressure from now on; none where the host has no such thing or keeps it from us, and the second time. */
  arm(): readonly number[] {
    if (this.#armed) return [];
    this.#armed = true;
    const taken = this.#pressure.find((fd) => writeTrigger(this.#door, fd) >= 0);
    for (const fd of this.#pressure) if (fd !== taken) closeAt(this.#door, fd);
    return taken === undefined ? this.#events : [taken, ...this.#events];
  }
}

export function openMemoryPressure(door: Door, places: PressurePlaces = pressurePlaces()): MemoryPressure {
  const pressure = places.pressure.map((path) => openAt(door, path, O_RDWR)).filter((fd) => fd >= 0);
  const events = places.events.map((path) => openAt(door, path, O_RDONLY)).filter((fd) => fd >= 0);
  for (const fd of events.slice(1)) closeAt(door, fd);
  return new MemoryPressure(door, pressure, events.slice(0, 1));
}

function openAt(door: Door, path: string, access: number): number {
  if (!door.putString(DATA, path, 4096)) return -1;
  return door.call(SYS_openat, 2, AT_FDCWD, DATA, access | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
}

function writeTrigger(door: Door, fd: number): number {
  door.putString(DATA, TRIGGER, 256);
  return door.call(SYS_write, 2, fd, DATA, TRIGGER.length + 1, 0, 0, 0);
}

function closeAt(door: Door, fd: number): void {
  door.call(SYS_close, 0, fd, 0, 0, 0, 0, 0);
}
