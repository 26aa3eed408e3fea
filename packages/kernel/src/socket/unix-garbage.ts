// Descriptors in flight (SCM_RIGHTS) can hold each other: a socket whose only references sit in queues of sockets that are themselves
// only in flight will never be read. Mark from those that somebody still holds, and throw the rest's contents away (unix(7)).
import type { FileDescription } from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { socketOf } from './socket.js';
import { UnixSocket } from './unix-socket.js';

function unixOf(file: FileDescription): UnixSocket | null {
  const socket = socketOf(file);
  return socket instanceof UnixSocket ? socket : null;
}

/** `files` were put into a queue. */
export function noteInFlight(kernel: Kernel, files: readonly FileDescription[]): void {
  for (const file of files) {
    if (unixOf(file) !== null) kernel.inFlight.set(file, (kernel.inFlight.get(file) ?? 0) + 1);
  }
}

/** `files` left their queue. */
export function noteLanded(kernel: Kernel, files: readonly FileDescription[]): void {
  for (const file of files) {
    const count = kernel.inFlight.get(file);
    if (count === undefined) continue;
    if (count === 1) kernel.inFlight.delete(file);
    else kernel.inFlight.set(file, count - 1);
  }
}

/** Finds sockets that only dead queues hold, and empties these queues. Runs when a socket is closed while others are in flight. */
export function collectUnixGarbage(kernel: Kernel): void {
  if (kernel.inFlight.size === 0) return;
  const candidates = new Set<FileDescription>();
  const reached: FileDescription[] = [];
  for (const [file, count] of kernel.inFlight) {
    if (file.refs === count) candidates.add(file);
    else reached.push(file);
  }
  if (candidates.size === 0) return;
  // A candidate is alive when a queue outside the candidates holds it: count how many of its references sit inside.
  const inside = countInside(candidates);
  for (const file of candidates) if ((inside.get(file) ?? 0) < file.refs) reached.push(file);
  spread(candidates, reached);
  for (const file of candidates) file.retain();
  for (const file of candidates) unixOf(file)!.dropIncoming();
  for (const file of candidates) file.release();
}

function countInside(candidates: ReadonlySet<FileDescription>): Map<FileDescription, number> {
  const inside = new Map<FileDescription, number>();
  for (const holder of candidates) {
    for (const held of filesIn(unixOf(holder)!)) inside.set(held, (inside.get(held) ?? 0) + 1);
  }
  return inside;
}

/** Takes everything reachable from `reached` out of the candidates. */
function spread(candidates: Set<FileDescription>, reached: FileDescription[]): void {
  for (let file = reached.pop(); file !== undefined; file = reached.pop()) {
    candidates.delete(file);
    const socket = unixOf(file);
    if (socket === null) continue;
    for (const held of filesIn(socket)) if (candidates.has(held)) reached.push(held);
  }
}

/** Descriptors in a socket's queue, and in those of connections it has not accepted. */
function filesIn(socket: UnixSocket): FileDescription[] {
  const files: FileDescription[] = [];
  for (const parcel of socket.incoming) files.push(...parcel.files);
  for (const pending of socket.pendingConnections) files.push(...filesIn(pending));
  return files;
}
