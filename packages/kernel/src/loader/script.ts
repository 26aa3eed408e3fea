// `#!` scripts (execve(2), "Interpreter scripts"): the first line within 256 bytes names the interpreter and at most one argument.
import { EACCES, ENOEXEC } from '@sandbox-kernel/abi';

/** BINPRM_BUF_SIZE: as much of a file as is looked at to tell what it is. */
export const HEAD_BYTES = 256;
/** Interpreters that are scripts themselves, at most this deep (ELOOP beyond). */
export const MOST_INTERPRETERS = 5;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;

export interface ScriptLine {
  readonly interpreter: string;
  /** All the rest of the line as one argument, or null. */
  readonly argument: string | null;
}

export function isScript(bytes: Uint8Array, length: number): boolean {
  return length >= 2 && bytes[0] === 0x23 && bytes[1] === 0x21;
}

/** -ENOEXEC when a line names no interpreter, or its name does not end within the first 256 bytes. */
export function parseScriptLine(bytes: Uint8Array, length: number): ScriptLine | number {
  const size = Math.min(length, HEAD_BYTES);
  let end = 2;
  while (end < size && bytes[end] !== NEWLINE) end++;
  const cut = end === HEAD_BYTES || (end === size && size === HEAD_BYTES);
  let from = 2;
  while (from < end && isBlank(bytes[from]!)) from++;
  // The file ends before any name: Linux goes on to open the empty path, which is the working directory.
  if (from === end) return end === size && size < HEAD_BYTES ? -EACCES : -ENOEXEC;
  let to = from;
  while (to < end && !isBlank(bytes[to]!) && bytes[to] !== 0) to++;
  // Cut inside the interpreter's name: running something else would be worse than not running.
  if (to === end && cut) return -ENOEXEC;
  const interpreter = text(bytes, from, to);
  let rest = to;
  while (rest < end && isBlank(bytes[rest]!)) rest++;
  let last = end;
  while (last > rest && isBlank(bytes[last - 1]!)) last--;
  const stop = zeroBefore(bytes, rest, last);
  return { interpreter, argument: stop > rest && bytes[to] !== 0 ? text(bytes, rest, stop) : null };
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function zeroBefore(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== 0) at++;
  return at;
}

function text(bytes: Uint8Array, from: number, to: number): string {
  let out = '';
  for (let i = from; i < to; i++) out += String.fromCharCode(bytes[i]!);
  return out;
}
