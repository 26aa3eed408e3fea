// Errors as node:net makes them: an Error with code, errno, syscall and, where known, address and port.

import * as errno from '../errno.js';

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(errno).map(([name, value]): [number, string] => [value, name]),
);

export interface NetError extends Error {
  code: string;
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

/** `error` is a positive errno. */
export function netError(error: number, syscall: string, address?: string, port?: number): NetError {
  const code = NAMES.get(error) ?? `E${error}`;
  const where = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`;
  const made = new Error(`${syscall} ${code}${where}`) as NetError;
  made.code = code;
  made.errno = -error;
  made.syscall = syscall;
  if (address !== undefined) made.address = address;
  if (port !== undefined) made.port = port;
  return made;
}

export function notFound(name: string): NetError {
  const made = new Error(`getaddrinfo ENOTFOUND ${name}`) as NetError;
  made.code = 'ENOTFOUND';
  made.errno = -3008;
  made.syscall = 'getaddrinfo';
  return made;
}
