// What watches are told: one object per hub, filled for each event and valid only while it is told.
import type { Dentry } from '../dentry.js';
import type { Inode } from '../inode.js';
import type { Mount } from '../mount.js';

export class FileEvent {
  /** IN_* or FAN_*: one event, with IN_ISDIR where it happened to a directory. */
  mask = 0;
  /** Ties the halves of a rename together. */
  cookie = 0;
  /** The file that it happened to. */
  target: Inode | null = null;
  /** Directory and name of the target, where they are known. */
  directory: Inode | null = null;
  name = '';
  /** FAN_RENAME: where the name went. */
  newDirectory: Inode | null = null;
  newName = '';
  /** Through which mount, and as which name; null for events without a path. */
  mount: Mount | null = null;
  dentry: Dentry | null = null;
  /** The watched file is the target itself, not its directory. */
  self = false;
}
