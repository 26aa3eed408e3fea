export { AioContext, AioRequest, isEventFd } from './aio/aio-context.js';
export { AioPoll } from './aio/aio-poll.js';
export { type InitSpec, startProcess } from './boot.js';
export {
  CLONE_HIGH_CLEAR_SIGHAND,
  CLONE_HIGH_INTO_CGROUP,
  type CloneRequest,
  cloneTask,
} from './clone.js';
export { ALL_CAPABILITIES, CapabilitySet, NO_CAPABILITIES } from './credentials/capability-set.js';
export { Credentials } from './credentials/credentials.js';
export { credentialsAfterExec } from './credentials/exec-credentials.js';
export {
  capabilitiesFrom,
  changeAmbient,
  dropBounding,
  readBounding,
  setCapabilities,
  setKeepCapabilities,
  setSecurebits,
} from './credentials/set-capabilities.js';
export {
  commitCredentials,
  setFsgid,
  setFsuid,
  setGid,
  setGroups,
  setRegid,
  setResgid,
  setResuid,
  setReuid,
  setUid,
} from './credentials/set-ids.js';
export { UserAccount, UserAccounts } from './credentials/user-account.js';
export { UserNamespace } from './credentials/user-namespace.js';
export { commOf, executeProgram, startRegisters } from './exec.js';
export { exitedStatus, exitGroup, exitTask } from './exit.js';
export { freezeImage, thawImage } from './freeze.js';
export { FutexTable } from './futex/futex-table.js';
export { lockPi, unlockPi } from './futex/pi.js';
export { futexCmpRequeuePi, futexWaitRequeuePi } from './futex/requeue-pi.js';
export { ROBUST_LIST_HEAD_BYTES, RobustList } from './futex/robust-list.js';
export { futexWaitVector, type VectorEntry } from './futex/wait-vector.js';
export { futexRequeue, futexWait, futexWake, futexWakeOp } from './futex/wait-wake.js';
export { IpcNamespace } from './ipc/ipc-namespace.js';
export type { IpcObject } from './ipc/ipc-object.js';
export type { IpcTable } from './ipc/ipc-table.js';
export {
  checkMessage,
  getQueue,
  Message,
  MessageQueue,
  receiveMessage,
  sendMessage,
} from './ipc/message-queue.js';
export {
  checkOperationCount,
  getSemaphores,
  leaveSemaphoreUndo,
  operateSemaphores,
  SemaphoreSet,
} from './ipc/semaphore-set.js';
export { getSegment, SHM_LIMIT, SharedSegment } from './ipc/shared-segment.js';
export { newSession, setProcessGroup } from './job-control.js';
export { Kernel, type KernelEvents, type KernelOptions, type KernelRoles } from './kernel.js';
export {
  KEY_LINK,
  KEY_READ,
  KEY_SEARCH,
  KEY_SETATTR,
  KEY_VIEW,
  KEY_WRITE,
  Key,
  type KeyType,
} from './keys/key.js';
export { KeyStore } from './keys/key-store.js';
export { MAX_ARG_STRINGS, MAX_ARG_STRLEN } from './loader/argument-limits.js';
export type { ExecRequest } from './loader/load.js';
export type { ProgramFiles } from './loader/program-files.js';
export type { VdsoImage } from './loader/vdso.js';
export { VfsPrograms } from './loader/vfs-programs.js';
export { leaveKernel, type SyscallObserver } from './loop.js';
export { Notification, PosixMessageQueue, QueuedMessage } from './mqueue/message-queue.js';
export { messageQueueOf, PosixMessageQueues, QueueRequest } from './mqueue/mqueue-filesystem.js';
export { badness, oomScore } from './oom.js';
export { CallPatches, type CallSite } from './patching/call-patches.js';
export { jumpCode, SITE_WINDOW, siteKind, trampolineCode, trampolineHeader } from './patching/call-site.js';
export { createPidfd, PidfdTarget, pidfdTarget } from './pidfd.js';
export { type ControllingTerminal, isOrphaned, ProcessGroup, Session } from './process-group.js';
export {
  ProcessImage,
  SAVED_AUXV_BYTES,
  SUID_DUMP_DISABLE,
  SUID_DUMP_ROOT,
  SUID_DUMP_USER,
} from './process-image.js';
export { ProcessTable } from './process-table.js';
export { mayInspect, mayTrace } from './ptrace/access.js';
export { attach, detach, traceeOf, traceMe } from './ptrace/attach.js';
export type { CallDispatch } from './ptrace/call-work.js';
export { DebugRegisters } from './ptrace/debug-registers.js';
export { readRegisters, writeRegister, writeRegisters } from './ptrace/trace-registers.js';
export {
  RUN_EMULATED,
  RUN_EMULATED_STEP,
  RUN_FREELY,
  RUN_ONE_STEP,
  RUN_TO_CALL,
  STOP_ENTRY,
  STOP_EXIT,
  TraceState,
} from './ptrace/trace-state.js';
export { resumeTraced, wakeForTrap } from './ptrace/trace-stop.js';
export { endAll } from './reboot.js';
export { getRegister, setRegister, setResult } from './registers.js';
export {
  type ResourceUsage,
  usageOfChild,
  usageOfChildren,
  usageOfGroup,
  usageOfTask,
} from './resource-usage.js';
export { RestartBlock } from './restart-block.js';
export { BLOCKED, REGISTERS_SET, type SyscallHandler, TASK_EXITED } from './results.js';
export { NR_OPEN, ResourceLimits } from './rlimits.js';
export { registerSequence } from './rseq.js';
export { RunQueue } from './run-queue.js';
export { Scheduling } from './scheduling.js';
export { SeccompFilter } from './seccomp/seccomp-filter.js';
export { AlternateStack } from './signal/alternate-stack.js';
export { defaultAction, STOP_SIGNALS, UNBLOCKABLE_SIGNALS } from './signal/default-action.js';
export { dequeueSignal, hasDeliverable } from './signal/deliver.js';
export { LAST_FEATURE, leastAlternateStack, requestFeature } from './signal/dynamic-features.js';
export {
  KernelFileSignals,
  ownUnlessOwned,
  setAsync,
  setFileOwner,
  signalUrgent,
} from './signal/file-signals.js';
export {
  checkSignalPermission,
  kill,
  signalGroup,
  signalProcessGroup,
  signalThread,
} from './signal/kill.js';
export { forceFatalSignal, forceSignal, sendToGroup, sendToTask } from './signal/send.js';
export { SignalAction, SignalHandlers } from './signal/signal-handlers.js';
export {
  kernelSignal,
  SIGINFO_BYTES,
  SignalInfo,
  threadSignal,
  userSignal,
} from './signal/signal-info.js';
export { SignalQueue } from './signal/signal-queue.js';
export { firstSignal, SignalSet } from './signal/signal-set.js';
export { signalReturn } from './signal/sigreturn.js';
export {
  dropTemporaryMask,
  pause,
  setBlocked,
  suspendWithMask,
  useTemporaryMask,
  waitForSignal,
} from './signal/wait-signal.js';
export { type LingeringSocket, lingerInCall } from './socket/linger.js';
export { RingMemory } from './socket/ring-memory.js';
export {
  type ControlMessage,
  DEFAULT_BUFFER,
  type InterfaceRequests,
  MOST_BUFFER,
  openSocket,
  PeerCredentials,
  SOCKET_OPS,
  Socket,
  type SocketFamily,
  SocketMessage,
  socketOf,
} from './socket/socket.js';
export { collectUnixGarbage } from './socket/unix-garbage.js';
export {
  encodeUnixAddress,
  parseUnixAddress,
  type UnixAddress,
  UnixNames,
} from './socket/unix-names.js';
export { UnixFamily, UnixSocket } from './socket/unix-socket.js';
export { childInfo } from './stop.js';
export { SyscallArgs } from './syscall-args.js';
export { SyscallState } from './syscall-state.js';
export { Task, type TaskParts } from './task.js';
export {
  TASK_BLOCKED,
  TASK_DEAD,
  TASK_HELD,
  TASK_IN_KERNEL,
  TASK_NEW,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_TRACED,
  TASK_WOKEN,
  TASK_ZOMBIE,
} from './task-state.js';
export { ThreadGroup } from './thread-group.js';
export { isRealtime, monotonicDeadline, processorTime, readClock, TimeValue } from './time/clocks.js';
export { IntervalTimers, ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL } from './time/interval-timers.js';
export { PosixTimer, PosixTimers, type TimerEvent } from './time/posix-timers.js';
export { restartCall, sleepFor, sleepUntil } from './time/sleep.js';
export { TimerHeap, TimerNode, type TimerOwner } from './timer-heap.js';
export { createDevpts, MasterEnd, openPeer, PtyTable, registerTerminalDevices } from './tty/pty.js';
export { Terminal } from './tty/terminal.js';
export { Termios } from './tty/termios.js';
export { createUserfault } from './userfault/userfault-file.js';
export { MACHINE, RELEASE, SYSNAME, UtsNamespace, VERSION } from './uts-namespace.js';
export { WaitResult, waitForChild } from './wait.js';
