// getsockopt(2): SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD (unix(7), socket(7)). Every family answers; only unix sockets know anybody.
import { EFAULT, ENODATA, ERANGE } from '@sandbox-kernel/abi';
import { createPidfd, type Socket, type Task } from '@sandbox-kernel/kernel';

const INT_SIZE = 4;

/** struct ucred. */
export function peerCredentials(socket: Socket): Uint8Array {
  const peer = socket.peerCredentials;
  const fields = peer === null ? [0, -1, -1] : [peer.pid, peer.uid, peer.gid];
  return new Uint8Array(Int32Array.from(fields).buffer);
}

/** All groups or none: with too little room the length that is needed. */
export function getPeerGroups(
  task: Task,
  socket: Socket,
  addr: number,
  lengthAddr: number,
  room: number,
): number {
  const peer = socket.peerCredentials;
  if (peer === null) return -ENODATA;
  const bytes = new Uint8Array(Uint32Array.from(peer.groups).buffer);
  if (room < bytes.length) return task.memory.writeU32(lengthAddr, bytes.length) < 0 ? -EFAULT : -ERANGE;
  if (task.memory.copyOut(addr, bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  return task.memory.writeU32(lengthAddr, bytes.length) < 0 ? -EFAULT : 0;
}

/** A descriptor of the peer's process; none is left behind when it can't be told. */
export function getPeerPidfd(
  task: Task,
  socket: Socket,
  addr: number,
  lengthAddr: number,
  room: number,
): number {
  const peer = socket.peerCredentials;
  if (peer === null) return -ENODATA;
  const fd = createPidfd(task, peer.process, null, 0);
  if (fd < 0) return fd;
  const bytes = new Uint8Array(Int32Array.of(fd).buffer);
  const count = Math.min(room, INT_SIZE);
  const told =
    task.memory.copyOut(addr, bytes, 0, count) === count && task.memory.writeU32(lengthAddr, count) >= 0;
  if (!told) task.files.close(fd);
  return told ? 0 : -EFAULT;
}
