// Is the host still as the sandbox saw it? What a program covered is compared with what lies there now.
import { ENOENT, O_DIRECTORY, O_PATH, S_IFDIR, S_IFMT } from '@sandbox-kernel/abi';
import type { HostStat } from '@sandbox-kernel/host';
import type { WireChange, WireIdentity } from '../../changes/messages.js';
import { type HostTree, nameOf, parentOf } from './host-tree.js';

/** The sandbox numbers files of several host filesystems apart above this. */
const NUMBERS = 2 ** 44;

/** Why the change can't be applied without losing somebody's work; null: it can. */
export function conflictOf(tree: HostTree, change: WireChange): string | null {
  const now = tree.stat(change.path);
  if (typeof now === 'number') return missing(tree, change, now);
  if (change.origin === null) return unexpected(change, now);
  if ((now.mode & S_IFMT) !== (change.origin.mode & S_IFMT)) return 'is something else on the host now';
  if ((now.mode & S_IFMT) === S_IFDIR) return directoryConflict(tree, change, now, change.origin);
  return sameFile(now, change.origin, true) ? null : 'was changed on the host';
}

function missing(tree: HostTree, change: WireChange, error: number): string | null {
  if (change.kind === 'deleted') return error === -ENOENT ? null : 'its directory is something else now';
  if (tree.directory(parentOf(change.path)) < 0) return 'its directory is not there on the host any more';
  return change.kind === 'modified' ? 'was removed on the host' : null;
}

/** New here, and there as well: two directories can become one. */
function unexpected(change: WireChange, now: HostStat): string | null {
  const both = ((change.after?.mode ?? 0) & S_IFMT) === S_IFDIR && (now.mode & S_IFMT) === S_IFDIR;
  return both ? null : 'was made on the host as well';
}

function directoryConflict(
  tree: HostTree,
  change: WireChange,
  now: HostStat,
  origin: WireIdentity,
): string | null {
  if (now.ino % NUMBERS !== origin.number % NUMBERS) return 'is another directory on the host now';
  const stays = change.after !== null && (change.after.mode & S_IFMT) === S_IFDIR;
  if (stays) return now.mode === origin.mode ? null : 'has other permissions on the host now';
  const parent = tree.directory(parentOf(change.path));
  return hasNewer(tree, parent, nameOf(change.path), change.coveredAt)
    ? 'holds files that were changed on the host'
    : null;
}

/** Anything below that changed since. */
function hasNewer(tree: HostTree, directory: number, name: string, since: number): boolean {
  const stat = tree.statIn(directory, name);
  if (typeof stat === 'number') return false;
  if (stat.changeSeconds + stat.changeNanos / 1e9 > since) return true;
  if ((stat.mode & S_IFMT) !== S_IFDIR) return false;
  const inner = tree.openIn(directory, name, O_PATH | O_DIRECTORY);
  if (inner < 0) return false;
  const names = tree.names(inner, '.');
  const newer = typeof names !== 'number' && names.some((entry) => hasNewer(tree, inner, entry, since));
  tree.host.descriptors.close(inner);
  return newer;
}

/** `strict` false after a rename, which moves the time of change. */
export function sameFile(now: HostStat, origin: WireIdentity, strict: boolean): boolean {
  if (now.ino % NUMBERS !== origin.number % NUMBERS) return false;
  if ((now.mode & S_IFMT) !== (origin.mode & S_IFMT)) return false;
  if ((now.mode & S_IFMT) === S_IFDIR) return true;
  if (now.size !== origin.size) return false;
  if (now.modifySeconds !== origin.mtime || now.modifyNanos !== origin.mtimeNanos) return false;
  return !strict || (now.changeSeconds === origin.ctime && now.changeNanos === origin.ctimeNanos);
}
