// Events of fanotify(7) as bytes: struct fanotify_event_metadata and the records with file ids that follow it.
import {
  FAN_EVENT_INFO_TYPE_DFID,
  FAN_EVENT_INFO_TYPE_DFID_NAME,
  FAN_EVENT_INFO_TYPE_FID,
  FAN_EVENT_INFO_TYPE_MNT,
  FAN_EVENT_INFO_TYPE_NEW_DFID_NAME,
  FAN_EVENT_INFO_TYPE_OLD_DFID_NAME,
  FAN_EVENT_INFO_TYPE_PIDFD,
  FAN_EVENT_METADATA_LEN,
  FAN_NOFD,
  FAN_RENAME,
  FAN_REPORT_DIR_FID,
  FAN_REPORT_FID,
  FAN_REPORT_NAME,
  FAN_REPORT_PIDFD,
  FAN_REPORT_TARGET_FID,
} from '@sandbox-kernel/abi';
import type { Inode } from '../inode.js';
import { encodeHandle, HANDLE_SIZE, HANDLE_TYPE } from '../ops/handles.js';
import { DIRENT_EVENTS, type FanotifyGroup, type QueuedNotice } from './fanotify.js';
import type { FileEvent } from './file-event.js';
import { IN_ISDIR } from './notify.js';

export const FID_MODES = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;
const VERSION = 3;
/** Header of a record, fsid, and the handle's header. */
const RECORD_HEADER = 4;
const FSID = 8;
const HANDLE_HEADER = 8;

/** struct fanotify_event_info_mnt: the id eight bytes in. */
const MOUNT_RECORD = 16;
/** struct fanotify_event_info_pidfd: always the last record. */
export const PIDFD_RECORD = 8;

/** One record: a file's handle, for some types with a name in it. */
export class FileId {
  readonly type: number;
  readonly device: number;
  readonly handle: Uint8Array;
  /** Null in records without one. */
  readonly name: string | null;

  constructor(type: number, inode: Inode, event: FileEvent, name: string | null) {
    this.type = type;
    this.device = inode.superblock.device;
    this.handle = new Uint8Array(HANDLE_SIZE);
    this.name = name;
    const dentry = event.dentry?.inode === inode ? event.dentry : (event.dentry?.parent ?? null);
    const known = dentry?.inode === inode ? dentry : null;
    encodeHandle(inode, known, new DataView(this.handle.buffer), 0, known === null);
  }

  get size(): number {
    const name = this.name === null ? 0 : this.name.length + 1;
    return Math.ceil((RECORD_HEADER + FSID + HANDLE_HEADER + HANDLE_SIZE + name) / 4) * 4;
  }

  equals(other: FileId): boolean {
    if (this.type !== other.type || this.name !== other.name || this.device !== other.device) return false;
    return this.handle.every((byte, i) => byte === other.handle[i]);
  }

  encode(bytes: Uint8Array, view: DataView, at: number): void {
    view.setUint8(at, this.type);
    view.setUint16(at + 2, this.size, true);
    view.setUint32(at + RECORD_HEADER, this.device, true);
    const handle = at + RECORD_HEADER + FSID;
    view.setUint32(handle, HANDLE_SIZE, true);
    view.setInt32(handle + 4, HANDLE_TYPE, true);
    bytes.set(this.handle, handle + HANDLE_HEADER);
    const { name } = this;
    if (name === null) return;
    const start = handle + HANDLE_HEADER + HANDLE_SIZE;
    for (let i = 0; i < name.length; i++) bytes[start + i] = name.charCodeAt(i);
  }
}

/** Which files an event names in a group with these flags. */
export function idsOfEvent(event: FileEvent, flags: number): readonly FileId[] {
  const { target, directory, newDirectory } = event;
  if ((event.mask & FAN_RENAME) !== 0 && directory !== null && newDirectory !== null) {
    return [
      new FileId(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, directory, event, event.name),
      new FileId(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, newDirectory, event, event.newName),
    ];
  }
  const ids: FileId[] = [];
  const entry = (event.mask & DIRENT_EVENTS) !== 0;
  if ((flags & FAN_REPORT_DIR_FID) !== 0) addDirectory(ids, event, flags, entry);
  if ((flags & FAN_REPORT_FID) === 0) return ids;
  const withTarget = !entry || (flags & FAN_REPORT_TARGET_FID) !== 0;
  const object = withTarget ? target : directory;
  const told = ids.length > 0 && !withTarget;
  if (object !== null && !told) ids.push(new FileId(FAN_EVENT_INFO_TYPE_FID, object, event, null));
  return ids;
}

/** The directory with the name in it; for what happens to a directory itself, that directory and ".". */
function addDirectory(ids: FileId[], event: FileEvent, flags: number, entry: boolean): void {
  const isDirectory = !entry && (event.mask & IN_ISDIR) !== 0;
  const directory = isDirectory ? event.target : event.directory;
  if (directory === null) return;
  const named = (flags & FAN_REPORT_NAME) !== 0;
  const type = named ? FAN_EVENT_INFO_TYPE_DFID_NAME : FAN_EVENT_INFO_TYPE_DFID;
  const name = isDirectory ? '.' : event.name;
  ids.push(new FileId(type, directory, event, named ? name : null));
}

/** The event with its records; descriptors are filled in when it is read. */
export function encodeEvent(group: FanotifyGroup, notice: QueuedNotice): Uint8Array {
  const withProcess = (group.flags & FAN_REPORT_PIDFD) !== 0;
  const withMount = notice.mountId === 0 ? 0 : MOUNT_RECORD;
  const fixed = FAN_EVENT_METADATA_LEN + withMount + (withProcess ? PIDFD_RECORD : 0);
  const size = notice.ids.reduce((sum, id) => sum + id.size, fixed);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, size, true);
  view.setUint8(4, VERSION);
  view.setUint16(6, FAN_EVENT_METADATA_LEN, true);
  view.setUint32(8, notice.mask >>> 0, true);
  view.setInt32(16, FAN_NOFD, true);
  const hidden = group.unprivileged && notice.pid !== group.pid();
  view.setInt32(20, hidden ? 0 : notice.pid, true);
  let at = FAN_EVENT_METADATA_LEN;
  for (const id of notice.ids) {
    id.encode(bytes, view, at);
    at += id.size;
  }
  if (withMount > 0) {
    view.setUint8(at, FAN_EVENT_INFO_TYPE_MNT);
    view.setUint16(at + 2, MOUNT_RECORD, true);
    view.setUint32(at + 8, notice.mountId, true);
    view.setUint32(at + 12, Math.floor(notice.mountId / 2 ** 32), true);
    at += MOUNT_RECORD;
  }
  if (withProcess) {
    view.setUint8(at, FAN_EVENT_INFO_TYPE_PIDFD);
    view.setUint16(at + 2, PIDFD_RECORD, true);
  }
  return bytes;
}
