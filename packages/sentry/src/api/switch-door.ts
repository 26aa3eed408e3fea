// How sandboxes of other processes come to a switch: a unix socket (unix(7)) at a path. A member sends its name in one line of JSON and gets
// one line back, its addresses or why not; from then on both sides send frames behind their lengths. Whoever may open the path may join:
// it is the user's own.
import { closeSync, lstatSync, readSync, rmSync, writeSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { connectUnix, HostCallError } from '@sandbox-kernel/host';
import type { TapSpec } from '../control/network-messages.js';
import { optionError } from './option-checks.js';

/** Where a member is: all but its descriptor. */
export type SwitchPlace = Omit<TapSpec, 'fd'>;

/** Gives a member its place, after which the socket is the switch's; null refuses. */
type Admit = (name: string, socket: Socket) => SwitchPlace | null;

const LONGEST_LINE = 2048;
const PATIENCE_SECONDS = 5;
const MOST_STRANGERS = 64;
const NEWLINE = 10;
const PRIVATE = 0o177;

// ── the switch's side ──

/** Listens at `path`. A socket that a dead process left there is replaced. Rejects where another switch listens. */
export async function openSwitchDoor(path: string, admit: Admit): Promise<Server> {
  if (await answers(path))
    throw optionError(`a switch listens at '${path}' already`, 'use that one, or another path');
  removeStale(path);
  const strangers = new Set<Socket>();
  const server = createServer((socket) => {
    if (strangers.size >= MOST_STRANGERS) socket.destroy();
    else greet(socket, strangers, admit);
  });
  server.unref();
  server.on('close', () => {
    for (const socket of strangers) socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        optionError(`can't listen at '${path}': ${cause.code}`, 'choose a path in a folder of your own'),
      ),
    );
    const before = process.umask(PRIVATE);
    server.listen(path, resolve);
    process.umask(before);
  });
  return server;
}

/** Only ever a socket: connecting to a file that is none fails in the same way. */
function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw optionError(`'${path}' is there and no socket`, 'choose another path');
  rmSync(path);
}

/** True when something takes connections at the path; throws when what lies there is no socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve(false);
      else reject(optionError(`can't listen at '${path}': ${code}`, 'choose a path that is not in use'));
    });
  });
}

/** Waits for a member's line, a bounded time for a bounded line. */
function greet(socket: Socket, strangers: Set<Socket>, admit: Admit): void {
  let line = Buffer.alloc(0);
  strangers.add(socket);
  const timer = setTimeout(() => socket.destroy(), PATIENCE_SECONDS * 1000);
  timer.unref();
  socket.on('error', () => {});
  socket.once('close', () => {
    clearTimeout(timer);
    strangers.delete(socket);
  });
  const take = (bytes: Buffer): void => {
    line = Buffer.concat([line, bytes]);
    const end = line.indexOf(NEWLINE);
    if (end < 0 && line.length < LONGEST_LINE) return;
    socket.removeListener('data', take);
    clearTimeout(timer);
    strangers.delete(socket);
    // A member waits for its answer before it sends frames.
    if (end !== line.length - 1) socket.destroy();
    else answer(socket, nameIn(line.subarray(0, end)), admit);
  };
  socket.on('data', take);
}

function nameIn(line: Buffer): string | null {
  try {
    const { join } = JSON.parse(line.toString('utf8')) as { join?: unknown };
    return typeof join === 'string' ? join : null;
  } catch {
    return null;
  }
}

function answer(socket: Socket, name: string | null, admit: Admit): void {
  const place = name === null ? null : admit(name, socket);
  if (place !== null) socket.write(`${JSON.stringify(place)}\n`);
  else socket.end(`${JSON.stringify({ refused: `the switch has a '${name}' already, or is full` })}\n`);
}

// ── the member's side ──

/**
 * Plugs into the switch at `path`; the descriptor in what is returned belongs to the caller. It waits for the answer: within the process
 * that runs the switch pass the Switch itself.
 */
export function joinSwitch(path: string, name: string): TapSpec {
  const fd = connect(path);
  try {
    writeSync(fd, `${JSON.stringify({ join: name })}\n`);
    return { ...placeIn(readLine(fd)), fd };
  } catch (cause) {
    closeSync(fd);
    if ((cause as NodeJS.ErrnoException).code === 'ERR_SANDBOX_OPTION') throw cause;
    throw optionError(`the switch at '${path}' does not answer`, 'see whether sandbox-cli switch still runs');
  }
}

function connect(path: string): number {
  try {
    return connectUnix(path, PATIENCE_SECONDS);
  } catch (cause) {
    const code = cause instanceof HostCallError ? cause.code : String(cause);
    throw optionError(`no switch at '${path}': ${code}`, `start one: sandbox-cli switch ${path}`);
  }
}

/** Byte by byte, for frames may follow. */
function readLine(fd: number): string {
  const byte = new Uint8Array(1);
  const letters: number[] = [];
  while (letters.length < LONGEST_LINE) {
    if (readSync(fd, byte, 0, 1, null) !== 1) break;
    if (byte[0] === NEWLINE) return Buffer.from(letters).toString('utf8');
    letters.push(byte[0] as number);
  }
  throw new Error('no line');
}

/** The switch is another process of the same user, and yet no more than what fits is taken from it. */
function placeIn(line: string): SwitchPlace {
  const { refused, name, addresses, nameServers, mac } = JSON.parse(line) as Partial<SwitchPlace> & {
    readonly refused?: unknown;
  };
  if (typeof refused === 'string') throw optionError(refused, 'give each sandbox a name of its own');
  if (!isTexts(addresses) || !isTexts(nameServers) || typeof mac !== 'number') throw new Error('no place');
  return { name: String(name), addresses, gateways: [], nameServers, mac };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= 8 && value.every((text) => typeof text === 'string');
}
