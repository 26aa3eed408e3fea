// What a sandbox holds right now, counted where it is kept: `Sandbox.stats()`. A soak that ends with the numbers that it began with has
// leaked nothing, neither in the sentry nor on the host.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { F_GETFD, SYS_fcntl } from '@sandbox-kernel/abi';
import type { HostSide, Machine } from './boot/machine.js';

/** Descriptors above this are not looked for. */
const DESCRIPTOR_LIMIT = 4096;

export function liveCounters(machine: Machine, side: HostSide): Record<string, number> {
  const { kernel, platform } = machine;
  const platformCounters = platform.statistics();
  const heap = process.memoryUsage();
  return {
    tasks: kernel.processes.tasks.size,
    processGroups: kernel.processes.groups.size,
    sessions: kernel.processes.sessions.size,
    addressSpaces: platformCounters.liveSpaces as number,
    openFiles: kernel.vfs.openFiles,
    timers: kernel.timers.size,
    futexes: kernel.futexes.size,
    memoryUsed: kernel.memoryFile.used,
    memoryPeak: kernel.memoryFile.peak,
    hostDescriptors: openDescriptors(side),
    heapUsed: heap.heapUsed,
    heapTotal: heap.heapTotal,
    residentBytes: heap.rss,
    ...platformCounters,
  };
}

/** What is no longer referenced goes now, not when the engine finds it time. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Without /proc, which the jail does not have. */
function openDescriptors({ host }: HostSide): number {
  let count = 0;
  for (let fd = 0; fd < DESCRIPTOR_LIMIT; fd++) {
    if (host.door.call(SYS_fcntl, 0, fd, F_GETFD, 0, 0, 0, 0) >= 0) count++;
  }
  return count;
}
