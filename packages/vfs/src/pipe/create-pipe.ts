// pipe2(2): a pipe without a name.
import { O_RDONLY, O_WRONLY, S_IFIFO } from '@sandbox-kernel/abi';
import { NAMELESS_INODE_OPS } from '../anon/anonymous.js';
import { FMODE_READ, FMODE_WRITE } from '../constants.js';
import { FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import { Inode } from '../inode.js';
import { stampNew } from '../times.js';
import { NO_WAIT } from './fifo.js';
import { Pipe } from './pipe.js';
import { PIPE_OPS } from './pipe-ops.js';

/** pipe2(2): fills `ends` with the read end and the write end. `flags`: O_NONBLOCK, O_DIRECT. */
export function createPipe(caller: FileCaller, flags: number, ends: FileDescription[]): number {
  const vfs = caller.fs.vfs;
  const inode = new Inode(vfs.pipes, NAMELESS_INODE_OPS, vfs.pipes.allocateInodeNumber(), S_IFIFO | 0o600);
  inode.uid = caller.credentials.fsuid;
  inode.gid = caller.credentials.fsgid;
  stampNew(inode);
  const pipe = new Pipe(vfs.pages);
  pipe.users = 2;
  pipe.addReader();
  pipe.addWriter();
  inode.pipe = pipe;
  ends[0] = pipeEnd(caller, inode, pipe, flags | O_RDONLY, FMODE_READ);
  ends[1] = pipeEnd(caller, inode, pipe, flags | O_WRONLY, FMODE_WRITE);
  return 0;
}

function pipeEnd(caller: FileCaller, inode: Inode, pipe: Pipe, flags: number, mode: number): FileDescription {
  const file = new FileDescription(PIPE_OPS, flags, mode);
  file.attach(inode);
  file.credentials = caller.credentials;
  file.data = pipe;
  file.state = NO_WAIT;
  inode.retain();
  return file;
}
