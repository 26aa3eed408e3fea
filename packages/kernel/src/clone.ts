// clone(2), clone3(2), fork(2), vfork(2): the typed worker. Checks of flags that depend on nothing but the flags come first, as in
// Linux's copy_process; then limits; then the parts of the new task in an order that can be undone.
import {
  CAP_SYS_ADMIN,
  CAP_SYS_RESOURCE,
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  EAGAIN,
  EINTR,
  EINVAL,
  ENOMEM,
  EPERM,
  ERESTARTNOINTR,
  PTRACE_EVENT_VFORK_DONE,
  RLIMIT_NPROC,
} from '@sandbox-kernel/abi';
import { FRAME_FS_BASE, FRAME_RAX, FRAME_RSP, FRAME_SIZE } from '@sandbox-kernel/contracts';
import type { MemoryManager } from '@sandbox-kernel/mm';
import { freezeImage, thawImage } from './freeze.js';
import { shareSemaphoreUndo } from './ipc/semaphore-set.js';
import { createPidfd } from './pidfd.js';
import { inheritedExecuteBits, ProcessImage } from './process-image.js';
import { cloneEvent, followClone } from './ptrace/attach.js';
import { stopAtEvent, wantsEvent } from './ptrace/trace-stop.js';
import { setRegister } from './registers.js';
import { BLOCKED } from './results.js';
import { ResourceLimits } from './rlimits.js';
import { dropDynamicState } from './signal/dynamic-features.js';
import { SignalHandlers } from './signal/signal-handlers.js';
import { Task } from './task.js';
import { TASK_NEW, TASK_ZOMBIE } from './task-state.js';
import { ThreadGroup } from './thread-group.js';

/** Flags above the low word, by their own names: CLONE_CLEAR_SIGHAND (bit 32) and CLONE_INTO_CGROUP (bit 33). */
export const CLONE_HIGH_CLEAR_SIGHAND = 1;
export const CLONE_HIGH_INTO_CGROUP = 2;

/** Namespaces that don't exist here yet. */
const NEW_NAMESPACES = 0x7e020080 & ~0x100;

/** struct clone_args, decoded. Numbers are raw values of the program. */
export interface CloneRequest {
  /** Low 32 bits without CSIGNAL, and high 32. */
  readonly flags: number;
  readonly flagsHigh: number;
  readonly pidfd: number;
  readonly childTid: number;
  readonly parentTid: number;
  readonly exitSignal: number;
  /** Stack pointer of the child, or 0 for the parent's. */
  readonly stackPointer: number;
  readonly tls: number;
  /** Number wanted (set_tid), 0 for any. */
  readonly setTid: number;
}

/** Tid of the child, -errno, or BLOCKED (other threads must pause first; or vfork waits). */
export function cloneTask(parent: Task, request: CloneRequest): number {
  if (parent.call.phase === PHASE_VFORK) return waitForVfork(parent);
  const refused = checkFlags(parent, request) || checkLimits(parent);
  if (refused !== 0) return refused;
  const copies = (request.flags & CLONE_VM) === 0;
  if (copies) {
    const frozen = freezeImage(parent, -ERESTARTNOINTR);
    if (frozen !== 0) return frozen;
  }
  const child = createChild(parent, request);
  if (copies) thawImage(parent);
  if (typeof child === 'number') return child;
  const result = announce(parent, child, request);
  if (result < 0) return result;
  const event = parent.tracer === null ? 0 : cloneEvent(parent, request.flags, request.exitSignal);
  if (parent.tracer !== null) followClone(parent, child, event, request.flags);
  start(child);
  if ((request.flags & CLONE_VFORK) === 0) {
    return event === 0 ? child.tid : stopAtEvent(parent, event, child.tid, child.tid);
  }
  child.vforkParent = parent;
  parent.call.phase = PHASE_VFORK;
  parent.call.value = child.tid;
  parent.call.object = child;
  return event === 0 ? waitForVfork(parent) : stopAtEvent(parent, event, child.tid, BLOCKED);
}

const PHASE_VFORK = 0x5646;

/** The parent sleeps until the child calls execve or exits; only the end of the process cuts that short. */
function waitForVfork(parent: Task): number {
  const child = parent.call.object as Task;
  if (child.vforkParent !== parent) {
    const tid = parent.call.value;
    if (!wantsEvent(parent, PTRACE_EVENT_VFORK_DONE)) return tid;
    return stopAtEvent(parent, PTRACE_EVENT_VFORK_DONE, tid, tid);
  }
  if (parent.fatalPending()) {
    child.vforkParent = null;
    return -EINTR;
  }
  parent.killableOnly = true;
  return BLOCKED;
}

/** The child gave its borrowed address space back. */
export function vforkDone(child: Task): void {
  const parent = child.vforkParent;
  if (parent === null) return;
  child.vforkParent = null;
  if (parent.call.object === child) parent.wakeAgain();
}

function checkFlags(parent: Task, request: CloneRequest): number {
  const flags = request.flags;
  if ((flags & CLONE_NEWNS) !== 0 && (flags & CLONE_FS) !== 0) return -EINVAL;
  if ((flags & CLONE_NEWUSER) !== 0 && (flags & CLONE_FS) !== 0) return -EINVAL;
  if ((flags & CLONE_THREAD) !== 0 && (flags & CLONE_SIGHAND) === 0) return -EINVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -EINVAL;
  if ((flags & CLONE_THREAD) !== 0 && (flags & (CLONE_NEWUSER | CLONE_NEWPID)) !== 0) return -EINVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && (request.flagsHigh & CLONE_HIGH_CLEAR_SIGHAND) !== 0) return -EINVAL;
  if ((flags & CLONE_PARENT) !== 0 && parent.group.unkillable) return -EINVAL;
  if ((flags & NEW_NAMESPACES) !== 0)
    return parent.credentials.hasCapability(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
  if (request.setTid !== 0 && !parent.credentials.hasCapability(CAP_SYS_ADMIN)) return -EPERM;
  return 0;
}

function checkLimits(parent: Task): number {
  const credentials = parent.credentials;
  if (parent.kernel.processes.full) return -EAGAIN;
  if (credentials.user.processes >= parent.group.limits.soft[RLIMIT_NPROC]! && credentials.user.uid !== 0) {
    const mayExceed = credentials.hasCapability(CAP_SYS_RESOURCE) || credentials.hasCapability(CAP_SYS_ADMIN);
    if (!mayExceed) return -EAGAIN;
  }
  return parent.fatalPending() ? -ERESTARTNOINTR : 0;
}

function createChild(parent: Task, request: CloneRequest): Task | number {
  const kernel = parent.kernel;
  const tid = kernel.processes.allocate(request.setTid);
  if (tid < 0) return tid;
  const context = kernel.platform.createContext();
  if (context === null) return -EAGAIN;
  const image = childImage(parent, request.flags);
  if (typeof image === 'number') {
    context.release();
    return image;
  }
  const flags = request.flags;
  const child = new Task(
    {
      kernel,
      tid,
      context,
      image,
      fs: (flags & CLONE_FS) !== 0 ? parent.fs.share() : parent.fs.copy(),
      files: (flags & CLONE_FILES) !== 0 ? parent.files.share() : parent.files.copy(),
      credentials: parent.credentials,
      comm: parent.comm,
    },
    parent.group,
  );
  copyProcessor(parent, child, request);
  inheritState(parent, child, request);
  if ((flags & CLONE_THREAD) === 0) child.group = newGroup(parent, child, request);
  return child;
}

function childImage(parent: Task, flags: number): ProcessImage | number {
  if ((flags & CLONE_VM) !== 0) {
    parent.image.users++;
    return parent.image;
  }
  const copy: MemoryManager | number = parent.memory.fork(parent.kernel.platform);
  if (typeof copy === 'number') return copy < 0 ? copy : -ENOMEM;
  const image = new ProcessImage(copy, parent.kernel.programs);
  const from = parent.image;
  image.executable = from.executable === null ? null : parent.kernel.programs.share(from.executable);
  image.path = from.path;
  image.auxv = from.auxv;
  image.dumpable = from.dumpable;
  image.membarrier = from.membarrier;
  image.dynamicFeatures = from.dynamicFeatures;
  image.mergesPages = from.mergesPages;
  image.executeBits = inheritedExecuteBits(from);
  image.hugePagesDisabled = from.hugePagesDisabled;
  return image;
}

function copyProcessor(parent: Task, child: Task, request: CloneRequest): void {
  const from = parent.frame;
  const to = child.frame;
  to.bytes.set(from.bytes.subarray(from.offset, from.offset + FRAME_SIZE), to.offset);
  setRegister(to, FRAME_RAX, 0);
  if (request.stackPointer !== 0) setRegister(to, FRAME_RSP, request.stackPointer);
  if ((request.flags & CLONE_SETTLS) !== 0) setRegister(to, FRAME_FS_BASE, request.tls);
  const { dynamicFeatures, dynamicFpuSize, fpuSize } = parent.kernel.platform.features;
  const bytes = parent.kernel.fpuScratch(dynamicFpuSize);
  const saved = parent.context.saveFpu(bytes, 0);
  if (saved > fpuSize) dropDynamicState(bytes, dynamicFeatures);
  if (saved > 0) child.context.restoreFpu(bytes, 0, Math.min(saved, fpuSize));
}

function inheritState(parent: Task, child: Task, request: CloneRequest): void {
  const flags = request.flags;
  child.blocked.copy(parent.savedMask ?? parent.blocked);
  if ((flags & CLONE_VM) === 0 || (flags & CLONE_VFORK) !== 0)
    child.alternateStack.copy(parent.alternateStack);
  child.personality = parent.personality;
  child.timerSlackNanos = parent.timerSlackNanos;
  child.defaultSlackNanos = parent.timerSlackNanos;
  child.machineCheckPolicy = parent.machineCheckPolicy;
  child.ioFlusher = parent.ioFlusher;
  child.scheduling.inherit(parent.scheduling);
  child.seccomp.copy(parent.seccomp);
  child.refreshCallWork();
  if ((flags & CLONE_VM) === 0) {
    child.rseqAddress = parent.rseqAddress;
    child.rseqLength = parent.rseqLength;
    child.rseqSignature = parent.rseqSignature;
  }
  if ((flags & CLONE_CHILD_CLEARTID) !== 0) child.clearChildTid = request.childTid;
}

function newGroup(parent: Task, child: Task, request: CloneRequest): ThreadGroup {
  const from = parent.group;
  const shared = (request.flags & CLONE_SIGHAND) !== 0;
  const handlers = shared ? from.handlers : new SignalHandlers(from.handlers);
  if (shared) handlers.users++;
  else if ((request.flagsHigh & CLONE_HIGH_CLEAR_SIGHAND) !== 0) handlers.resetCaught();
  const group = new ThreadGroup(
    child.kernel,
    child.tid,
    child,
    handlers,
    new ResourceLimits(from.limits),
    from.processGroup,
  );
  const asSibling = (request.flags & CLONE_PARENT) !== 0;
  group.parent = asSibling ? from.parent : from;
  group.parentTask = asSibling ? from.parentTask : parent;
  group.exitSignal = asSibling ? from.exitSignal : request.exitSignal;
  group.oomScoreAdjust = from.oomScoreAdjust;
  group.oomScoreAdjustMinimum = from.oomScoreAdjustMinimum;
  return group;
}

/** Tells the numbers that were asked for, and puts the child in the tables. -errno undoes the child. */
function announce(parent: Task, child: Task, request: CloneRequest): number {
  const flags = request.flags;
  let pidfd = -1;
  if ((flags & CLONE_PIDFD) !== 0) {
    pidfd = createPidfd(parent, child.group, (flags & CLONE_THREAD) !== 0 ? child : null, 0);
    if (pidfd < 0) return discard(child, pidfd);
    if (parent.memory.writeU32(request.pidfd, pidfd) < 0) {
      parent.files.close(pidfd);
      return discard(child, -14);
    }
  }
  if ((flags & CLONE_SYSVSEM) !== 0) shareSemaphoreUndo(parent, child);
  enterTables(child);
  // Like Linux, failures to store a tid are not failures of clone.
  if ((flags & CLONE_PARENT_SETTID) !== 0) parent.memory.writeU32(request.parentTid, child.tid);
  if ((flags & CLONE_CHILD_SETTID) !== 0) child.memory.writeU32(request.childTid, child.tid);
  return 0;
}

function discard(child: Task, code: number): number {
  child.context.release();
  child.fs.release();
  child.files.release();
  child.image.release();
  child.state = TASK_ZOMBIE;
  return code;
}

/** Registers a new task in all tables. Used at boot too. */
export function enterTables(task: Task): void {
  const kernel = task.kernel;
  const group = task.group;
  kernel.processes.tasks.set(task.tid, task);
  kernel.bindContext(task);
  kernel.forks++;
  group.threads.push(task);
  group.live++;
  task.credentials.user.processes++;
  if (group.leader !== task) return;
  group.processGroup.members.add(group);
  if (group.parent !== null) group.parent.children.add(group);
  group.cpuLimit.arm();
  kernel.events?.processStarted(group);
}

function start(child: Task): void {
  if (child.state !== TASK_NEW) return;
  child.recalcSignals();
  child.makeRunnable();
}
