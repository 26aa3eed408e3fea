// --strace: one line per system call, as strace(1) prints them, to a host descriptor. A call that waits prints when it ends.
import {
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  errnoName,
  syscallName,
} from '@sandbox-kernel/abi';
import type { Host } from '@sandbox-kernel/host';
import type { SyscallObserver, Task } from '@sandbox-kernel/kernel';
import type { SyscallRow } from '../syscalls/row.js';

const SHOWN_STRING = 64;
const HIGHEST_ERRNO = 4095;
const TWO_63 = 2 ** 63;
/** Codes that only the kernel sees: the call is restarted, or ends with EINTR. */
const RESTARTS: Readonly<Record<number, string>> = {
  [ERESTARTSYS]: 'ERESTARTSYS',
  [ERESTARTNOINTR]: 'ERESTARTNOINTR',
  [ERESTARTNOHAND]: 'ERESTARTNOHAND',
  [ERESTART_RESTARTBLOCK]: 'ERESTART_RESTARTBLOCK',
};

export class Strace implements SyscallObserver {
  readonly #host: Host;
  readonly #fd: number;
  readonly #rows: readonly (SyscallRow | undefined)[];
  /** By number; null for all. */
  readonly #wanted: ReadonlySet<number> | null;
  /** Arguments as they were at entry, by thread: the call may change them. */
  readonly #open = new Map<number, string>();

  constructor(
    host: Host,
    fd: number,
    rows: readonly (SyscallRow | undefined)[],
    wanted: ReadonlySet<number> | null,
  ) {
    this.#host = host;
    this.#fd = fd;
    this.#rows = rows;
    this.#wanted = wanted;
  }

  enter(task: Task, nr: number): void {
    if (this.#wanted !== null && !this.#wanted.has(nr)) return;
    this.#open.set(task.tid, this.#call(task, nr));
    if (this.#rows[nr]?.name.startsWith('exit')) this.exit(task, nr, Number.NaN);
  }

  exit(task: Task, _nr: number, result: number): void {
    const call = this.#open.get(task.tid);
    if (call === undefined) return;
    this.#open.delete(task.tid);
    this.#write(`[${task.tid}] ${call} = ${resultText(result)}\n`);
  }

  #call(task: Task, nr: number): string {
    const row = this.#rows[nr];
    const format = row?.format ?? 'xxxxxx';
    const shown: string[] = [];
    for (let i = 0; i < format.length && i < 6; i++) shown.push(argumentText(task, i, format[i] as string));
    return `${row?.name ?? syscallName(nr)}(${shown.join(', ')})`;
  }

  #write(line: string): void {
    const bytes = Buffer.from(line, 'latin1');
    let at = 0;
    while (at < bytes.length) {
      const count = this.#host.transfer.write(this.#fd, bytes, at, bytes.length - at, -1);
      if (count <= 0) return; // the reader is gone or too slow: tracing never stops the program
      at += count;
    }
  }
}

function argumentText(task: Task, i: number, format: string): string {
  const args = task.args;
  switch (format) {
    case 'd':
      return String(args.long(i) >= TWO_63 || args.hi(i) === 0 ? args.int(i) : args.long(i));
    case 'f':
      return args.int(i) === -100 ? 'AT_FDCWD' : String(args.int(i));
    case 'u':
      return String(args.uint(i));
    case 'o':
      return `0${args.uint(i).toString(8)}`;
    case 'z':
      return String(args.long(i));
    case 's':
      return stringText(task, args.addr(i));
    case 'p':
      return args.addr(i) === 0 ? 'NULL' : `0x${args.addr(i).toString(16)}`;
    default:
      return `0x${args.addr(i).toString(16)}`;
  }
}

function stringText(task: Task, addr: number): string {
  if (addr === 0) return 'NULL';
  const text = task.memory.readString(addr, 4096);
  if (typeof text === 'number') return `0x${addr.toString(16)}`;
  const cut = text.length > SHOWN_STRING;
  return `${JSON.stringify(cut ? text.slice(0, SHOWN_STRING) : text)}${cut ? '...' : ''}`;
}

function resultText(result: number): string {
  if (Number.isNaN(result)) return '?';
  const restart = RESTARTS[-result];
  if (restart !== undefined) return `? ${restart}`;
  if (result < 0 && result >= -HIGHEST_ERRNO) return `-1 ${errnoName(-result)}`;
  if (result < 0) return '?';
  return result > 0xffffffff ? `0x${result.toString(16)}` : String(result);
}
