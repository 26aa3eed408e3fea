// SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF, SO_DETACH_FILTER, SO_LOCK_FILTER, SO_GET_FILTER (socket(7), linux/filter.h).
import {
  BPF_MAXINSNS,
  type BpfProgram,
  EBADF,
  EFAULT,
  EINVAL,
  ENOENT,
  EPERM,
  parseSocketFilter,
  SOCK_FPROG_SIZE,
} from '@sandbox-kernel/abi';
import type { Socket, Task } from '@sandbox-kernel/kernel';
import { encodeProgram, programAddress, programLength, readInstructions } from './filter-program.js';

export function attachFilter(task: Task, socket: Socket, bytes: Uint8Array): number {
  const program = readProgram(task, socket, bytes);
  return typeof program === 'number' ? program : socket.useFilter(program);
}

/** SO_ATTACH_REUSEPORT_CBPF. */
export function attachReuseProgram(task: Task, socket: Socket, bytes: Uint8Array): number {
  const program = readProgram(task, socket, bytes);
  return typeof program === 'number' ? program : socket.useReuseProgram(program);
}

/** PACKET_FANOUT_DATA. */
export function attachFanoutProgram(task: Task, socket: Socket, bytes: Uint8Array): number {
  const program = readProgram(task, socket, bytes);
  return typeof program === 'number' ? program : socket.useFanoutProgram(program);
}

/** `bytes`: struct sock_fprog. The program it points at, or -errno. */
function readProgram(task: Task, socket: Socket, bytes: Uint8Array): BpfProgram | number {
  if (bytes.length !== SOCK_FPROG_SIZE) return -EINVAL;
  if (socket.filterLocked) return -EPERM;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = programLength(view);
  const addr = programAddress(view);
  if (addr === 0 || length === 0 || length > BPF_MAXINSNS) return -EINVAL;
  const code = readInstructions(task, addr, length);
  return code === null ? -EFAULT : parseSocketFilter(code, 0, length);
}

/** SO_ATTACH_BPF: there is no bpf(2), so no descriptor is a program. */
export function attachProgram(task: Task, socket: Socket, fd: number, length: number): number {
  if (length !== 4) return -EINVAL;
  if (socket.filterLocked) return -EPERM;
  return task.files.getOpen(fd) === null ? -EBADF : -EINVAL;
}

export function detachFilter(socket: Socket): number {
  if (socket.filterLocked) return -EPERM;
  return socket.filter === null ? -ENOENT : socket.useFilter(null);
}

export function lockFilter(socket: Socket, lock: boolean): number {
  if (socket.filterLocked && !lock) return -EPERM;
  socket.filterLocked = lock;
  return 0;
}

/** Its answer is counted in instructions, not bytes: how many there are, which is all that a length of 0 asks. */
export function getFilter(
  task: Task,
  socket: Socket,
  addr: number,
  lengthAddr: number,
  room: number,
): number {
  const count = socket.filter?.length ?? 0;
  if (room > 0 && count > 0) {
    if (room < count) return -EINVAL;
    const bytes = encodeProgram(socket.filter as BpfProgram);
    if (task.memory.copyOut(addr, bytes, 0, bytes.length) !== bytes.length) return -EFAULT;
  }
  return task.memory.writeU32(lengthAddr, count) < 0 ? -EFAULT : 0;
}
