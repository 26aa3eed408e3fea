// /proc/sysvipc: the objects of the IPC namespace as tables (proc_sysvipc(5)).
import type { IpcObject } from '@sandbox-kernel/kernel';
import { PseudoDirectory } from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { GeneratedFile } from './generated-file.js';

const PAGE_SIZE = 4096;

const left = (value: number, width: number): string => String(value).padStart(width);

function owners(object: IpcObject): string {
  return [object.uid, object.gid, object.creatorUid, object.creatorGid].map((id) => left(id, 5)).join(' ');
}

function start(object: IpcObject): string {
  return `${left(object.key, 10)} ${left(object.id, 10)}  ${object.mode.toString(8).padStart(4)}`;
}

const SHM_HEAD =
  '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n';

function shmText(kernel: SentryKernel): string {
  let text = SHM_HEAD;
  for (const one of kernel.ipc.segments.objects()) {
    const times = [one.attachTime, one.detachTime, one.changeTime].map((time) => left(time, 10)).join(' ');
    const rss = Math.ceil(one.memory.used / PAGE_SIZE) * PAGE_SIZE;
    text += `${start(one)} ${left(one.size, 21)} ${left(one.creatorPid, 5)} ${left(one.lastPid, 5)}  ${left(one.attaches, 5)} ${owners(one)} ${times} ${left(rss, 21)} ${left(0, 21)}\n`;
  }
  return text;
}

const SEM_HEAD = '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n';

function semText(kernel: SentryKernel): string {
  let text = SEM_HEAD;
  for (const one of kernel.ipc.semaphores.objects()) {
    const times = `${left(one.operationTime, 10)} ${left(one.changeTime, 10)}`;
    text += `${start(one)} ${left(one.values.length, 10)} ${owners(one)} ${times}\n`;
  }
  return text;
}

const MSG_HEAD =
  '       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n';

function msgText(kernel: SentryKernel): string {
  let text = MSG_HEAD;
  for (const one of kernel.ipc.queues.objects()) {
    const times = [one.sendTime, one.receiveTime, one.changeTime].map((time) => left(time, 10)).join(' ');
    text += `${start(one)}  ${left(one.bytes, 10)} ${left(one.messages.length, 10)} ${left(one.lastSender, 5)} ${left(one.lastReceiver, 5)} ${owners(one)} ${times}\n`;
  }
  return text;
}

export function sysvipcDirectory(kernel: SentryKernel): PseudoDirectory {
  return new PseudoDirectory()
    .add('msg', new GeneratedFile(kernel, msgText))
    .add('sem', new GeneratedFile(kernel, semText))
    .add('shm', new GeneratedFile(kernel, shmText));
}
