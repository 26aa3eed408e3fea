// semget(2), semop(2), semtimedop(2), semctl(2).
import {
  EFAULT,
  EINVAL,
  ERANGE,
  GETALL,
  GETNCNT,
  GETPID,
  GETVAL,
  GETZCNT,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  SEM_INFO,
  SEM_STAT,
  SEM_STAT_ANY,
  SEMAEM,
  SEMBUF_SIZE,
  SEMID64_DS_SEM_CTIME,
  SEMID64_DS_SEM_NSEMS,
  SEMID64_DS_SEM_OTIME,
  SEMID64_DS_SIZE,
  SEMINFO_SEMAEM,
  SEMINFO_SEMMAP,
  SEMINFO_SEMMNI,
  SEMINFO_SEMMNS,
  SEMINFO_SEMMNU,
  SEMINFO_SEMMSL,
  SEMINFO_SEMOPM,
  SEMINFO_SEMUME,
  SEMINFO_SEMUSZ,
  SEMINFO_SEMVMX,
  SEMINFO_SIZE,
  SEMMNI,
  SEMMNS,
  SEMMSL,
  SEMOPM,
  SEMUME,
  SEMVMX,
  SETALL,
  SETVAL,
  SYS_semctl,
  SYS_semget,
  SYS_semop,
  SYS_semtimedop,
  set64,
} from '@sandbox-kernel/abi';
import {
  checkOperationCount,
  getSemaphores,
  operateSemaphores,
  type SemaphoreSet,
  type SyscallArgs,
  type Task,
} from '@sandbox-kernel/kernel';
import { relativeTimeout } from './arguments.js';
import {
  freshStructure,
  giveStructure,
  ownedTarget,
  PERMISSIONS_SIZE,
  putPermissions,
  setPermissions,
  statTarget,
  takeStructure,
} from './ipc-arguments.js';
import type { SyscallRow } from './row.js';

const WRITE = 0o222;
/** Size of struct sem_undo as IPC_INFO tells it. */
const SEMUSZ = 20;
const NOTHING = new Int16Array(0);

function semget(task: Task, args: SyscallArgs): number {
  return getSemaphores(task, args.int(0), args.int(1), args.int(2));
}

function semop(task: Task, args: SyscallArgs): number {
  return operate(task, args, false);
}

function semtimedop(task: Task, args: SyscallArgs): number {
  return operate(task, args, args.addr(3) !== 0);
}

function operate(task: Task, args: SyscallArgs, timed: boolean): number {
  const id = args.int(0);
  if (task.call.object !== null) return operateSemaphores(task, id, NOTHING, 0);
  const timeout = timed ? relativeTimeout(task, args.addr(3)) : Number.POSITIVE_INFINITY;
  if (timeout === -EFAULT) return timeout;
  const count = args.uint(2);
  const refused = checkOperationCount(count);
  if (refused < 0) return refused;
  const view = takeStructure(task, args.addr(1), count * SEMBUF_SIZE);
  if (view === null) return -EFAULT;
  if (id < 0) return -EINVAL;
  if (timeout < 0) return timeout;
  const operations = new Int16Array(count * 3);
  for (let k = 0; k < operations.length; k++) operations[k] = view.getInt16(k * 2, true);
  const deadline = timeout === Number.POSITIVE_INFINITY ? timeout : task.kernel.clock.monotonic() + timeout;
  return operateSemaphores(task, id, operations, deadline);
}

function semctl(task: Task, args: SyscallArgs): number {
  const id = args.int(0);
  const command = args.int(2);
  const table = task.kernel.ipc.semaphores;
  if (id < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
    case SEM_INFO:
      return reportLimits(task, args.addr(3), command === SEM_INFO);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: {
      const byIndex = command !== IPC_STAT;
      const set = statTarget(task, table, id, byIndex, command === SEM_STAT_ANY);
      return typeof set === 'number' ? set : report(task, set, args.addr(3), byIndex);
    }
    case IPC_SET: {
      const view = takeStructure(task, args.addr(3), PERMISSIONS_SIZE);
      if (view === null) return -EFAULT;
      const set = ownedTarget(task, table, id);
      return typeof set === 'number' ? set : setPermissions(task, set, view);
    }
    case IPC_RMID: {
      const set = ownedTarget(task, table, id);
      if (typeof set === 'number') return set;
      set.destroy();
      return 0;
    }
    case SETVAL:
      return setValue(task, args);
    case SETALL:
      return setAll(task, args);
    case GETALL:
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
      return getValue(task, args, command);
    default:
      return -EINVAL;
  }
}

function getValue(task: Task, args: SyscallArgs, command: number): number {
  const set = statTarget(task, task.kernel.ipc.semaphores, args.int(0), false, false);
  if (typeof set === 'number') return set;
  if (command === GETALL) return giveAll(task, set, args.addr(3));
  const number = args.int(1);
  if (number < 0 || number >= set.values.length) return -EINVAL;
  if (command === GETVAL) return set.values[number]!;
  if (command === GETPID) return set.pids[number]!;
  return set.countWaiters(number, command === GETZCNT);
}

function giveAll(task: Task, set: SemaphoreSet, addr: number): number {
  const values = Uint16Array.from(set.values);
  const bytes = new Uint8Array(values.buffer);
  return task.memory.copyOut(addr, bytes, 0, bytes.length) < bytes.length ? -EFAULT : 0;
}

function setValue(task: Task, args: SyscallArgs): number {
  const value = args.int(3);
  if (value > SEMVMX || value < 0) return -ERANGE;
  const set = task.kernel.ipc.semaphores.get(args.int(0));
  if (typeof set === 'number') return set;
  const number = args.int(1);
  if (number < 0 || number >= set.values.length) return -EINVAL;
  const allowed = set.check(task.credentials, WRITE);
  if (allowed < 0) return allowed;
  set.setValue(number, value, task.group.pid);
  set.update();
  return 0;
}

function setAll(task: Task, args: SyscallArgs): number {
  const set = task.kernel.ipc.semaphores.get(args.int(0));
  if (typeof set === 'number') return set;
  const allowed = set.check(task.credentials, WRITE);
  if (allowed < 0) return allowed;
  const values = new Uint16Array(set.values.length);
  const bytes = new Uint8Array(values.buffer);
  if (task.memory.copyIn(args.addr(3), bytes, 0, bytes.length) < bytes.length) return -EFAULT;
  for (const value of values) if (value > SEMVMX) return -ERANGE;
  for (let number = 0; number < values.length; number++)
    set.setValue(number, values[number]!, task.group.pid);
  set.update();
  return 0;
}

function report(task: Task, set: SemaphoreSet, addr: number, byIndex: boolean): number {
  const view = freshStructure(task, SEMID64_DS_SIZE);
  putPermissions(view, set);
  set64(view, SEMID64_DS_SEM_OTIME, set.operationTime);
  set64(view, SEMID64_DS_SEM_CTIME, set.changeTime);
  set64(view, SEMID64_DS_SEM_NSEMS, set.values.length);
  return giveStructure(task, addr, SEMID64_DS_SIZE, byIndex ? set.id : 0);
}

function reportLimits(task: Task, addr: number, use: boolean): number {
  const { ipc } = task.kernel;
  const view = freshStructure(task, SEMINFO_SIZE);
  view.setInt32(SEMINFO_SEMMNI, SEMMNI, true);
  view.setInt32(SEMINFO_SEMMNS, SEMMNS, true);
  view.setInt32(SEMINFO_SEMMAP, SEMMNS, true);
  view.setInt32(SEMINFO_SEMMNU, SEMMNS, true);
  view.setInt32(SEMINFO_SEMMSL, SEMMSL, true);
  view.setInt32(SEMINFO_SEMOPM, SEMOPM, true);
  view.setInt32(SEMINFO_SEMUME, SEMUME, true);
  view.setInt32(SEMINFO_SEMVMX, SEMVMX, true);
  view.setInt32(SEMINFO_SEMUSZ, use ? ipc.semaphores.count : SEMUSZ, true);
  view.setInt32(SEMINFO_SEMAEM, use ? ipc.semaphoreCount : SEMAEM, true);
  return giveStructure(task, addr, SEMINFO_SIZE, ipc.semaphores.highest);
}

export const SEM_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_semget, name: 'semget', handler: semget, coverage: 'full', format: 'xdo' },
  { nr: SYS_semop, name: 'semop', handler: semop, coverage: 'full', format: 'dpu' },
  { nr: SYS_semctl, name: 'semctl', handler: semctl, coverage: 'full', format: 'dddx' },
  { nr: SYS_semtimedop, name: 'semtimedop', handler: semtimedop, coverage: 'full', format: 'dpup' },
];
