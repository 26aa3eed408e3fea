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
  const usage = usageOf(group.userNanos(), group.systemNanos(), peakOf(group));
  usage.minorFaults = group.minorFaults;
  usage.voluntarySwitches = group.voluntarySwitches;
  usage.involuntarySwitches = group.involuntarySwitches;
  for (const thread of group.threads) addThread(usage, thread);
  return usage;
}

/** RUSAGE_CHILDREN: those that were waited for, and theirs. */
export function usageOfChildren(group: ThreadGroup): ResourceUsage {
  const usage = usageOf(group.childUserNanos, group.childSystemNanos, group.childPeakRss);
  usage.minorFaults = group.childMinorFaults;
  usage.voluntarySwitches = group.childVoluntarySwitches;
  usage.involuntarySwitches = group.childInvoluntarySwitches;
  return usage;
}

/** RUSAGE_THREAD. */
export function usageOfTask(task: Task): ResourceUsage {
  const usage = usageOf(task.userNanos(), task.systemNanos, peakOf(task.group));
  addThread(usage, task);
  return usage;
}

/** What wait4 returns about a child: itself and its own waited-for children. */
export function usageOfChild(group: ThreadGroup): ResourceUsage {
  const own = usageOfGroup(group);
  own.userNanos += group.childUserNanos;
  own.systemNanos += group.childSystemNanos;
  own.maxRss = Math.max(own.maxRss, Math.floor(group.childPeakRss / 1024));
  own.minorFaults += group.childMinorFaults;
  own.voluntarySwitches += group.childVoluntarySwitches;
  own.involuntarySwitches += group.childInvoluntarySwitches;
  return own;
}

function addThread(usage: ResourceUsage, thread: Task): void {
  usage.minorFaults += thread.minorFaults;
  usage.voluntarySwitches += thread.voluntarySwitches;
  usage.involuntarySwitches += thread.involuntarySwitches;
}

function usageOf(user: number, system: number, rss: number): ResourceUsage {
  return {
    userNanos: user,
    systemNanos: system,
    maxRss: Math.floor(rss / 1024),
    minorFaults: 0,
    majorFaults: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
  };
}
