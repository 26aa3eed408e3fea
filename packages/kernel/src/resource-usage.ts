// getrusage(2), times(2): processor time from the contexts' own clocks, faults and switches as counted here.
import type { MemoryUsage } from '@sandbox-kernel/mm';
import type { Task } from './task.js';
import type { ThreadGroup } from './thread-group.js';

export interface ResourceUsage {
  userNanos: number;
  systemNanos: number;
  /** KiB. */
  maxRss: number;
  minorFaults: number;
  majorFaults: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
}

/** Takes the peak of the address space into the process's record: before it goes away, and for getrusage(2). */
export function peakOf(group: ThreadGroup): number {
  const thread = group.threads[0];
  if (thread !== undefined) {
    const usage: MemoryUsage = emptyUsage();
    thread.memory.usage(usage);
    group.peakRss = Math.max(group.peakRss, usage.rssPeak);
  }
  return group.peakRss;
}

function emptyUsage(): MemoryUsage {
  return {
    total: 0,
    totalPeak: 0,
    data: 0,
    stack: 0,
    exec: 0,
    locked: 0,
    rssAnonymous: 0,
    rssFile: 0,
    rssShared: 0,
    rssPeak: 0,
    committed: 0,
  };
}

/** RUSAGE_SELF. */
export function usageOfGroup(group: ThreadGroup): ResourceUsage {
  let faults = group.minorFaults;
  let switches = group.voluntarySwitches;
  for (const thread of group.threads) {
    faults += thread.minorFaults;
    switches += thread.voluntarySwitches;
  }
  return make(group.userNanos(), group.systemNanos(), peakOf(group), faults, switches);
}

/** RUSAGE_CHILDREN: those that were waited for, and theirs. */
export function usageOfChildren(group: ThreadGroup): ResourceUsage {
  return make(
    group.childUserNanos,
    group.childSystemNanos,
    group.childPeakRss,
    group.childMinorFaults,
    group.childVoluntarySwitches,
  );
}

/** RUSAGE_THREAD. */
export function usageOfTask(task: Task): ResourceUsage {
  return make(
    task.userNanos(),
    task.systemNanos,
    peakOf(task.group),
    task.minorFaults,
    task.voluntarySwitches,
  );
}

/** What wait4 returns about a child: itself and its own waited-for children. */
export function usageOfChild(group: ThreadGroup): ResourceUsage {
  const own = usageOfGroup(group);
  own.userNanos += group.childUserNanos;
  own.systemNanos += group.childSystemNanos;
  own.maxRss = Math.max(own.maxRss, Math.floor(group.childPeakRss / 1024));
  own.minorFaults += group.childMinorFaults;
  own.voluntarySwitches += group.childVoluntarySwitches;
  return own;
}

function make(user: number, system: number, rss: number, faults: number, switches: number): ResourceUsage {
  return {
    userNanos: user,
    systemNanos: system,
    maxRss: Math.floor(rss / 1024),
    minorFaults: faults,
    majorFaults: 0,
    voluntarySwitches: switches,
    involuntarySwitches: 0,
  };
}
