// execve(2), execveat(2): the new program is made ready first; then sibling threads end, and the caller becomes it: leader of its process
// with the leader's number, handlers reset, CLOEXEC descriptors closed, timers and alternate stack gone.

import { EPERM, ERESTARTNOINTR, MS_NOSUID, PER_CLEAR_ON_SETID, SIGCHLD } from '@sandbox-kernel/abi';
import {
  FRAME_CS,
  FRAME_EFLAGS,
  FRAME_RIP,
  FRAME_RSP,
  FRAME_SIZE,
  FRAME_SS,
} from '@sandbox-kernel/contracts';
import { vforkDone } from './clone.js';
import { credentialsAfterExec, type ExecCredentials } from './credentials/exec-credentials.js';
import { fileCapabilities } from './credentials/file-capabilities.js';
import { forgetThread } from './exit.js';
import { exitFutexes } from './futex/robust-list.js';
import {
  type ExecRequest,
  type LoadedProgram,
  loadProgram,
  type PreparedProgram,
  prepareProgram,
} from './loader/load.js';
import { inheritedExecuteBits, ProcessImage, SUID_DUMP_DISABLE, SUID_DUMP_USER } from './process-image.js';
import { stopAfterExec } from './ptrace/trace-stop.js';
import { setRegister } from './registers.js';
import { peakOf } from './resource-usage.js';
import { BLOCKED, REGISTERS_SET } from './results.js';
import { forgetSequence } from './rseq.js';
import { USER_CS, USER_SS } from './signal/frame.js';
import { SignalHandlers } from './signal/signal-handlers.js';
import type { Task } from './task.js';

const EFLAGS_START = 0x202;
const COMM_LENGTH = 15;

/** A program that is loaded while sibling threads still end. */
class PendingExec {
  readonly prepared: PreparedProgram;
  readonly loaded: LoadedProgram;
  readonly identity: ExecCredentials;

  constructor(prepared: PreparedProgram, loaded: LoadedProgram, identity: ExecCredentials) {
    this.prepared = prepared;
    this.loaded = loaded;
    this.identity = identity;
  }

  discard(task: Task): void {
    this.loaded.memory.destroy();
    task.kernel.programs.close(this.prepared.file);
  }
}

/** REGISTERS_SET when the task is the new program; -errno; BLOCKED while siblings end. */
export function executeProgram(task: Task, request: ExecRequest): number {
  const known = task.call.object;
  const pending = known instanceof PendingExec ? known : prepare(task, request);
  if (typeof pending === 'number') return pending;
  task.call.object = pending;
  task.call.value = task.tid;
  const alone = endSiblings(task);
  if (alone === BLOCKED) return BLOCKED;
  task.call.object = null;
  const formerTid = task.call.value;
  if (alone < 0) {
    pending.discard(task);
    return alone;
  }
  become(task, pending);
  return task.tracer === null ? REGISTERS_SET : stopAfterExec(task, formerTid);
}

function prepare(task: Task, request: ExecRequest): PendingExec | number {
  const prepared = prepareProgram(task, request);
  if (typeof prepared === 'number') return prepared;
  const identity = newIdentity(task, prepared);
  if (identity.refused) {
    task.kernel.programs.close(prepared.file);
    return -EPERM;
  }
  const credentials = identity.credentials;
  const loaded = loadProgram(task, prepared, {
    uid: credentials.uid,
    euid: credentials.euid,
    gid: credentials.gid,
    egid: credentials.egid,
    secure: identity.secure,
  });
  if (typeof loaded !== 'number') return new PendingExec(prepared, loaded, identity);
  task.kernel.programs.close(prepared.file);
  return loaded;
}

function newIdentity(task: Task, prepared: PreparedProgram): ExecCredentials {
  const inode = prepared.file.inode;
  const mount = prepared.file.mount;
  return credentialsAfterExec(task.credentials, {
    mode: inode === null ? 0 : inode.mode,
    uid: inode === null ? 0 : inode.uid,
    gid: inode === null ? 0 : inode.gid,
    noSetId: (mount !== null && (mount.flags & MS_NOSUID) !== 0) || isTracedWithoutRight(task),
    capabilities: inode === null ? null : fileCapabilities(inode),
  });
}

/** As under no_new_privs: who traces it could take over what it gains. */
function isTracedWithoutRight(task: Task): boolean {
  return task.tracer !== null && task.trace?.privileged !== true;
}

/** 0 when no other thread is left; BLOCKED while some are; -ERESTARTNOINTR when the process ends instead. */
function endSiblings(task: Task): number {
  const group = task.group;
  if (group.exiting || (group.execTask !== null && group.execTask !== task)) return -ERESTARTNOINTR;
  if (group.live === 1) {
    takeLeadership(task);
    return 0;
  }
  group.execTask = task;
  for (const thread of group.threads) if (thread !== task) thread.signalWake(true);
  task.killableOnly = true;
  return BLOCKED;
}

/** The only thread left gets the process's number, as if it had always been the leader. */
function takeLeadership(task: Task): void {
  const group = task.group;
  group.execTask = null;
  const leader = group.leader;
  if (leader === task) return;
  const tasks = task.kernel.processes.tasks;
  tasks.delete(task.tid);
  forgetThread(leader);
  task.tid = group.pid;
  tasks.set(task.tid, task);
  group.leader = task;
}

function become(task: Task, pending: PendingExec): void {
  const { loaded, prepared } = pending;
  const group = task.group;
  exitFutexes(task);
  forgetSequence(task);
  const image = new ProcessImage(loaded.memory, task.kernel.programs);
  image.executable = prepared.file;
  image.path = prepared.execPath;
  image.saveVector(loaded.auxv, false);
  replaceImage(task, image);
  applyIdentity(task, pending.identity);
  unshareHandlers(task);
  group.timers.deleteAll();
  group.hasExecuted = true;
  task.alternateStack.reset();
  task.comm = commOf(prepared.commName);
  closeDescriptors(task);
  if (pending.identity.secure) task.parentDeathSignal = 0;
  task.robustList = null;
  task.restartBlock = null;
  task.dispatch = null;
  task.refreshCallWork();
  startRegisters(task, loaded.entry, loaded.stackPointer);
  task.kernel.events?.executed(task, prepared.execPath);
}

function replaceImage(task: Task, image: ProcessImage): void {
  const old = task.image;
  image.hugePagesDisabled = old.hugePagesDisabled;
  image.mergesPages = old.mergesPages;
  image.executeBits = inheritedExecuteBits(old);
  peakOf(task.group);
  task.image = image;
  task.memory = image.memory;
  vforkDone(task);
  old.release();
}

function applyIdentity(task: Task, identity: ExecCredentials): void {
  const old = task.credentials;
  const next = identity.credentials;
  task.credentials = next;
  const changed =
    next.euid !== old.euid || next.egid !== old.egid || !next.permitted.isSubsetOf(old.permitted);
  const plain = next.euid === next.uid && next.egid === next.gid && !changed;
  task.image.dumpable = plain ? SUID_DUMP_USER : SUID_DUMP_DISABLE;
  if (identity.secure) task.personality &= ~PER_CLEAR_ON_SETID;
}

function unshareHandlers(task: Task): void {
  const group = task.group;
  if (group.handlers.users > 1) {
    group.handlers.users--;
    group.handlers = new SignalHandlers(group.handlers);
  }
  group.handlers.resetCaught();
  group.exitSignal = group.parent === null ? group.exitSignal : SIGCHLD;
}

function closeDescriptors(task: Task): void {
  if (task.files.shareCount > 1) {
    const own = task.files.copy();
    task.files.release();
    task.files = own;
  }
  task.files.closeMarked();
}

/** Last component of the path, cut to what fits. */
export function commOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, COMM_LENGTH);
}

/** All registers zero but where to start, as the ABI's process initialization wants them. */
export function startRegisters(task: Task, entry: number, stackPointer: number): void {
  const frame = task.frame;
  frame.bytes.fill(0, frame.offset, frame.offset + FRAME_SIZE);
  setRegister(frame, FRAME_RIP, entry);
  setRegister(frame, FRAME_RSP, stackPointer);
  setRegister(frame, FRAME_EFLAGS, EFLAGS_START);
  frame.view.setUint16(frame.offset + FRAME_CS, USER_CS, true);
  frame.view.setUint16(frame.offset + FRAME_SS, USER_SS, true);
  task.context.resetFpu();
}
