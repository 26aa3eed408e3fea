// What the three kinds of System V objects have in common (Linux: struct kern_ipc_perm): owner, mode, key, and who may do what;
// see sysvipc(7).
import { CAP_IPC_OWNER, CAP_SYS_ADMIN, EACCES, EINVAL, EPERM, IPC_PRIVATE } from '@sandbox-kernel/abi';
import type { Credentials } from '../credentials/credentials.js';

const PERMISSIONS = 0o777;
const INVALID_ID = 0xffffffff;

export class IpcObject {
  /** Given by the table when it joins. */
  id: number;
  index: number;
  sequence: number;
  key: number;
  uid: number;
  gid: number;
  readonly creatorUid: number;
  readonly creatorGid: number;
  /** Permission bits, and flags of the kind above them (SHM_DEST, SHM_LOCKED). */
  mode: number;
  /** Gone from the table; tasks that waited on it hear EIDRM. */
  removed: boolean;
  /** Seconds since the epoch of the last change. */
  changeTime: number;

  constructor(key: number, mode: number, who: Credentials, now: number) {
    this.id = -1;
    this.index = -1;
    this.sequence = 0;
    this.key = key;
    this.uid = who.euid;
    this.gid = who.egid;
    this.creatorUid = who.euid;
    this.creatorGid = who.egid;
    this.mode = mode & PERMISSIONS;
    this.removed = false;
    this.changeTime = now;
  }

  /** May `who` access it as `wanted` says (bits of all three classes count)? 0 or -EACCES. */
  check(who: Credentials, wanted: number): number {
    const asked = ((wanted >> 6) | (wanted >> 3) | wanted) & 7;
    let granted = this.mode;
    if (who.euid === this.creatorUid || who.euid === this.uid) granted >>= 6;
    else if (who.inEffectiveGroup(this.creatorGid) || who.inEffectiveGroup(this.gid)) granted >>= 3;
    return (asked & ~granted) === 0 || who.hasCapability(CAP_IPC_OWNER) ? 0 : -EACCES;
  }

  /** May `who` change or remove it? 0 or -EPERM. */
  checkOwner(who: Credentials): number {
    const owns = who.euid === this.creatorUid || who.euid === this.uid;
    return owns || who.hasCapability(CAP_SYS_ADMIN) ? 0 : -EPERM;
  }

  /** IPC_SET. 0 or -EINVAL. */
  setOwner(uid: number, gid: number, mode: number, now: number): number {
    if (uid === INVALID_ID || gid === INVALID_ID) return -EINVAL;
    this.uid = uid;
    this.gid = gid;
    this.mode = (this.mode & ~PERMISSIONS) | (mode & PERMISSIONS);
    this.changeTime = now;
    return 0;
  }

  get isPrivate(): boolean {
    return this.key === IPC_PRIVATE;
  }
}
