import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { EOPNOTSUPP, SYS_sendto, SYS_socketpair } from '@sandbox-kernel/abi';
import {
  EventWatcher,
  openHost,
  openMemoryPressure,
  pressurePlaces,
  startEventWatcher,
} from '@sandbox-kernel/host';
import { afterEach, beforeEach, expect, it } from 'vitest';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const MSG_OOB = 1;
const EPOLLPRI = 2;
const EPOLLET = 0x80000000 | 0;
const DATA = 8192;
const host = openHost();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync('/tmp/pressure-');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a descriptor of this process is; that of the list itself is gone. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

it('asks the first file that takes its trigger, and watches the events of the control group', () => {
  writeFileSync(`${folder}/pressure`, '');
  writeFileSync(`${folder}/events`, '');
  writeFileSync(`${folder}/never`, '');
  const pressure = openMemoryPressure(host.door, {
    pressure: [`${folder}/missing`, folder, `${folder}/pressure`, `${folder}/never`],
    events: [`${folder}/missing`, `${folder}/events`, `${folder}/never`],
  });
  expect(readFileSync(`${folder}/pressure`, 'latin1')).toBe('');
  const fds = pressure.arm();
  const names = fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  expect(names).toEqual([`${folder}/pressure`, `${folder}/events`]);
  expect(readFileSync(`${folder}/pressure`, 'latin1')).toBe('some 150000 2000000\0');
  expect(readFileSync(`${folder}/never`, 'latin1')).toBe('');
  expect(pressure.arm()).toEqual([]);
  const open = readdirSync('/proc/self/fd').map((fd) => linkOf(fd));
  expect(open.filter((name) => name.startsWith(folder)).sort()).toEqual(names.sort());
  for (const fd of fds) host.descriptors.close(fd);
});

it('goes without where there is nothing', () => {
  const pressure = openMemoryPressure(host.door, { pressure: [folder], events: [`${folder}/missing`] });
  expect(pressure.arm()).toEqual([]);
});

it('knows where this process would find them', () => {
  const { pressure, events } = pressurePlaces();
  expect(pressure.at(-1)).toBe('/proc/pressure/memory');
  expect(events.at(-1)).toBe('/sys/fs/cgroup/memory.events');
});

it('hears of pressure as of a descriptor with EPOLLPRI', async () => {
  const watcher = startEventWatcher(host.door);
  if (!(watcher instanceof EventWatcher)) throw new Error(`watcher: ${watcher}`);
  // Urgent data of a socket stands for the host's notice.
  expect(host.door.call(SYS_socketpair, 8, AF_UNIX, SOCK_STREAM, 0, DATA, 0, 0)).toBe(0);
  const ends = [host.door.view.getInt32(DATA, true), host.door.view.getInt32(DATA + 4, true)];
  expect(watcher.add(ends[0] ?? -1, EPOLLPRI | EPOLLET, 1)).toBe(0);
  const sent = host.door.call(SYS_sendto, 2, ends[1] ?? -1, DATA, 1, MSG_OOB, 0, 0);
  if (sent === -EOPNOTSUPP) console.warn('skipped: this kernel has no urgent data on Unix sockets');
  else {
    while (!watcher.pending()) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(watcher.drain()).toBe(1);
    expect([watcher.tokens[0], (watcher.events[0] ?? 0) & EPOLLPRI]).toEqual([1, EPOLLPRI]);
  }
  watcher.close();
  for (const end of ends) host.descriptors.close(end);
});
