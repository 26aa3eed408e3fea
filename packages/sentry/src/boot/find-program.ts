// PATH search for the first program, as execvp(3) does it, inside the sandbox's tree.
import { AT_FDCWD, EACCES, ENOENT, S_IFMT, S_IFREG } from '@sandbox-kernel/abi';
import { checkAccess, type FileCaller, StatData, statPath } from '@sandbox-kernel/vfs';

/** Path of the program, or -ENOENT, -EACCES. Names with a slash are taken as they are. */
export function findProgram(caller: FileCaller, name: string, searchPath: string): string | number {
  if (name.includes('/')) return name;
  if (name === '') return -ENOENT;
  let denied = false;
  for (const directory of searchPath.split(':')) {
    const path = directory === '' ? name : `${directory}/${name}`;
    const result = runnable(caller, path);
    if (result === 0) return path;
    if (result === -EACCES) denied = true;
  }
  return denied ? -EACCES : -ENOENT;
}

/** access(2)'s X_OK. */
const X_OK = 1;

function runnable(caller: FileCaller, path: string): number {
  const stat = new StatData();
  const found = statPath(caller, AT_FDCWD, path, 0, stat);
  if (found < 0) return found;
  if ((stat.mode & S_IFMT) !== S_IFREG) return -EACCES;
  return checkAccess(caller, caller.credentials, AT_FDCWD, path, X_OK, 0);
}
