// A platform over a memory file of its own, with the hooks that the conformance suite asks for.
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SYS_timerfd_create, SYS_timerfd_settime } from '@sandbox-kernel/abi';
import type { Platform } from '@sandbox-kernel/contracts';
import {
  createMemoryFile,
  DATA,
  type Door,
  type EventWatcher,
  openDoor,
  startEventWatcher,
} from '@sandbox-kernel/host';
import type { StubAddressSpace, StubOptions } from '@sandbox-kernel/platform-stub';
import type { PlatformHarness } from '@sandbox-kernel/testkit';

const MEMORY = 8 * 2 ** 20;

export type OpenPlatform = (options: StubOptions<EventWatcher>) => Platform;

export function createHarness(open: OpenPlatform): PlatformHarness {
  const door = openDoor();
  const memory = createMemoryFile(door);
  const events = startEventWatcher(door);
  if (typeof memory === 'number' || typeof events === 'number') throw new Error('the host refused');
  memory.grow(MEMORY);
  const chunk = memory.chunk(0);
  if (chunk === null) throw new Error('no chunk');
  const platform = open({
    memoryFd: memory.fd,
    memoryReadOnlyFd: memory.readOnlyFd,
    events,
  });
  return {
    platform,
    memory: chunk.subarray(0, MEMORY),
    ring: () => events.ring(),
    acknowledge: () => void events.drain(),
    ringLater: (millis) => ringLater(door, events, millis),
    now: () => Number(process.hrtime.bigint()),
    openFile,
    openReadOnly: () => openSync('/etc/passwd', 'r'),
    closeFile: closeSync,
    killSpace: (space) => process.kill((space as StubAddressSpace).pid, 'SIGKILL'),
    close: () => {
      platform.close();
      events.close();
      memory.close();
    },
  };
}

function openFile(content: Uint8Array): number {
  const path = join(tmpdir(), `stub-test-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  writeSync(fd, content);
  return fd;
}

/** A timer descriptor in the epoll set: readiness comes from the host, through the watcher thread. */
function ringLater(door: Door, events: EventWatcher, millis: number): void {
  const CLOCK_MONOTONIC = 1;
  const EPOLLIN_ET = 0x80000001 | 0;
  const fd = door.call(SYS_timerfd_create, 0, CLOCK_MONOTONIC, 0o2000000, 0, 0, 0, 0);
  const spec = [0, 0, 0, millis * 1e6 + 1000];
  spec.forEach((value, i) => {
    door.view.setBigUint64(DATA + i * 8, BigInt(value), true);
  });
  events.add(fd, EPOLLIN_ET, fd);
  door.call(SYS_timerfd_settime, 4, fd, 0, DATA, 0, 0, 0);
}
