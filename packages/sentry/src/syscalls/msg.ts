// msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
import {
  CAP_SYS_RESOURCE,
  EFAULT,
  EINVAL,
  EPERM,
  getU64,
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  MSG_INFO,
  MSG_STAT,
  MSG_STAT_ANY,
  MSGINFO_MSGMAP,
  MSGINFO_MSGMAX,
  MSGINFO_MSGMNB,
  MSGINFO_MSGMNI,
  MSGINFO_MSGPOOL,
  MSGINFO_MSGSEG,
  MSGINFO_MSGSSZ,
  MSGINFO_MSGTQL,
  MSGINFO_SIZE,
  MSGMAX,
  MSGMNB,
  MSGMNI,
  MSQID64_DS_MSG_CBYTES,
  MSQID64_DS_MSG_CTIME,
  MSQID64_DS_MSG_LRPID,
  MSQID64_DS_MSG_LSPID,
  MSQID64_DS_MSG_QBYTES,
  MSQID64_DS_MSG_QNUM,
  MSQID64_DS_MSG_RTIME,
  MSQID64_DS_MSG_STIME,
  MSQID64_DS_SIZE,
  SYS_msgctl,
  SYS_msgget,
  SYS_msgrcv,
  SYS_msgsnd,
  set64,
} from '@sandbox-kernel/abi';
import {
  checkMessage,
  getQueue,
  Message,
  type MessageQueue,
  receiveMessage,
  type SyscallArgs,
  sendMessage,
  type Task,
} from '@sandbox-kernel/kernel';
import {
  freshStructure,
  giveStructure,
  ownedTarget,
  putPermissions,
  setPermissions,
  statTarget,
  takeStructure,
} from './ipc-arguments.js';
import type { SyscallRow } from './row.js';

/** struct msgbuf: the type, then the text. */
const TEXT_OFFSET = 8;
/** Of IPC_INFO (uapi/linux/msg.h): MSGSSZ; MSGSEG is computed and capped. */
const MSGSSZ = 16;
const MSGSEG = 0xffff;

const EMPTY = new Message(1, new Uint8Array(0));

function msgget(task: Task, args: SyscallArgs): number {
  return getQueue(task, args.int(0), args.int(1));
}

function msgsnd(task: Task, args: SyscallArgs): number {
  const id = args.int(0);
  if (task.call.object !== null) return sendMessage(task, id, EMPTY, args.int(3));
  const { memory } = task;
  const low = memory.readU32(args.addr(1));
  const high = memory.readU32(args.addr(1) + 4);
  if (low < 0 || high < 0) return -EFAULT;
  const type = (high | 0) * 2 ** 32 + low;
  const size = args.size(2);
  const refused = checkMessage(id, size, type);
  if (refused < 0) return refused;
  const bytes = new Uint8Array(size);
  if (memory.copyIn(args.addr(1) + TEXT_OFFSET, bytes, 0, size) < size) return -EFAULT;
  return sendMessage(task, id, new Message(type, bytes), args.int(3));
}

function msgrcv(task: Task, args: SyscallArgs): number {
  const message = receiveMessage(task, args.int(0), args.size(2), args.long(3), args.int(4));
  if (typeof message === 'number') return message;
  const { memory } = task;
  const size = Math.min(message.bytes.length, args.size(2));
  if (memory.writeU64(args.addr(1), message.type) < 0) return -EFAULT;
  return memory.copyOut(args.addr(1) + TEXT_OFFSET, message.bytes, 0, size) < size ? -EFAULT : size;
}

function msgctl(task: Task, args: SyscallArgs): number {
  const id = args.int(0);
  const command = args.int(1);
  const table = task.kernel.ipc.queues;
  if (id < 0 || command < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
    case MSG_INFO:
      return reportLimits(task, args.addr(2), command === MSG_INFO);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const byIndex = command !== IPC_STAT;
      const queue = statTarget(task, table, id, byIndex, command === MSG_STAT_ANY);
      return typeof queue === 'number' ? queue : report(task, queue, args.addr(2), byIndex);
    }
    case IPC_SET: {
      const view = takeStructure(task, args.addr(2), MSQID64_DS_SIZE);
      if (view === null) return -EFAULT;
      const queue = ownedTarget(task, table, id);
      return typeof queue === 'number' ? queue : setQueue(task, queue, view);
    }
    case IPC_RMID: {
      const queue = ownedTarget(task, table, id);
      if (typeof queue === 'number') return queue;
      queue.destroy();
      return 0;
    }
    default:
      return -EINVAL;
  }
}

function setQueue(task: Task, queue: MessageQueue, view: DataView): number {
  const maximum = getU64(view, MSQID64_DS_MSG_QBYTES);
  if (maximum > MSGMNB && !task.credentials.hasCapability(CAP_SYS_RESOURCE)) return -EPERM;
  const result = setPermissions(task, queue, view);
  if (result < 0) return result;
  queue.maximum = maximum;
  queue.wakeSenders();
  return 0;
}

function report(task: Task, queue: MessageQueue, addr: number, byIndex: boolean): number {
  const view = freshStructure(task, MSQID64_DS_SIZE);
  putPermissions(view, queue);
  set64(view, MSQID64_DS_MSG_STIME, queue.sendTime);
  set64(view, MSQID64_DS_MSG_RTIME, queue.receiveTime);
  set64(view, MSQID64_DS_MSG_CTIME, queue.changeTime);
  set64(view, MSQID64_DS_MSG_CBYTES, queue.bytes);
  set64(view, MSQID64_DS_MSG_QNUM, queue.messages.length);
  set64(view, MSQID64_DS_MSG_QBYTES, queue.maximum);
  view.setInt32(MSQID64_DS_MSG_LSPID, queue.lastSender, true);
  view.setInt32(MSQID64_DS_MSG_LRPID, queue.lastReceiver, true);
  return giveStructure(task, addr, MSQID64_DS_SIZE, byIndex ? queue.id : 0);
}

function reportLimits(task: Task, addr: number, use: boolean): number {
  const { queues } = task.kernel.ipc;
  const view = freshStructure(task, MSGINFO_SIZE);
  let messages = 0;
  let bytes = 0;
  if (use) {
    for (const queue of queues.objects()) {
      messages += queue.messages.length;
      bytes += queue.bytes;
    }
  }
  view.setInt32(MSGINFO_MSGPOOL, use ? queues.count : (MSGMNI * MSGMNB) / 1024, true);
  view.setInt32(MSGINFO_MSGMAP, use ? messages : MSGMNB, true);
  view.setInt32(MSGINFO_MSGTQL, use ? bytes : MSGMNB, true);
  view.setInt32(MSGINFO_MSGMAX, MSGMAX, true);
  view.setInt32(MSGINFO_MSGMNB, MSGMNB, true);
  view.setInt32(MSGINFO_MSGMNI, MSGMNI, true);
  view.setInt32(MSGINFO_MSGSSZ, MSGSSZ, true);
  view.setUint16(MSGINFO_MSGSEG, MSGSEG, true);
  return giveStructure(task, addr, MSGINFO_SIZE, queues.highest);
}

export const MSG_SYSCALLS: readonly SyscallRow[] = [
  { nr: SYS_msgget, name: 'msgget', handler: msgget, coverage: 'full', format: 'xo' },
  { nr: SYS_msgsnd, name: 'msgsnd', handler: msgsnd, coverage: 'full', format: 'dpzx' },
  { nr: SYS_msgrcv, name: 'msgrcv', handler: msgrcv, coverage: 'full', format: 'dpzdx' },
  { nr: SYS_msgctl, name: 'msgctl', handler: msgctl, coverage: 'full', format: 'ddp' },
];
