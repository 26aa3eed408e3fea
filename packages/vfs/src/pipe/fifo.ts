// fifo(7): opening a named pipe. Opening never waits here: the caller asks `fifoMustWait` and waits on the pipe's queue.
import { ENXIO, O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY } from '@sandbox-kernel/abi';
import { FMODE_SEEK } from '../constants.js';
import type { FileDescription } from '../file-description.js';
import type { Inode } from '../inode.js';
import { Pipe } from './pipe.js';
import { PIPE_OPS } from './pipe-ops.js';

/** `state` of an open that waits for nobody. */
export const NO_WAIT = -1;

/** -ENXIO: O_WRONLY | O_NONBLOCK without a reader. A pipe without a name, opened again through /proc/PID/fd, waits for nobody. */
export function openFifo(inode: Inode, file: FileDescription, access: number): number {
  const nonblock = (file.flags & O_NONBLOCK) !== 0;
  const named = !inode.superblock.nameless;
  if (named && access === O_WRONLY && nonblock && (inode.pipe === null || inode.pipe.readers === 0))
    return -ENXIO;
  const pipe = inode.pipe ?? new Pipe(inode.superblock.vfs.pages);
  inode.pipe = pipe;
  file.ops = PIPE_OPS;
  file.data = pipe;
  file.mode &= ~FMODE_SEEK;
  file.state = NO_WAIT;
  pipe.users++;
  if (named && access === O_RDONLY && pipe.writers === 0) file.state = pipe.writerOpens;
  if (named && access === O_WRONLY && pipe.readers === 0) file.state = pipe.readerOpens;
  if (access !== O_WRONLY) pipe.addReader();
  if (access !== O_RDONLY) pipe.addWriter();
  return 0;
}

/** True while a blocking open of a FIFO has to wait for its peer: on `pipeOf(file).waiters.openers`. */
export function fifoMustWait(file: FileDescription): boolean {
  if (file.ops !== PIPE_OPS || (file.flags & O_NONBLOCK) !== 0 || file.state === NO_WAIT) return false;
  const pipe = file.data as Pipe;
  const access = file.flags & O_ACCMODE;
  if (access === O_RDONLY) return pipe.writers === 0 && pipe.writerOpens === file.state;
  return access === O_WRONLY && pipe.readers === 0 && pipe.readerOpens === file.state;
}
