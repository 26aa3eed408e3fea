// The texts of /proc/PID: status, stat, statm, cmdline, limits, … See proc_pid_status(5) and its neighbours.
import {
  type CapabilitySet,
  type SignalSet,
  TASK_BLOCKED,
  TASK_STOPPED,
  TASK_TRACED,
  TASK_ZOMBIE,
  type Task,
  usageOfGroup,
} from '@sandbox-kernel/kernel';
import type { MemoryUsage } from '@sandbox-kernel/mm';
import { mayLookInto } from './task-access.js';

/** One entry of the auxiliary vector. */
const AUXV_PAIR = 16;
const KIB = 1024;
const PAGE = 4096;
const NANOS_PER_TICK = 1e7;
const LIMIT_ROWS: readonly (readonly [string, string])[] = [
  ['Max cpu time', 'seconds'],
  ['Max file size', 'bytes'],
  ['Max data size', 'bytes'],
  ['Max stack size', 'bytes'],
  ['Max core file size', 'bytes'],
  ['Max resident set', 'bytes'],
  ['Max processes', 'processes'],
  ['Max open files', 'files'],
  ['Max locked memory', 'bytes'],
  ['Max address space', 'bytes'],
  ['Max file locks', 'locks'],
  ['Max pending signals', 'signals'],
  ['Max msgqueue size', 'bytes'],
  ['Max nice priority', ''],
  ['Max realtime priority', ''],
  ['Max realtime timeout', 'us'],
];

/** State letter as ps(1) shows it. */
function stateLetter(task: Task): string {
  if (task.state >= TASK_ZOMBIE) return 'Z';
  if (task.state === TASK_STOPPED) return 'T';
  if (task.state === TASK_TRACED) return 't';
  return task.state === TASK_BLOCKED ? 'S' : 'R';
}

const STATE_WORDS: Readonly<Record<string, string>> = {
  R: 'R (running)',
  S: 'S (sleeping)',
  T: 'T (stopped)',
  t: 't (tracing stop)',
  Z: 'Z (zombie)',
};

function parentOf(task: Task): number {
  return task.group.parent?.pid ?? 0;
}

export function emptyUsage(): MemoryUsage {
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

function usageOf(task: Task): MemoryUsage {
  const usage = emptyUsage();
  if (task.state < TASK_ZOMBIE) task.memory.usage(usage);
  return usage;
}

function rssOf(usage: MemoryUsage): number {
  return usage.rssAnonymous + usage.rssFile + usage.rssShared;
}

export function statusText(task: Task): string {
  const { credentials: who, group } = task;
  const lines = [
    `Name:\t${task.comm}`,
    `Umask:\t${task.fs.umask.toString(8).padStart(4, '0')}`,
    `State:\t${STATE_WORDS[stateLetter(task)] ?? ''}`,
    `Tgid:\t${group.pid}`,
    'Ngid:\t0',
    `Pid:\t${task.tid}`,
    `PPid:\t${parentOf(task)}`,
    `TracerPid:\t${task.tracer?.tid ?? 0}`,
    `Uid:\t${who.uid}\t${who.euid}\t${who.suid}\t${who.fsuid}`,
    `Gid:\t${who.gid}\t${who.egid}\t${who.sgid}\t${who.fsgid}`,
    `FDSize:\t${Math.max(64, 2 ** Math.ceil(Math.log2(Math.max(task.files.size, 1))))}`,
    `Groups:\t${who.groups.join(' ')} `,
    `NStgid:\t${group.pid}`,
    `NSpid:\t${task.tid}`,
    `NSpgid:\t${group.processGroup.pgid}`,
    `NSsid:\t${group.processGroup.session.sid}`,
    ...(task.state < TASK_ZOMBIE ? memoryLines(task) : []),
    `Threads:\t${Math.max(group.threads.length, 1)}`,
    ...signalLines(task),
    ...capabilityLines(task),
    `NoNewPrivs:\t${who.noNewPrivileges ? 1 : 0}`,
    `Seccomp:\t${task.seccomp.mode}`,
    `Seccomp_filters:\t${task.seccomp.filter?.count ?? 0}`,
    `Cpus_allowed:\t${affinityMask(task)}`,
    `Cpus_allowed_list:\t${affinityList(task)}`,
    'Mems_allowed:\t1',
    'Mems_allowed_list:\t0',
    `voluntary_ctxt_switches:\t${task.voluntarySwitches}`,
    'nonvoluntary_ctxt_switches:\t0',
  ];
  return `${lines.join('\n')}\n`;
}

function memoryLines(task: Task): string[] {
  const usage = usageOf(task);
  const row = (name: string, bytes: number): string =>
    `${name}:\t${String(Math.floor(bytes / KIB)).padStart(8)} kB`;
  return [
    row('VmPeak', usage.totalPeak),
    row('VmSize', usage.total),
    row('VmLck', usage.locked),
    row('VmPin', 0),
    row('VmHWM', usage.rssPeak),
    row('VmRSS', rssOf(usage)),
    row('RssAnon', usage.rssAnonymous),
    row('RssFile', usage.rssFile),
    row('RssShmem', usage.rssShared),
    row('VmData', usage.data),
    row('VmStk', usage.stack),
    row('VmExe', usage.exec),
    row('VmLib', 0),
    row('VmPTE', (usage.total / PAGE) * 8),
    row('VmSwap', 0),
    'CoreDumping:\t0',
    'THP_enabled:\t1',
  ];
}

function signalLines(task: Task): string[] {
  const { handlers, pending, limits } = task.group;
  let ignoredLo = 0;
  let ignoredHi = 0;
  let caughtLo = 0;
  let caughtHi = 0;
  for (let signal = 1; signal <= 64; signal++) {
    const { handler } = handlers.get(signal);
    const lo = signal <= 32 ? 1 << (signal - 1) : 0;
    const hi = signal > 32 ? 1 << (signal - 33) : 0;
    if (handler === 1) {
      ignoredLo |= lo;
      ignoredHi |= hi;
    } else if (handler !== 0) {
      caughtLo |= lo;
      caughtHi |= hi;
    }
  }
  return [
    `SigQ:\t0/${limitText(limits.soft[11] as number)}`,
    `SigPnd:\t${setText(task.pending.set)}`,
    `ShdPnd:\t${setText(pending.set)}`,
    `SigBlk:\t${setText(task.blocked)}`,
    `SigIgn:\t${hex64(ignoredLo, ignoredHi)}`,
    `SigCgt:\t${hex64(caughtLo, caughtHi)}`,
  ];
}

function setText(set: SignalSet): string {
  return hex64(set.lo, set.hi);
}

function capabilityLines(task: Task): string[] {
  const who = task.credentials;
  const row = (name: string, set: CapabilitySet): string => `${name}:\t${hex64(set.lo, set.hi)}`;
  return [
    row('CapInh', who.inheritable),
    row('CapPrm', who.permitted),
    row('CapEff', who.effective),
    row('CapBnd', who.bounding),
    row('CapAmb', who.ambient),
  ];
}

function hex64(lo: number, hi: number): string {
  return (hi >>> 0).toString(16).padStart(8, '0') + (lo >>> 0).toString(16).padStart(8, '0');
}

function affinityMask(task: Task): string {
  const { affinity } = task.scheduling;
  const count = task.kernel.options.processors;
  const word = affinity === null ? 2 ** Math.min(count, 32) - 1 : (affinity[0] as number);
  return (word >>> 0).toString(16);
}

function affinityList(task: Task): string {
  const count = task.kernel.options.processors;
  const { affinity } = task.scheduling;
  if (affinity === null) return count === 1 ? '0' : `0-${count - 1}`;
  const list: number[] = [];
  for (let cpu = 0; cpu < count; cpu++) {
    if ((((affinity[cpu >>> 5] ?? 0) >>> (cpu & 31)) & 1) === 1) list.push(cpu);
  }
  return list.join(',');
}

/** proc_pid_stat(5): one line, parsed by ps, top and many runtimes. */
export function statText(task: Task): string {
  const { group } = task;
  const usage = usageOf(task);
  const times = usageOfGroup(group);
  const session = group.processGroup.session;
  const { memory } = task;
  const ticks = (nanos: number): number => Math.floor(nanos / NANOS_PER_TICK);
  const nice = task.scheduling.nice;
  // Where things lie in its memory is only for those who may look into it.
  const told = mayLookInto(task) === 0;
  const address = (value: number): number => (told ? value : 0);
  const code = (value: number): number => (told ? value : 1);
  const fields = [
    task.tid,
    `(${task.comm})`,
    stateLetter(task),
    parentOf(task),
    group.processGroup.pgid,
    session.sid,
    0,
    -1,
    0x400000,
    group.minorFaults,
    group.childMinorFaults,
    0,
    0,
    ticks(times.userNanos),
    ticks(times.systemNanos),
    ticks(group.childUserNanos),
    ticks(group.childSystemNanos),
    20 + nice,
    nice,
    Math.max(group.threads.length, 1),
    0,
    ticks(task.startTime - task.kernel.bootTime),
    usage.total,
    Math.floor(rssOf(usage) / PAGE),
    limitNumber(group.limits.soft[5] as number),
    code(memory.startCode),
    code(memory.endCode),
    address(memory.startStack),
    0,
    0,
    task.pending.set.lo >>> 0,
    task.blocked.lo >>> 0,
    0,
    0,
    0,
    0,
    0,
    group.exitSignal,
    0,
    task.scheduling.priority,
    task.scheduling.policy,
    0,
    0,
    0,
    address(memory.startData),
    address(memory.endData),
    address(memory.startBrk),
    address(memory.argStart),
    address(memory.argEnd),
    address(memory.envStart),
    address(memory.envEnd),
    told && task.state >= TASK_ZOMBIE ? task.exitStatus : 0,
  ];
  return `${fields.join(' ')}\n`;
}

function limitNumber(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '18446744073709551615' : String(value);
}

function limitText(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'unlimited' : String(value);
}

export function statmText(task: Task): string {
  const usage = usageOf(task);
  const pages = (bytes: number): number => Math.floor(bytes / PAGE);
  const shared = usage.rssFile + usage.rssShared;
  return `${pages(usage.total)} ${pages(rssOf(usage))} ${pages(shared)} ${pages(usage.exec)} 0 ${pages(usage.data + usage.stack)} 0\n`;
}

export function limitsText(task: Task): string {
  const { soft, hard } = task.group.limits;
  const rows = LIMIT_ROWS.map(([name, unit], i) => {
    const values = `${limitText(soft[i] as number).padEnd(20)} ${limitText(hard[i] as number).padEnd(20)}`;
    return `${name.padEnd(25)} ${values} ${unit.padEnd(10)}`;
  });
  return `${'Limit'.padEnd(25)} ${'Soft Limit'.padEnd(20)} ${'Hard Limit'.padEnd(20)} ${'Units'.padEnd(10)}\n${rows.join('\n')}\n`;
}

/** Bytes of the program's own memory between two addresses, one character each. */
function memoryText(task: Task, start: number, end: number): string {
  if (task.state >= TASK_ZOMBIE || end <= start) return '';
  const bytes = new Uint8Array(Math.min(end - start, 2 ** 21));
  const length = task.memory.copyIn(start, bytes, 0, bytes.length);
  return Buffer.from(bytes.buffer, 0, length).toString('latin1');
}

/**
 * A program that writes a title over its arguments leaves no zero at their end: then the text goes on, into the environment if that comes
 * right behind, up to the first zero.
 */
export function cmdlineText(task: Task): string {
  const { argStart, argEnd, envStart, envEnd } = task.memory;
  if (argEnd <= argStart) return '';
  const plain = memoryText(task, argStart, argEnd);
  if (plain.length < argEnd - argStart || plain.endsWith('\0')) return plain;
  const last = envStart === argEnd && envEnd > envStart ? envEnd : argEnd;
  const title = memoryText(task, argStart, Math.min(last, argStart + PAGE));
  const end = title.indexOf('\0');
  return end < 0 ? title : title.slice(0, end + 1);
}

export function environText(task: Task): string {
  return memoryText(task, task.memory.envStart, task.memory.envEnd);
}

/** To the first pair with a zero, which is shown too. */
export function auxvText(task: Task): string {
  const { auxv } = task.image;
  const view = new DataView(auxv.buffer, auxv.byteOffset);
  let length = AUXV_PAIR;
  while (length < auxv.length && !isEnd(view, length - AUXV_PAIR)) length += AUXV_PAIR;
  return Buffer.from(auxv.buffer, auxv.byteOffset, length).toString('latin1');
}

function isEnd(view: DataView, at: number): boolean {
  return view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0;
}
