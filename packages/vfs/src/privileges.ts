// What a change of content or owner takes from a file: set-user-ID and set-group-ID (inode(7)) unless the caller has CAP_FSETID, and the
// attribute security.capability (capabilities(7)) always. As in Linux they go before the change is tried.
import { CAP_FSETID, S_IFMT, S_IFREG, S_ISGID, S_ISUID } from '@sandbox-kernel/abi';
import type { CallerCredentials } from '@sandbox-kernel/contracts';
import { CHANGE_MODE } from './attribute-change.js';
import type { Inode } from './inode.js';
import { inGroup } from './permission.js';

export const FILE_CAPABILITIES = 'security.capability';

/** Has the file anything to lose by a change of its content? Asked on every write. */
export function isPrivileged(inode: Inode): boolean {
  return (inode.mode & (S_ISUID | S_ISGID)) !== 0 || inode.ops.mayHaveCapabilities(inode);
}

/** Before a write. */
export function dropPrivileges(inode: Inode, credentials: CallerCredentials): void {
  dropCapabilities(inode);
  const mode = modeAfterWrite(inode, credentials);
  if (mode === inode.mode) return;
  const change = inode.superblock.vfs.change;
  change.what = CHANGE_MODE;
  change.mode = mode;
  inode.ops.change(inode, change);
}

export function dropCapabilities(inode: Inode): void {
  if (inode.ops.mayHaveCapabilities(inode)) inode.ops.removeXattr(inode, FILE_CAPABILITIES);
}

/** Mode after a write or truncation by the caller. */
export function modeAfterWrite(inode: Inode, credentials: CallerCredentials): number {
  const mode = inode.mode;
  if ((mode & (S_ISUID | S_ISGID)) === 0 || (mode & S_IFMT) !== S_IFREG) return mode;
  if (credentials.hasCapability(CAP_FSETID)) return mode;
  const cleared = modeWithoutSetId(mode);
  // Where the group may not execute, only the group's own keep the bit.
  return inGroup(credentials, inode.gid) ? cleared : cleared & ~S_ISGID;
}

/** Mode after chown(2) to group `gid` (-1: unchanged). */
export function modeAfterChown(inode: Inode, credentials: CallerCredentials, gid: number): number {
  const cleared = modeWithoutSetId(inode.mode);
  if ((cleared & S_ISGID) === 0 || inGroup(credentials, gid === -1 ? inode.gid : gid)) return cleared;
  return credentials.hasCapability(CAP_FSETID) ? cleared : cleared & ~S_ISGID;
}

/** Set-user-ID goes always, set-group-ID where the group may execute. */
function modeWithoutSetId(mode: number): number {
  const cleared = mode & ~S_ISUID;
  return (mode & 0o10) !== 0 ? cleared & ~S_ISGID : cleared;
}
