// What lay below a name when the upper layer first covered it (copy-up, removal, replacement): kept by the directory, so that changes
// taken back to the lower tree can tell whether somebody else changed it since.
import type { Inode } from '../inode.js';
import { overlayNode } from './overlay-node.js';

/** Identity and state of a lower file at the moment it was covered. */
export class LowerIdentity {
  readonly number: number;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNanos: number;
  readonly ctime: number;
  readonly ctimeNanos: number;

  constructor(lower: Inode) {
    this.number = lower.number;
    this.mode = lower.mode;
    this.size = lower.size;
    this.mtime = lower.mtime;
    this.mtimeNanos = lower.mtimeNanos;
    this.ctime = lower.ctime;
    this.ctimeNanos = lower.ctimeNanos;
  }
}

/** Notes `lower` as what `name` covers. The first note stays. */
export function noteOrigin(directory: Inode, name: string, lower: Inode): void {
  const node = overlayNode(directory);
  if (node.origins === null) node.origins = new Map();
  if (!node.origins.has(name)) node.origins.set(name, new LowerIdentity(lower));
}

/** What `name` covered, or null when it covered nothing. */
export function originOf(directory: Inode, name: string): LowerIdentity | null {
  return overlayNode(directory).origins?.get(name) ?? null;
}

/** The lower tree has been brought up to date, or the cover is gone. */
export function forgetOrigin(directory: Inode, name: string): void {
  overlayNode(directory).origins?.delete(name);
}
