// What the facade throws: as Node's errors of node:fs, with `code`, `errno`, `syscall` and `path`.
import { errnoName } from '@sandbox-kernel/abi';

export class FileSystemError extends Error {
  /** "ENOENT". */
  readonly code: string;
  /** Negative, as Node gives it. */
  readonly errno: number;
  readonly syscall: string;
  readonly path: string;

  constructor(errno: number, syscall: string, path: string) {
    const code = errnoName(errno);
    super(`${code}: ${syscall} '${path}'`);
    this.name = 'FileSystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.path = path;
  }
}

/** The one place of the facade that throws: its callers are applications, not programs in a sandbox. */
export function fail(errno: number, syscall: string, path: string): never {
  throw new FileSystemError(errno, syscall, path);
}

/** The result, or fails when it is an error. */
export function check(result: number, syscall: string, path: string): number {
  return result < 0 ? fail(result, syscall, path) : result;
}
