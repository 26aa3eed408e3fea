// An end of a pipe or an opened FIFO as an open file. `data` is the Pipe; `state` remembers, for a FIFO opened without a peer, how
// many opens of the other side there had been.
import { EBADF, EINVAL, O_DIRECT } from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import type { FileDescription } from '../file-description.js';
import { FileOps } from '../file-ops.js';
import type { WaitNode } from '../wait-queue.js';
import type { Pipe } from './pipe.js';

const FIONREAD = 0x541b;

class PipeOps extends FileOps {
  override takesDirect(): boolean {
    return true;
  }

  override signalsReadiness(): boolean {
    return true;
  }

  override label(file: FileDescription): string {
    return `pipe:[${file.inode?.number ?? 0}]`;
  }

  override read(file: FileDescription, io: IoSegments): number {
    return file.readable ? (file.data as Pipe).read(io) : -EBADF;
  }

  override write(file: FileDescription, io: IoSegments): number {
    return file.writable ? (file.data as Pipe).write(io, 0, (file.flags & O_DIRECT) !== 0) : -EBADF;
  }

  override poll(file: FileDescription): number {
    const pipe = file.data as Pipe;
    const events = file.readable ? pipe.pollRead(file.state) : 0;
    return file.writable ? events | pipe.pollWrite() : events;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as Pipe).waiters.add(entry, file.readable, file.writable);
  }

  override addAsync(file: FileDescription, entry: WaitNode): void {
    (file.data as Pipe).waiters.addAsync(entry, file.readable, file.writable);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    if (request !== FIONREAD) return super.ioctl(file, caller, request, argument);
    return caller.memory.writeU32(argument, (file.data as Pipe).available);
  }

  override size(): number {
    return -EINVAL;
  }

  override release(file: FileDescription): void {
    const pipe = file.data as Pipe;
    const last = pipe.leave(file.readable, file.writable);
    if (last && file.inode !== null && file.inode.pipe === pipe) file.inode.pipe = null;
  }
}

export const PIPE_OPS: FileOps = new PipeOps();

/** The pipe behind an open file, or null. */
export function pipeOf(file: FileDescription): Pipe | null {
  return file.ops === PIPE_OPS ? (file.data as Pipe) : null;
}
