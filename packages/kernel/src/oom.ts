// The memory limit is reached and a page is needed: first what nobody touched is taken back, then the process that holds most is killed, as
// Linux's OOM killer picks it (proc_pid_oom_score_adj(5)): resident pages, moved by oom_score_adj thousandths of all memory.
import { SIGKILL } from '@sandbox-kernel/abi';
import { type MemoryUsage, reclaim } from '@sandbox-kernel/mm';
import { exitGroup } from './exit.js';
import type { Kernel } from './kernel.js';
import type { ProcessImage } from './process-image.js';
import { sendToGroup } from './signal/send.js';
import { kernelSignal } from './signal/signal-info.js';
import type { Task } from './task.js';
import { TASK_ZOMBIE } from './task-state.js';
import type { ThreadGroup } from './thread-group.js';

const NEVER = -1000;
/** Taking back less than this part of the limit is not worth trying again. */
const RECLAIM_SHARE = 128;

/** Memory for `task` by whatever means. Afterwards its access is tried again, unless it is the one that dies. */
export function makeRoom(task: Task): void {
  const { kernel } = task;
  const { memoryFile } = kernel;
  if (reclaimAll(kernel) > memoryFile.limit / RECLAIM_SHARE) return;
  // One at a time: whoever dies gives memory back soon.
  if (kernel.oomVictim !== null && !kernel.oomVictim.exited) {
    if (task.group === kernel.oomVictim) exitGroup(task, SIGKILL);
    return;
  }
  const victim = choose(kernel) ?? task.group;
  kernel.oomVictim = victim;
  kernel.oomKills++;
  kernel.events?.outOfMemory(victim, describe(victim));
  if (victim === task.group) exitGroup(task, SIGKILL);
  else sendToGroup(victim, kernelSignal(SIGKILL));
}

function reclaimAll(kernel: Kernel): number {
  const seen = new Set<ProcessImage>();
  let bytes = kernel.memoryFile.purge();
  for (const task of kernel.processes.tasks.values()) {
    if (task.state >= TASK_ZOMBIE || seen.has(task.image)) continue;
    seen.add(task.image);
    bytes += reclaim(task.memory);
  }
  return bytes;
}

function choose(kernel: Kernel): ThreadGroup | null {
  let worst: ThreadGroup | null = null;
  let most = Number.NEGATIVE_INFINITY;
  for (const task of kernel.processes.tasks.values()) {
    const { group } = task;
    if (!task.isLeader || group.exited || group.exiting || group.oomScoreAdjust === NEVER) continue;
    const points = badness(group);
    // Of equals the youngest, as in Linux: it has the least to lose.
    if (points < most) continue;
    most = points;
    worst = group;
  }
  return worst;
}

/** What its end would free, bytes, with its adjustment. */
export function badness(group: ThreadGroup): number {
  const { limit } = group.kernel.memoryFile;
  return residentOf(group) + (group.oomScoreAdjust * limit) / 1000;
}

/** /proc/PID/oom_score: 0 to 2000. */
export function oomScore(group: ThreadGroup): number {
  if (group.oomScoreAdjust === NEVER) return 0;
  const { limit } = group.kernel.memoryFile;
  return Math.max(Math.floor(((1000 + Math.floor((badness(group) * 1000) / limit)) * 2) / 3), 0);
}

function usageOf(group: ThreadGroup): MemoryUsage | null {
  const thread = group.threads.find((one) => one.state < TASK_ZOMBIE);
  return thread === undefined ? null : thread.memory.sizes;
}

function residentOf(group: ThreadGroup): number {
  const usage = usageOf(group);
  return usage === null ? 0 : usage.rssAnonymous + usage.rssFile + usage.rssShared;
}

/** As Linux's log says it. */
function describe(group: ThreadGroup): string {
  const usage = usageOf(group);
  const kib = (bytes: number | undefined): string => `${Math.floor((bytes ?? 0) / 1024)}kB`;
  const sizes = `total-vm:${kib(usage?.total)}, anon-rss:${kib(usage?.rssAnonymous)}, file-rss:${kib(usage?.rssFile)}, shmem-rss:${kib(usage?.rssShared)}`;
  const { leader } = group;
  return `Out of memory: Killed process ${group.pid} (${leader.comm}) ${sizes}, UID:${leader.credentials.uid} oom_score_adj:${group.oomScoreAdjust}`;
}
