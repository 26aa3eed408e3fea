// How execve(2) gets at files: a role, because opening a program is the vfs's walk with rules of its own. Also reads from them.
import type { Mappable } from '@sandbox-kernel/contracts';
import { ByteSegments, type FileDescription } from '@sandbox-kernel/vfs';
import type { Task } from '../task.js';

export interface ProgramFiles {
  /**
   * Opens a program: a regular file with execute permission for the caller, on a mount without noexec (-EACCES otherwise), not open for
   * writing (-ETXTBSY); writers are refused until `close`. `flags`: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW (-ELOOP).
   */
  open(task: Task, dirfd: number, path: string, flags: number): FileDescription | number;
  /**
   * An open file as what `task` is said to run (prctl(2), PR_SET_MM_EXE_FILE): -EACCES if it is none to execute, or open for writing;
   * -EBUSY while the present one is mapped.
   */
  adopt(task: Task, file: FileDescription): FileDescription | number;
  close(file: FileDescription): void;
  /** One more holder of an opened program (fork). */
  share(file: FileDescription): FileDescription;
}

/** Bytes read from `offset` into `into[0 .. length)`; short at the end of the file; or -errno. */
export function readProgram(file: FileDescription, offset: number, into: Uint8Array, length: number): number {
  const io = new ByteSegments();
  let done = 0;
  while (done < length) {
    io.reset().add(into, done, length - done);
    const count = file.ops.read(file, io, offset + done, 0);
    if (count < 0) return done > 0 ? done : count;
    if (count === 0) break;
    done += count;
  }
  return done;
}

export function mappableOf(file: FileDescription): Mappable | null {
  return file.ops.mappable(file);
}
