import { spawn } from 'node:child_process';
import { EBADF, EBUSY, EPERM } from '@sandbox-kernel/abi';
import { EventWatcher, openHost, startEventWatcher } from '@sandbox-kernel/host';
import { afterEach, beforeEach, expect, it } from 'vitest';

const EPOLLIN = 1;
const EPOLLET = 0x80000000 | 0;
const EDGE = EPOLLIN | EPOLLET;
const host = openHost();
const ends = new Int32Array(2);
let events: EventWatcher;
beforeEach(() => {
  const made = startEventWatcher(host.door);
  if (!(made instanceof EventWatcher)) throw new Error(`watcher: ${made}`);
  events = made;
  host.descriptors.pipe(0, ends);
});
afterEach(() => {
  events.close();
  host.descriptors.close(ends[0] ?? -1);
  host.descriptors.close(ends[1] ?? -1);
});

const send = (count = 1): number => host.transfer.write(ends[1] ?? -1, new Uint8Array(count), 0, count, -1);

/** The thread needs a moment; the test fails by its time limit when it never comes. */
async function untilPending(): Promise<void> {
  while (!events.pending()) await new Promise((resolve) => setTimeout(resolve, 1));
}

it('raises the flag when a descriptor becomes ready, and tells which', async () => {
  expect(events.add(ends[0] ?? -1, EDGE, 77)).toBe(0);
  expect(events.pending()).toBe(false);
  send();
  await untilPending();
  expect(events.drain()).toBe(1);
  expect([events.events[0], events.tokens[0]]).toEqual([EPOLLIN, 77]);
  expect(events.pending()).toBe(false);
});

it('tells of an edge once, and of the next one again', async () => {
  events.add(ends[0] ?? -1, EDGE, 1);
  send();
  await untilPending();
  events.drain();
  expect(events.drain()).toBe(0);
  send();
  await untilPending();
  expect(events.drain()).toBe(1);
});

it('rings the process that is its bell', async () => {
  const child = spawn('sleep', ['100']);
  const gone = new Promise<string | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  events.setBell({ futexAddress: 0, pid: child.pid ?? 0, signal: 12 });
  events.add(ends[0] ?? -1, EDGE, 1);
  send();
  expect(await gone).toBe('SIGUSR2');
});

it('rings at a deadline without events', async () => {
  const child = spawn('sleep', ['100']);
  const gone = new Promise<string | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  events.setBell({ futexAddress: 0, pid: child.pid ?? 0, signal: 12 });
  events.armDeadline(1);
  expect(await gone).toBe('SIGUSR2');
  expect(events.pending()).toBe(false);
});

it('refuses what can not be watched', () => {
  expect(events.add(9999, EDGE, 1)).toBe(-EBADF);
  const file = host.paths.open(-100, '/etc/passwd', 0, 0, 0);
  expect(events.add(file, EDGE, 1)).toBe(-EPERM);
  host.descriptors.close(file);
  expect(startEventWatcher(host.door)).toBe(-EBUSY);
});

it('forgets descriptors that are removed', async () => {
  const fd = ends[0] ?? -1;
  events.add(fd, EDGE, 1);
  expect(events.modify(fd, EDGE, 2)).toBe(0);
  expect(events.remove(fd)).toBe(0);
  send();
  expect(events.drain()).toBe(0);
});
