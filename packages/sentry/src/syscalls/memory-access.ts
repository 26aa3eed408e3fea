// process_vm_readv(2), process_vm_writev(2): for those who may trace the other process.
import {
  EFAULT,
  EINVAL,
  EPERM,
  ESRCH,
  SYS_process_vm_readv,
  SYS_process_vm_writev,
} from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE } from '@sandbox-kernel/contracts';
import { mayTrace, type SyscallArgs, type Task } from '@sandbox-kernel/kernel';
import { IOV_MAX, type IoBuffers, importIovec, type MemoryManager } from '@sandbox-kernel/mm';
import type { SyscallRow } from './row.js';
import { workspaceOf } from './workspace.js';

const IOVEC_SIZE = 16;

/** Copies `count` struct iovec at `addr` to `view` at `at`. 0; -EFAULT; -EINVAL: a negative length. */
export function readVector(task: Task, addr: number, count: number, view: DataView, at: number): number {
  const bytes = new Uint8Array(view.buffer, view.byteOffset);
  const size = count * IOVEC_SIZE;
  if (task.memory.copyIn(addr, bytes, at, size) < size) return -EFAULT;
  for (let k = 0; k < count; k++) {
    if ((view.getUint32(at + k * IOVEC_SIZE + 12, true) & 0x80000000) !== 0) return -EINVAL;
  }
  return 0;
}

function processVmReadv(task: Task, args: SyscallArgs): number {
  return transfer(task, args, false);
}

function processVmWritev(task: Task, args: SyscallArgs): number {
  return transfer(task, args, true);
}

function transfer(task: Task, args: SyscallArgs, write: boolean): number {
  if (args.addr(5) !== 0) return -EINVAL;
  const { io, view } = workspaceOf(task);
  if (args.addr(2) > IOV_MAX || args.addr(4) > IOV_MAX) return -EINVAL;
  const local = importIovec(task.memory, args.addr(1), args.addr(2), write ? ACCESS_READ : ACCESS_WRITE, io);
  if (local <= 0) return local;
  const remoteCount = args.addr(4);
  const vector = readVector(task, args.addr(3), remoteCount, view, 0);
  if (vector < 0) return vector;
  const other = task.kernel.findTask(args.int(0));
  if (other === null || other.exiting) return -ESRCH;
  if (!mayTrace(task, other)) return -EPERM;
  return moveVector(other.memory, view, remoteCount, io, write);
}

/** Moves bytes between the remote areas in `view` and the local segments in `io`, in order, until one side ends. Bytes, or -EFAULT. */
function moveVector(
  remote: MemoryManager,
  view: DataView,
  count: number,
  io: IoBuffers,
  write: boolean,
): number {
  let done = 0;
  let segment = 0;
  let used = 0;
  for (let k = 0; k < count && segment < io.count; k++) {
    let addr = view.getUint32(k * IOVEC_SIZE + 4, true) * 2 ** 32 + view.getUint32(k * IOVEC_SIZE, true);
    let left = view.getUint32(k * IOVEC_SIZE + 12, true) * 2 ** 32 + view.getUint32(k * IOVEC_SIZE + 8, true);
    while (left > 0 && segment < io.count) {
      const wanted = Math.min(left, io.lengths[segment]! - used);
      const array = io.arrays[segment]!;
      const at = io.starts[segment]! + used;
      const moved = write ? remote.copyOut(addr, array, at, wanted) : remote.copyIn(addr, array, at, wanted);
      done += moved;
      if (moved < wanted) return finish(io, done, write) || -EFAULT;
      addr += moved;
      left -= moved;
      used += moved;
      if (used === io.lengths[segment]) {
        segment++;
        used = 0;
      }
    }
  }
  return finish(io, done, write);
}

function finish(io: IoBuffers, done: number, write: boolean): number {
  if (!write && io.commit(done) < 0) return -EFAULT;
  return done;
}

export const MEMORY_ACCESS_SYSCALLS: readonly SyscallRow[] = [
  {
    nr: SYS_process_vm_readv,
    name: 'process_vm_readv',
    handler: processVmReadv,
    coverage: 'full',
    format: 'dpzpzx',
  },
  {
    nr: SYS_process_vm_writev,
    name: 'process_vm_writev',
    handler: processVmWritev,
    coverage: 'full',
    format: 'dpzpzx',
  },
];
